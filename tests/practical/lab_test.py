#!/usr/bin/env python3
"""The real lab, in a shortened form: up and down, what it leaves behind, and exercises of the practical.

  lab_test.py SIPANA_LAB SIPANA

Needs root, network namespaces, and once Debian's packages (Asterisk in a folder of its own). Skipped, with the reason,
where one of these is not to be had. Closes with "N passed, N failed, N skipped".
"""
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
LAB = ROOT / "tools/lab/lab"
EXERCISES = ["1.1-trunk-call", "1.3-errors-sip", "1.4-video", "2.1-transfer-blind", "2.1-transfer-attended"]
OK, FAILED, USAGE, IO_ERROR = 0, 1, 2, 5

passed = failed = 0
own = f"t{os.getpid() % 100000}"  # what the labs of this run are called


def judge(holds, claim, seen=""):
    global passed, failed
    passed, failed = passed + bool(holds), failed + (not holds)
    print(("ok    " if holds else "FAIL  ") + claim + ("" if holds else f"\n      seen: {seen!r}"), flush=True)


def lab(*arguments, limit=200):
    done = subprocess.run([LAB, *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=limit, check=False)
    return done.returncode, done.stdout


def left(name=own):
    """Namespaces and processes that belong to a lab whose name begins so."""
    listed = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=False).stdout
    folder = pathlib.Path("/run/sipana-lab")
    return [x.split()[0] for x in listed.splitlines() if x.startswith(name)] + \
        [str(x) for x in (folder.iterdir() if folder.exists() else []) if x.name.startswith(name)]


def gone(name, seconds):
    until = time.monotonic() + seconds
    while left(name) and time.monotonic() < until:
        time.sleep(0.05)
    return not left(name)


def why_not():
    """Why the lab cannot be had here; empty: it can."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    tried = subprocess.run(["unshare", "--net", "--mount", "--uts", "true"], capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        return f"no namespaces here: {tried.stderr.strip()}"
    packages = subprocess.run([ROOT / "tools/packages", "lab"], capture_output=True, text=True, check=False)
    if packages.returncode != 0:
        return f"the lab's packages cannot be installed: {packages.stdout.strip()[-200:]}"
    status, out = lab("up", f"{own}z", "--servers", "A", limit=900)
    lab("down", f"{own}z")
    return "" if status == OK else out.strip()


def up_and_down():
    began = time.monotonic()
    status, out = lab("up", f"{own}a")
    judge(status == OK and time.monotonic() - began < 15, "up: three servers within 15 s", (status, out))
    status, out = lab("up", f"{own}a")
    judge(status == IO_ERROR and "is up already" in out, "up: twice is refused", (status, out))
    status, out = lab("up", f"{own}b", "--servers", "B")
    judge(status == OK, "two labs live side by side", (status, out))
    status, out = lab("status", f"{own}a")
    judge(status == OK and out.count("Asterisk 16") == 2 and "kamailio 5" in out and "amine" in out,
          "status: what runs where", (status, out))
    status, out = lab("status", f"{own}b")
    judge(status == OK and out.count("Asterisk 16") == 1 and out.count("not running") == 2, "status: of the other one", out)
    status, out = lab("shell", "--id", f"{own}a", "amine", "ip", "-br", "address")
    judge(status == OK and "192.168.1.100/24" in out, "shell: a command on a host", (status, out))
    status, out = lab("shell", "--id", f"{own}a", "nobody")
    judge(status == USAGE and "nobody" in out, "shell: no such host: 2", (status, out))
    status, out = lab("down", f"{own}a")
    judge(status == OK and not left(f"{own}a") and left(f"{own}b"), "down: one goes, the other stays", (status, left()))
    status, out = lab("down", f"{own}b")
    judge(status == OK and not left(), "down: nothing is left", (status, left()))
    for arguments, claim in ((["up", "Not-A-Name"], "up: a name that cannot be"), (["run", "9.9-nothing"], "run: no such exercise"),
                             (["up", f"{own}c", "--servers", "X"], "up: no such server")):
        status, out = lab(*arguments)
        judge(status == USAGE and out.startswith("lab: ") and out.count("\n") == 1 and not left(), f"{claim}: 2", (status, out))


def broken_off():
    for number, seconds in ((signal.SIGINT, 0.6), (signal.SIGTERM, 1.0), (signal.SIGKILL, 0.5), (signal.SIGKILL, 1.5)):
        name = f"{own}k"
        building = subprocess.Popen([LAB, "up", name], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                    stderr=subprocess.DEVNULL)
        try:
            building.wait(seconds)
        except subprocess.TimeoutExpired:
            building.send_signal(number)
            building.wait(30)
        if building.returncode == OK:  # it was faster
            lab("down", name)
        judge(gone(name, 10), f"up: {number.name} after {seconds} s leaves nothing", left())
    before = set(left("x"))
    playing = subprocess.Popen([LAB, "run", "1.1-trunk-call", "--captures", tempfile.gettempdir()], stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        playing.wait(1.5)
    except subprocess.TimeoutExpired:
        playing.send_signal(signal.SIGKILL)
        playing.communicate(timeout=30)
    until = time.monotonic() + 10
    while set(left("x")) - before and time.monotonic() < until:
        time.sleep(0.05)
    judge(not set(left("x")) - before, "run: SIGKILL half-way leaves nothing", left("x"))


def exercises(program):
    with tempfile.TemporaryDirectory() as tmp:
        for name in EXERCISES:
            began = time.monotonic()
            status, out = lab("run", name, "--captures", tmp, "--program", program)
            judge(status == OK, f"{name}: its checks hold ({time.monotonic() - began:.1f} s)", out)
    judge(not left(), "nothing is left of them", left())


def main():
    reason = why_not()
    if reason:
        print(f"skip  the real lab: {reason}")
        print("0 passed, 0 failed, 1 skipped")
        return 0
    up_and_down()
    broken_off()
    exercises(os.path.abspath(sys.argv[1]))
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
