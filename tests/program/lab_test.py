#!/usr/bin/env python3
"""sipana-lab as a shell meets it: exit status, standard output, standard error, the captures that it leaves.

  lab_test.py SIPANA_LAB

Closes with "N passed, N failed, N skipped".
"""
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree

PROGRAM = os.path.abspath(sys.argv[1])
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
    capture = os.path.join(tmp, "patient.pcapng")
    patient = subprocess.Popen([PROGRAM, "run", write(tmp, "patient.lab", PATIENT), "--capture", capture, "--on",
                                "sockets"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and not (os.path.exists(capture) and os.path.getsize(capture) > 0):
        time.sleep(0.05)
    time.sleep(0.3)
    patient.send_signal(signal.SIGINT)
    try:
        out, err = patient.communicate(timeout=30)
    except subprocess.TimeoutExpired:
        patient.kill()
        out, err = patient.communicate()
    judge(patient.returncode == INTERRUPTED, "an interrupt: 130", (patient.returncode, out, err))
    status, out, err = lab("coverage", capture)
    judge(status == OK and "INVITE" in out, "the capture so far is intact", (status, out, err))


def main():
    with tempfile.TemporaryDirectory() as tmp:
        for group in (outcomes, mistakes, captures, formats, coverage, imports, load, sockets):
            group(tmp)
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
