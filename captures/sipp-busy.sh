#!/bin/bash
# Two SIPp phones: Bob is busy (486).
# Usage: sipp-busy.sh [FILE.pcapng]
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../tools/lab/sipp"

hosts_begin
host alice 192.168.1.11/24
host bob 192.168.1.12/24

record "${1:-$here/sipp-busy.pcapng}" 'Two SIPp phones: Bob is busy (486).'
callee bob 192.168.1.12 busy-callee
caller alice 192.168.1.11 192.168.1.12 refused-caller
hung_up
recorded
