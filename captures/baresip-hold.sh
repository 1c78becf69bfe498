#!/bin/bash
# Two baresip phones, PCMU only: Bob puts Alice on hold for two seconds and takes her back; Alice dials 42#
# (RFC 4733) and hangs up. Usage: baresip-hold.sh [FILE.pcapng]
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../tools/lab/baresip"

hosts_begin
host alice 192.168.1.11/24
host bob 192.168.1.12/24
voice "$scratch/alice.wav" 440
voice "$scratch/bob.wav" 300

record "${1:-$here/baresip-hold.pcapng}" 'baresip to baresip: hold and resume, then digits'
phone bob 900 Bob "$scratch/bob.wav"
phone alice 100 Alice "$scratch/alice.wav"
tell alice dial sip:900@192.168.1.12
await 10 logged bob 'Incoming call'
sleep 1
tell bob accept
await 10 logged alice 'Call established'
sleep 2
tell bob hold
sleep 2
tell bob resume
sleep 1
for digit in 4 2 '#'; do
    tell alice sndcode "$digit"
    sleep 0.4
done
tell alice hangup
await 10 logged bob 'session closed'
recorded
