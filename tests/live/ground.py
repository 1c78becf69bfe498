"""What the tests of the running program stand on: two network namespaces joined by a veth pair, and a run of `sipana live`.

Nothing of the machine's own network is touched. Whoever uses it calls `end()` last, which prints
"N passed, N failed, N skipped".
"""
import contextlib
import json
import os
import pathlib
import shutil
import signal
import struct
import subprocess
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TIMEOUT = 60

tally = {"passed": 0, "failed": 0, "skipped": 0}


def judge(holds, claim, seen=""):
    tally["passed" if holds else "failed"] += 1
    print(("ok    " if holds else "FAIL  ") + claim + ("" if holds else f"\n      seen: {seen!r}"), flush=True)
    return holds


def skip(claim, why):
    tally["skipped"] += 1
    print(f"skipped {claim}: {why}", flush=True)


def end():
    print("{passed} passed, {failed} failed, {skipped} skipped".format(**tally))
    sys.exit(1 if tally["failed"] else 0)


def needs(*programs):
    """Ends the test as skipped where root, namespaces or a program are missing."""
    missing = [p for p in ("ip", *programs) if not shutil.which(p)]
    if os.geteuid() != 0:
        skip("everything", "needs root")
    elif missing:
        skip("everything", f"not installed: {', '.join(missing)}")
    elif subprocess.run(["ip", "netns", "add", f"try-{os.getpid()}"], capture_output=True, check=False).returncode != 0:
        skip("everything", "no network namespaces here")
    else:
        subprocess.run(["ip", "netns", "delete", f"try-{os.getpid()}"], check=False)
        return
    end()


def sanitized(program):
    """Built with AddressSanitizer, whose memory, and whose own system calls, are not ours."""
    return b"__asan_init" in pathlib.Path(program).read_bytes()


class Veth:
    """`here` has the side that is listened at, `there` the one that is sent into; both are called veth0 and veth1."""

    def __init__(self):
        self.here, self.there = (f"sl{os.getpid() % 1000000}-{side}" for side in "ab")

    def __enter__(self):
        try:
            for one in (self.here, self.there):
                subprocess.run(["ip", "netns", "add", one], check=True)
                subprocess.run(["ip", "netns", "exec", one, "sh", "-c",
                                "for f in all default; do echo 1 > /proc/sys/net/ipv6/conf/$f/disable_ipv6; done"],
                               stderr=subprocess.DEVNULL, check=False)
                subprocess.run(["ip", "-n", one, "link", "set", "lo", "up"], check=True)
            subprocess.run(["ip", "-n", self.here, "link", "add", "veth0", "type", "veth", "peer", "name", "veth1",
                            "netns", self.there], check=True)
            for one, name in ((self.here, "veth0"), (self.there, "veth1")):
                subprocess.run(["ip", "-n", one, "link", "set", name, "arp", "off", "up"], check=True)
        except BaseException:
            self.remove()
            raise
        return self

    def remove(self):
        for one in (self.here, self.there):
            subprocess.run(["ip", "netns", "delete", one], capture_output=True, check=False)

    def __exit__(self, *_):
        self.remove()

    def at(self, where, *command):
        return ["ip", "netns", "exec", where, *map(str, command)]

    def replay(self, capture, *options, timeout=TIMEOUT):
        """tcpreplay's own words."""
        done = subprocess.run(self.at(self.there, "tcpreplay", "-i", "veth1", *options, capture), capture_output=True,
                              text=True, timeout=timeout, check=False)
        return done.stdout + done.stderr


