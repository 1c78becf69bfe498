// History: what the messages of one call tell when read from first to last: its transactions (RFC 3261 17),
// dialogs (12), offers and answers (RFC 3264; RFC 3261 13.2.1, RFC 3262 5, RFC 3311, RFC 6337) and digits
// sent as INFO.
#pragma once

#include "libsipana/analysis/model.h"

namespace sipana::analysis {

// Fills transactions, dialogs, ledgers and digits of `call` from call.messages, and the messages' dialog
// numbers; what offers and answers break is added to call.findings.
void tell_history(Call& call);

}  // namespace sipana::analysis
