#include "libsipana/pcap/arguments.h"

#include <dirent.h>
#include <fmt/format.h>
#include <glob.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <set>
#include <system_error>
#include <utility>

namespace sipana::pcap {

namespace {

class Expansion {
public:
    void argument(const std::string& name) {
        struct stat what {};
        if (name == "-" || name == "/dev/stdin") {
            if (std::exchange(standard_input_, true))
                twice(name);
            else
                out_.files.push_back({name, {}});
        } else if (stat(name.c_str(), &what) == 0) {
            named(name, what);
        } else if (const int reason = errno; reason == ENOENT && is_pattern(name)) {
            pattern(name);
        } else {
            failed(name, reason);
        }
    }
    Candidates take() { return std::move(out_); }

private:
    static bool is_pattern(const std::string& name) {
        return name.find_first_of("*?[") != std::string::npos;
    }

    void named(const std::string& path, const struct stat& what) {
        if (S_ISDIR(what.st_mode))
            folder(path);
        else
            add(path, what, {});
    }

    void pattern(const std::string& name) {
        glob_t found{};
        if (glob(name.c_str(), GLOB_NOSORT, nullptr, &found) != 0) {
            globfree(&found);
            return failed(name, ENOENT);
        }
        std::vector<std::string> paths(found.gl_pathv, found.gl_pathv + found.gl_pathc);
        globfree(&found);
        std::sort(paths.begin(), paths.end());
        for (const std::string& path : paths) {
            struct stat what {};
            if (stat(path.c_str(), &what) == 0)
                named(path, what);
            else
                failed(path, errno);
        }
    }

    void folder(const std::string& path) {
        const std::unique_ptr<DIR, int (*)(DIR*)> open(opendir(path.c_str()), closedir);
        if (!open) return failed(path, errno);
        std::vector<std::string> names;
        while (const dirent* entry = readdir(open.get())) names.emplace_back(entry->d_name);
        std::sort(names.begin(), names.end());
        bool any = false, below = false;
        std::string denied;
        for (const std::string& name : names) {
            const std::string whole = path.back() == '/' ? path + name : path + '/' + name;
            struct stat what {};
            if (stat(whole.c_str(), &what) != 0) {
                // A link to nothing is nothing. All are denied where the folder may be listed
                // alone.
                if (errno == EACCES && denied.empty()) denied = whole;
                continue;
            }
            below = below || (S_ISDIR(what.st_mode) && name != "." && name != "..");
            // Not a pipe: nobody may ever write to it.
            if (!S_ISREG(what.st_mode)) continue;
            add(whole, what, path);
            any = true;
        }
        if (!denied.empty()) return failed(any ? denied : path, EACCES);
        if (any) return;
        out_.errors.push_back(no_captures(path));
        if (below) out_.errors.back().what += "; those below it are not looked into";
    }

    void add(const std::string& path, const struct stat& what, const std::string& folder) {
        if (S_ISREG(what.st_mode) && !known_.emplace(what.st_dev, what.st_ino).second)
            return twice(path);
        out_.files.push_back({path, folder});
    }

    void twice(const std::string& path) {
        out_.notes.push_back(fmt::format("{}: named twice, read once", path));
    }

    void failed(const std::string& name, int reason) {
        const Errc code = reason == ENOENT || reason == ENOTDIR ? Errc::not_found
                          : reason == EACCES || reason == EPERM ? Errc::denied
                                                                : Errc::io;
        out_.errors.push_back(
            {code, 0, fmt::format("{}: {}", name, std::generic_category().message(reason))});
    }

    Candidates out_;
    std::set<std::pair<dev_t, ino_t>> known_;
    bool standard_input_ = false;
};

}  // namespace

Error no_captures(const std::string& folder) {
    return Error{Errc::not_found, 0, fmt::format("{}: no captures in this folder", folder)};
}

Candidates expand(std::span<const std::string> arguments) {
    Expansion expansion;
    for (const std::string& argument : arguments) expansion.argument(argument);
    return expansion.take();
}

}  // namespace sipana::pcap
