#!/bin/bash
# Two SIPp phones: nobody has that number (404).
# Usage: sipp-unknown.sh [FILE.pcapng]
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../tools/lab/sipp"

hosts_begin
host alice 192.168.1.11/24
host bob 192.168.1.12/24

record "${1:-$here/sipp-unknown.pcapng}" 'Two SIPp phones: nobody has that number (404).'
callee bob 192.168.1.12 unknown-callee
caller alice 192.168.1.11 192.168.1.12 refused-caller
hung_up
recorded
