// masked(): what would let a reader of a report log in, or decrypt, is taken out of a message.
//
// Masked are: the digest response and what is computed with it (RFC 7616 3.4, 3.5), credentials of
// every other scheme whole, SDES keys (RFC 4568 6.1), MIKEY (RFC 4567), k= (RFC 4566 5.12), ice-pwd
// (RFC 8839 5.4) and the password of a SIP URI in the header section (RFC 3261 19.1.1). Lines keep
// their places.
#include <algorithm>

#include "libsipana/base/text.h"
#include "libsipana/render/render.h"

namespace sipana::render {
namespace {

constexpr std::string_view mask = "***";

// A header section's field, or a line of a body.
bool holds_credentials(std::string_view name) {
    return iequals(name, "Authorization") || iequals(name, "Proxy-Authorization") ||
           iequals(name, "Authentication-Info") || iequals(name, "Proxy-Authentication-Info");
}

bool is_secret_parameter(std::string_view name) {
    return iequals(name, "response") || iequals(name, "cnonce") || iequals(name, "rspauth") ||
           iequals(name, "auts") || iequals(name, "password");
}

// The size of the quoted string or token that `text` begins with.
std::size_t value_size(std::string_view text) {
    std::size_t i = 0;
    if (text.starts_with('"')) {
        for (i = 1; i < text.size() && text[i] != '"'; ++i)
            if (text[i] == '\\') ++i;
        return std::min(i + 1, text.size());
    }
    while (i < text.size() && text[i] != ',' && !is_space(text[i])) ++i;
    return i;
}

// The mask in place of `hidden`, whose line ends stay, so that lines keep their numbers.
void put_mask(std::string& out, std::string_view hidden) {
    out += mask;
    for (std::size_t i = 0; i < hidden.size(); ++i)
        if (hidden[i] == '\n') out += i > 0 && hidden[i - 1] == '\r' ? "\r\n " : "\n ";
}

// name=value pairs with commas between them; everything that is not a secret stays as it is.
void mask_parameters(std::string& out, std::string_view rest) {
    while (!rest.empty()) {
        const std::size_t name_end = rest.find_first_of("=,\"");
        if (name_end == rest.npos) break;
        const bool secret = is_secret_parameter(trim(rest.substr(0, name_end)));
        out += rest.substr(0, name_end);
        rest.remove_prefix(name_end);
        if (rest.front() == ',') {
            out += ',';
            rest.remove_prefix(1);
            continue;
        }
        if (rest.front() == '=') {
            out += '=';
            rest.remove_prefix(1);
        }
        std::size_t blank = 0;
        while (blank < rest.size() && is_space(rest[blank])) ++blank;
        out += rest.substr(0, blank);
        rest.remove_prefix(blank);
        const std::size_t size = value_size(rest);
        const std::string_view value = rest.substr(0, size);
        const std::string_view quote = value.starts_with('"') ? "\"" : "";
        if (secret) {
            out += quote;
            put_mask(out, value);
            out += quote;
        } else {
            out += value;
        }
        rest.remove_prefix(size);
    }
    out += rest;
}

// `field` is the field's lines with its name, ending before its last line end.
void mask_credentials(std::string& out, std::string_view field) {
    const std::size_t colon = field.find(':');
    const std::string_view name = trim(field.substr(0, colon));
    std::size_t i = colon + 1;
    while (i < field.size() && is_space(field[i])) ++i;
    if (!iequals(name, "Authorization") &&
        !iequals(name, "Proxy-Authorization")) {  // no scheme there
        out += field.substr(0, i);
        mask_parameters(out, field.substr(i));
        return;
    }
    std::size_t end = i;
    while (end < field.size() && !is_space(field[end])) ++end;
    const bool digest = iequals(field.substr(i, end - i), "Digest");
    if (digest) {
        out += field.substr(0, end);
        mask_parameters(out, field.substr(end));
    } else if (end < field.size()) {  // Basic, Bearer, NTLM: the credentials follow the scheme
        out.append(field.substr(0, end)).append(" ");
        put_mask(out, field.substr(end));
    } else {
        out += field.substr(0, i);
        if (i < field.size()) out += mask;
    }
}

// sip:user:password@host, wherever it stands in the text.
void mask_uri_passwords(std::string& out, std::string_view text) {
    constexpr std::string_view stops = " \t\r\n<>\",";
    std::size_t copied = 0, end = 0;  // `end`: of the run without blanks and brackets that holds i
    for (std::size_t i = 0; i + 4 <= text.size(); ++i) {
        if (to_lower(text[i]) != 's' || (i > 0 && (is_alpha(text[i - 1]) || is_digit(text[i - 1]))))
            continue;
        std::size_t user = i;
        if (istarts_with(text.substr(i), "sip:"))
            user += 4;
        else if (istarts_with(text.substr(i), "sips:"))
            user += 5;
        else
            continue;
        if (user >= end) end = std::min(text.find_first_of(stops, user), text.size());
        const std::string_view uri = text.substr(user, end - user);
        const std::size_t at = uri.find('@');
        if (at == uri.npos) {
            i = end;
            continue;
        }
        if (const std::size_t colon = uri.substr(0, at).find(':'); colon != uri.npos) {
            out.append(text.substr(copied, user + colon + 1 - copied)).append(mask);
            copied = user + at;
        }
        i = user + at;  // the URI's parameters and headers may hold another
    }
    out += text.substr(copied);
}

// A line of SDP; true if it was one with a key and has been written.
bool mask_sdp_line(std::string& out, std::string_view line) {
    const auto keep_until = [&](std::string_view prefix) {
        if (!istarts_with(line, prefix)) return false;
        out.append(line.substr(0, prefix.size())).append(mask);
        return true;
    };
    if (istarts_with(line, "a=crypto:")) {
        while (!line.empty()) {  // several keys: inline:KEY|lifetime|MKI:length;inline:...
            std::size_t at = 0;
            while (at < line.size() && !istarts_with(line.substr(at), "inline:")) ++at;
            if (at == line.size()) break;
            at += std::string_view("inline:").size();
            out.append(line.substr(0, at)).append(mask);
            line.remove_prefix(std::min(line.find_first_of("|; \t", at), line.size()));
        }
        out += line;
        return true;
    }
    return keep_until("a=ice-pwd:") || keep_until("a=key-mgmt:mikey ") || keep_until("k=clear:") ||
           keep_until("k=base64:") || keep_until("k=uri:");
}

}  // namespace

std::string masked(std::string_view message) {
    std::string out;
    out.reserve(message.size());
    bool in_headers = true;
    while (!message.empty()) {
        std::size_t end = message.find('\n');
        std::string_view line = message.substr(0, end == message.npos ? end : end + 1);
        std::string_view text = line;
        while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
        const auto colon = text.find(':');
        const bool blank_line = text.empty();
        if (blank_line) {
            if (!out.empty()) in_headers = false;  // CRLFs before the start line end no headers
        } else if (colon != text.npos && holds_credentials(trim(text.substr(0, colon)))) {
            // With the lines that continue it (RFC 3261 7.3.1).
            while (end != message.npos && end + 1 < message.size() && is_blank(message[end + 1]))
                end = message.find('\n', end + 1);
            line = message.substr(0, end == message.npos ? end : end + 1);
            text = line;
            while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
            mask_credentials(out, text);
        } else if (!mask_sdp_line(out, text)) {
            if (in_headers)
                mask_uri_passwords(out, text);
            else
                out += text;
        }
        out += line.substr(text.size());
        message.remove_prefix(line.size());
    }
    return out;
}

}  // namespace sipana::render
