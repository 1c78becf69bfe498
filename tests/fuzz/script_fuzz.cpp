// Scripts: what is read is written and read again as the same, and what is not is told where.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "libsipana/base/text.h"
#include "libsipana/lab/script.h"

using namespace sipana;
using namespace sipana::lab;

namespace {

void must(bool holds) {
    if (!holds) std::abort();
}

Result<std::string> load(std::string_view file) {
    if (file.size() > 8) return Error{Errc::not_found, 0, "no such file"};
    return "SEQUENTIAL\n" + std::string(file) + ";x\n";
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(bytes), size);
    const auto script = parse_script(text, "fuzz", load);
    if (!script) {
        must(script.error().offset <= size && is_digit(script.error().what.front()));
        return 0;
    }
    const std::string written = write(*script);
    const auto again = parse_script(written, "fuzz");
    must(again.has_value());
    must(*again == *script);
    must(write(*again) == written);
    return 0;
}
