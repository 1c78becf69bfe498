// Who may come in to the live page: by the Host that was asked for (against DNS rebinding), by
// where the request comes from (Origin, Fetch Metadata), and by the token, where there is one (RFC
// 6750 2.1).
//
// Pure: header fields in, verdict out. Everything that it is given is hostile.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libsipana/base/endpoint.h"
#include "libsipana/base/result.h"

namespace sipana::live {

// What a request says of itself.
struct Knock {
    std::string_view method, path;
    std::string_view host;          // the Host field
    std::size_t hosts = 1;          // how many Host fields there are
    std::string_view origin, site;  // Origin, Sec-Fetch-Site; empty: absent
    std::string_view authorization, cookie;
    std::string_view token;  // the query's
};

struct Verdict {
    int status =
        200;  // 200: come in; 303: come in by the path alone, with `cookie`; otherwise refused
    std::string text, cookie;
};

class Guard {
public:
    static constexpr std::size_t least_token = 16;  // characters

    // `token` empty: none is asked for. `names`: host names by which we may be asked for, beside
    // our address and, on loopback, "localhost".
    static Result<Guard> make(const Endpoint& bound, std::string token,
                              std::vector<std::string> names);

    Verdict judge(const Knock& knock) const;
    bool is_ours(std::string_view host) const;

private:
    bool knows(const Knock& knock) const;

    Endpoint bound_;
    std::string token_, cookie_name_, session_;
    std::vector<std::string> names_;
};

}  // namespace sipana::live
