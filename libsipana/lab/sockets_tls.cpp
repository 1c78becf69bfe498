#include "libsipana/lab/sockets_tls.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <limits>

#include "libsipana/base/endpoint.h"

namespace sipana::lab::wire {

namespace {

template <auto Free>
struct Freed {
    template <typename T>
    void operator()(T* p) const {
        Free(p);
    }
};
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freed<X509_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, Freed<X509_EXTENSION_free>>;
using Asn1Time = std::unique_ptr<ASN1_TIME, Freed<ASN1_TIME_free>>;

// The oldest entry of OpenSSL's queue, which this empties.
std::string reason() {
    const unsigned long code = ERR_get_error();
    ERR_clear_error();
    if (code == 0) return "failed";
    const char* text = ERR_reason_error_string(code);
    return text == nullptr ? fmt::format("error {:#x}", code) : std::string(text);
}

Error failure_of(std::string_view what) {
    return {Errc::io, 0, fmt::format("TLS: {}: {}", what, reason())};
}

bool add_names(X509* certificate) {
    X509V3_CTX context{};
    X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
    const Extension names(X509V3_EXT_conf_nid(nullptr, &context, NID_subject_alt_name,
                                              "DNS:localhost,IP:127.0.0.1,IP:::1"));
    return names && X509_add_ext(certificate, names.get(), -1) == 1;
}

bool set_validity(X509* certificate, Time now) {
    constexpr std::int64_t day = 86'400, years = 3650 * day;
    const std::int64_t today = now.count() / 1'000'000'000;
    const Asn1Time from(
        ASN1_TIME_set(nullptr, static_cast<time_t>(std::max<std::int64_t>(today - day, 0))));
    const Asn1Time until(ASN1_TIME_set(nullptr, static_cast<time_t>(today + years)));
    return from && until && X509_set1_notBefore(certificate, from.get()) == 1 &&
           X509_set1_notAfter(certificate, until.get()) == 1;
}

// RFC 5280 4.1, signed by itself.
Certificate make_certificate(EVP_PKEY* key, Time now) {
    Certificate made(X509_new());
    if (!made) return nullptr;
    X509_NAME* name = X509_get_subject_name(made.get());
    constexpr unsigned char common_name[] = "sipana lab";
    const bool ok =
        X509_set_version(made.get(), 2) == 1 &&
        ASN1_INTEGER_set(X509_get_serialNumber(made.get()), 1) == 1 &&
        set_validity(made.get(), now) && X509_set_pubkey(made.get(), key) == 1 &&
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, common_name, -1, -1, 0) == 1 &&
        X509_set_issuer_name(made.get(), name) == 1 && add_names(made.get()) &&
        X509_sign(made.get(), key, EVP_sha256()) > 0;
    return ok ? std::move(made) : nullptr;
}

Status make_own(SSL_CTX* context, Time now) {
    const Key key(EVP_EC_gen("P-256"));
    if (!key) return failure_of("making a key");
    const Certificate certificate = make_certificate(key.get(), now);
    if (!certificate) return failure_of("making a certificate");
    if (SSL_CTX_use_certificate(context, certificate.get()) != 1 ||
        SSL_CTX_use_PrivateKey(context, key.get()) != 1)
        return failure_of("using the certificate made");
    return Done{};
}

Status load_own(SSL_CTX* context, const TlsSettings& settings) {
    const std::string& key =
        settings.key_file.empty() ? settings.certificate_file : settings.key_file;
    if (SSL_CTX_use_certificate_chain_file(context, settings.certificate_file.c_str()) != 1)
        return failure_of(settings.certificate_file);
    if (SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(context) != 1)
        return failure_of(key);
    return Done{};
}

Status trust(SSL_CTX* context, const TlsSettings& settings, Time now, bool server) {
    if (!settings.verify) {
        SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nullptr);
        return Done{};
    }
    const int mode = SSL_VERIFY_PEER | (server ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0);
    SSL_CTX_set_verify(context, mode, nullptr);
    X509_VERIFY_PARAM_set_time(SSL_CTX_get0_param(context),
                               static_cast<time_t>(now.count() / 1'000'000'000));
    const bool loaded = settings.ca_file.empty()
                            ? SSL_CTX_set_default_verify_paths(context) == 1
                            : SSL_CTX_load_verify_file(context, settings.ca_file.c_str()) == 1;
    return loaded ? Status(Done{}) : failure_of(settings.ca_file);
}

Status set_up(SSL_CTX* context, const TlsSettings& settings, Time now, bool server) {
    if (context == nullptr) return failure_of("context");
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    // A peer that ends without a close_notify is told apart by SIP's own framing.
    SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    if (auto trusted = trust(context, settings, now, server); !trusted) return trusted;
    if (!settings.certificate_file.empty()) return load_own(context, settings);
    return server ? make_own(context, now) : Status(Done{});
}

int clamped(std::size_t size) {
    return static_cast<int>(std::min<std::size_t>(size, std::numeric_limits<int>::max()));
}

}  // namespace

TlsSession::TlsSession(SSL_CTX* context, bool server, const std::string& name)
    : ssl_(SSL_new(context)) {
    if (ssl_ == nullptr) return;
    SSL_set_bio(ssl_, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    if (server) {
        SSL_set_accept_state(ssl_);
        return;
    }
    SSL_set_connect_state(ssl_);
    if (name.empty()) return;
    if (Address::parse(name)) {
        X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl_), name.c_str());
    } else {
        SSL_set_tlsext_host_name(ssl_, name.c_str());
        SSL_set1_host(ssl_, name.c_str());
    }
}

