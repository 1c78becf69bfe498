#!/usr/bin/env python3
"""What the program says of input that it cannot read, or not to the end, and of output that it cannot write.

  input_test.py PROGRAM

Each case: the exit status, one line on standard error that says why, and everything before the damage reported.
Closes with "N passed, N failed, N skipped".
"""
import errno
import fcntl
import gzip
import os
import pathlib
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import termios
import time

PROGRAM = os.path.abspath(sys.argv[1])
CAPTURE = pathlib.Path("captures/sipp-answered.pcapng").resolve()
OK, USAGE, DAMAGED, IO_ERROR, INTERRUPTED = 0, 2, 3, 5, 130
NOBODY = 65534
TIMEOUT = 60

passed = failed = skipped = 0


def judge(holds, claim, seen=""):
    global passed, failed
    passed, failed = passed + bool(holds), failed + (not holds)
    print(("ok    " if holds else "FAIL  ") + claim + ("" if holds else f"\n      seen: {seen!r}"))


def run(*arguments, **how):
    how.setdefault("stdin", subprocess.DEVNULL)
    how.setdefault("stdout", subprocess.PIPE)
    done = subprocess.run([PROGRAM, *map(str, arguments)], stderr=subprocess.PIPE, timeout=TIMEOUT, **how)
    return done.returncode, (done.stdout or b"").decode(), done.stderr.decode()


def expect(claim, status, says, *arguments, rows=0, **how):
    """`says`: the lines of standard error, without the name in front; `rows`: lines of standard output."""
    seen = run(*arguments, **how)
    lines = "".join(f"sipana: {line}\n" for line in says)
    judge(seen[0] == status and seen[2] == lines and seen[1].count("\n") == rows, claim, seen)


def calls(*arguments):
    return ("calls", "-q", "--format", "ndjson", *arguments)


def damaged_input(whole):
    cut = pathlib.Path("cut.pcapng")
    cut.write_bytes(whole[:3000])
    line = "cut.pcapng: cut short in frame 7, byte 2840: 160 of 248 bytes of a block are there"
    expect("a file cut off: its calls, and where it ends", DAMAGED, [line], *calls(cut), rows=1)
    expect("the same beside a whole file: both are read", DAMAGED, [line], "messages", "-q", "--format", "ndjson",
           cut, "whole.pcapng", rows=10)
    with open(cut, "rb") as pipe:
        expect("the same through a pipe", DAMAGED, [line.replace(str(cut), "standard input")], *calls("-"), rows=1,
               stdin=pipe)
    small = pathlib.Path("cut.pcapng.gz")
    small.write_bytes(gzip.compress(whole, mtime=0)[:2500])
    seen = run(*calls(small))
    judge(seen[0] == DAMAGED and seen[1].count("\n") == 1 and seen[2].count("\n") == 1
          and "the gzip data is cut off at byte 2500 of the compressed file" in seen[2],
          "a compressed file cut off: its calls, and where it ends", seen)
    pathlib.Path("zero.pcap").touch()
    expect("a file of no bytes", DAMAGED, ["zero.pcap: empty file"], *calls("zero.pcap"))
    expect("standard input of no bytes", DAMAGED, ["standard input: empty file"], *calls("-"))
    pathlib.Path("letter.txt").write_text("hello")
    expect("a file that is no capture", DAMAGED, ["letter.txt: not a capture file (starts with 'hell')"],
           *calls("letter.txt"))
    pathlib.Path("three").write_bytes(whole[:5])
    expect("a file that ends in its header", DAMAGED,
           ["three: cut short in the section header: 5 of 28 bytes of a block are there"], *calls("three"))


def what_cannot_be_opened():
    expect("a file that is not there", IO_ERROR, ["missing.pcap: No such file or directory"], *calls("missing.pcap"))
    expect("the same beside a whole file: that is read", IO_ERROR, ["missing.pcap: No such file or directory"],
           *calls("missing.pcap", "whole.pcapng"), rows=1)
    expect("a pattern of nothing", IO_ERROR, ["no*.pcap: No such file or directory"], *calls("no*.pcap"))
    os.mkdir("empty")
    expect("a folder without captures", IO_ERROR, ["empty: no captures in this folder"], *calls("empty"))
    os.mkdir("nested")
    os.mkdir("nested/below")
    shutil.copy("whole.pcapng", "nested/below")
    expect("a folder with captures further down", IO_ERROR,
           ["nested: no captures in this folder; those below it are not looked into"], *calls("nested"))
    shutil.copy("whole.pcapng", "nested/a")
    shutil.copy("letter.txt", "nested/b")
    expect("a folder with captures and other things", OK, [], *calls("nested"), rows=1)
    expect("standard input that is closed", IO_ERROR, ["standard input: Bad file descriptor"], *calls("-"),
           stdin=None, preexec_fn=lambda: os.close(0))


