#include "libsipana/live/web_server.h"

#include <fmt/format.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>

#include "libsipana/live/web_feed.h"

namespace sipana::live {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds idle_time{5000};  // between two requests
constexpr milliseconds patience{1000};   // with one who has asked nothing yet, while others wait
constexpr std::size_t most_requests = 1000;  // of one connection
constexpr seconds silence{5};                // on a connection for events, before a comment is sent
constexpr char too_many[] =
    "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 5\r\nConnection: "
    "close\r\n\r\n";

// The connection that this thread serves. cpp-httplib does not hand it to who answers.
thread_local Connection* serving = nullptr;

Time time_now() { return std::chrono::steady_clock::now().time_since_epoch(); }

httplib::Headers fields_of_all() {
    return {{"X-Content-Type-Options", "nosniff"},
            {"Referrer-Policy", "no-referrer"},
            {"Cross-Origin-Resource-Policy", "same-origin"},
            {"Cross-Origin-Opener-Policy", "same-origin"},
            {"Cache-Control", "no-store"}};
}

constexpr const char* nothing_may_load =
    "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; sandbox";

void say(httplib::Response& response, int status, std::string_view text) {
    response.status = status;
    response.set_header("Content-Security-Policy", nothing_may_load);
    response.set_content(text.data(), text.size(), "text/plain; charset=utf-8");
}

std::string field(const httplib::Request& request, const char* name) {
    return request.get_header_value(name);
}

}  // namespace

Web::Server::Server(int descriptor, Endpoint bound, Guard guard, WebSettings settings)
    : descriptor_(descriptor),
      bound_(bound),
      guard_(std::move(guard)),
      settings_(std::move(settings)) {
    run_ = fmt::format("{:x}", static_cast<std::uint64_t>(time_now().count()) ^
                                   static_cast<std::uint64_t>(::getpid()) << 40);
    set_default_headers(fields_of_all());
    // Everything is answered before cpp-httplib would match a path against patterns or read a body.
    set_pre_routing_handler([this](const httplib::Request& request, httplib::Response& response) {
        handle(request, response);
        return HandlerResponse::Handled;
    });
    svr_sock_ = descriptor;  // cpp-httplib writes on while it has one
}

Web::Server::~Server() {
    stop();
    ::close(descriptor_);
}

void Web::Server::start(Board& board) {
    if (board_ != nullptr || stopping_) return;
    board_ = &board;
    answers_.emplace(board, settings_.title, settings_.metrics);
    // Signals are for the thread that reads packets.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    try {
        threads_.emplace_back([this] { accept_all(); });
        for (std::size_t i = 0; i < most_connections; ++i)
            threads_.emplace_back([this] { serve_waiting(); });
    } catch (const std::system_error&) {
        // Fewer threads serve fewer at a time.
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void Web::Server::stop() {
    {
        std::unique_lock lock(mutex_);
        stopping_ = true;
        work_.notify_all();
        changed_.notify_all();
        // Open pages are told, then nobody is waited for.
        changed_.wait_for(lock, milliseconds{300}, [this] { return pages_ == 0; });
        svr_sock_ = INVALID_SOCKET;
        for (const Connection* connection : connections_) connection->interrupt();
    }
    ::shutdown(descriptor_, SHUT_RDWR);
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
    for (const int waiting : waiting_) ::close(waiting);
    waiting_.clear();
}

void Web::Server::accept_all() {
    while (!stopping_) {
        pollfd one{descriptor_, POLLIN, 0};
        ::poll(&one, 1, 500);
        if (stopping_) return;
        const int accepted = ::accept4(descriptor_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (accepted < 0) {
            if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) rest(milliseconds{50});
            continue;
        }
        std::unique_lock lock(mutex_);
        if (waiting_.size() < most_waiting) {
            waiting_.push_back(accepted);
            lock.unlock();
            work_.notify_one();
        } else {
            lock.unlock();
            [[maybe_unused]] const ssize_t sent =
                ::send(accepted, too_many, sizeof too_many - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
            ::close(accepted);
        }
    }
}

void Web::Server::serve_waiting() {
    while (true) {
        std::optional<Connection> connection;
        {
            std::unique_lock lock(mutex_);
            work_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
            if (stopping_) return;
            connection.emplace(waiting_.front());
            waiting_.pop_front();
            connections_.insert(&*connection);
        }
        serving = &*connection;
        serve(*connection);
        serving = nullptr;
        const std::lock_guard lock(mutex_);
        connections_.erase(&*connection);
    }
}

void Web::Server::serve(Connection& connection) {
    for (std::size_t i = 0; i < most_requests && !stopping_; ++i) {
        // Who has nothing to ask makes room for who waits.
        bool asks = false;
        for (milliseconds waited{0}; waited < idle_time && !asks && !stopping_;
             waited += milliseconds{100}) {
            asks = connection.wait_for_request(milliseconds{100});
            if (connection.gone() && !asks) return;
            const std::lock_guard lock(mutex_);
            if (!asks && !waiting_.empty() && (i > 0 || waited >= patience)) return;
        }
        if (!asks || stopping_) return;
        connection.begin_request();
        bool last = true, closed = false;
        const auto arrange = [&last](httplib::Request& request) {
            // No ranges, no compression: neither is worth what a stranger can ask for with it.
            request.ranges.clear();
            request.headers.erase("Accept-Encoding");
            last = (request.method != "GET" && request.method != "HEAD") ||
                   request.has_header("Content-Length") ||
                   request.has_header("Transfer-Encoding") || request.path == "/events";
        };
        bool good = false;
        try {
            good = process_request(connection, false, closed, arrange);
        } catch (const std::exception&) {
            return;
        }
        // What follows a body that nobody has read is no request, nor is what follows one that was
        // none.
        if (!good || last || closed) break;
    }
    if (!stopping_) connection.finish();
}

void Web::Server::rest(Duration how_long) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, how_long, [this] { return stopping_.load(); });
}

