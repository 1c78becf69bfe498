#include "libsipana/pcap/summary.h"

namespace sipana::pcap {

void Annotations::add_name(const Address& address, std::string name) {
    if (names.size() >= max_names || !known_.emplace(address, name).second) return;
    names.emplace_back(address, std::move(name));
}

void Annotations::add_secret(Secret secret) {
    if (secret.bytes.size() > max_secret_bytes - secret_bytes_) return;
    secret_bytes_ += secret.bytes.size();
    secrets.push_back(std::move(secret));
}

}  // namespace sipana::pcap
