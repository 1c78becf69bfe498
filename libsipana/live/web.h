// Web: the browser's view of live mode. The report page, fed by server-sent events, with calls to
// download; /metrics for Prometheus. HTTP/1.1 by cpp-httplib.
//
// open() binds, so that it can be done before the sandbox is entered; start() makes the threads,
// which from then on do nothing but accept, read and write: no file, no name, no socket of their
// own. They only look at the Board, which must outlive the Web, or at least stop(). Nothing throws.
//
// Loopback only, unless there is a token. Host, Origin and Sec-Fetch-Site are checked
// (live/web_guard).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "libsipana/base/result.h"

namespace sipana::live {

class Board;

struct WebSettings {
    std::string address = "127.0.0.1:8080";  // "[::1]:8080"; port 0: any that is free
    std::string token;                       // at least 16 characters; empty: none, loopback only
    std::vector<std::string> names;          // by which we may be asked for, beside the address
    std::string title = "sipana live";       // the page's heading
    std::function<std::string()>
        metrics;  // OpenMetrics; any thread calls it. Empty: /metrics is not there
};

class Web {
public:
    static constexpr std::size_t most_pages = 16;  // open at a time, each fed by its own connection
    static constexpr std::size_t most_connections = 32;  // served at a time, these included
    static constexpr std::size_t most_waiting = 32;      // beyond: answered 503

    static Result<std::unique_ptr<Web>> open(WebSettings settings);
    ~Web();

    void start(Board& board);
    void stop();              // ends every connection; twice does no harm
    std::string url() const;  // "http://127.0.0.1:8080/"

private:
    class Server;
    explicit Web(std::unique_ptr<Server> server);
    std::unique_ptr<Server> server_;
};

}  // namespace sipana::live
