#!/usr/bin/env python3
"""`sipana live` in its sandbox, seen from outside: what it is left with, and that nothing it does is refused.

  sandbox_test.py SIPANA

Between two network namespaces, so as root; skipped otherwise. What the sandbox refuses is the matter of
tests/live/sandbox_test.cpp. Closes with "N passed, N failed, N skipped".
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

import ground
from ground import judge, skip

SIPANA = os.path.abspath(sys.argv[1])
NOBODY = 65534
NO_RIGHTS = "0000000000000000"
CALLS = 5


def rights(live, claim, root):
    seen = {field: live.status(field) for field in ("NoNewPrivs", "Seccomp", "CapInh", "CapPrm", "CapEff", "CapAmb", "CapBnd")}
    judge(seen["NoNewPrivs"] == ["1"] and seen["Seccomp"] == ["2"] and
          all(seen[c] == [NO_RIGHTS] for c in ("CapInh", "CapPrm", "CapEff", "CapAmb")) and
          (not root or seen["CapBnd"] == [NO_RIGHTS]), f"{claim}: no right is left", seen)


def calls_are_seen(veth, live, capture, claim):
    veth.replay(capture, "--topspeed")
    judge(live.wait_for(lambda: len(live.of("call")) >= CALLS, 20), f"{claim}: calls are seen, and their end",
          (len(live.of("call")), live.words))


def as_root(veth, folder, capture):
    record, report = folder / "all.pcapng", folder / "report.json"
    live = ground.Live(SIPANA, veth.at(veth.here), "-i", "veth0", "-w", record, "-o", report)
    judge(live.listens(), "root: it listens", live.words)
    rights(live, "root", True)
    judge(live.status("Uid") == ["0"] * 4, "root: without -Z it stays who it is", live.status("Uid"))
    calls_are_seen(veth, live, capture, "root")
    judge(live.stop() == 0, "root: it ends well", live.words)
    judge(len(json.loads(report.read_text())["calls"]) == CALLS, "root: the report is written")
    read = subprocess.run([SIPANA, "calls", "--format", "ndjson", record], capture_output=True, text=True, check=False)
    judge(read.returncode == 0 and len(read.stdout.splitlines()) == CALLS, "root: the recording can be read", read.stderr)


def as_another(veth, folder, capture):
    his = folder / "his"
    his.mkdir()
    os.chown(his, NOBODY, NOBODY)
    live = ground.Live(SIPANA, veth.at(veth.here), "-i", "veth0", "-Z", "nobody", "-w", his / "all.pcapng",
                       "--ring-size", "65536", "--ring-count", "2")
    judge(live.listens(), "-Z nobody: it listens", live.words)
    rights(live, "-Z nobody", True)
    judge(live.status("Uid") == live.status("Uid")[:1] * 4 == [str(NOBODY)] * 4, "-Z nobody: for good", live.status("Uid"))
    judge("0" not in live.status("Gid") + live.status("Groups"), "-Z nobody: no group of root's",
          (live.status("Gid"), live.status("Groups")))
    calls_are_seen(veth, live, capture, "-Z nobody")
    judge(live.stop() == 0, "-Z nobody: it ends well", live.words)
    files = sorted(his.iterdir())
    judge(len(files) == 2 and all(f.stat().st_size > 0 for f in files), "-Z nobody: a ring of two files goes round", files)
    ours = folder / "ours"
    ours.mkdir(mode=0o700)
    live = ground.Live(SIPANA, veth.at(veth.here), "-i", "veth0", "-Z", "nobody", "-w", ours / "all.pcapng")
    status = live.process.wait(20)
    live.readers[1].join(5)
    judge(status == 5 and "nobody may not write there" in "".join(live.words), "-Z nobody: not into a folder of root's: 5",
          (status, live.words))


def as_nobody(veth, folder, capture):
    if not shutil.which("setcap") or not shutil.which("setpriv"):
        return skip("an ordinary user", "setcap and setpriv are not installed")
    program = folder / "sipana"
    shutil.copy(SIPANA, program)
    inside = veth.at(veth.here, "setpriv", "--reuid", NOBODY, "--regid", NOBODY, "--clear-groups")
    live = ground.Live(program, inside, "-i", "veth0")
    status = live.process.wait(20)
    live.readers[1].join(5)
    judge(status == 5 and "setcap cap_net_raw+ep" in "".join(live.words), "an ordinary user is told what it takes: 5",
          (status, live.words))
    if subprocess.run(["setcap", "cap_net_raw+ep", program], capture_output=True, check=False).returncode != 0:
        return skip("setcap cap_net_raw+ep", "not on this file system")
    live = ground.Live(program, inside, "-i", "veth0")
    judge(live.listens(), "setcap cap_net_raw+ep, an ordinary user: it listens", live.words)
    rights(live, "an ordinary user", False)
    calls_are_seen(veth, live, capture, "an ordinary user")
    judge(live.stop() == 0, "an ordinary user: it ends well", live.words)


def without(veth, capture):
    live = ground.Live(SIPANA, veth.at(veth.here), "-i", "veth0", "--no-sandbox")
    judge(live.listens() and live.status("Seccomp") == ["0"], "--no-sandbox: all rights are kept", live.status("Seccomp"))
    calls_are_seen(veth, live, capture, "--no-sandbox")
    live.stop()


# What is refused in normal work, and why that is well: the C library tries clone3 before clone, and its malloc asks how to give
# memory back, to do so in the usual way where it is not told.
EXPECTED = re.compile(r"clone3.*ENOSYS|/proc/sys/vm/overcommit_memory")


COLLECTOR = """
import socket, sys
server = socket.create_server(("127.0.0.1", 9060))
print("listens", flush=True)
for first in (True, False):  # it goes away once, and is connected to again
    one, _ = server.accept()
    print(len(one.recv(1000)), flush=True)
    if first:
        one.close()
