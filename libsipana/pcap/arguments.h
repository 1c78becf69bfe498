// Arguments: what a user names on a command line, as the list of files that it means.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "libsipana/base/result.h"

namespace sipana::pcap {

struct Candidate {
    std::string path;
    // The folder that it was found in: anything that is no capture is left out with a note. Empty
    // where the file itself was named.
    std::string folder;
};

struct Candidates {
    std::vector<Candidate> files;
    std::vector<Error> errors;  // arguments that name nothing; text begins with the argument
    std::vector<std::string> notes;
};

// "-" is standard input; a folder is the regular files in it, sorted by name, not those in folders
// below; a pattern (* ? [) that is no file's name is expanded as a shell does. A file named twice,
// under whatever names, is read once.
Candidates expand(std::span<const std::string> arguments);

// "x: no captures in this folder"
Error no_captures(const std::string& folder);

}  // namespace sipana::pcap