class Live:
    """A run of `sipana live`, its events as they come."""

    def __init__(self, program, inside, *arguments, keep=True, **more):
        environment = {**os.environ, "NO_COLOR": "1", "ASAN_OPTIONS": "detect_leaks=0"}
        self.process = subprocess.Popen([*inside, program, "live", "--format", "ndjson", *map(str, arguments)],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        text=True, env=environment, start_new_session=True, **more)
        self.events, self.words, self.keep = [], [], keep
        self.readers = [threading.Thread(target=self.read, daemon=True),
                        threading.Thread(target=self.read_words, daemon=True)]
        for reader in self.readers:
            reader.start()

    def read(self):
        for line in self.process.stdout:
            event = json.loads(line)
            if self.keep or event["event"] in ("totals", "end"):
                self.events.append(event)

    def read_words(self):
        for line in self.process.stderr:
            self.words.append(line)

    @property
    def pid(self):
        return self.process.pid

    def of(self, kind):
        return [e for e in list(self.events) if e["event"] == kind]

    def wait_for(self, holds, seconds=TIMEOUT):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if holds():
                return True
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        return holds()

    def listens(self):
        """Its first totals come when everything is open and the sandbox is entered."""
        return self.wait_for(lambda: self.of("totals"))

    def status(self, field):
        with contextlib.suppress(OSError):
            for line in pathlib.Path(f"/proc/{self.pid}/status").read_text(encoding="ascii").splitlines():
                if line.startswith(field + ":"):
                    return line.split(":", 1)[1].split()
        return []

    def kilobytes(self, field):
        words = self.status(field)
        return int(words[0]) if words else 0

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def cpu_s(self):
        """What its threads have run, to the nanosecond."""
        nanoseconds = 0
        for task in pathlib.Path(f"/proc/{self.pid}/task").glob("*/schedstat"):
            with contextlib.suppress(OSError):
                nanoseconds += int(task.read_text(encoding="ascii").split()[0])
        return nanoseconds / 1e9

    def idle(self, seconds=TIMEOUT):
        """Until it has worked off what waited: it has taken less than a tenth of a processor for half a second."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and self.process.poll() is None:
            before = self.cpu_s()
            time.sleep(0.5)
            if self.cpu_s() - before < 0.05:
                return True
        return False

    def stop(self, how=signal.SIGINT, seconds=TIMEOUT):
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, how)
        try:
            status = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
            self.words.append(f"killed: it did not end within {seconds} s\n")
        for reader in self.readers:
            reader.join(TIMEOUT)
        return status

    def total(self):
        return (self.of("end") or self.of("totals") or [{}])[-1]


# ---------------------------------------------------------------- frames and captures

def frame(source, destination, payload, ports=(5060, 5060), protocol=17, identification=0, fragment=0, tcp=(0, 0, 0x18)):
    """Ethernet, IPv4, and UDP, TCP (sequence, acknowledgement, flags) or, of a later fragment, nothing more."""
    if fragment & 0x1fff == 0 and protocol == 17:
        length = 8 + len(payload)
        payload = struct.pack(">HHHH", *ports, length & 0xffff, 0) + payload
    elif fragment & 0x1fff == 0 and protocol == 6:
        sequence, acknowledgement, flags = tcp
        payload = struct.pack(">HHIIBBHHH", *ports, sequence & 0xffffffff, acknowledgement & 0xffffffff, 0x50, flags,
                              65535, 0, 0) + payload
    header = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), identification, fragment, 64, protocol, 0,
                         bytes(map(int, source.split("."))), bytes(map(int, destination.split("."))))
    total = sum(struct.unpack(">10H", header))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    header = header[:10] + struct.pack(">H", ~total & 0xffff) + header[12:]
    return b"\2\0\0\0\0\2\2\0\0\0\0\1\x08\0" + header + payload


def write_capture(path, frames):
    """`frames`: pairs of seconds and bytes."""
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 262144, 1))
        for seconds, data in frames:
            micros = round(seconds * 1e6)
            out.write(struct.pack("<IIII", 1700000000 + micros // 1000000, micros % 1000000, len(data), len(data)) + data)


A, B = "10.77.0.1", "10.77.0.2"


def message(start, call, cseq, to_tag, body=""):
    to = f";tag=t-{call}" if to_tag else ""
    kind = "Content-Type: application/sdp\r\n" if body else ""
    return (f"{start}\r\nVia: SIP/2.0/UDP {A}:5060;branch=z9hG4bK{call}-{cseq.replace(' ', '')}\r\nMax-Forwards: 70\r\n"
            f"From: <sip:alice@{A}>;tag=f-{call}\r\nTo: <sip:bob@{B}>{to}\r\nCall-ID: {call}\r\nCSeq: {cseq}\r\n"
            f"Contact: <sip:bob@{B}:5060>\r\n{kind}Content-Length: {len(body)}\r\n\r\n{body}").encode()


def description(address, port):
    return (f"v=0\r\no=- 1 1 IN IP4 {address}\r\ns=-\r\nc=IN IP4 {address}\r\nt=0 0\r\nm=audio {port} RTP/AVP 0\r\n"
            "a=rtpmap:0 PCMU/8000\r\n")


def call_frames(call, at=0.0, seconds=1.0, ports=(40000, 42000), ssrc=0x51000000):
    """A call as it should be: six messages, and PCMU both ways, 50 packets a second."""
    pa, pb = ports
    out = [(at, frame(A, B, message(f"INVITE sip:bob@{B} SIP/2.0", call, "1 INVITE", False, description(A, pa)))),
           (at + 0.02, frame(B, A, message("SIP/2.0 180 Ringing", call, "1 INVITE", True))),
           (at + 0.05, frame(B, A, message("SIP/2.0 200 OK", call, "1 INVITE", True, description(B, pb)))),
           (at + 0.06, frame(A, B, message(f"ACK sip:bob@{B}:5060 SIP/2.0", call, "1 ACK", True)))]
    count = round(seconds * 50)
    for n in range(count):
        for source, destination, both, own, shift in ((A, B, (pa, pb), ssrc, 0), (B, A, (pb, pa), ssrc + 1, 0.001)):
            rtp = struct.pack(">BBHII", 0x80, 0x80 if n == 0 else 0, n & 0xffff, n * 160, own) + bytes([0xd5]) * 160
            out.append((at + 0.1 + n * 0.02 + shift, frame(source, destination, rtp, both)))
    over = at + 0.1 + seconds + 0.02
    out += [(over, frame(A, B, message(f"BYE sip:bob@{B}:5060 SIP/2.0", call, "2 BYE", True))),
            (over + 0.01, frame(B, A, message("SIP/2.0 200 OK", call, "2 BYE", True)))]
    return sorted(out, key=lambda one: one[0])


def calls_capture(path, calls, seconds, spacing, start=0):
    """Many calls, each with its addresses' ports and SSRCs; returns the number of packets."""
    frames = []
    for i in range(start, start + calls):
        ports = (20000 + i % 5000 * 2, 40000 + i % 5000 * 2)
        frames += call_frames(f"rate-{i}", (i - start) * spacing, seconds, ports, 0x52000000 + 2 * i)
    frames.sort(key=lambda one: one[0])
    write_capture(path, frames)
    return len(frames)
