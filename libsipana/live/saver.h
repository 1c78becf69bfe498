// Saver: calls into a file for who watches them: pcapng, html, json or txt. From any thread but the one that
// reads packets.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "libsipana/live/block_file.h"
#include "libsipana/live/board.h"

namespace sipana::live {

class Saver {
public:
    // Into `folder`, opened while that may be done. The board outlives it.
    Saver(Board& board, Folder folder) : board_(board), folder_(std::move(folder)) {}

    // Returns the file's name. Errc::not_found: nothing is known of the calls any more, or no packets were
    // kept; Errc::unsupported: the format; others: of the system.
    Result<std::string> save(const std::vector<std::uint64_t>& numbers, std::string_view format);

private:
    Result<std::string> write(const std::string& stem, std::string_view suffix, Bytes content);

    Board& board_;
    Folder folder_;
};

}  // namespace sipana::live
