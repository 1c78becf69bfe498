#!/usr/bin/env python3
"""Floods: what the program takes of memory, what becomes of a normal call meanwhile, and whether it recovers.

  floods_test.py SIPANA [--long SECONDS] [--kind KIND] [--max-memory MEGABYTES] [--rate PACKETS-A-SECOND]

Each kind of tests/live/sender.py is sent into a veth pair as fast as the sender can: one after the other for less than a
second, or each for as long as said, in a run of its own (60 gives the full figures). Between network namespaces, so as root; skipped otherwise.
Closes with "N passed, N failed, N skipped".
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile
import time

import ground
from ground import judge

KINDS = ["call-ids", "ssrcs", "half-open", "fragments", "large", "garbage"]
OVER = 1.10       # of the limit
SLOWER = 1.5      # CPU a packet afterwards, against before
WITNESSES = 5     # normal calls during a flood, where there is time for them


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("more", nargs="*")
    parser.add_argument("--long", type=float, default=0)
    parser.add_argument("--kind", action="append")
    parser.add_argument("--max-memory", type=int, default=0)
    parser.add_argument("--rate", type=float, default=0)
    given = parser.parse_args()
    given.seconds = given.long or 0.8
    given.max_memory = given.max_memory or (512 if given.long >= 30 else 160)
    return given


def cost(veth, live, capture, packets):
    """Microseconds of CPU that a packet of an ordinary replay takes."""
    live.idle(20)
    before, begun = live.cpu_s(), time.monotonic()
    veth.replay(capture, "--preload-pcap", "--topspeed")
    took = time.monotonic() - begun
    live.idle(20)
    return (live.cpu_s() - before) / packets * 1e6, packets / took


class Witnesses:
    """Normal calls during the floods, which must be reported right."""

    def __init__(self, veth, folder, seconds):
        self.veth, self.folder, self.seconds, self.count = veth, folder, seconds, 0
        self.expected = {}  # Call-ID: RTP packets in each direction

    def call(self, timeout):
        name, n = f"witness-{self.count}", self.count
        path = self.folder / f"{name}.pcap"
        frames = ground.call_frames(name, seconds=self.seconds, ports=(50000 + 4 * n, 52000 + 4 * n), ssrc=0x57000000 + 2 * n)
        ground.write_capture(path, frames)
        self.veth.replay(path, timeout=timeout)
        self.expected[name] = round(self.seconds * 50)
        self.count += 1

    def judge(self, claim, live, lossy):
        """With packets lost a call may be wrong, if it says that the capture may be to blame, or unseen."""
        rows = {c["call_id"]: c for c in live.of("call")}
        streams = {}
        for s in live.of("stream"):
            streams.setdefault(s["call_id"], []).append((s["packets"], s["lost"]))
        right = [c for c, packets in self.expected.items() if c in rows and rows[c]["state"] == "completed" and
                 rows[c]["final_code"] == 200 and streams.get(c) == [(packets, 0)] * 2]
        blamed, of = set(), None
        for event in live.events:  # a call's findings follow it
            of = event["call_id"] if event["event"] == "call" else of
            if event["event"] == "finding" and event["rule"] == "capture-lossy":
                blamed.add(of)
        wrong = [c for c in self.expected if c not in right and not (lossy and (c not in rows or c in blamed))]
        judge(not wrong, f"{claim}: normal calls are reported right, or the capture is blamed "
              f"({len(right)} of {len(self.expected)} right)", [(rows.get(c), streams.get(c)) for c in wrong])


def send(given, veth, witnesses, kind):
    sender = subprocess.Popen(veth.at(veth.there, sys.executable, ground.HERE / "sender.py", kind, "veth1", given.seconds,
                                      given.rate), stdout=subprocess.PIPE, text=True)
    until = time.monotonic() + given.seconds
    while True:
        begun = time.monotonic()
        witnesses.call(given.seconds + 60)
        if begun + 2 * (time.monotonic() - begun) > until:
            break
        time.sleep(max(0, min(begun + given.seconds / WITNESSES, until) - time.monotonic()))
    sent = json.loads(sender.communicate(timeout=given.seconds + 60)[0])
    return f"{kind} {sent['packets']} in {sent['seconds']} s"


def flood(given, veth, folder, kinds, plain, packets):
    name = kinds[0] if len(kinds) == 1 else "all kinds"
    report = folder / "report.json"
    limit = given.max_memory << 20
    live = ground.Live(given.program, veth.at(veth.here), "-i", "veth0", "--events", "call,stream,finding,totals",
                       "--where", "call_id~witness", "--max-memory", limit, "--buffer",
                       64 << 20 if given.max_memory > 256 else 16 << 20, "-o", report)
    if not judge(live.listens(), f"{name}: it listens", live.words):
        live.stop()
        return
    before, _ = cost(veth, live, plain, packets)
    witnesses = Witnesses(veth, folder, min(2.0, given.seconds / 3))
    sent = [send(given, veth, witnesses, kind) for kind in kinds]
    peak, recovers = live.kilobytes("VmHWM"), live.idle(60)
    after, _ = cost(veth, live, plain, packets)
    peak = max(peak, live.kilobytes("VmHWM"))
    status = live.stop(seconds=120)
    total = live.total()
    print(f"      {name}: {', '.join(sent)}; {total.get('dropped', '?')} of {total.get('received', '?')} dropped; "
          f"peak {peak / 1024:.0f} MB of {given.max_memory}; CPU a packet of a plain replay {before:.2f} us before, "
          f"{after:.2f} after", flush=True)
    if ground.sanitized(given.program):
        ground.skip(f"{name}: memory", "AddressSanitizer takes its own")
    else:
        judge(0 < peak <= limit / 1024 * OVER, f"{name}: what it takes stays under the limit and a tenth", (peak, total))
        judge(recovers and after <= before * SLOWER + 0.5, f"{name}: afterwards a packet costs what it did", (before, after))
    lossy = bool(total.get("dropped"))
    judge(status == (4 if lossy else 0), f"{name}: it ends, and its status says whether packets were lost",
          (status, live.words))
    witnesses.judge(name, live, lossy)
    judge(report.stat().st_size > 0 and "calls" in json.loads(report.read_bytes()), f"{name}: there is a report", live.words)
    judge(total.get("received") == total.get("read", 0) + total.get("dropped", 0), f"{name}: every packet is accounted for",
          total)


def main():
    given = arguments()
    ground.needs("tcpreplay")
    with ground.Veth() as veth, tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        plain = folder / "plain.pcap"
        packets = ground.calls_capture(plain, 40, 5.0, 0.05)
        kinds = given.kind or KINDS
        for run in [[kind] for kind in kinds] if given.long else [kinds]:
            flood(given, veth, folder, run, plain, packets)
    ground.end()


main()
