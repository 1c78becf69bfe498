#!/usr/bin/env python3
"""sipana live -w: what a recording holds after kill -9 (trap 75) and on a full disk (trap 74).

  recording_test.py SIPANA

Frames are sent over a veth pair in a network namespace that is made here and removed at the end. Skipped, with the
reason, without root or without `ip`. Closes with "N passed, N failed, N skipped".
"""
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

PROGRAM = os.path.abspath(sys.argv[1])
OK, IO_ERROR, INTERRUPTED = 0, 5, 130
NAMESPACE = f"sr{os.getpid() % 1000000}"
SENDER, LISTENER = "veth0", "veth1"
MARK = b"recorded frame "
PACKETS, RATE = 3000, 1500

passed = failed = skipped = 0


def judge(holds, claim, seen=""):
    global passed, failed
    passed, failed = passed + bool(holds), failed + (not holds)
    print(("ok    " if holds else "FAIL  ") + claim + ("" if holds else f"\n      seen: {seen!r}"), flush=True)


def skip(claim, why):
    global skipped
    skipped += 1
    print(f"skipped {claim}: {why}", flush=True)


def ip(*arguments, check=True):
    return subprocess.run(["ip", *arguments], capture_output=True, text=True, check=check).stdout


class Wire:
    """A namespace with a veth pair; frames go in at one end."""

    def __enter__(self):
        ip("netns", "add", NAMESPACE)
        try:
            subprocess.run(["ip", "netns", "exec", NAMESPACE, "sh", "-c",
                            "for f in /proc/sys/net/ipv6/conf/*/disable_ipv6; do echo 1 > $f; done"],
                           stderr=subprocess.DEVNULL, check=False)
            ip("-n", NAMESPACE, "link", "add", SENDER, "type", "veth", "peer", "name", LISTENER)
            for end in (SENDER, LISTENER):
                ip("-n", NAMESPACE, "link", "set", end, "up")
            here = os.open("/proc/self/ns/net", os.O_RDONLY)
            there = os.open(f"/run/netns/{NAMESPACE}", os.O_RDONLY)
            setns(there)
            try:
                self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
                self.socket.bind((SENDER, 0))
            finally:
                setns(here)
                os.close(here)
                os.close(there)
        except BaseException:
            self.remove()
            raise
        return self

    def remove(self):
        ip("netns", "delete", NAMESPACE, check=False)

    def __exit__(self, *_):
        self.socket.close()
        self.remove()

    def send(self, first, count, size=200, rate=RATE):
        """Numbered UDP datagrams, `rate` a second; when each was sent."""
        sent, begun = [], time.monotonic()
        for number in range(first, first + count):
            while (wait := begun + (number - first) / rate - time.monotonic()) > 0:
                time.sleep(min(wait, 0.002))
            self.socket.send(frame(number, size))
            sent.append(time.monotonic())
        return sent


def setns(descriptor):
    import ctypes
    if ctypes.CDLL(None, use_errno=True).setns(descriptor, 0x40000000) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def frame(number, size):
    payload = (MARK + b"%d." % number).ljust(size, b"x")
    udp = struct.pack(">HHHH", 4000, 4001, 8 + len(payload), 0) + payload
    head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), number & 0xffff, 0, 64, 17, 0, bytes([10, 0, 0, 1]),
                       bytes([10, 0, 0, 2]))
    total = sum(struct.unpack(">10H", head))
    total = (total & 0xffff) + (total >> 16)
    head = head[:10] + struct.pack(">H", ~((total & 0xffff) + (total >> 16)) & 0xffff) + head[12:]
    return b"\x02\0\0\0\0\x02\x02\0\0\0\0\x01\x08\0" + head + udp


def readable(path):
    """Numbers of our frames in the whole blocks of a pcapng file, how many packets there are, and what is left over."""
    with open(path, "rb") as file:
        data = file.read()
    at, numbers, packets = 0, [], 0
    while at + 12 <= len(data):
        kind, size = struct.unpack_from("<II", data, at)
        if size < 12 or at + size > len(data):
            break
        if kind == 6:
            packets += 1
            mark = data.find(MARK, at, at + size)
            if mark >= 0:
                numbers.append(int(data[mark + len(MARK):data.index(b".", mark)]))
        at += size
    return numbers, packets, len(data) - at


