// Report words: what an RTCP packet says, in a line for people.
#pragma once

#include <string>

#include "libsipana/rtcp/feedback.h"
#include "libsipana/rtcp/xr.h"

namespace sipana::analysis {

std::string words_of(const rtcp::Nack& nack);
std::string words_of(const rtcp::TransportCc& feedback);
std::string words_of(const rtcp::CongestionControl::Block& block);
std::string words_of(const rtcp::Tmmb::Entry& entry);
std::string words_of(const rtcp::Sli& sli);
std::string words_of(const rtcp::Remb& remb);
// Of extended reports: the name of the block, and its figures. What is unavailable is left out.
std::string words_of(const rtcp::RunLengths& runs);
std::string words_of(const rtcp::StatisticsSummary& summary);
std::string words_of(const rtcp::VoipMetrics& metrics);

}  // namespace sipana::analysis
