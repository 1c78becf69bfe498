#!/bin/bash
# Two SIPp phones: Bob is silent; Alice sends the INVITE seven times in 32 seconds and gives up.
# Usage: sipp-unanswered.sh [FILE.pcapng]
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../tools/lab/sipp"

hosts_begin
host alice 192.168.1.11/24
host bob 192.168.1.12/24

record "${1:-$here/sipp-unanswered.pcapng}" 'Two SIPp phones: Bob is silent; Alice sends the INVITE seven times in 32 seconds and gives up.'
callee bob 192.168.1.12 silent-callee
caller alice 192.168.1.11 192.168.1.12 unanswered-caller -max_invite_retrans 6 || :
hung_up
recorded
