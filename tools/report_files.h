// The files of a report that is written at the end of a run which may open nothing any more by then.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "libsipana/render/render.h"
#include "tools/process.h"

namespace sipana::tools {

// Opened at the beginning; what they hold is replaced at the end. What goes wrong is said on standard error.
class ReportFiles {
public:
    ReportFiles() = default;
    ReportFiles(const ReportFiles&) = delete;
    ReportFiles& operator=(const ReportFiles&) = delete;
    ~ReportFiles() {
        for (const auto& [path, descriptor] : files_) close(descriptor);
    }
    // OUT.html, OUT.json or a folder for both; "": none.
    bool open(const std::string& output) {
        if (output.empty()) return true;
        const std::filesystem::path target(output);
        if (target.extension() == ".html" || target.extension() == ".json") return open_one(target);
        std::error_code error;
        std::filesystem::create_directories(target, error);
        if (error) complain(fmt::format("{}: cannot be made: {}", output, error.message()));
        return !error && open_one(target / "report.html") && open_one(target / "report.json");
    }
    bool write(const analysis::Report& report) {
        bool fine = true;
        for (const auto& [path, descriptor] : files_)
            fine &= write_one(path, descriptor,
                              path.extension() == ".html" ? render::report_html(report) : render::report_json(report));
        return fine;
    }

private:
    static bool failed(const std::filesystem::path& path) {
        complain(fmt::format("{}: cannot be written: {}", path.string(), std::strerror(errno)));
        return false;
    }
    bool open_one(const std::filesystem::path& path) {
        const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
        if (descriptor < 0) return failed(path);
        files_.emplace_back(path, descriptor);
        return true;
    }
    static bool write_one(const std::filesystem::path& path, int descriptor, std::string_view text) {
        if (ftruncate(descriptor, 0) != 0 && errno != EINVAL) return failed(path);  // EINVAL: no regular file
        while (!text.empty()) {
            const ssize_t n = ::write(descriptor, text.data(), text.size());
            if (n < 0 && errno == EINTR) continue;
            if (n <= 0) return failed(path);
            text.remove_prefix(static_cast<std::size_t>(n));
        }
        return true;
    }
    std::vector<std::pair<std::filesystem::path, int>> files_;
};

}  // namespace sipana::tools
