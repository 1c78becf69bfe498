#!/usr/bin/env python3
"""witness.py FILE... > EXPECTED.json: what tshark says of captures, in the form that compare.py reads.

Run it after recording a capture again:  tests/conformance/witness.py captures/{baresip,sipp}-*.pcapng > tests/conformance/captures.json
Needs tshark (Debian package tshark). tshark is a witness and not the judge: differences.tsv says where it errs. Names are relative to the folder that all FILEs share.
"""
import collections
import json
import os
import subprocess
import sys


def tshark(path, *options):
    done = subprocess.run(["tshark", "-n", "-r", path, "-o", "tcp.try_heuristic_first:TRUE",
                           "-o", "tcp.reassemble_out_of_order:TRUE", *options],
                          capture_output=True, text=True, errors="replace", check=True)
    return done.stdout.splitlines()


def counted(path, protocol, field):
    """How often each value of the field occurs; a packet may hold several, separated by commas."""
    lines = tshark(path, "-Y", protocol, "-T", "fields", "-e", field, "-E", "aggregator=,")
    return dict(sorted(collections.Counter(v for line in lines for v in line.split(",") if v).items()))


def streams(path, *options):
    found = []
    for line in tshark(path, "-q", *options, "-z", "rtp,streams"):
        words = line.split()
        ssrc = next((i for i, word in enumerate(words) if word.startswith("0x")), None)
        if ssrc is None:
            continue
        share = next(i for i in range(ssrc, len(words)) if words[i].startswith("("))  # "(0.0%)" follows the loss
        found.append({"src": f"{words[2]}:{words[3]}", "dst": f"{words[4]}:{words[5]}", "ssrc": words[ssrc].lower(),
                      "packets": int(words[share - 2]), "lost": int(words[share - 1])})
    return found


def facts(path):
    announced = streams(path)
    return {
        "sip": {"methods": counted(path, "sip", "sip.Method"), "codes": counted(path, "sip", "sip.Status-Code"),
                "messages_per_call_id": counted(path, "sip", "sip.Call-ID")},
        "rtp": announced,
        "rtp_heuristic": [s for s in streams(path, "--enable-heuristic", "rtp_udp") if s not in announced],
        "rtcp": counted(path, "rtcp", "rtcp.pt"),
    }


if len(sys.argv) < 2:
    sys.exit(__doc__)
folder = os.path.commonpath([os.path.dirname(path) or "." for path in sys.argv[1:]])
json.dump({os.path.relpath(path, folder): facts(path) for path in sys.argv[1:]}, sys.stdout, indent=1)
print()
