#!/bin/bash
# Two baresip phones: PCMU audio, H.264 video, RTCP. Alice calls, Bob lets it ring two seconds, and hangs up after
# twelve. Usage: baresip-video.sh [FILE.pcapng]
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../tools/lab/baresip"

hosts_begin
host alice 192.168.1.11/24
host bob 192.168.1.12/24
voice "$scratch/alice.wav" 440
voice "$scratch/bob.wav" 300
moving_picture "$scratch/picture.mp4" 30
video=("video_source avformat,$scratch/picture.mp4" "video_display fakevideo" "video_size 320x240"
       "video_fps 15" "video_bitrate 120000" "videnc_format yuv420p"
       "module avcodec.so" "module avformat.so" "module fakevideo.so")

record "${1:-$here/baresip-video.pcapng}" 'baresip to baresip: PCMU, H.264, RTCP'
phone bob 900 Bob "$scratch/bob.wav" "${video[@]}"
phone alice 100 Alice "$scratch/alice.wav" "${video[@]}"
tell alice dial sip:900@192.168.1.12
await 10 logged bob 'Incoming call'
sleep 1
tell bob accept
await 10 logged alice 'Call established'
sleep 11
tell bob hangup
await 10 logged alice 'session closed'
recorded
