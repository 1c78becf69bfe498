#!/usr/bin/env python3
"""Calls coming and going for a long time: does what the program takes stay flat?

  soak.py SIPANA MINUTES [--calls-a-second N] [--csv FILE]

Calls with media, each with a Call-ID of its own, are sent into a veth pair; resident size and open descriptors are looked at
every ten seconds. The first and the last five minutes (or sixths of the whole, where that is less) are compared, after the
report's own room, --max-memory, is full or the run is over. Needs root; closes with "N passed, N failed, N skipped".
"""
import argparse
import os
import pathlib
import statistics
import tempfile
import threading
import time

import ground
from ground import judge

CHUNK_S = 10          # of calls, generated while the one before is sent
FLATTER = 1.05        # what the last part may take of the first


def offer(veth, folder, rate, stop, sent):
    number, index = 0, 0
    while not stop.is_set():
        path = folder / f"chunk-{index % 2}.pcap"
        count = round(rate * CHUNK_S)
        begun = time.monotonic()
        packets = ground.calls_capture(path, count, 2.0, 1 / rate, number)
        veth.replay(path, "--preload-pcap", timeout=120)
        number, index = number + count, index + 1
        sent.append((count, packets))
        stop.wait(max(0, CHUNK_S - (time.monotonic() - begun)))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("minutes", type=float)
    parser.add_argument("--calls-a-second", type=float, default=20)
    parser.add_argument("--max-memory", type=int, default=128, help="megabytes")
    parser.add_argument("--csv")
    given = parser.parse_args()
    ground.needs("tcpreplay")
    with ground.Veth() as veth, tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        live = ground.Live(os.path.abspath(given.program), veth.at(veth.here), "-i", "veth0", "--events", "totals",
                           "--max-memory", given.max_memory << 20, "--buffer", 16 << 20, "-w", folder / "ring.pcapng",
                           "--ring-size", 16 << 20, "--ring-count", 3)
        if not judge(live.listens(), "it listens", live.words):
            ground.end()
        stop, sent, samples = threading.Event(), [], []
        thread = threading.Thread(target=offer, args=(veth, folder, given.calls_a_second, stop, sent))
        thread.start()
        begun = time.monotonic()
        while time.monotonic() - begun < given.minutes * 60 and live.process.poll() is None:
            time.sleep(10)
            samples.append((round(time.monotonic() - begun), live.kilobytes("VmRSS"), live.descriptors()))
            if len(samples) % 6 == 0:
                print(f"      {samples[-1][0] / 60:4.1f} min: {samples[-1][1] / 1024:.1f} MB, {samples[-1][2]} descriptors",
                      flush=True)
        stop.set()
        thread.join()
        cpu, peak = live.cpu_s(), live.kilobytes("VmHWM")
        status = live.stop(seconds=120)
    total = live.total()
    if given.csv:
        pathlib.Path(given.csv).write_text("seconds,kilobytes,descriptors\n" +
                                           "".join(",".join(map(str, s)) + "\n" for s in samples), encoding="ascii")
    part = max(1, min(30, len(samples) // 6))
    # The report's room fills first: the beginning is what comes after it is full, or after a fifth of the time.
    full = next((i for i, s in enumerate(samples) if s[1] >= 0.95 * max(r for _, r, _ in samples)), 0)
    early = samples[full:full + part] or samples[-part:]
    late = samples[-part:]
    first, last = (statistics.median(r for _, r, _ in some) / 1024 for some in (early, late))
    print(f"      {sum(c for c, _ in sent)} calls, {sum(p for _, p in sent)} packets, {cpu:.1f} s of CPU; from {early[0][0]} s on "
          f"{first:.1f} MB, at the end {last:.1f} MB, peak {peak / 1024:.1f} of {given.max_memory} MB; {total.get('dropped')} dropped")
    judge(last <= first * FLATTER, "what it takes at the end is what it took at the beginning", (first, last))
    judge(peak <= given.max_memory * 1024 * 1.1, "and stays under the limit and a tenth", peak)
    judge(max(d for _, _, d in late) <= max(d for _, _, d in early), "no descriptor is left open",
          (early[0], late[-1]))
    judge(status in (0, 4), "it ends well", (status, live.words))
    judge(total.get("calls_over", 0) == sum(c for c, _ in sent) or total.get("dropped"), "every call was seen", total)
    ground.end()


main()
