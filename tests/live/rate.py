#!/usr/bin/env python3
"""How many packets a second until the first is lost: `sipana live`, tcpdump and sngrep, in the same run.

  rate.py SIPANA [--seconds S] [--runs N] [--rates K,K,...] [--tools NAME,...] [--capture FILE] [--buffer MEGABYTES]

Between two network namespaces joined by a veth pair, tcpreplay sends RTP of 200 calls at rising speed, for S seconds a step
(3), and each tool listens alone. A step is lossless when every packet that was sent was read, by the tool's own count and by
the kernel's. The steps of all tools are made in turn, so that all meet the same machine. `--capture` takes another file.

sipana records what it reads (-w) at the same time, as tcpdump does, to the same disk; its report at the end is compared with
the report of that recording. Needs root, tcpreplay and the tools; not a test by itself, but exits 1 if reports differ.
"""
import argparse
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import ground

TOOLS = ["sipana", "tcpdump", "sngrep"]


class Tool:
    def __init__(self, veth, folder, given):
        self.veth, self.folder, self.given = veth, folder, given
        self.log = folder / f"{type(self).__name__}.log"
        self.process = None

    def start(self, command):
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(self.veth.at(self.veth.here, *command), stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=subprocess.STDOUT, env={**os.environ, "TERM": "xterm", "NO_COLOR": "1"})

    def stop(self):
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.process.pid, signal.SIGINT)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        return self.log.read_text(errors="replace")

    def socket_reads(self):
        """Until the packet socket is there."""
        until = time.monotonic() + 10
        while time.monotonic() < until and self.process.poll() is None:
            seen = subprocess.run(self.veth.at(self.veth.here, "cat", "/proc/net/packet"), capture_output=True, text=True,
                                  check=False).stdout
            if len(seen.splitlines()) > 1:
                time.sleep(0.3)
                return True
            time.sleep(0.05)
        return False


class Sipana(Tool):
    record = "sipana.pcapng"
    differs = None

    def run(self, send):
        record, report = self.folder / self.record, self.folder / "live.json"
        record.unlink(missing_ok=True)
        self.start([self.given.program, "live", "-i", "veth0", "--format", "ndjson", "--events", "totals", "--buffer",
                    self.given.buffer << 20, "-w", record, "-o", report, "--max-memory", 1 << 30])
        if not self.socket_reads():
            raise SystemExit("sipana does not listen: " + self.stop())
        time.sleep(0.2)
        sent = send()
        words = self.stop()
        ends = [line for line in words.splitlines() if line.startswith('{"event":"end"')]
        if not ends:
            raise SystemExit("sipana: " + words)
        total = json.loads(ends[-1])
        self.compare(record, report)
        return sent, total["read"], total["dropped"]

    def compare(self, record, report):
        offline = self.folder / "offline.json"
        subprocess.run([self.given.program, "report", "-q", record, "-o", offline], check=False, timeout=120)
        here, there = json.loads(report.read_bytes()), json.loads(offline.read_bytes())
        for one in (here, there):
            one.pop("files", None)
            for call in [one, *one["calls"]]:  # that packets were lost the recording does not say
                call["findings"] = [f for f in call["findings"] if f["rule"] != "capture-lossy"]
        keys = [k for k in here if here[k] != there.get(k)]
        if keys and self.differs is None:
            self.differs = keys


class Tcpdump(Tool):
    def run(self, send):
        self.start(["tcpdump", "-i", "veth0", "-n", "-B", self.given.buffer << 10, "-w", self.folder / "tcpdump.pcap"])
        if not self.socket_reads():
            raise SystemExit("tcpdump does not listen: " + self.stop())
        sent = send()
        time.sleep(1.0)
        words = self.stop()
        captured = int(re.search(r"(\d+) packets captured", words).group(1))
        return sent, captured, int(re.search(r"(\d+) packets dropped by kernel", words).group(1))


class Sngrep(Tool):
    """Without a screen (-N), recording SIP and RTP (-r -O), with the same buffer. It counts nothing: what it lost is what its
    recording lacks; a packet of RTP is in there once its call is known."""

    def run(self, send):
        record = self.folder / "sngrep.pcap"
        record.unlink(missing_ok=True)
        self.start(["sngrep", "-N", "-q", "-r", "-B", self.given.buffer, "-d", "veth0", "-O", record])
        if not self.socket_reads():
            raise SystemExit("sngrep does not listen: " + self.stop())
        sent = send()
        time.sleep(2.0)
        self.stop()
        read = packets_in(record)
        return sent, read, max(0, sent - read)


def packets_in(path):
    if not path.exists():
        return 0
    done = subprocess.run(["capinfos", "-c", "-M", "-r", "-T", path], capture_output=True, text=True, check=False)
    words = done.stdout.split()
    return int(words[-1]) if words and words[-1].isdigit() else 0


def send_at(veth, capture, packets, rate, seconds):
    loops = max(1, round(rate * seconds / packets))
    words = veth.replay(capture, "--preload-pcap", f"--loop={loops}", f"--pps={rate}" if rate else "--topspeed",
                        timeout=seconds * 20 + 60)
    found = re.search(r"Successful packets:\s+(\d+)", words)
    speed = re.search(r"([\d.]+) pps", words)
    return int(found.group(1)) if found else 0, float(speed.group(1)) if speed else 0.0


def step(tool, veth, capture, packets, rate, seconds):
    real = {}

    def send():
        count, real["pps"] = send_at(veth, capture, packets, rate, seconds)
        return count
    sent, read, dropped = tool.run(send)
    return real["pps"], sent, read, max(dropped, sent - read)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--rates", default="50000,100000,150000,200000,250000,300000,400000,500000,700000")
    parser.add_argument("--tools", default=",".join(TOOLS))
    parser.add_argument("--buffer", type=int, default=64, help="the kernel's for each tool, megabytes")
    parser.add_argument("--capture")
    given = parser.parse_args()
    given.program = os.path.abspath(given.program)
    ground.needs("tcpreplay", "capinfos")
    rates = [int(r) for r in given.rates.split(",")]
    names = [n for n in given.tools.split(",") if n == "sipana" or shutil.which(n)]
    differs = None
    with ground.Veth() as veth, tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        if given.capture:
            capture = pathlib.Path(given.capture).resolve()
            packets = packets_in(capture)
        else:
            capture = folder / "calls.pcap"
            packets = ground.calls_capture(capture, 200, 2.0, 0.01)
        tools = {n: {"sipana": Sipana, "tcpdump": Tcpdump, "sngrep": Sngrep}[n](veth, folder, given) for n in names}
        print(f"{packets} packets of {capture.name}, {given.seconds:g} s a step, kernel buffer {given.buffer} MB; lost / sent "
              "(packets a second really sent)")
        print("rate".rjust(8) + "".join(n.rjust(34) for n in names), flush=True)
        first = {}
        for _ in range(given.runs):
            for rate in rates:
                cells = []
                for name in names:
                    pps, sent, read, lost = step(tools[name], veth, capture, packets, rate, given.seconds)
                    if lost > 0:
                        first.setdefault(name, round(pps))
                    cells.append(f"{lost} / {sent} ({pps / 1000:.0f}k)".rjust(34))
                print(f"{rate // 1000}k".rjust(8) + "".join(cells), flush=True)
        for name in names:
            print(f"{name}: first loss at {first[name]} packets a second" if name in first else f"{name}: none lost")
        if "sipana" in tools:
            differs = tools["sipana"].differs
            print("sipana: the live report and the report of the recording " + (f"differ in {differs}" if differs else "are equal"))
    sys.exit(1 if differs else 0)


main()
