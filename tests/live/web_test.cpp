#include "libsipana/live/web.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "libsipana/live/board.h"
#include "libsipana/live/sandbox.h"
#include "tests/live/confined.h"
#include "tests/render/sample.h"

using namespace sipana;
using namespace sipana::live;
using namespace std::chrono_literals;

namespace {

// Somebody else's end of a connection, with nothing between us and the bytes.
class Client {
public:
    explicit Client(const std::string& url, int receive_buffer = 0)
        : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
        const auto at = *Endpoint::parse(url.substr(7, url.size() - 8));
        host_ = at.to_string();
        if (receive_buffer > 0)
            ::setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(at.port);
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        REQUIRE(::connect(socket_, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0);
    }
    ~Client() { ::close(socket_); }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    void send(std::string_view text) {
        (void)!::send(socket_, text.data(), text.size(), MSG_NOSIGNAL);
    }
    // What comes until `end` is in it, the other side closes or nothing comes any more.
    std::string receive(std::string_view end = {}) {
        std::string text;
        while (end.empty() || text.find(end) == text.npos) {
            pollfd one{socket_, POLLIN, 0};
            if (::poll(&one, 1, 20'000) <= 0) break;
            char part[65536];
            const ssize_t n = ::recv(socket_, part, sizeof part, 0);
            if (n <= 0) {
                closed_ = true;
                break;
            }
            text.append(part, static_cast<std::size_t>(n));
        }
        return text;
    }
    void get(std::string_view path, std::string_view more = {}) {
        send(fmt::format("GET {} HTTP/1.1\r\nHost: {}\r\n{}\r\n", path, host_, more));
    }
    const std::string& host() const { return host_; }
    bool closed() const { return closed_; }

private:
    int socket_;
    std::string host_;
    bool closed_ = false;
};

// A served board with the sample's calls, all over.
struct Served {
    Board board;
    std::unique_ptr<Web> web;

    explicit Served(WebSettings settings = {}) {
        settings.address = "127.0.0.1:0";
        settings.metrics = [] { return std::string("# EOF\n"); };
        analysis::Report report = sample::report();
        for (analysis::Call& call : report.calls) board.on_over(std::move(call));
        Totals totals;
        totals.sources.push_back(
            {"eth0", {.received = 10, .read = 7, .dropped_by_kernel = 3}, false});
        board.on_totals(std::move(totals));
        auto opened = Web::open(std::move(settings));
        REQUIRE(opened);
        web = *std::move(opened);
        web->start(board);
    }
    ~Served() { web->stop(); }

    std::string ask(std::string_view request) {
        Client client(web->url());
        client.send(request);
        return client.receive();
    }
    std::string get(std::string_view path, std::string_view more = {}) {
        Client client(web->url());
        client.get(path, fmt::format("{}Connection: close\r\n", more));
        return client.receive();
    }
};

std::string_view body_of(std::string_view answer) {
    const auto at = answer.find("\r\n\r\n");
    return at == answer.npos ? std::string_view{} : answer.substr(at + 4);
}
std::string_view status_of(std::string_view answer) { return answer.substr(0, 12); }
bool has(std::string_view text, std::string_view part) { return text.find(part) != text.npos; }

}  // namespace

TEST_CASE("Web: an address that is not ours to serve is refused before anything is opened") {
    WebSettings settings;
    for (const auto* address : {"0.0.0.0:0", "192.0.2.1:0", "[2001:db8::1]:0"}) {
        settings.address = address;
        const auto web = Web::open(settings);
        REQUIRE_FALSE(web);
        CHECK(web.error().code == Errc::denied);
    }
    for (const auto* address : {"", "8080", "127.0.0.1", "host.example:80", "127.0.0.1:99999"}) {
        settings.address = address;
        const auto web = Web::open(settings);
        REQUIRE_FALSE(web);
        CHECK(web.error().code == Errc::malformed);
    }
    settings.address = "localhost:0";
    CHECK(Web::open(settings));
    // A port that somebody has.
    settings.address = "127.0.0.1:0";
    const auto first = Web::open(settings);
    REQUIRE(first);
    settings.address = (*first)->url().substr(7);
    settings.address.pop_back();
    const auto second = Web::open(settings);
    REQUIRE_FALSE(second);
    CHECK(second.error().code == Errc::io);
}

TEST_CASE("Web: what every answer says to a browser") {
    Served served;
    for (const auto* path :
         {"/", "/nowhere", "/calls/1", "/calls/1.html", "/report.json", "/metrics", "/health"}) {
        CAPTURE(path);
        const std::string answer = served.get(path);
        for (const auto* field :
             {"X-Content-Type-Options: nosniff", "Referrer-Policy: no-referrer",
              "Cache-Control: no-store", "Cross-Origin-Resource-Policy: same-origin",
              "Content-Security-Policy: default-src 'none'", "frame-ancestors 'none'",
              "base-uri 'none'", "form-action 'none'"}) {
            CAPTURE(field);
            CHECK(has(answer, field));
        }
        const std::string fields = answer.substr(0, answer.find("\r\n\r\n"));
        CHECK_FALSE(has(fields, "Server:"));
        CHECK_FALSE(has(fields, "unsafe"));
    }
    const std::string page = served.get("/");
    CHECK(has(page, "script-src 'sha256-"));
    CHECK(has(page, "connect-src 'self'"));
}

TEST_CASE("Web: each address has its type, and downloads a harmless name") {
    Served served;
    struct Expected {
        const char *path, *status, *type, *name, *part;
    };
    for (const Expected& e : std::initializer_list<Expected>{
             {"/", "HTTP/1.1 200", "text/html; charset=utf-8", "", "id=\"strip\""},
             {"/calls/1", "HTTP/1.1 200", "application/json", "", "\"panel\":"},
             {"/calls/1?x=%3Cscript%3E", "HTTP/1.1 200", "application/json", "", "\"glossary\":"},
             {"/calls/1.html", "HTTP/1.1 200", "text/html; charset=utf-8", "call-1.html",
              "<!doctype html>"},
             {"/calls/1.json", "HTTP/1.1 200", "application/json", "call-1.json",
              "\"schema\": \"sipana/1\""},
             {"/report.html", "HTTP/1.1 200", "text/html; charset=utf-8", "report.html",
              "id=\"panel-7\""},
             {"/report.json", "HTTP/1.1 200", "application/json", "report.json",
              "\"schema\": \"sipana/1\""},
             {"/streams", "HTTP/1.1 200", "application/json", "", "\"markup\":"},
             {"/metrics", "HTTP/1.1 200",
              "application/openmetrics-text; version=1.0.0; charset=utf-8", "", "# EOF"},
             {"/health", "HTTP/1.1 200", "text/plain", "", "ok"},
             {"/calls/99", "HTTP/1.1 404", "text/plain", "", ""},
             {"/calls/99.html", "HTTP/1.1 404", "text/plain", "", ""},
             {"/calls/1.exe", "HTTP/1.1 404", "text/plain", "", ""},
             {"/calls/-1", "HTTP/1.1 404", "text/plain", "", ""},
             {"/calls/1.", "HTTP/1.1 404", "text/plain", "", ""},
             {"/calls/", "HTTP/1.1 404", "text/plain", "", ""},
             {"/calls/99999999999999999999", "HTTP/1.1 404", "text/plain", "", ""},
             {"/../etc/passwd", "HTTP/1.1 404", "text/plain", "", ""},
             {"/%2e%2e/%2e%2e/etc/passwd", "HTTP/1.1 404", "text/plain", "", ""}}) {
        CAPTURE(e.path);
        const std::string answer = served.get(e.path);
        CHECK(status_of(answer) == e.status);
        CHECK(has(answer, fmt::format("Content-Type: {}", e.type)));
        CHECK(has(answer, "Content-Disposition") == (*e.name != 0));
        if (*e.name != 0) CHECK(has(answer, fmt::format("attachment; filename=\"{}\"", e.name)));
        CHECK(has(body_of(answer), e.part));
    }
}

TEST_CASE(
    "Web: HEAD has the fields and no body; other methods are refused and their body is no "
    "request") {
    Served served;
    const std::string host = Client(served.web->url()).host();
    const std::string head =
        served.ask(fmt::format("HEAD / HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", host));
    CHECK(status_of(head) == "HTTP/1.1 200");
    CHECK(body_of(head).empty());
    for (const auto* method : {"POST", "PUT", "DELETE", "OPTIONS", "PATCH"}) {
        CAPTURE(method);
        const std::string answer =
            served.ask(fmt::format("{} / HTTP/1.1\r\nHost: {}\r\nContent-Length: 47\r\n\r\nGET "
                                   "/metrics HTTP/1.1\r\nHost: {}\r\n\r\n",
                                   method, host, host));
        CHECK(status_of(answer) == "HTTP/1.1 405");
        CHECK(has(answer, "Allow: GET, HEAD"));
        CHECK_FALSE(has(answer, "openmetrics"));
    }
}

TEST_CASE(
    "Web: a Host that is not ours is misdirected (RFC 9110 15.5.20), a page from elsewhere "
    "forbidden") {
    Served served;
    CHECK(status_of(
              served.ask("GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n")) ==
          "HTTP/1.1 421");
    CHECK(status_of(served.ask("GET / HTTP/1.1\r\nConnection: close\r\n\r\n")) == "HTTP/1.1 400");
    CHECK(status_of(served.get("/calls/1", "Sec-Fetch-Site: cross-site\r\n")) == "HTTP/1.1 403");
    CHECK(status_of(served.get("/events", "Origin: http://evil.example\r\n")) == "HTTP/1.1 403");
}

TEST_CASE("Web: a token opens the page by a cookie, and is not in the address any more") {
    WebSettings settings;
    settings.token = "0123456789abcdef";
    Served served(settings);
    const std::string refused = served.get("/");
    CHECK(status_of(refused) == "HTTP/1.1 401");
    CHECK(has(refused, "WWW-Authenticate: Bearer"));
    CHECK(status_of(served.get("/events")) == "HTTP/1.1 401");
    CHECK(status_of(served.get("/metrics", "Authorization: Bearer 0123456789abcdef\r\n")) ==
          "HTTP/1.1 200");
    CHECK(status_of(served.get("/health")) == "HTTP/1.1 200");
    const std::string moved = served.get("/?token=0123456789abcdef");
    CHECK(status_of(moved) == "HTTP/1.1 303");
    CHECK(has(moved, "Location: /\r\n"));
    const auto at = moved.find("Set-Cookie: ");
    REQUIRE(at != moved.npos);
    const std::string cookie = moved.substr(at + 12, moved.find(';', at) - at - 12);
    CHECK(status_of(served.get("/", fmt::format("Cookie: {}\r\n", cookie))) == "HTTP/1.1 200");
}

TEST_CASE("Web: what is not HTTP, too long or too slow ends its connection and nothing else") {
    Served served;
    for (const std::string& bad :
         {std::string("\x16\x03\x01\x02\r\n\r\n"), std::string("GET\r\n\r\n"),
          std::string("\r\n\r\n"), "GET /" + std::string(20'000, 'a') + " HTTP/1.1\r\n\r\n",
          "GET / HTTP/1.1\r\nHost: localhost\r\n" + std::string(20'000, 'b')}) {
        Client client(served.web->url());
        client.send(bad);
        const std::string answer = client.receive();
        CHECK(client.closed());
        CHECK_FALSE(has(answer, "HTTP/1.1 200"));
    }
    // Half a request, and then nothing: within its five seconds it is over, and others are served
    // meanwhile.
    std::vector<std::unique_ptr<Client>> slow;
    for (int i = 0; i < 8; ++i) {
        slow.push_back(std::make_unique<Client>(served.web->url()));
        slow.back()->send("GET / HTTP/1.1\r\nHost:");
    }
    CHECK(status_of(served.get("/health")) == "HTTP/1.1 200");
    for (const auto& client : slow) {
        client->receive();
        CHECK(client->closed());
    }
}

TEST_CASE("Web: ranges and encodings are not given, whatever is asked for") {
    Served served;
    const std::string answer =
        served.get("/", "Range: bytes=0-1,0-2,0-3,0-4\r\nAccept-Encoding: gzip, deflate, br\r\n");
    CHECK(status_of(answer) == "HTTP/1.1 200");
    CHECK_FALSE(has(answer, "Content-Encoding"));
    CHECK(has(body_of(answer), "</html>"));
}

TEST_CASE("Web: events tell the calls there are, then what has changed, then the end") {
    Served served;
    Client client(served.web->url());
    client.get("/events");
    std::string text = client.receive("\"findings\":");
    CHECK(has(text, "Content-Type: text/event-stream"));
    CHECK(has(text, "\"all\":true"));
    CHECK(has(text, "data-call=\\\"7\\\""));
    CHECK(has(text, "3 packets have not been captured"));
    // Markup from the wire is text, and the event is one line.
    CHECK_FALSE(has(text, "<script>alert"));
    analysis::Report more = sample::report();
    more.calls[0].number = 1234;
    served.board.on_over(std::move(more.calls[0]));
    text = client.receive("1234");
    CHECK(has(text, "\"all\":false"));
    CHECK_FALSE(has(text, "data-call=\\\"7\\\""));
    served.board.stop();
    text = client.receive();
    CHECK(has(text, "event: end"));
}

TEST_CASE(
    "Web: beyond sixteen pages one more is told to wait, and has room when another has gone") {
    Served served;
    std::vector<std::unique_ptr<Client>> pages;
    for (std::size_t i = 0; i < Web::most_pages; ++i) {
        pages.push_back(std::make_unique<Client>(served.web->url()));
        pages.back()->get("/events");
        CHECK(has(pages.back()->receive("event: state"), "HTTP/1.1 200"));
    }
    CHECK(status_of(served.get("/events")) == "HTTP/1.1 503");
    CHECK(status_of(served.get("/health")) == "HTTP/1.1 200");
    pages.pop_back();
    bool room = false;
    const auto until = std::chrono::steady_clock::now() + 20s;
    while (!room && std::chrono::steady_clock::now() < until) {
        Client again(served.web->url());
        again.get("/events");
        room = status_of(again.receive("\r\n\r\n")) == "HTTP/1.1 200";
    }
    CHECK(room);
}

TEST_CASE("Web: a page that does not read holds nobody up, and is dropped") {
    Served served;
    Client deaf(served.web->url(), 4096);
    deaf.get("/events");
    // More than the kernel keeps for it.
    for (std::uint64_t i = 0; i < 3000; ++i) {
        analysis::Report more = sample::report();
        more.calls[6].number = 100 + i;
        served.board.on_over(std::move(more.calls[6]));
    }
    const auto began = std::chrono::steady_clock::now();
    CHECK(status_of(served.get("/health")) == "HTTP/1.1 200");
    CHECK(std::chrono::steady_clock::now() - began < 5s);
    served.web->stop();  // does not wait for it either
    CHECK(std::chrono::steady_clock::now() - began < 8s);
}

TEST_CASE("Web: what is opened before is served from within the sandbox: page, events, downloads") {
    WebSettings settings;
    settings.address = "127.0.0.1:0";
    settings.token = "0123456789abcdef";
    auto web = Web::open(std::move(settings));
    REQUIRE(web);
    const auto get = [&](std::string_view path, std::string_view end = {}) {
        Client client((*web)->url());
        client.get(path, "Authorization: Bearer 0123456789abcdef\r\n" +
                             std::string(end.empty() ? "Connection: close\r\n" : ""));
        return client.receive(end);
    };
    std::string page, call, report, events;
    const std::string said = testing::in_child(
        [&](testing::Child& child) {
            SandboxSettings walls;
            walls.accepts = true;
            if (const auto entered = enter(walls); !entered) return child.say(entered.error().what);
            Board board;
            analysis::Report calls = sample::report();
            for (analysis::Call& one : calls.calls) board.on_over(std::move(one));
            (*web)->start(board);
            child.let_look();
            (*web)->stop();
        },
        [&](pid_t) {
            page = get("/");
            call = get("/calls/3");
            report = get("/report.html");
            events = get("/events", "event: state");
        });
    CHECK(said == "");
    CHECK(has(page, "</html>"));
    CHECK(has(call, "\"drawing\":"));
    CHECK(has(report, "id=\"panel-7\""));
    CHECK(has(events, "event: state"));
}