while one.recv(65536):
    pass
"""
BROWSER = """
import urllib.request
for path in ("/", "/metrics"):
    print(urllib.request.urlopen("http://127.0.0.1:8080" + path, timeout=10).status)
"""


def nothing_is_refused(veth, folder, capture):
    if not shutil.which("strace"):
        return skip("nothing it does is refused", "strace is not installed")
    trace, saves = folder / "trace", folder / "saved"
    collector = subprocess.Popen(veth.at(veth.here, sys.executable, "-c", COLLECTOR), stdout=subprocess.PIPE, text=True)
    collector.stdout.readline()
    inside = veth.at(veth.here, "strace", "-f", "-qq", "-o", trace)
    live = ground.Live(SIPANA, inside, "-i", "veth0", "-w", folder / "traced.pcapng", "-o", folder / "traced.html",
                       "--save-to", saves, "--web", "127.0.0.1:8080", "--hep-listen", "udp:127.0.0.1:9062",
                       "--hep-listen", "tcp:127.0.0.1:9063", "--hep-send", "tcp:127.0.0.1:9060")
    if not judge(live.listens(), "under strace: it listens", live.words):
        live.stop()
        collector.kill()
        return None
    calls_are_seen(veth, live, capture, "under strace")
    pages = subprocess.run(veth.at(veth.here, sys.executable, "-c", BROWSER), capture_output=True, text=True, check=False)
    judge(pages.stdout == "200\n200\n", "under strace: a browser is served", (pages.stdout, pages.stderr[-300:]))
    got = [collector.stdout.readline()]
    time.sleep(1.5)
    veth.replay(folder / "again.pcap", "--topspeed")
    time.sleep(1.5)
    veth.replay(folder / "third.pcap", "--topspeed")
    got.append(collector.stdout.readline())
    judge(all(line.strip().isdigit() and int(line) > 0 for line in got), "under strace: a collector is connected to again", got)
    child = subprocess.run(["pgrep", "-P", str(live.pid)], capture_output=True, text=True, check=False).stdout.split()
    os.kill(int(child[0]) if child else live.pid, 2)
    live.process.wait(30)
    collector.kill()
    collector.wait()
    calls = trace.read_text(errors="replace").splitlines()
    # The filters are loaded last of all; before them the kernel may refuse what it likes.
    begun = max((i for i, line in enumerate(calls) if "SECCOMP_SET_MODE_FILTER" in line), default=None)
    judge(begun is not None, "under strace: the filter is loaded")
    refused = [line for line in calls[(begun or 0) + 1:]
               if re.search(r"= -1 (EPERM|EACCES|ENOSYS)", line) and not EXPECTED.search(line)]
    if ground.sanitized(SIPANA):
        skip("nothing that it does is refused", "AddressSanitizer makes calls of its own")
    else:
        judge(not refused, "nothing that it does is refused", (len(refused), refused[:8]))
    judge(len(list(saves.iterdir())) >= CALLS, "and a capture of each call is saved", list(saves.iterdir()))
    return None


def main():
    ground.needs("tcpreplay")
    with ground.Veth() as veth, tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        folder.chmod(0o755)
        capture = folder / "calls.pcap"
        ground.calls_capture(capture, CALLS, 1.0, 0.1)
        for number, name in ((1, "again"), (2, "third")):
            ground.calls_capture(folder / f"{name}.pcap", CALLS, 0.2, 0.1, CALLS * number)
        as_root(veth, folder, capture)
        as_another(veth, folder, capture)
        as_nobody(veth, folder, capture)
        without(veth, capture)
        nothing_is_refused(veth, folder, capture)
    ground.end()


main()
