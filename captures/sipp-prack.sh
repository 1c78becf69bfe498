#!/bin/bash
# Two SIPp phones: a reliable 183 with early media, PRACK, then the answer (RFC 3262).
# Usage: sipp-prack.sh [FILE.pcapng]
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../tools/lab/sipp"

hosts_begin
host alice 192.168.1.11/24
host bob 192.168.1.12/24
notes "$scratch/alice.ulaw" 440
notes "$scratch/bob.ulaw" 300

record "${1:-$here/sipp-prack.pcapng}" 'Two SIPp phones: a reliable 183 with early media, PRACK, then the answer (RFC 3262).'
callee bob 192.168.1.12 prack-callee
caller alice 192.168.1.11 192.168.1.12 prack-caller
hung_up
recorded
