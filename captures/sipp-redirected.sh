#!/bin/bash
# Three SIPp phones: Bob sends Alice to Carol (302), who answers.
# Usage: sipp-redirected.sh [FILE.pcapng]
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../tools/lab/sipp"

hosts_begin
host alice 192.168.1.11/24
host bob 192.168.1.12/24
host carol 192.168.1.13/24
notes "$scratch/alice.ulaw" 440
notes "$scratch/bob.ulaw" 300

record "${1:-$here/sipp-redirected.pcapng}" 'Three SIPp phones: Bob sends Alice to Carol (302), who answers.'
callee bob 192.168.1.12 redirecting-callee -key elsewhere 192.168.1.13:5060
callee carol 192.168.1.13 callee
caller alice 192.168.1.11 192.168.1.12 redirected-caller
hung_up
recorded
