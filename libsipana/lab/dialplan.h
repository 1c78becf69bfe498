// extensions.conf: contexts, extensions, patterns and priorities, as pbx_config reads them.
//
// Which application comes next is answered here; what it does is lab/exchange's matter.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libsipana/lab/asterisk.h"

namespace sipana::lab {

struct Application {
    std::uint32_t line = 0;
    std::string name, arguments;  // ${...} still in them
    std::string label;
};

struct Extension {
    std::string pattern;  // "900", "_9XX", "s"
    std::string hint;     // "SIP/alice"; empty: none
    std::map<std::uint32_t, Application> priorities;

    bool is_pattern() const { return pattern.starts_with('_'); }
};

struct Context {
    std::string name;
    std::vector<Extension> extensions;  // the most particular first
    std::vector<std::string> includes;
};

inline constexpr unsigned max_include_depth = 16;
inline constexpr std::size_t max_contexts = 1000;
inline constexpr std::uint32_t max_priority = 100'000;

// _X (0-9) _Z (1-9) _N (2-9) _[1-5a] . (one or more) ! (none or more); a hyphen means nothing.
bool matches(std::string_view pattern, std::string_view dialled);
// Could more digits make a match out of these?
bool could_match(std::string_view pattern, std::string_view dialled);
// Does `a` come before `b` where both match?
bool more_particular(std::string_view a, std::string_view b);

class Dialplan {
public:
    // Notes go into `file`.
    static Result<Dialplan> read(ConfigFile& file);

    // The application at that place, included contexts too; nullptr: none.
    const Application* find(std::string_view context, std::string_view dialled,
                            std::uint32_t priority) const;
    // 0: no such label.
    std::uint32_t priority_of(std::string_view context, std::string_view dialled,
                              std::string_view label) const;
    bool exists(std::string_view context, std::string_view dialled) const {
        return find(context, dialled, 1) != nullptr;
    }
    bool could_exist(std::string_view context, std::string_view dialled) const;
    // nullptr: no hint for that extension.
    const std::string* hint(std::string_view context, std::string_view dialled) const;
    const std::vector<std::pair<std::string, std::string>>& globals() const { return globals_; }
    const std::vector<Context>& contexts() const { return contexts_; }

private:
    friend class DialplanReader;

    const Context* context(std::string_view name) const;
    // Calls visit(extension) for what matches, in order, until it returns true.
    template <typename Visit>
    bool each(std::string_view context_name, std::string_view dialled, unsigned& budget,
              unsigned depth, Visit visit) const;

    std::vector<Context> contexts_;
    std::vector<std::pair<std::string, std::string>> globals_;
};

}  // namespace sipana::lab
