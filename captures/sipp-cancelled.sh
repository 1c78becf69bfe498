#!/bin/bash
# Two SIPp phones: Alice cancels after two seconds of ringing (CANCEL, 487).
# Usage: sipp-cancelled.sh [FILE.pcapng]
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../tools/lab/sipp"

hosts_begin
host alice 192.168.1.11/24
host bob 192.168.1.12/24

record "${1:-$here/sipp-cancelled.pcapng}" 'Two SIPp phones: Alice cancels after two seconds of ringing (CANCEL, 487).'
callee bob 192.168.1.12 cancelled-callee
caller alice 192.168.1.11 192.168.1.12 cancelling-caller
hung_up
recorded