void Web::Server::handle(const httplib::Request& request, httplib::Response& response) {
    const std::string host = field(request, "Host"), origin = field(request, "Origin");
    const std::string site = field(request, "Sec-Fetch-Site"), cookie = field(request, "Cookie");
    const std::string authorization = field(request, "Authorization");
    const std::string token = request.get_param_value("token");
    const Verdict verdict =
        guard_.judge({request.method, request.path, host, request.get_header_value_count("Host"),
                      origin, site, authorization, cookie, token});
    if (verdict.status == 303) {
        response.status = 303;
        response.set_header("Set-Cookie", verdict.cookie);
        response.set_header("Location", "/");
        return;
    }
    if (verdict.status != 200) {
        say(response, verdict.status, verdict.text);
        if (verdict.status == 405) response.set_header("Allow", "GET, HEAD");
        if (verdict.status == 401) response.set_header("WWW-Authenticate", "Bearer");
        return;
    }
    try {
        if (request.path == "/events")
            feed(request, response);
        else
            answer(request, response);
    } catch (const std::exception&) {
        response = {};
        for (const auto& [name, value] : fields_of_all()) response.set_header(name, value);
        response.version = "HTTP/1.1";
        say(response, 500, "That went wrong.\n");
    }
}

void Web::Server::answer(const httplib::Request& request, httplib::Response& response) {
    auto found = answers_->answer(request.path);
    if (!found) return say(response, 404, "Nothing is here.\n");
    response.status = found->status;
    response.set_header("Content-Security-Policy",
                        found->policy.empty() ? nothing_may_load : found->policy.c_str());
    if (!found->file.empty())
        response.set_header("Content-Disposition",
                            fmt::format("attachment; filename=\"{}\"", found->file));
    if (found->status == 503) response.set_header("Retry-After", "2");
    response.body = std::move(found->body);
    response.set_header("Content-Type", found->type);
}

void Web::Server::feed(const httplib::Request& request, httplib::Response& response) {
    response.status = 200;
    response.set_header("Content-Security-Policy", nothing_may_load);
    if (request.method == "HEAD") return response.set_content("", "text/event-stream");
    if (pages_.fetch_add(1) >= most_pages) {
        --pages_;
        response.set_header("Retry-After", "5");
        return say(response, 503, "Too many pages are open.\n");
    }
    std::string last = field(request, "Last-Event-ID");
    if (last.empty()) last = request.get_param_value("since");
    const auto fed = std::make_shared<Feed>(*board_, run_, last);
    response.set_chunked_content_provider(
        "text/event-stream",
        [this, fed](std::size_t offset, httplib::DataSink& sink) {
            constexpr std::string_view again = "retry: 1000\n\n";
            if (offset == 0 && !sink.write(again.data(), again.size())) return false;
            return send_events(*fed, *serving, sink);
        },
        [this](bool) {
            --pages_;
            changed_.notify_all();
        });
}

// One event, or the end of them.
bool Web::Server::send_events(Feed& feed, const Connection& connection, httplib::DataSink& sink) {
    const Time began = time_now();
    while (!connection.gone()) {
        const bool ended = board_->stopped() || stopping_;
        std::string event = connection.ready() ? feed.next(time_now()) : std::string();
        if (ended) event += "event: end\ndata: {}\n\n";
        if (event.empty() && time_now() - began > silence) event = ":\n\n";
        if (!event.empty()) {
            if (!sink.write(event.data(), event.size())) return false;
            if (ended) {
                sink.done();
                return true;
            }
            rest(feed.rest());
            return true;
        }
        if (board_->wait_past(feed.version(), milliseconds{500})) rest(milliseconds{40});
    }
    return false;
}

}  // namespace sipana::live
