// H.263 in RTP: RFC 4629 (H263-1998, H263-2000) and the older RFC 2190 (H263), and the picture
// header behind them (H.263 5.1).
//
//   RFC 4629:  |   RR    |P|V|   PLEN    |PEBIT|
//   RFC 2190:  |F|P|SBIT |EBIT | SRC |I|...   mode A 4, mode B 8, mode C 12 bytes
#pragma once

#include "libsipana/media/fragment.h"

namespace sipana::media::h263 {

Result<Fragment> read(Bytes payload);          // RFC 4629
Result<Fragment> read_rfc2190(Bytes payload);  // RFC 2190

}  // namespace sipana::media::h263
