#!/usr/bin/env python3
"""The exchange's calls, seen live: how soon, how they go on, and whether the report at the end is the offline one.

  calls_test.py SIPANA SIPANA-LAB

In a network namespace of its own, so as root; skipped otherwise. Closes with "N passed, N failed, N skipped".
"""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

SIPANA, LAB = (os.path.abspath(p) for p in sys.argv[1:3])
SCRIPTS = ["exchange-echo", "trunk-busy", "trunk-call"]
SOON_S = 0.2
TIMEOUT = 60

passed = failed = skipped = 0


def judge(holds, claim, seen=""):
    global passed, failed
    passed, failed = passed + bool(holds), failed + (not holds)
    print(("ok    " if holds else "FAIL  ") + claim + ("" if holds else f"\n      seen: {seen!r}"))


def end():
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    sys.exit(1 if failed else 0)


def seconds(rfc3339):
    whole, fraction = rfc3339.rstrip("Z").split(".")
    from calendar import timegm
    return timegm(time.strptime(whole, "%Y-%m-%dT%H:%M:%S")) + float("0." + fraction)


class Live:
    """A run of `sipana live`, its events with the time at which each was read."""

    def __init__(self, inside, *arguments):
        self.process = subprocess.Popen([*inside, SIPANA, "live", *map(str, arguments)], stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, start_new_session=True)
        self.events, self.words = [], []
        self.readers = [threading.Thread(target=self.read), threading.Thread(target=self.read_words)]
        for reader in self.readers:
            reader.start()

    def read(self):
        for line in self.process.stdout:
            self.events.append((time.time(), json.loads(line)))

    def read_words(self):
        for line in self.process.stderr:
            self.words.append(line)

    def wait_for(self, holds):
        until = time.monotonic() + TIMEOUT
        while time.monotonic() < until and not holds(self.events):
            if self.process.poll() is not None:
                return False
            time.sleep(0.01)
        return holds(self.events)

    def stop(self, how=signal.SIGINT):
        os.killpg(self.process.pid, how)
        status = self.process.wait(TIMEOUT)
        for reader in self.readers:
            reader.join(TIMEOUT)
        return status


def of(events, kind):
    return [event for _, event in events if event["event"] == kind]


def listening(live):
    """The socket that captures is open once the totals come; before that packets would be missed."""
    return live.wait_for(lambda events: any(e["event"] == "totals" for _, e in events))


def play(inside, script):
    return subprocess.run([*inside, LAB, "run", "--on", "exchange", "--server", "A=127.0.0.1", "--server", "B=127.0.0.2",
                           "--local", "127.0.0.1", "--no-capture", f"captures/{script}.lab"],
                          capture_output=True, text=True, timeout=TIMEOUT)


def seen_live(inside, folder):
    record, report = folder / "all.pcapng", folder / "live.json"
    live = Live(inside, "-i", "lo", "-w", record, "-o", report)
    judge(listening(live), "it says that it listens", live.words)
    for script in SCRIPTS:
        played = play(inside, script)
        judge(played.returncode == 0, f"{script} is played", played.stdout + played.stderr)
    judge(live.wait_for(lambda events: sum(e["event"] == "call" and e["kind"] == "invite" for _, e in events) >= 4),
          "the calls are handed on when they are over, while it goes on", of(live.events, "call"))
    status = live.stop()
    judge(status == 0, "an interrupt ends it with status 0", (status, live.words))

    late = {}
    for at, event in live.events:
        if event["event"] == "going" and event["kind"] == "invite":
            late.setdefault(event["call_id"], at - seconds(event["start"]))
    worst = max(late.values(), default=9)
    judge(len(late) >= 4 and worst <= SOON_S, f"a call appears within {SOON_S * 1000:.0f} ms of its INVITE", late)
    print(f"      {len(late)} calls, the latest after {worst * 1000:.0f} ms")

    states = {}
    for event in of(live.events, "going"):
        states.setdefault(event["call_id"], []).append(event["state"])
    order = ["trying", "ringing", "answered", "completed"]
    ranks = [[order.index(s) for s in seen if s in order] for seen in states.values()]
    judge(all(r == sorted(r) for r in ranks) and any("answered" in s and "completed" in s for s in states.values()),
          "its state follows while it goes on", states)
    judge(all(e["call_id"] in late for e in of(live.events, "call") if e["kind"] == "invite"),
          "no call ends that had not begun", late)

    offline = folder / "offline.json"
    subprocess.run([SIPANA, "report", "-q", record, "-o", offline], check=True, timeout=TIMEOUT)
    here, there = json.loads(report.read_text()), json.loads(offline.read_text())
    facts = here.pop("files"), there.pop("files")
    judge(here == there, "the report at the end is the offline report of the same packets",
          [key for key in here if here[key] != there.get(key)])
    judge(facts[0][0]["frames"] == facts[1][0]["frames"] and facts[0][0]["bytes"] == facts[1][0]["bytes"],
          "it counts the same frames and bytes", facts)
    total = of(live.events, "end")[0]
    frames = total["frames"]
    judge(total["received"] == total["read"] + total["dropped"] and
          total["read"] == frames["parsed"] + frames["ignored"] + frames["malformed"] + frames["over_cap"],
          "received = parsed + ignored + malformed + dropped", total)


def a_pipe():
    """ssh host tcpdump -w - | sipana live -r -: no terminal, and what is known is said at once (trap 81)."""
    capture = pathlib.Path("captures/sipp-answered.pcapng").read_bytes()
    reader, writer = os.pipe()
    live = subprocess.Popen([SIPANA, "live", "-r", "-", "-q", "--events", "going,call"], stdin=reader,
                            stdout=subprocess.PIPE, text=True)
    os.close(reader)
    os.write(writer, capture[:60000])
    first = json.loads(live.stdout.readline())
    judge(first["event"] == "going" and first["call_id"].startswith("1-"), "a pipe that stays open: calls as they come",
          first)
    with os.fdopen(writer, "wb") as rest:
        rest.write(capture[60000:])
    rows = [json.loads(line) for line in live.stdout]
    judge(live.wait(TIMEOUT) == 0 and rows[-1]["event"] == "call" and rows[-1]["state"] == "completed",
          "and its end ends the run", rows[-1:])


def refusals(folder):
    def says(status, words, *arguments):
        done = subprocess.run([SIPANA, "live", *arguments], capture_output=True, text=True, timeout=TIMEOUT, cwd=folder)
        judge(done.returncode == status and words in done.stderr, f"{' '.join(arguments)}: status {status}, {words}",
              (done.returncode, done.stderr))
    says(2, "what to listen to", "-q")
    says(2, "expected one of", "-i", "lo", "--where", "final")
    says(2, "--save-where", "-i", "lo", "--save-where", "final>1")
    says(2, "none of message", "-i", "lo", "--events", "everything")
    says(5, "no such interface", "-i", "there-is-none")
    says(5, "No such file", "-r", "there-is-none.pcap")


if os.geteuid() != 0 or not shutil.which("ip"):
    skipped += 1
    print("skip  a network namespace of its own needs root and iproute2")
    a_pipe()
    end()
name = f"sipana-live-{os.getpid()}"
subprocess.run(["ip", "netns", "add", name], check=True)
try:
    inside = ["ip", "netns", "exec", name]
    subprocess.run([*inside, "ip", "link", "set", "lo", "up"], check=True)
    with tempfile.TemporaryDirectory() as scratch:
        seen_live(inside, pathlib.Path(scratch))
        refusals(scratch)
    a_pipe()
finally:
    subprocess.run(["ip", "netns", "del", name], check=False)
end()
