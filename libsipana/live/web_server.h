// The live page's server: threads, connections, and what goes into HTTP's fields. Web's inside.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <vector>

#include "libsipana/live/web.h"
#include "libsipana/live/web_answers.h"
#include "libsipana/live/web_connection.h"  // httplib first: it looks at macros of its own
#include "libsipana/live/web_guard.h"

namespace sipana::live {

// cpp-httplib reads requests and writes answers; sockets, threads and limits are ours.
class Web::Server : public httplib::Server {
public:
    Server(int descriptor, Endpoint bound, Guard guard, WebSettings settings);
    ~Server() override;

    void start(Board& board);
    void stop();
    const Endpoint& bound() const { return bound_; }

private:
    void accept_all();
    void serve_waiting();
    void serve(Connection& connection);
    bool process_and_close_socket(socket_t) override { return false; }  // never called: we accept

    void handle(const httplib::Request& request, httplib::Response& response);
    void answer(const httplib::Request& request, httplib::Response& response);
    void feed(const httplib::Request& request, httplib::Response& response);
    bool send_events(class Feed& feed, const Connection& connection, httplib::DataSink& sink);
    bool stopping() const { return stopping_; }
    void rest(Duration how_long);

    int descriptor_;
    Endpoint bound_;
    Guard guard_;
    WebSettings settings_;
    std::string run_;  // names this run in the ids of events
    Board* board_ = nullptr;
    std::optional<Answers> answers_;
    std::atomic<bool> stopping_ = false;
    std::atomic<std::size_t> pages_ = 0;

    std::mutex mutex_;
    std::condition_variable work_;             // for who serves: something waits
    std::condition_variable changed_;          // for who rests, or waits for pages to end
    std::deque<int> waiting_;                  // accepted, not served yet
    std::set<const Connection*> connections_;  // being served
    std::vector<std::thread> threads_;
};

}  // namespace sipana::live
