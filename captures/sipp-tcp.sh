#!/bin/bash
# Two SIPp phones over TCP: a call that is answered.
# Usage: sipp-tcp.sh [FILE.pcapng]
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../tools/lab/sipp"

hosts_begin
host alice 192.168.1.11/24
host bob 192.168.1.12/24
notes "$scratch/alice.ulaw" 440
notes "$scratch/bob.ulaw" 300

record "${1:-$here/sipp-tcp.pcapng}" 'Two SIPp phones over TCP: a call that is answered.'
callee bob 192.168.1.12 callee -t t1
caller alice 192.168.1.11 192.168.1.12 caller -t t1
hung_up
recorded
