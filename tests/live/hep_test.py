#!/usr/bin/env python3
"""HEP of `sipana live`, held against decoders that are not its own: one written here from the specification, tshark where it
reads HEP, and Kamailio, which sends HEP 1, 2 and 3.

    tests/live/hep_test.py SIPANA
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
from pathlib import Path

SIPANA = sys.argv[1]
ROOT = Path(__file__).resolve().parent.parent.parent
CAPTURE = ROOT / "captures" / "early-media.pcapng"
tally = {"passed": 0, "failed": 0, "skipped": 0}


def judge(holds, claim, seen=""):
    tally["passed" if holds else "failed"] += 1
    print(("ok    " if holds else "FAIL  ") + claim + ("" if holds else f"\n      seen: {seen!r}"), flush=True)


def skip(claim, why):
    tally["skipped"] += 1
    print(f"skipped {claim}: {why}", flush=True)


def decode(packet):
    """HEP3: {chunk type: content} of vendor 0."""
    assert packet[:4] == b"HEP3" and struct.unpack(">H", packet[4:6])[0] == len(packet)
    chunks, at = {}, 6
    while at < len(packet):
        vendor, kind, size = struct.unpack(">HHH", packet[at : at + 6])
        assert vendor == 0 and size >= 6 and kind not in chunks
        chunks[kind] = packet[at + 6 : at + size]
        at += size
    assert at == len(packet)
    return chunks


def endpoint(chunks, v4, v6, port):
    number = struct.unpack(">H", chunks[port])[0]
    if v4 in chunks:
        return f"{socket.inet_ntop(socket.AF_INET, chunks[v4])}:{number}"
    return f"[{socket.inet_ntop(socket.AF_INET6, chunks[v6])}]:{number}"


class Collector:
    """Takes HEP over UDP or TCP at a port of loopback that was free."""

    def __init__(self, transport):
        self.packets = []
        kind = socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM
        self.socket = socket.socket(socket.AF_INET, kind)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(60)
        self.address = f"{transport}:127.0.0.1:{self.socket.getsockname()[1]}"
        if transport == "tcp":
            self.socket.listen()
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.datagrams if transport == "udp" else self.stream, daemon=True)
        self.thread.start()

    def datagrams(self):
        while not self.over.is_set():
            packet = self.socket.recv(65536)
            if packet:
                self.packets.append(packet)

    def stream(self):
        connection, _ = self.socket.accept()
        data = b""
        while piece := connection.recv(65536):
            data += piece
            while len(data) >= 6 and len(data) >= (size := struct.unpack(">H", data[4:6])[0]):
                self.packets.append(data[:size])
                data = data[size:]

    def finish(self, settle=0.2):
        """What came, once nothing more does."""
        before = -1
        while before != len(self.packets):
            before = len(self.packets)
            time.sleep(settle)
        self.over.set()
        return self.packets


def rows(command, *arguments):
    done = subprocess.run([SIPANA, command, "--format", "ndjson", *map(str, arguments)], capture_output=True, text=True,
                          check=False, timeout=60)
    return [json.loads(line) for line in done.stdout.splitlines()]


class Live:
    """A run of `sipana live` that is stopped by SIGINT."""

    def __init__(self, folder, *arguments):
        self.log = open(folder / "live.err", "w+", encoding="utf-8")
        self.out = open(folder / "live.ndjson", "w+", encoding="utf-8")
        self.process = subprocess.Popen([SIPANA, "live", "--format", "ndjson", *map(str, arguments)], stdout=self.out,
                                        stderr=self.log)

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        status = self.process.wait(timeout=60)
        self.log.seek(0)
        return status, self.log.read()

    def wait_for(self, word, seconds=20):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.out.seek(0)
            if word in self.out.read():
                return True
            time.sleep(0.05)
        return False


def free_port(kind):
    with socket.socket(socket.AF_INET, kind) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def what_is_sent(folder):
    """A capture, sent: what another decoder reads of it is what `sipana messages` says of the capture."""
    expected = rows("messages", CAPTURE)
    for transport in ("udp", "tcp"):
        collector = Collector(transport)
        key = folder / "key"
        key.write_text("s3cret\n", encoding="utf-8")
        done = subprocess.run([SIPANA, "live", "-r", CAPTURE, "--format", "ndjson", "--hep-send", collector.address,
                               "--hep-key-file", key, "--hep-agent", "77", "--hep-node", "edge"],
                              capture_output=True, text=True, check=False, timeout=60)
        packets = [decode(p) for p in collector.finish()]
        sip = [p for p in packets if p[11] == b"\1"]
        told = [(endpoint(p, 3, 5, 7), endpoint(p, 4, 6, 8), p[17].decode()) for p in sip]
        judge(told == [(m["src"], m["dst"], m["call_id"]) for m in expected],
              f"{transport}: each message, in order, with its addresses and Call-ID", (done.stderr, told))
        starts = [p[15].split(b"\r\n")[0].decode() for p in sip]
        lines = [f"SIP/2.0 {m['code']} {m['reason']}" if m.get("code") else m["method"] for m in expected]
        judge(len(starts) == len(lines) and all(s.startswith(l) for s, l in zip(starts, lines)),
              f"{transport}: each message's text", starts)
        judge(all(p[12] == struct.pack(">I", 77) and p[19] == b"edge" and p[14] == b"s3cret" for p in packets),
              f"{transport}: agent, node and key")
        times = [struct.unpack(">II", p[9] + p[10]) for p in sip]
        judge([time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(s)) + f".{u:06}" for s, u in times]
              == [m["time"][:26] for m in expected], f"{transport}: times to the microsecond", times)
        reports = [json.loads(p[15]) for p in packets if p[11] == b"\5"]
        judge(len(reports) == 4 and all(r["type"] in (200, 201) and len(r["report_blocks"]) == r["report_count"]
                                        for r in reports), f"{transport}: RTCP reports in JSON", reports)
        if transport == "udp":
            tshark(folder, collector.packets, told)
        through_ourselves(folder, transport, collector.packets, expected)


def tshark(folder, packets, told):
    claim = "tshark reads the same addresses"
    if not shutil.which("tshark"):
        return skip(claim, "tshark is not installed")
    fields = subprocess.run(["tshark", "-G", "protocols"], capture_output=True, text=True, check=False).stdout
    if "\thep\t" not in fields.lower():
        version = subprocess.run(["tshark", "-v"], capture_output=True, text=True, check=False).stdout.split("\n")[0]
        return skip(claim, f"no HEP in {version.split(' (')[0]}")
    capture = folder / "hep.pcap"
    with open(capture, "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 101))
        for p in packets:
            frame = struct.pack(">BBHHHBBH4s4sHHHH", 0x45, 0, 28 + len(p), 0, 0, 64, 17, 0, b"\x7f\0\0\1", b"\x7f\0\0\1", 40000,
                                9060, 8 + len(p), 0) + p
            f.write(struct.pack("<IIII", 0, 0, len(frame), len(frame)) + frame)
    seen = subprocess.run(["tshark", "-r", capture, "-Y", "sip", "-T", "fields", "-e", "sip.Call-ID"], capture_output=True,
                          text=True, check=False).stdout.split()
    judge(seen == [t[2] for t in told], claim, seen)


def through_ourselves(folder, transport, packets, expected):
    """The same bytes into our own listener, recorded, and the recording read."""
    kind = socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM
    port = free_port(kind)
    recorded = folder / f"{transport}.pcapng"
    live = Live(folder, "--hep-listen", f"{transport}:127.0.0.1:{port}", "-w", recorded)
    for attempt in range(100):
        try:
            with socket.socket(socket.AF_INET, kind) as s:
                s.connect(("127.0.0.1", port))
                if transport == "udp" and attempt == 0:
                    s.send(b"?")  # refused by the port until somebody listens
                    time.sleep(0.2)
                    s.send(b"?")
                for p in packets:
                    s.sendall(p)
                break
        except OSError:
            time.sleep(0.1)
    live.wait_for(expected[-1]["call_id"])
    time.sleep(0.3)
    status, log = live.stop()
    told = [(m["src"], m["dst"], m["call_id"]) for m in rows("messages", recorded)]
    judge(told == [(m["src"], m["dst"], m["call_id"]) for m in expected],
          f"{transport}: our listener's recording holds the same messages", (status, log, told))
    live.out.seek(0)
    judge(f'"call_id":"{expected[0]["call_id"]}"' in live.out.read().replace(": ", ":"),
          f"{transport}: and live they were seen too", log)


KAMAILIO = """
log_stderror=yes
children=1
auto_aliases=no
listen=udp:127.0.0.1:{port}
loadmodule "sl.so"
loadmodule "tm.so"
loadmodule "pv.so"
loadmodule "siptrace.so"
modparam("siptrace", "duplicate_uri", "sip:127.0.0.1:{collector}")
modparam("siptrace", "hep_mode_on", 1)
modparam("siptrace", "hep_version", {version})
modparam("siptrace", "hep_capture_id", 77)
modparam("siptrace", "trace_to_database", 0)
modparam("siptrace", "trace_on", 1)
request_route {{
    sip_trace();
    sl_send_reply("200", "OK");
}}
"""


def what_kamailio_sends(folder):
    if not shutil.which("kamailio"):
        return skip("Kamailio's HEP", "kamailio is not installed")
    for version in (1, 2, 3):
        port, collector = free_port(socket.SOCK_DGRAM), free_port(socket.SOCK_DGRAM)
        configuration = folder / "kamailio.cfg"
        configuration.write_text(KAMAILIO.format(port=port, collector=collector, version=version), encoding="utf-8")
        recorded = folder / f"kamailio-{version}.pcapng"
        live = Live(folder, "--hep-listen", f"udp:127.0.0.1:{collector}", "-w", recorded)
        log = open(folder / "kamailio.err", "w", encoding="utf-8")
        run = folder / "run"
        run.mkdir(exist_ok=True)
        kamailio = subprocess.Popen(["kamailio", "-f", configuration, "-DD", "-E", "-Y", run, "-P", run / "pid", "-m", "16",
                                     "-M", "4"], stdout=subprocess.DEVNULL, stderr=log)
        phone = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        phone.bind(("127.0.0.1", 0))
        phone.settimeout(0.5)
        mine = phone.getsockname()[1]
        answered = False
        for _ in range(60):
            try:
                phone.sendto((f"OPTIONS sip:x@127.0.0.1:{port} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:{mine};branch=z9hG4bK1\r\n"
                              f"From: <sip:a@b>;tag=1\r\nTo: <sip:x@b>\r\nCall-ID: kamailio-{version}\r\nCSeq: 1 OPTIONS\r\n"
                              "Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n").encode(), ("127.0.0.1", port))
                phone.recv(65536)
                answered = True
                break
            except OSError:
                continue
        live.wait_for(f"kamailio-{version}")
        time.sleep(0.3)
        kamailio.terminate()
        kamailio.wait(timeout=30)
        _, said = live.stop()
        if not answered:
            skip(f"Kamailio's HEP {version}", "Kamailio did not answer")
            continue
        seen = {(m.get("method") or m["code"], m["src"], m["dst"]) for m in rows("messages", recorded)}
        judge(("OPTIONS", f"127.0.0.1:{mine}", f"127.0.0.1:{port}") in seen,
              f"Kamailio's HEP {version}: the request that it got, from whom it got it", (seen, said))


def no_circle(folder):
    """What we send passes the interface that we listen at, and is not sent again."""
    if os.geteuid() != 0 or not shutil.which("unshare") or not shutil.which("ip"):
        return skip("what we send does not come round again", "needs root, unshare and ip")
    script = folder / "circle.py"
    script.write_text(f"""
