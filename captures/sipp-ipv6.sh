#!/bin/bash
# Two SIPp phones over IPv6: a call that is answered.
# Usage: sipp-ipv6.sh [FILE.pcapng]
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../tools/lab/sipp"

hosts_begin
host alice fd00:1::11/64
host bob fd00:1::12/64
notes "$scratch/alice.ulaw" 440
notes "$scratch/bob.ulaw" 300

record "${1:-$here/sipp-ipv6.pcapng}" 'Two SIPp phones over IPv6: a call that is answered.'
callee bob fd00:1::12 callee
caller alice fd00:1::11 "[fd00:1::12]" caller
hung_up
recorded
