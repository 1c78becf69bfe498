#!/usr/bin/env python3
"""sipana-lab as a shell meets it: exit status, standard output, standard error, the captures that it leaves.

  lab_test.py SIPANA_LAB SIPANA

Closes with "N passed, N failed, N skipped".
"""
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import xml.etree.ElementTree

PROGRAM, ANALYZER = map(os.path.abspath, sys.argv[1:3])
OK, FAILED, USAGE, DAMAGED, IO_ERROR, INTERRUPTED = 0, 1, 2, 3, 5, 130

BUSY = """# busy
phone alice
phone bob
alice -> bob   INVITE
bob   -> alice 180
bob   -> alice 486 after 200ms
check alice final 486
"""
WRONG = BUSY.replace("final 486", "final 603")
SURPRISED = BUSY.replace("bob   -> alice 486", "bob   ->| alice 486").replace(
    "check", "bob |-> alice 200\ncheck")
PATIENT = "phone alice\nphone bob\nalice -> bob INVITE\nbob |-> alice nothing for 60s\n"

passed = failed = 0


def judge(holds, claim, seen=""):
    global passed, failed
    passed, failed = passed + bool(holds), failed + (not holds)
    print(("ok    " if holds else "FAIL  ") + claim + ("" if holds else f"\n      seen: {seen!r}"))


def lab(*arguments, stdin=None, folder=".", stdout=subprocess.PIPE):
    done = subprocess.run([PROGRAM, *map(str, arguments)], input=stdin, cwd=folder, stdout=stdout,
                          stderr=subprocess.PIPE, timeout=120, text=True, check=False,
                          env={**os.environ, "COLUMNS": "120", "NO_COLOR": "1"})
    return done.returncode, done.stdout or "", done.stderr


