// Connection: one client of the live page, as cpp-httplib reads and writes it, with our limits: so
// many bytes a request, so much time for it, so much time in which nothing of an answer is taken.
//
// Owns its descriptor. Used by one thread; interrupt() by any.
#pragma once

#include <httplib.h>

#include <chrono>

namespace sipana::live {

class Connection : public httplib::Stream {
public:
    static constexpr std::size_t most_request_bytes = 16 * 1024;
    static constexpr std::chrono::milliseconds request_time{
        5000};  // from its first byte to its last
    static constexpr std::chrono::milliseconds stalled_time{8000};  // nothing was taken

    explicit Connection(int descriptor) : descriptor_(descriptor) {}
    ~Connection() override;
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    // Whether another request begins within that time.
    bool wait_for_request(std::chrono::milliseconds at_most);
    void begin_request();
    bool gone() const;   // the client has closed its end
    bool ready() const;  // something can be written at once
    // Ends it politely: what was written arrives even if there is something that we have not read.
    void finish();
    void interrupt() const;  // whoever waits in it stops waiting

    // ---- httplib's
    bool is_readable() const override { return true; }
    bool is_writable() const override { return !gone(); }
    ssize_t read(char* to, std::size_t size) override;
    ssize_t write(const char* from, std::size_t size) override;
    void get_remote_ip_and_port(std::string&, int&) const override {}
    void get_local_ip_and_port(std::string&, int&) const override {}
    socket_t socket() const override { return descriptor_; }

private:
    bool fill(std::chrono::milliseconds at_most);

    int descriptor_;
    std::array<char, 4096> buffer_{};
    std::size_t at_ = 0, end_ = 0, taken_ = 0;
    std::chrono::steady_clock::time_point until_{};
};

}  // namespace sipana::live