def what_may_not_be_read():
    global skipped
    for name in ("closed", "listed", "mixed"):
        os.mkdir(name)
        shutil.copy("whole.pcapng", f"{name}/a.pcapng")
    shutil.copy("whole.pcapng", "mixed/b.pcapng")
    how = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
    try:
        if run("--version", **how)[0] != OK:
            raise PermissionError
    except PermissionError:
        print("skip  nobody may not run the program here")
        skipped += 1
        return
    for name, mode in (("closed", 0o000), ("listed", 0o444), ("mixed/b.pcapng", 0o000)):
        os.chmod(name, mode)
    expect("a file that may not be read", IO_ERROR, ["mixed/b.pcapng: Permission denied"], *calls("mixed/b.pcapng"),
           **how)
    expect("the same within a folder: the others are read", IO_ERROR, ["mixed/b.pcapng: Permission denied"],
           *calls("mixed"), rows=1, **how)
    expect("a folder that may not be read", IO_ERROR, ["closed: Permission denied"], *calls("closed"), **how)
    expect("a folder that may be listed only", IO_ERROR, ["listed: Permission denied"], *calls("listed"), **how)
    for name in ("closed", "listed"):
        os.chmod(name, 0o755)


def usage():
    seen = run("frobnicate", "whole.pcapng")
    judge(seen[0] == USAGE and seen[2].startswith("sipana: no command 'frobnicate'\n"), "a command that is none", seen)
    seen = run(*calls("-f", "tcp port", "whole.pcapng"))
    judge(seen[0] == USAGE and seen[2].startswith("sipana: filter 'tcp port': ") and seen[2].count("\n") == 1,
          "a filter that is none", seen)
    seen = run(*calls("--where", "final>", "whole.pcapng"))
    judge(seen[0] == USAGE and seen[2].count("\n") == 1, "a condition that is none", seen)


def output():
    no_space = "cannot write to standard output: " + os.strerror(errno.ENOSPC)
    for arguments in (calls("whole.pcapng"), ("calls", "whole.pcapng"), ("messages", "whole.pcapng"),
                      ("streams", "whole.pcapng"), ("check", "whole.pcapng"), ("flow", "whole.pcapng"),
                      ("calls", "--format", "json", "whole.pcapng")):
        with open("/dev/full", "wb") as full:
            expect("a full disk, " + " ".join(arguments), IO_ERROR, [no_space], *arguments, stdout=full)
    os.symlink("/dev/full", "full.html")
    expect("a full disk, report", IO_ERROR, ["full.html: cannot be written: " + os.strerror(errno.ENOSPC)],
           "report", "whole.pcapng", "-o", "full.html")
    expect("standard output that is closed", IO_ERROR,
           ["cannot write to standard output: Bad file descriptor"], *calls("whole.pcapng"), stdout=None,
           preexec_fn=lambda: os.close(1))
    for arguments in (calls("whole.pcapng"), ("messages", "--raw", "whole.pcapng"), ("flow", "whole.pcapng")):
        reader, writer = os.pipe()
        os.close(reader)
        expect("a reader that went away, " + " ".join(arguments), IO_ERROR, [], *arguments, stdout=writer)
        os.close(writer)


def waits(pid, writer):
    """All is read, and the process sleeps: in read(), or in open()."""
    unread = int.from_bytes(fcntl.ioctl(writer, termios.FIONREAD, b"\0" * 4), sys.byteorder)
    state = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    program = os.readlink(f"/proc/{pid}/exe")
    return unread == 0 and state == "S" and program == os.path.realpath(PROGRAM)


def interrupt(claim, arguments, feed, rows):
    """SIGINT while the program waits for more than `feed`."""
    reader, writer = os.pipe()
    os.write(writer, feed)
    program = subprocess.Popen([PROGRAM, *arguments], stdin=reader, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    os.close(reader)
    try:
        for _ in range(TIMEOUT * 100):
            if waits(program.pid, writer):
                break
            time.sleep(0.01)
        program.send_signal(signal.SIGINT)
        out, err = program.communicate(timeout=TIMEOUT)
        judge(program.returncode == INTERRUPTED and err == b"" and out.count(b"\n") == rows, claim,
              (program.returncode, out, err))
    finally:
        program.kill()
        program.wait()
        os.close(writer)


def live_input(whole):
    """What is known is printed before the program waits for more."""
    reader, writer = os.pipe()
    os.write(writer, whole[:3000])
    program = subprocess.Popen([PROGRAM, "messages", "-q", "--format", "ndjson", "-"], stdin=reader,
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    os.close(reader)
    try:
        ready = select.select([program.stdout], [], [], TIMEOUT)[0]
        seen = os.read(program.stdout.fileno(), 1 << 16) if ready else b""
        judge(seen.count(b"\n") == 4 and program.poll() is None, "rows of a live pipe come while it lasts", seen)
    finally:
        program.kill()
        program.wait()
        program.stdout.close()
        os.close(writer)


def interrupts(whole):
    interrupt("an interrupt while it waits: what came before is reported", calls("-"), whole[:3000], 1)
    interrupt("an interrupt before the first byte", calls("-"), b"", 0)
    os.mkfifo("fifo")
    interrupt("an interrupt while it waits for somebody to open a pipe", calls("fifo"), b"", 0)


def main():
    whole = CAPTURE.read_bytes()
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        os.chdir(folder)
        shutil.copy(CAPTURE, "whole.pcapng")
        os.chmod("whole.pcapng", 0o644)
        damaged_input(whole)
        what_cannot_be_opened()
        what_may_not_be_read()
        usage()
        output()
        live_input(whole)
        interrupts(whole)
        os.chdir("/")
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return failed != 0


sys.exit(main())