def write(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def read(path):
    with open(path, "rb") as file:
        return file.read()


def outcomes(tmp):
    busy, wrong = write(tmp, "busy.lab", BUSY), write(tmp, "wrong.lab", WRONG)
    surprised = write(tmp, "surprised.lab", SURPRISED)
    status, out, err = lab("run", "busy.lab", folder=tmp)
    judge(status == OK and "done" in out and err == "", "a scenario that goes as written: 0, nothing on stderr",
          (status, out, err))
    judge(os.path.exists(os.path.join(tmp, "busy.pcapng")), "its capture is in the current folder")
    status, out, err = lab("run", wrong, "--no-capture")
    judge(status == FAILED and "486 Busy Here" in out, "a check that does not hold: 1, with what was found",
          (status, out, err))
    status, out, err = lab("run", surprised, "--no-capture")
    judge(status == FAILED and "got 486 Busy Here" in out, "another final response than expected: 1, and which came",
          (status, out, err))
    status, out, err = lab("run", busy, wrong, "--no-capture")
    judge(status == FAILED and "2 scripts: 1 done, 1 failed" in err, "of several scripts, one failed: 1, and a sum",
          (status, out, err))
    status, out, err = lab("run", busy, "--no-capture", "-q")
    judge((status, out, err) == (OK, "", ""), "-q: success says nothing", (status, out, err))
    status, out, err = lab("run", "-", "--no-capture", stdin=BUSY)
    judge(status == OK and "stdin" in out, "a script from standard input", (status, out, err))
    status, out, err = lab("check", busy)
    judge((status, out) == (OK, "") and "6 steps, 1 checks" in err, "check: read and not played", (status, out, err))
    status, out, err = lab("check", "-v", busy)
    judge(status == OK and "alice" in out and "->" in out, "check -v: the script as it was understood", out)


def mistakes(tmp):
    for text, where in ((BUSY.replace("486 after", "48 after"), ":6:16:"), (BUSY + "check alice finl 486\n", ":8:13:"),
                        ("alice -> bob INVITE\n", ":1:1:"), (BUSY + "check carol final 486\n", ":8:1:")):
        bad = write(tmp, "bad.lab", text)
        status, out, err = lab("run", bad, "--no-capture")
        judge(status == USAGE and where in err and "expected" in err and err.count("\n") == 1,
              f"a mistake in a script: 2, and one line that names it ({where})", (status, out, err))
    status, out, err = lab("run", os.path.join(tmp, "no such.lab"))
    judge(status == IO_ERROR and "No such file" in err, "a script that is not there: 5", (status, err))
    for arguments in (["frobnicate"], ["run"], ["run", "--format", "pdf", "x"], [], ["run", "x", "--server", "A"]):
        status, out, err = lab(*arguments)
        judge(status == USAGE and out == "" and err != "", f"usage: {arguments}", (status, out, err))
    status, out, err = lab("--version")
    judge(status == OK and out.startswith("sipana-lab "), "--version", out)
    status, out, err = lab("run", "--help")
    judge(status == OK and "--seed" in out, "--help", out)
    status, out, err = lab("run", write(tmp, "hostile.lab", "# \x1b[2J\nphone \x1b[31m\n"))
    judge(status == USAGE and "\x1b" not in err, "what a script says does not reach the terminal raw", err)


def captures(tmp):
    busy = write(tmp, "busy.lab", BUSY)
    one, two, other = (os.path.join(tmp, name) for name in ("one.pcapng", "two.pcapng", "other.pcapng"))
    lab("run", busy, "--capture", one)
    lab("run", busy, "--capture", two)
    lab("run", busy, "--capture", other, "--seed", 2)
    judge(read(one) == read(two), "the same seed gives the same capture, to the byte")
    judge(read(one) != read(other), "another seed gives another one")
    mine = os.path.join(tmp, "mine")
    os.mkdir(mine)
    write(mine, "busy.pcapng", "not the lab's")
    status, out, err = lab("run", busy, folder=mine)
    judge(status == IO_ERROR and read(os.path.join(mine, "busy.pcapng")) == b"not the lab's",
          "a file that the lab did not write is not written over", (status, err))
    status, out, err = lab("run", busy, "--capture", os.path.join(tmp, "there", "x") + "/")
    judge(status == OK and os.path.exists(os.path.join(tmp, "there", "x", "busy.pcapng")), "--capture FOLDER/",
          (status, err))
    for where in ("/nonexistent/x.pcapng", "/dev/full"):
        status, out, err = lab("run", busy, "--capture", where)
        judge(status == IO_ERROR and where in out, f"a capture that cannot be written ({where}): 5", (status, out, err))
    with open("/dev/full", "w", encoding="utf-8") as full:
        status, out, err = lab("run", busy, "--no-capture", stdout=full)
    judge(status == IO_ERROR and "cannot write" in err, "standard output that is full: 5", (status, err))


def formats(tmp):
    busy, wrong = write(tmp, "busy.lab", BUSY), write(tmp, "wrong.lab", WRONG)
    status, out, err = lab("run", busy, wrong, "--no-capture", "--format", "json")
    document = json.loads(out)
    judge(status == FAILED and document["schema"] == "sipana-lab/1" and
          [r["outcome"] for r in document["runs"]] == ["done", "failed"], "--format json", out[:200])
    judge(all(r["sip_sent"] == r["sip_seen"] == 4 for r in document["runs"]), "what was sent is what was seen", out)
    status, out, err = lab("run", busy, wrong, "--no-capture", "--format", "junit")
    root = xml.etree.ElementTree.fromstring(out)
    judge(root.get("failures") == "1" and len(root.findall("testsuite")) == 2, "--format junit", out[:200])
    status, out, err = lab("run", busy, "--no-capture", "--format", "ladder", "--ascii")
    judge(status == OK and out.count("|") >= 8 and "486 Busy Here" in out and "<" in out, "--format ladder", out)
    target = os.path.join(tmp, "out.json")
    status, out, err = lab("run", busy, "--no-capture", "--format", "json", "-o", target)
    judge(status == OK and out == "" and json.loads(read(target)), "-o FILE", (status, out, err))


def coverage(tmp):
    one = os.path.join(tmp, "one.pcapng")
    lab("run", write(tmp, "busy.lab", BUSY), "--capture", one)
    status, out, err = lab("coverage", one)
    judge(status == OK and "4 messages: 2 of 14 methods, 1 of 66 registered codes" in out, "coverage", out)
    status, out, err = lab("coverage", one, "--format", "json")
    judge(json.loads(out)["codes"][1]["code"] == 486, "coverage --format json", out[:200])
    status, out, err = lab("coverage", one, "--format", "csv")
    judge("code,486,Busy Here,true,,1,0,one.pcapng,3" in out, "coverage --format csv", out[:200])
    cut = os.path.join(tmp, "cut.pcapng")
    with open(cut, "wb") as file:
        file.write(read(one)[:-30])
    status, out, err = lab("coverage", cut)
    judge(status == DAMAGED and "messages" in out and err != "", "a capture that is cut short: 3, and the rest",
          (status, err))
    status, out, err = lab("coverage", os.path.join(tmp, "none.pcapng"))
    judge(status == IO_ERROR and out == "", "a capture that is not there: 5", (status, out, err))


def imports(tmp):
    roles = ["captures/sipp/refused-caller.xml", "captures/sipp/busy-callee.xml"]
    status, out, err = lab("import", *roles)
    judge(status == OK and "phone" in out and "INVITE" in out, "import: SIPp's scenarios become one script",
          (status, out, err))
    status, out, err = lab("run", "-", "--no-capture", stdin=out)
    judge(status == OK, "and it is played", (status, out, err))
    status, out, err = lab("import", write(tmp, "no.xml", "<html/>"))
    judge(status == USAGE and out == "" and err.count("\n") == 1, "what is no scenario: 2", (status, out, err))


def load(tmp):
    status, out, err = lab("run", write(tmp, "busy.lab", BUSY.replace(" after 200ms", "")), "--rate", 500, "--calls", 200,
                           "--format", "json")
    document = json.loads(out)
    judge(status == OK and document["schema"] == "sipana-load/1" and document["done"] == 200 and
          document["failed"] == 0, "a load: every call is done", (status, out, err))


def broken_off(tmp, number):
    name, capture = number.name, os.path.join(tmp, f"{number.name}.pcapng")
    patient = subprocess.Popen([PROGRAM, "run", write(tmp, "patient.lab", PATIENT), "--capture", capture, "--on",
                                "sockets"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and not (os.path.exists(capture) and frames_of(capture)):
        time.sleep(0.02)
    status, calls = calls_of(capture)
    judge(patient.poll() is None and status == OK and len(calls) == 1, f"{name}: while it waits its capture can be read",
          (status, calls))
    patient.send_signal(number)
    try:
        out, err = patient.communicate(timeout=30)
    except subprocess.TimeoutExpired:
        patient.kill()
        out, err = patient.communicate()
    judge(patient.returncode == INTERRUPTED and "interrupted" in out, f"{name}: 130, and that it was interrupted",
          (patient.returncode, out, err))
    status, out, err = lab("coverage", capture)
    judge(status == OK and "INVITE" in out, f"{name}: the capture so far is intact", (status, out, err))
    status, calls = calls_of(capture)
    judge(status == OK and len(calls) == 1 and calls[0]["messages"] == frames_of(capture),
          f"{name}: the analyzer reads all that was written", (status, calls, frames_of(capture)))


def sockets(tmp):
    status, out, err = lab("run", write(tmp, "busy.lab", BUSY), "--no-capture", "--on", "sockets")
    judge(status == OK, "the same script on sockets", (status, out, err))
    real = write(tmp, "real.lab", "phone alice 100@A\nserver A nowhere.invalid\nalice -> A OPTIONS\nA -> alice 200\n")
    status, out, err = lab("run", real, "--no-capture", "--on", "sockets")
    judge(status == IO_ERROR and "nowhere.invalid" in out, "a name that does not resolve: 5, and which",
          (status, out, err))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        status, out, err = lab("run", write(tmp, "busy.lab", BUSY), "--no-capture", "--on", "sockets", "--phone",
                               f"alice=127.0.0.1:{port}")
        judge(status == IO_ERROR and "alice" in out, "a port that is taken: 5, and whose", (status, out, err))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    status, out, err = lab("run", real, "--no-capture", "--on", "sockets", "--server", f"A=127.0.0.1:{port}")
    judge(status == FAILED and out != "", "a port where nobody listens: 1", (status, out, err))
    for number in (signal.SIGINT, signal.SIGTERM):
        broken_off(tmp, number)


class Garbage(threading.Thread):
    """A server whose answers are anything but SIP."""

    ANSWERS = [b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", b"\0\1\2\xff" * 50,
               b"SIP/2.0 200 OK\r\n\r\n", b"SIP/2.0 99999999999999999999 \r\nVia: \r\n\r\n"]

    def __init__(self, kind):
        super().__init__(daemon=True)
        self.kind, self.socket = kind, socket.socket(socket.AF_INET, kind)
        self.socket.bind(("127.0.0.1", 0))
        if kind == socket.SOCK_STREAM:
            self.socket.listen()
        self.port = self.socket.getsockname()[1]
        self.start()

    def run(self):
        if self.kind == socket.SOCK_STREAM:
            peer, _ = self.socket.accept()
            with peer:
                peer.recv(65535)
                peer.sendall(b"".join(self.ANSWERS))
                peer.settimeout(30)
                while peer.recv(65535):
                    pass
            return
        for number in range(100):
            _, peer = self.socket.recvfrom(65535)
            self.socket.sendto(self.ANSWERS[number % len(self.ANSWERS)], peer)


def calls_of(capture):
    """What the analyzer makes of a capture: its exit status and the calls."""
    done = subprocess.run([ANALYZER, "calls", "--format", "ndjson", "-q", capture], capture_output=True, timeout=60,
                          text=True, check=False)
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


def frames_of(capture):
    """Packets in a pcapng file, block by block; None when it does not end with a whole block."""
    data, at, frames = read(capture), 0, 0
    while at < len(data):
        kind, length = (int.from_bytes(data[at + i:at + i + 4], "little") for i in (0, 4))
        if length < 12 or at + length > len(data) or data[at + length - 4:at + length] != data[at + 4:at + 8]:
            return None
        frames += kind == 6
        at += length
    return frames


def identifiers(tmp):
    """RFC 3261 8.1.1.4: on a real network no Call-ID comes twice, unless the seed is given."""
    script, ids = write(tmp, "busy.lab", BUSY), []
    for number, options in enumerate(([], [], ["--seed", 7], ["--seed", 7])):
        capture = os.path.join(tmp, f"ids{number}.pcapng")
        lab("run", script, "--on", "sockets", "--capture", capture, *options)
        ids.append([call["call_id"] for call in calls_of(capture)[1]])
    judge(all(len(one) == 1 for one in ids) and ids[0] != ids[1] and ids[2] == ids[3],
          "RFC 3261 8.1.1.4: on sockets each run has Call-IDs of its own, but with --seed", ids)


def what_goes_wrong(tmp):
    """Each ends with a clear message, the right status, and the capture so far intact."""
    silent = write(tmp, "silent.lab", "phone alice\nphone bob\nalice ->| bob INVITE\nbob -> alice 200 drop 99\n")
    capture = os.path.join(tmp, "silent.pcapng")
    unanswered = write(tmp, "unanswered.lab", "phone alice 100@A\nserver A 192.0.2.1\nalice -> A INVITE 200\n"
                       "A -> alice 200 within 2s\n")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mute:
        mute.bind(("127.0.0.1", 0))
        status, out, err = lab("run", unanswered, "--capture", capture, "--on", "sockets", "--server",
                               f"A=127.0.0.1:{mute.getsockname()[1]}")
    judge(status == FAILED and "4: expected 200 within 2 s" in out, "a phone that never answers: 1, and what was missed",
          (status, out, err))
    status, calls = calls_of(capture)
    judge(status == OK and len(calls) == 1 and calls[0]["messages"] >= 3 and calls[0]["state"] == "unanswered",
          "its INVITE and the repetitions are in the capture", (status, calls))
    status, out, err = lab("run", silent, "--no-capture")
    judge(status == FAILED and out != "", "an answer that is always lost: 1", (status, out, err))
    for kind, transport, said in ((socket.SOCK_DGRAM, "udp", "got what is no SIP"),
                                  (socket.SOCK_STREAM, "tcp", "is no SIP"), (socket.SOCK_STREAM, "tls", "TLS 127.0.0.1")):
        server = Garbage(kind)
        script = write(tmp, "garbage.lab", f"phone alice 100@A transport {transport}\nserver A 192.0.2.1 transport {transport}\n"
                       "alice -> A OPTIONS\nA -> alice 200 within 2s\n")
        capture = os.path.join(tmp, f"garbage-{transport}.pcapng")
        status, out, err = lab("run", script, "--capture", capture, "--on", "sockets", "--server",
                               f"A=127.0.0.1:{server.port}")
        judge(status == FAILED and said in out and f"127.0.0.1:{server.port}" in out,
              f"a server that answers garbage, {transport}: 1, and from where it came", (status, out, err))
        judge(calls_of(capture)[0] == OK and frames_of(capture), "and its capture is whole", calls_of(capture))
    for transport in ("udp", "tcp", "tls"):
        script = write(tmp, "closed.lab", f"phone alice 100@A transport {transport}\nserver A 192.0.2.1 transport {transport}\n"
                       "alice -> A OPTIONS\nA -> alice 200\n")
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            port = closed.getsockname()[1]
        capture = os.path.join(tmp, f"closed-{transport}.pcapng")
        begun = time.monotonic()
        status, out, err = lab("run", script, "--capture", capture, "--on", "sockets", "--server", f"A=127.0.0.1:{port}")
        judge(status == FAILED and "port closed" in out and f"127.0.0.1:{port}: Connection refused" in out and
              time.monotonic() - begun < 20, f"a port that is closed, {transport}: 1 at once, and which", (status, out, err))
        judge(calls_of(capture)[0] == OK and frames_of(capture), "and its capture is whole", calls_of(capture))


LONG_TALK = """phone alice
phone bob
alice -> bob INVITE
bob -> alice 200
alice <> bob audio tone 440Hz 600s
alice -> bob BYE
"""


def disk_is_full(tmp):
    """The file may not grow beyond a limit: what is in it then are whole packets, and the run ends."""
    script, capture = write(tmp, "talk.lab", LONG_TALK), os.path.join(tmp, "full.pcapng")
    limit = 1_000_000

    def limited():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    done = subprocess.run([PROGRAM, "run", script, "--capture", capture], capture_output=True, timeout=120, text=True,
                          check=False, preexec_fn=limited)
    judge(done.returncode == IO_ERROR and "full.pcapng" in done.stdout + done.stderr and
          "File too large" in done.stdout + done.stderr, "a capture that cannot grow: 5, and why",
          (done.returncode, done.stdout[-1500:], done.stderr))
    frames, (status, calls) = frames_of(capture), calls_of(capture)
    judge(frames and os.path.getsize(capture) <= limit, "it ends with a whole packet", (frames, os.path.getsize(capture)))
    streams = subprocess.run([ANALYZER, "streams", "--format", "ndjson", capture], capture_output=True, timeout=60,
                             text=True, check=False)
    seen = sum(json.loads(line)["packets"] for line in streams.stdout.splitlines())
    judge(status == OK and len(calls) == 1 and calls[0]["messages"] == 3 and seen > 2000 and seen + 3 <= frames,
          "what was written is what can be read", (status, calls, seen, frames))


def before_it_begins(tmp):
    seen = os.path.join(tmp, "seen")
    capture = os.path.join(tmp, "begun.pcapng")
    program = write(tmp, "begin", f"#!/bin/sh\ntest -e {capture} && touch {seen}\n")
    os.chmod(program, 0o755)
    script = write(tmp, "begun.lab", BUSY)
    status, out, err = lab("run", script, "--on", "sockets", "--capture", capture, "--before", program)
    judge(status == OK and os.path.exists(seen), "--before: runs once the capture is there", (status, out, err))
    write(tmp, "begin", "#!/bin/sh\nexit 7\n")
    status, out, err = lab("run", script, "--capture", capture, "--before", program)
    judge(status == IO_ERROR and "begin: exit status 7" in out + err and "done" not in out, "what fails there ends the run: 5",
          (status, out, err))
    status, out, err = lab("run", script, "--capture", capture, "--before", os.path.join(tmp, "none"))
    judge(status == IO_ERROR and "none: No such file" in out + err, "a program that is not there: 5", (status, out, err))


def exchange_alone(tmp):
    for arguments, claim in ((["--listen", "nonsense"], "an address that is none"), ([], "no --listen")):
        status, out, err = lab("exchange", "captures/exchange/a", *arguments)
        judge(status == USAGE and err != "", f"exchange: {claim}: 2", (status, out, err))
    status, out, err = lab("exchange", os.path.join(tmp, "none"), "--listen", "127.0.0.1:0", "--no-capture")
    judge(status == IO_ERROR and "sip.conf" in err, "exchange: a folder that is not there: 5", (status, out, err))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        status, out, err = lab("exchange", "captures/exchange/a", "--no-capture", "--listen",
                               "127.0.0.1:%d" % taken.getsockname()[1])
        judge(status == IO_ERROR and err.count("\n") >= 1, "exchange: a port that is taken: 5", (status, out, err))
    status, out, err = lab("exchange", "captures/exchange/a", "--listen", "127.0.0.1:0", "--seconds", 0.3, "--capture",
                           "/dev/full")
    judge(status == IO_ERROR and "/dev/full" in err, "exchange: a disk that is full: 5", (status, out, err))
    capture = os.path.join(tmp, "alone.pcapng")
    status, out, err = lab("exchange", "captures/exchange/a", "--listen", "127.0.0.1:0", "--listen", "tcp:127.0.0.1:0",
                           "--seconds", 0.3, "--capture", capture)
    judge(status == OK and err.count("listens at") == 2 and frames_of(capture) == 0,
          "exchange: it says where it listens, and ends when its time is over", (status, out, err))


def main():
    with tempfile.TemporaryDirectory() as tmp:
        for group in (outcomes, mistakes, captures, formats, coverage, imports, load, sockets, identifiers, what_goes_wrong,
                      disk_is_full, before_it_begins, exchange_alone):
            group(tmp)
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
