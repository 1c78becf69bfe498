#!/bin/bash
# A SIPp phone and a SIPp registrar: REGISTER, 401, REGISTER with digest, 200; two seconds later the same with Expires 0.
# Usage: sipp-register.sh [FILE.pcapng]
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../tools/lab/sipp"

hosts_begin
host alice 192.168.1.11/24
host registrar 192.168.1.1/24

record "${1:-$here/sipp-register.pcapng}" 'A SIPp phone and a SIPp registrar: REGISTER, 401, REGISTER with digest, 200; two seconds later the same with Expires 0.'
callee registrar 192.168.1.1 registrar
caller alice 192.168.1.11 192.168.1.1 registering-phone
hung_up
recorded