TlsSession::~TlsSession() { SSL_free(ssl_); }

bool TlsSession::judge(int result) {
    const int error = SSL_get_error(ssl_, result);
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return true;
    if (error == SSL_ERROR_ZERO_RETURN) {
        ended_ = true;
        return true;
    }
    const long verdict = SSL_get_verify_result(ssl_);
    why_ = verdict != X509_V_OK && !open_ ? X509_verify_cert_error_string(verdict) : reason();
    ERR_clear_error();
    return false;
}

bool TlsSession::start() {
    if (ssl_ == nullptr) return false;
    ERR_clear_error();
    const int done = SSL_do_handshake(ssl_);
    if (done == 1) {
        open_ = true;
        return true;
    }
    return judge(done);
}

bool TlsSession::feed(Bytes wire, Buffer& plain) {
    if (ssl_ == nullptr) return false;
    if (!wire.empty() && BIO_write(SSL_get_rbio(ssl_), wire.data(), clamped(wire.size())) <= 0)
        return false;
    if (!open_ && !start()) return false;
    while (open_) {
        constexpr std::size_t record = 16'384;  // RFC 8446 5.1: the most that one holds
        const std::size_t before = plain.size();
        plain.resize(before + record);
        ERR_clear_error();
        const int got = SSL_read(ssl_, plain.data() + before, static_cast<int>(record));
        plain.resize(before + static_cast<std::size_t>(std::max(got, 0)));
        if (got <= 0) return judge(got);
    }
    return true;
}

bool TlsSession::write(Bytes plain) {
    ERR_clear_error();
    // Into memory: it is taken whole.
    const int done = SSL_write(ssl_, plain.data(), clamped(plain.size()));
    return done > 0 || judge(done);
}

void TlsSession::drain(Buffer& wire) {
    if (ssl_ == nullptr) return;
    BIO* out = SSL_get_wbio(ssl_);
    const std::size_t size = BIO_ctrl_pending(out);
    if (size == 0) return;
    const std::size_t before = wire.size();
    wire.resize(before + size);
    const int got = BIO_read(out, wire.data() + before, clamped(size));
    wire.resize(before + static_cast<std::size_t>(std::max(got, 0)));
}

void TlsSession::shut() {
    if (open_) SSL_shutdown(ssl_);
    ERR_clear_error();
}

Result<std::unique_ptr<Tls>> Tls::make(const TlsSettings& settings, Time now) {
    std::unique_ptr<Tls> tls(new Tls);
    tls->client_ = SSL_CTX_new(TLS_client_method());
    tls->server_ = SSL_CTX_new(TLS_server_method());
    tls->name_ = settings.name;
    if (auto done = set_up(tls->client_, settings, now, false); !done) return done.error();
    if (auto done = set_up(tls->server_, settings, now, true); !done) return done.error();
    for (SSL_CTX* context : {tls->client_, tls->server_}) {
        if (!settings.keep_secrets) break;
        SSL_CTX_set_app_data(context, tls.get());
        SSL_CTX_set_keylog_callback(context, &Tls::keep_secret);
    }
    return tls;
}

void Tls::keep_secret(const SSL* ssl, const char* line) {
    auto* tls = static_cast<Tls*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
    const std::string_view text = line;
    if (tls->secrets_.size() + text.size() >= most_secrets) return;
    tls->secrets_ += text;
    tls->secrets_ += '\n';
}

Tls::~Tls() {
    SSL_CTX_free(client_);
    SSL_CTX_free(server_);
}

std::unique_ptr<TlsSession> Tls::session(bool server) const {
    return std::make_unique<TlsSession>(server ? server_ : client_, server, name_);
}

}  // namespace sipana::lab::wire
