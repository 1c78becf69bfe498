// Tls: TLS 1.2 and 1.3 (RFC 5246, RFC 8446) between bytes in memory; the sockets are elsewhere.
#pragma once

#include <memory>
#include <string>

#include "libsipana/base/bytes.h"
#include "libsipana/base/result.h"
#include "libsipana/base/time.h"
#include "libsipana/lab/sockets.h"

using SSL = struct ssl_st;
using SSL_CTX = struct ssl_ctx_st;

namespace sipana::lab::wire {

// One end of a connection. Bytes of the wire go into feed() and come out of drain().
class TlsSession {
public:
    TlsSession(SSL_CTX* context, bool server, const std::string& name);
    ~TlsSession();
    TlsSession(const TlsSession&) = delete;
    TlsSession& operator=(const TlsSession&) = delete;

    // Appends what can be read in plain to `plain`. False: the session is over, see why().
    bool feed(Bytes wire, Buffer& plain);
    // Handshake: a client has to begin. Plain bytes: only once open().
    bool start();
    bool write(Bytes plain);
    void drain(Buffer& wire);
    void shut();  // the last words (close_notify) wait in drain()

    bool open() const { return open_; }
    bool ended() const { return ended_; }  // the peer said that nothing follows
    const std::string& why() const { return why_; }

private:
    bool judge(int result);  // of an SSL_ function; false: failed

    SSL* ssl_ = nullptr;
    bool open_ = false, ended_ = false;
    std::string why_;
};

// The certificates of a network.
class Tls {
public:
    // `now`: certificates are judged by it, and one of our own making is good from the day before.
    static Result<std::unique_ptr<Tls>> make(const TlsSettings& settings, Time now);
    ~Tls();
    Tls(const Tls&) = delete;
    Tls& operator=(const Tls&) = delete;

    std::unique_ptr<TlsSession> session(bool server) const;
    // With TlsSettings::keep_secrets: what decrypts the connections so far, lines of a key log
    // (draft-ietf-tls-keylogfile).
    const std::string& secrets() const { return secrets_; }
    static constexpr std::size_t most_secrets = 4u << 20;  // bytes; no more are kept

private:
    Tls() = default;
    static void keep_secret(const SSL* ssl, const char* line);

    SSL_CTX* client_ = nullptr;
    SSL_CTX* server_ = nullptr;
    std::string name_;
    std::string secrets_;
};

}  // namespace sipana::lab::wire
