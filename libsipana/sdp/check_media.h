// The checks of one m-line and its attributes. Internal to sdp/check.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "libsipana/sdp/check.h"
#include "libsipana/sdp/rules.h"

namespace sipana::sdp {

// Collects at most max_findings, each placed by a pointer into the text.
class Findings {
public:
    Findings(std::string_view text, std::vector<Finding>& out)
        : text_(text), out_(out), most_(out.size() + max_findings) {}

    void add(std::string_view rule, const char* at, std::string text) {
        if (full()) return;
        out_.push_back(
            finding_of(rule, static_cast<std::uint64_t>(at - text_.data()), std::move(text)));
    }
    bool full() const { return out_.size() >= most_; }

private:
    std::string_view text_;
    std::vector<Finding>& out_;
    std::size_t most_;
};

void check_media(const Media& media, Findings& findings);
// ICE, DTLS-SRTP and SDES of one m-line (check_security.cpp).
void check_security(const Media& media, Findings& findings);

}  // namespace sipana::sdp
