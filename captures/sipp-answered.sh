#!/bin/bash
# Two SIPp phones: a call that is answered; three seconds of PCMU each way; Alice hangs up.
# Usage: sipp-answered.sh [FILE.pcapng]
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../tools/lab/sipp"

hosts_begin
host alice 192.168.1.11/24
host bob 192.168.1.12/24
notes "$scratch/alice.ulaw" 440
notes "$scratch/bob.ulaw" 300

record "${1:-$here/sipp-answered.pcapng}" 'Two SIPp phones: a call that is answered; three seconds of PCMU each way; Alice hangs up.'
callee bob 192.168.1.12 callee
caller alice 192.168.1.11 192.168.1.12 caller
hung_up
recorded
