#!/bin/bash
# Two SIPp phones: two early dialogs under one INVITE, the second is answered.
# Usage: sipp-forked.sh [FILE.pcapng]
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../tools/lab/sipp"

hosts_begin
host alice 192.168.1.11/24
host bob 192.168.1.12/24
notes "$scratch/alice.ulaw" 440
notes "$scratch/bob.ulaw" 300

record "${1:-$here/sipp-forked.pcapng}" 'Two SIPp phones: two early dialogs under one INVITE, the second is answered.'
callee bob 192.168.1.12 forked-callee
caller alice 192.168.1.11 192.168.1.12 caller
hung_up
recorded