def listen(*arguments, before="", after=""):
    """The program in the namespace, once it hears frames."""
    command = [PROGRAM, "live", "-i", LISTENER, "--format", "ndjson", "--events", "totals", *map(str, arguments)]
    if before:
        command = ["unshare", "--mount", "--propagation", "private", "sh", "-c",
                   before + '; "$@"; status=$?; ' + after + "; exit $status", "sh", *command]
    process = subprocess.Popen(["ip", "netns", "exec", NAMESPACE, *command], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
    return process


def heard(path, wire, seconds=10):
    """Waits until what is sent arrives in the recording."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        wire.send(0, 1)
        time.sleep(0.1)
        if os.path.exists(path) and 0 in readable(path)[0]:
            return True
    return False


def stop(process, how=signal.SIGINT):
    process.send_signal(how)
    try:
        out, err = process.communicate(timeout=30)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        return None, out, err
    return process.returncode, out, err


def killed(tmp, wire, *options):
    name = " ".join(["-w", *options])
    path = os.path.join(tmp, f"killed{len(options)}.pcapng")
    process = listen("-w", path, *options)
    if not heard(path, wire):
        judge(False, f"{name}: frames are heard", stop(process, signal.SIGKILL))
        return
    wire.send(1, PACKETS)
    time.sleep(0.5)
    stop(process, signal.SIGKILL)
    numbers, _, left_over = readable(path)
    wanted = list(range(1, PACKETS + 1))
    judge([n for n in numbers if n] == wanted and left_over == 0,
          f"{name}: kill -9 half a second after the last of {PACKETS}: all can be read", (len(numbers), left_over))


def killed_between(tmp, wire, *options):
    """In the midst of them: what is older than 100 ms is there."""
    name = " ".join(["-w", *options])
    path = os.path.join(tmp, f"between{len(options)}.pcapng")
    process = listen("-w", path, *options)
    if not heard(path, wire):
        judge(False, f"{name}: frames are heard", stop(process, signal.SIGKILL))
        return
    killer = threading.Timer(1.0, os.kill, (process.pid, signal.SIGKILL))
    begun = time.monotonic()
    killer.start()
    sent = wire.send(1, PACKETS)
    killer.join()
    process.communicate(timeout=30)
    numbers = readable(path)[0]
    # It was not killed before begun + 1 s.
    old = sum(1 for at in sent if at < begun + 1.0 - 0.1)
    judge(set(range(1, old + 1)) <= set(numbers) and len(numbers) < PACKETS,
          f"{name}: kill -9 while they come: what is older than 100 ms can be read", (old, len(numbers)))


def ended(tmp, wire):
    path = os.path.join(tmp, "ended.pcapng")
    process = listen("-w", path)
    if not heard(path, wire):
        judge(False, "frames are heard", stop(process, signal.SIGKILL))
        return
    wire.send(1, 100)
    time.sleep(0.3)
    live = readable(path)
    status, out, err = stop(process)
    judge(live[2] == 0 and 100 in live[0], "a reader finds whole blocks while it goes on", live)
    numbers, packets, left_over = readable(path)
    end = [json.loads(line) for line in out.splitlines()][-1:]
    judge(status in (OK, INTERRUPTED) and end and end[0]["recorded_packets"] == packets and left_over == 0,
          "Ctrl-C: written is readable", (status, end, packets, err))
    done = subprocess.run([PROGRAM, "messages", path], capture_output=True, text=True, timeout=60, check=False)
    judge(done.returncode == OK, "and sipana reads it", (done.returncode, done.stderr))
    process = listen("-w", path)
    out, err = process.communicate(timeout=30)
    judge(process.returncode == IO_ERROR and "File exists" in err and readable(path)[0] == numbers,
          "a file that exists is not written over", (process.returncode, err))


def disk_full(tmp, wire):
    disk, saved = os.path.join(tmp, "disk"), os.path.join(tmp, "saved")
    os.mkdir(disk)
    os.mkdir(saved)
    mount = f"mount -t tmpfs -o size=2m none {disk} || exit 77"
    for options, claim in (((), "one file"), (("--ring-size", "300K"), "many files that are all to be kept")):
        process = listen("-w", os.path.join(disk, "full.pcapng"), *options, before=mount,
                         after=f"cp {disk}/* {saved}/")
        time.sleep(1.0)
        wire.send(1, PACKETS, size=1000, rate=3 * RATE)
        try:
            out, err = process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            ip("netns", "pids", NAMESPACE)
            for pid in ip("netns", "pids", NAMESPACE).split():
                os.kill(int(pid), signal.SIGINT)
            out, err = process.communicate(timeout=30)
        if process.returncode == 77:
            skip(f"a full disk: {claim}", "no tmpfs can be mounted here")
            continue
        files = sorted(os.listdir(saved))
        read = [readable(os.path.join(saved, name)) for name in files]
        packets, left_over = sum(r[1] for r in read), sum(r[2] for r in read)
        end = [json.loads(line) for line in out.splitlines()][-1:]
        written = end[0]["recorded_packets"] if end else None
        judge(process.returncode == IO_ERROR and "No space left on device" in err, f"a full disk, {claim}: 5, and why",
              (process.returncode, err))
        judge(packets == written and packets > 1000 and left_over == 0, f"a full disk, {claim}: written is readable",
              (written, packets, left_over, files))
        for name in files:
            os.remove(os.path.join(saved, name))


def ring_full(tmp, wire):
    disk, saved = os.path.join(tmp, "disk2"), os.path.join(tmp, "saved2")
    os.mkdir(disk)
    os.mkdir(saved)
    process = listen("-w", os.path.join(disk, "ring.pcapng"), "--ring-size", "300K", "--ring-count", "50",
                     before=f"trap : INT; mount -t tmpfs -o size=2m none {disk} || exit 77", after=f"cp {disk}/* {saved}/")
    time.sleep(1.0)
    wire.send(1, PACKETS, size=1000, rate=3 * RATE)
    time.sleep(0.5)
    for pid in ip("netns", "pids", NAMESPACE).split():
        with open(f"/proc/{pid}/comm", encoding="ascii") as file:
            if file.read().strip() == "sipana":
                os.kill(int(pid), signal.SIGINT)
    out, err = process.communicate(timeout=30)
    if process.returncode == 77:
        skip("a full disk: a ring", "no tmpfs can be mounted here")
        return
    files = sorted(os.listdir(saved))
    numbers = [n for name in files for n in readable(os.path.join(saved, name))[0]]
    end = [json.loads(line) for line in out.splitlines()][-1:]
    judge(process.returncode in (OK, INTERRUPTED) and end and end[0]["removed_files"] > 0,
          "a full disk, a ring: the oldest files go", (process.returncode, end, err))
    judge(len(numbers) > 1000 and numbers == list(range(PACKETS + 1 - len(numbers), PACKETS + 1)),
          "a full disk, a ring: the youngest packets are all there, in order of the files' names",
          (len(numbers), numbers[:1], numbers[-1:], files))


def why_not():
    if os.geteuid() != 0:
        return "network namespaces need root"
    if shutil.which("ip") is None:
        return "there is no ip (package iproute2)"
    tried = subprocess.run(["unshare", "--net", "true"], capture_output=True, text=True, check=False)
    return "" if tried.returncode == 0 else f"no network namespaces here: {tried.stderr.strip()}"


def main():
    reason = why_not()
    if reason:
        skip("all of it", reason)
    else:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        with Wire() as wire, tempfile.TemporaryDirectory() as tmp:
            ended(tmp, wire)
            killed(tmp, wire)
            killed(tmp, wire, "--durable")
            killed_between(tmp, wire)
            killed_between(tmp, wire, "--durable")
            disk_full(tmp, wire)
            ring_full(tmp, wire)
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