import signal, socket, subprocess, sys, time
subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
collector = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
collector.bind(("127.0.0.1", 9060))
live = subprocess.Popen([{SIPANA!r}, "live", "-i", "lo", "--immediate", "--format", "ndjson", "--hep-send", "udp:127.0.0.1:9060"],
                        stdout=subprocess.DEVNULL)
phone = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
collector.settimeout(0.5)
count = 0
for i in range(40):
    phone.sendto(("OPTIONS sip:x@127.0.0.1 SIP/2.0\\r\\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK%d\\r\\nFrom: <sip:a@b>;tag=1\\r\\n"
                  "To: <sip:x@b>\\r\\nCall-ID: c%d\\r\\nCSeq: 1 OPTIONS\\r\\nMax-Forwards: 70\\r\\nContent-Length: 0\\r\\n\\r\\n" % (i, i)).encode(),
                 ("127.0.0.1", 5060))
    try:
        collector.recv(65536)
        break
    except OSError:
        pass
for i in range(3):
    try:
        collector.recv(65536)
        count += 1
    except OSError:
        break
live.send_signal(signal.SIGINT)
live.wait(timeout=30)
print("circle", count)
""", encoding="utf-8")
    done = subprocess.run(["unshare", "-n", sys.executable, script], capture_output=True, text=True, check=False, timeout=90)
    if "Operation not permitted" in done.stderr and "circle" not in done.stdout:
        return skip("what we send does not come round again", "no network namespaces here")
    judge("circle 0" in done.stdout, "what we send does not come round again", (done.stdout, done.stderr[-500:]))


with tempfile.TemporaryDirectory(prefix="sipana-hep-") as name:
    where = Path(name)
    what_is_sent(where)
    what_kamailio_sends(where)
    no_circle(where)
print("{passed} passed, {failed} failed, {skipped} skipped".format(**tally))
sys.exit(1 if tally["failed"] else 0)
