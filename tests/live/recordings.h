// What recordings of live mode's tests hold, read back; frames of SIP and RTP made for them; a
// small disk.
#pragma once

#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "libsipana/live/ring.h"
#include "tests/pcap/samples.h"

namespace sipana::live {

using TestFolder = pcap::Folder;

inline std::vector<std::string> names_in(const TestFolder& folder) {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder.path()))
        names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    return names;
}

struct Recording {
    explicit Recording(const std::string& path) {
        pcap::Input input = pcap::open({path});
        frames = pcap::read_all(input);
        damaged = input.damaged();
        for (const pcap::FileSummary& f : input.files()) file = f;
    }
    std::vector<pcap::Copy> frames;
    pcap::FileSummary file;
    bool damaged = false;
};

inline std::uint64_t readable_in(const TestFolder& folder) {
    std::uint64_t packets = 0;
    for (const std::string& name : names_in(folder)) {
        const Recording recording(folder.path(name));
        CHECK_FALSE(recording.damaged);
        packets += recording.frames.size();
    }
    return packets;
}

// A disk with so much room in all files of `folder` together.
inline WriteCall small_disk(const TestFolder& folder, std::size_t room) {
    return [&folder, room](int descriptor, const void* bytes, std::size_t size) -> ssize_t {
        std::size_t used = 0;
        for (const auto& entry : std::filesystem::directory_iterator(folder.path()))
            used += entry.file_size();
        const std::size_t left = room - std::min(room, used);
        if (left == 0) {
            errno = ENOSPC;
            return -1;
        }
        return ::write(descriptor, bytes, std::min(size, left));
    };
}

inline CaptureHead two_interfaces() {
    CaptureHead head;
    head.comments = {"recorded for a test"};
    pcap::Interface ethernet, raw;
    ethernet.link = pcap::LinkType::ethernet;
    ethernet.name = "eth0";
    ethernet.filter = "udp or tcp";
    ethernet.snap = 262'144;
    raw.link = pcap::LinkType::raw;
    raw.name = "hep udp 127.0.0.1:9060";
    head.interfaces = {ethernet, raw};
    return head;
}

}  // namespace sipana::live
