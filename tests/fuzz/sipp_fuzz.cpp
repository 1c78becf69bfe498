// SIPp scenarios: one file alone, and twice as caller and called; the script that comes of it is
// one.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "libsipana/lab/sipp.h"

using namespace sipana;
using namespace sipana::lab;

namespace {

void must(bool holds) {
    if (!holds) std::abort();
}

void import(const std::vector<SippFile>& files, const SippOptions& options) {
    const auto result = import_sipp(files, options);
    if (!result) {
        must(result.error().what.find("cannot be read") == std::string::npos);
        return;
    }
    const auto again = parse_script(write(result->script), "again");
    must(again.has_value() && again->steps == result->script.steps);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const std::string text(reinterpret_cast<const char*>(bytes), size);
    const auto half = text.find("<!-- and -->");
    SippOptions options;
    import({{ "one", text }}, options);
    if (half != text.npos)
        import({{"one", text.substr(0, half)}, { "two", text.substr(half) }}, options);
    options.dataset = text.substr(0, 100);
    import({{"a b", text}, { "a b", text }}, {});
    return 0;
}
