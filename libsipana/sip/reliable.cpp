#include "libsipana/sip/reliable.h"

#include <fmt/format.h>

namespace sipana::sip {
namespace {

std::optional<std::uint32_t> rseq_of(const Message& m) {
    const auto value = m.header(Header::rseq);
    return value ? parse_number(*value) : std::nullopt;
}

}  // namespace

bool is_reliable_provisional(const Message& m) {
    return m.status() > 100 && m.status() < 200 && lists(m, Header::require, "100rel") &&
           rseq_of(m).has_value();
}

std::uint32_t ReliableSender::next(std::uint32_t invite_cseq) {
    invite_ = invite_cseq;
    pending_ = next_;
    return next_++;
}

int ReliableSender::on_prack(const Message& prack) {
    const auto value = prack.header(Header::rack);
    const auto rack = value ? parse_rack(*value) : std::nullopt;
    if (!rack) return 400;
    if (!pending_ || rack->rseq != *pending_ || rack->cseq.number != invite_ ||
        rack->cseq.method != Method::invite)
        return 481;
    pending_.reset();
    return 200;
}

std::optional<std::string> ReliableReceiver::on_provisional(const Message& response) {
    const auto cseq = response.cseq();
    if (!cseq || !is_reliable_provisional(response)) return std::nullopt;
    const std::uint32_t rseq = *rseq_of(response);
    if (cseq->number != invite_) {  // another INVITE begins its own numbers
        invite_ = cseq->number;
        last_.reset();
    }
    if (last_ && rseq != *last_ + 1) return std::nullopt;
    last_ = rseq;
    return fmt::format("{} {} {}", rseq, cseq->number, cseq->method_name);
}

}  // namespace sipana::sip
