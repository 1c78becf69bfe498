// SIPp import: scenarios in SIPp's XML become one script of the lab, a phone for each file.
//
// Who is caller and who is called is found from who sends first; callers and called phones are
// paired in the order of the files, and where no file jumps the two sides are woven into one
// ladder. A file without a partner talks to a server. What a phone does by itself (Via, tags, CSeq,
// ACK of refusals, credentials ...) is left to it; what the XML asks for beside that becomes
// modifiers. What cannot be carried over is told, line by line. Nothing is executed.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "libsipana/lab/script.h"

namespace sipana::lab {

inline constexpr std::size_t max_sipp_files = 32;
inline constexpr std::size_t max_sipp_size = std::size_t{4} << 20;  // bytes of one file
inline constexpr std::size_t max_sipp_elements = 10'000;            // of one file

struct SippFile {
    std::string name;  // without folder and suffix: becomes the phone's name
    std::string xml;
};

struct SippOptions {
    std::string peer = "peer";          // the server that a file without a partner talks to
    std::string peer_at = "127.0.0.1";  // where it is
    std::string service = "service";    // [service], SIPp's -s
    std::string dataset;                // the text of SIPp's -inf file
};

struct Import {
    Script script;
    std::vector<std::string> notes;  // "uac.xml:12: ..."
};

// Fails where a file is no XML, no SIPp scenario, or would execute a command.
Result<Import> import_sipp(std::span<const SippFile> files, const SippOptions& options = {});

}  // namespace sipana::lab
