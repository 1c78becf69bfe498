#!/usr/bin/env python3
"""The terminal screen as a person meets it: keys into a terminal (tmux), and what stands there afterwards.

  screen_test.py SCREEN_DEMO

Nothing is waited for by the clock alone: text is looked for until it is there, with a bound. Closes with
"N passed, N failed, N skipped".
"""
import os
import pathlib
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time

DEMO = os.path.abspath(sys.argv[1])
CAPTURES = pathlib.Path("captures").resolve()
BOUND = 20.0  # seconds

passed = failed = skipped = 0


def judge(holds, claim, seen=""):
    global passed, failed
    passed, failed = passed + bool(holds), failed + (not holds)
    print(("ok    " if holds else "FAIL  ") + claim + ("" if holds else f"\n{seen}"))


class Terminal:
    """A tmux server of its own with one window, and a shell in it that has no prompt to speak of."""
    count = 0

    def __init__(self, width, height, *arguments, locale="C.UTF-8", term=None, environment=()):
        Terminal.count += 1
        self.name = f"sipana-screen-{os.getpid()}-{Terminal.count}"
        # Signals are to end the program as they end it without sanitizers.
        setting = [f"LC_ALL={locale}", "ENV=", "PS1=ready>", "ASAN_OPTIONS=handle_segv=0:handle_abort=0", *environment]
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", str(width), "-y", str(height), "env", *setting, "sh", "-i")
        self.tmux("set-option", "-g", "mouse", "on")
        self.wait("ready>")
        command = f"{'TERM=' + term + ' ' if term else ''}{DEMO} {' '.join(map(str, arguments))}"
        self.text(command)
        self.keys("Enter")

    def tmux(self, *arguments):
        return subprocess.run(["tmux", "-u", "-L", self.name, *arguments], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=BOUND).stdout.decode(errors="replace")

    def keys(self, *names):
        self.tmux("send-keys", *names)

    def text(self, text):
        self.tmux("send-keys", "-l", text)

    def page(self):
        return self.tmux("capture-pane", "-p")

    def wait(self, *wanted, without=()):
        """The page as soon as it has all that is wanted; the last one seen, and False, at the bound."""
        end = time.monotonic() + BOUND
        while True:
            page = self.page()
            if all(w in page for w in wanted) and not any(w in page for w in without):
                self.seen = page
                return True
            if time.monotonic() > end:
                self.seen = page
                return False
            time.sleep(0.03)

    def resize(self, width, height):
        self.tmux("resize-window", "-x", str(width), "-y", str(height))

    def child(self):
        """The process id of the demo, below the pane's shell."""
        shell = self.tmux("display-message", "-p", "#{pane_pid}").strip()
        children = subprocess.run(["ps", "-o", "pid=,comm=", "--ppid", shell], stdout=subprocess.PIPE).stdout.decode()
        return [int(line.split()[0]) for line in children.splitlines() if "screen_demo" in line]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.tmux("kill-server")


def answered():
    return CAPTURES / "sipp-answered.pcapng"


def list_and_filter():
    with Terminal(80, 24, *sorted(CAPTURES.glob("sipp-*.pcapng"))) as t:
        judge(t.wait("sipana live", "Method", "completed", "F1 Help"), "the list at 80x24", t.seen)
        t.keys("/")
        t.text("final>=400")
        judge(t.wait("Search: final>=400", "busy 486", without=["completed"]), "a search as it is typed", t.seen)
        t.text(" and")
        judge(t.wait("column "), "the column of a mistake", t.seen)
        t.keys("Escape")
        judge(t.wait("no filter", "completed"), "Escape drops the search", t.seen)
        t.keys("F7")
        judge(t.wait("Expression", "[x] REGISTER"), "F7 filters", t.seen)
        t.keys("Tab")
        t.text("state=busy")
        t.keys("Enter")
        judge(t.wait("where state=busy", "busy 486", without=["completed", "Expression"]), "by an expression", t.seen)
        t.keys("F1")
        judge(t.wait("the ladder of the call"), "F1 helps", t.seen)
        t.keys("q")
        judge(t.wait("where state=busy"), "q leaves the help", t.seen)


def ladder_message_diff():
    with Terminal(80, 24, answered()) as t:
        t.wait("completed")
        t.keys("Enter")
        judge(t.wait("100 → 900", "180 Ringing", "├", "▶"), "Enter draws the ladder", t.seen)
        t.keys("Enter")
        judge(t.wait("message 1 of 6", "Via: SIP/2.0/UDP"), "Enter shows the message", t.seen)
        t.keys("e")
        judge(t.wait("RFC 3261"), "e explains it", t.seen)
        t.keys("e", "d", "Right", "Right", "Right", "Right")
        judge(t.wait("message 5 of 6", "compared with frame", "~ CSeq: 2 BYE"), "d shows what is different", t.seen)
        t.keys("Escape")
        judge(t.wait("180 Ringing", "Esc Calls"), "Escape goes back", t.seen)
        t.keys("F6")
        judge(t.wait("messages of", "INVITE sip:900"), "F6 shows them raw", t.seen)
        t.keys("Escape", "m")
        judge(t.wait("streams", "192.168.1.12:6000 → 192.168.1.11:6000", "each second of"), "m shows streams", t.seen)


def looks_good_when_large():
    with Terminal(200, 60, *sorted(CAPTURES.glob("baresip-video.pcapng"))) as t:
        t.wait("completed", "PCMU")
        t.keys("Enter")
        judge(t.wait("video H264", "Max-Forwards: 70", "a=rtpmap"), "ladder and message side by side", t.seen)
        t.keys("m")
        t.wait("each second of")
        t.keys("Down", "Down")
        judge(t.wait("video H264", "frames,", "each second of", "█"), "streams with their course and video", t.seen)


def resizing():
    with Terminal(80, 24, *sorted(CAPTURES.glob("sipp-*.pcapng"))) as t:
        t.wait("completed")
        for keys in ([], ["Enter"], ["Enter"], ["Escape", "m"], ["Escape", "Escape", "F7"], ["Escape", "T"], ["Escape", "F10"]):
            if keys:
                t.keys(*keys)
            for size in ((20, 5), (10, 3), (200, 60), (40, 12), (80, 24)):
                t.resize(*size)
                if size == (10, 3):
                    judge(t.wait("too small"), f"10x3 is too small, after {keys}", t.seen)
        t.keys("Escape")
        judge(t.wait("Method", "F1 Help"), "it lives through every size", t.seen)
        t.resize(40, 12)
        judge(t.wait("sipana live", "busy 486"), "the list at 40x12", t.seen)


def quits_and_restores():
    with Terminal(80, 24, answered()) as t:
        t.wait("completed")
        t.keys("q")
        judge(t.wait("the screen is over", "ready>", without=["Method"]), "q gives the terminal back", t.seen)
        t.text("echo o''k")
        t.keys("Enter")
        judge(t.wait("ok"), "which echoes again", t.seen)
    with Terminal(120, 24, "--recording", answered()) as t:
        t.wait("completed", "REC ")
        t.keys("q")
        judge(t.wait("Once more to quit"), "while recording, it asks", t.seen)
        t.keys("q")
        judge(t.wait("the screen is over"), "once", t.seen)
    for number in (signal.SIGSEGV, signal.SIGABRT):
        with Terminal(80, 24, answered()) as t:
            t.wait("completed")
            for child in t.child():
                os.kill(child, number)
            judge(t.wait("ready>", without=["Method"]), f"{number.name} gives the terminal back", t.seen)
            t.text("echo o''k")
            t.keys("Enter")
            judge(t.wait("\nok"), f"which echoes again after {number.name}", t.seen)


def other_terminals():
    with Terminal(80, 24, answered(), locale="C") as t:
        judge(t.wait("= completed"), "ASCII where the locale is no UTF-8", t.seen)
        t.keys("Enter")
        judge(t.wait("|--", "->|") or ">|" in t.seen, "the ladder in ASCII", t.seen)
    for term in ("vt100", "xterm", "linux", "screen-256color"):
        with Terminal(80, 24, answered(), term=term) as t:
            judge(t.wait("completed", "F1 Help"), f"TERM={term}", t.seen)
    with Terminal(80, 24, answered(), environment=["NO_COLOR=1"]) as t:
        t.wait("completed")
        colored = t.tmux("capture-pane", "-p", "-e")
        judge(not re.search(r"\x1b\[[0-9;]*(3[0-8]|4[0-8]|9[0-7])[;m]", colored) and "completed" in colored, "NO_COLOR",
              repr(colored[:300]))
    with Terminal(80, 24, answered(), term="nothing-known") as t:
        judge(t.wait("unknown kind of terminal"), "an unknown terminal is an error", t.seen)
    with Terminal(80, 24, answered(), term="dumb") as t:
        judge(t.wait("the cursor cannot be moved"), "so is one without a cursor to move", t.seen)
    done = subprocess.run([DEMO, answered()], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=BOUND)
    judge(done.returncode == 1 and b"no terminal" in done.stderr, "no terminal is an error", done)


def inside_the_sandbox():
    with Terminal(80, 24, "--sandbox", answered()) as t:
        judge(t.wait("completed"), "inside the sandbox it draws", t.seen)
        t.keys("Enter")
        judge(t.wait("180 Ringing"), "asks in a thread of its own", t.seen)
        t.resize(120, 40)
        judge(t.wait("Max-Forwards: 70"), "follows a new size", t.seen)
        t.keys("C-z")
        judge(t.wait("ready>"), "can be suspended", t.seen)
        t.text("fg")
        t.keys("Enter")
        judge(t.wait("Max-Forwards: 70", without=["ready>"]), "and goes on", t.seen)
        t.keys("q", "q")
        judge(t.wait("the screen is over", "ready>"), "and quits", t.seen)


def udp_capture(path, *texts):
    """A pcap of SIP messages from 192.0.2.1 to 192.0.2.2."""
    out = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101)
    for i, text in enumerate(texts):
        udp = struct.pack(">HHHH", 5060, 5060, 8 + len(text), 0) + text
        ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), i, 0, 64, 17, 0, bytes((192, 0, 2, 1)), bytes((192, 0, 2, 2)))
        total = sum(struct.unpack(">10H", ip))
        total = (total & 0xFFFF) + (total >> 16)
        total = ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF
        ip = ip[:10] + struct.pack(">H", total) + ip[12:]
        out += struct.pack("<IIII", 1700000000 + i, 0, len(ip + udp), len(ip + udp)) + ip + udp
    path.write_bytes(out)


def hostile(folder):
    evil = b"\x1b]0;owned\x07\x1b[31mred\xe2\x80\xaebidi\xc2\x9b2J\x7f"
    wide = "山田".encode()
    message = (b"INVITE sip:bob@192.0.2.2 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx\r\n"
               b"From: \"" + wide + evil + b"\" <sip:al" + evil + b"ice@192.0.2.1>;tag=1\r\nTo: <sip:bob@192.0.2.2>\r\n"
               b"Call-ID: evil\r\nCSeq: 1 INVITE\r\nUser-Agent: " + evil + b"\r\nSubject: " + wide + b"e\xcc\x81|\r\n"
               b"Authorization: Digest username=\"a\", response=\"0123456789abcdef\"\r\nContent-Length: 0\r\n\r\n")
    path = folder / "hostile.pcap"
    udp_capture(path, message)
    with Terminal(120, 40, path) as t:
        t.wait("unanswered")
        title = t.tmux("display-message", "-p", "#{pane_title}")
        pages = [t.page()]
        for keys in (["Enter"], ["Enter"], ["e"], ["Escape", "F6"], ["Escape", "n"]):
            t.keys(*keys)
            t.wait("\\x1b" if keys != ["Escape", "n"] else "findings")
            pages.append(t.page())
        all_pages = "".join(pages)
        judge(all(c == "\n" or (ord(c) >= 0x20 and not 0x7F <= ord(c) < 0xA0) for c in all_pages) and "\u202e" not in all_pages,
              "no control of the wire is in the pane", repr(all_pages[:2000]))
        judge("\\x1b]0;owned\\x07" in all_pages, "they are shown as what they are", all_pages)
        judge("owned" not in title, "the window keeps its title", title)
        judge("0123456789abcdef" not in all_pages and 'response="***"' in all_pages, "secrets are masked", all_pages)
        row = next((line for line in all_pages.splitlines() if line.startswith(("Subject:", "│ Subject:")) or "Subject: 山田" in line), "")
        judge("山田e\u0301|" in row, "wide and combining characters stay together", row)


def mouse():
    with Terminal(80, 24, *sorted(CAPTURES.glob("sipp-*.pcapng"))) as t:
        t.wait("completed")
        # What a terminal sends for the left button at column 10, row 6, where terminfo is tmux's own.
        press = b"\x1b[M" + bytes((32, 32 + 10, 32 + 6)) + b"\x1b[M" + bytes((35, 32 + 10, 32 + 6))
        for _ in range(2):
            t.tmux("send-keys", "-H", *[f"{b:02x}" for b in press])
        if not t.wait("Esc Calls"):
            judge(False, "a double click opens", t.seen)
            return
        judge(True, "a double click opens", t.seen)
        t.keys("Escape")
        t.wait("Esc Quit")
        t.tmux("send-keys", "-H", *[f"{b:02x}" for b in b"\x1b[<0;9;9M\x1b[99~"])
        t.keys("F1")
        judge(t.wait("the ladder of the call"), "a sequence that nobody knows is no Escape", t.seen)


def follows_live():
    with Terminal(120, 40, "--speed", "1", CAPTURES / "sipp-answered.pcapng") as t:
        judge(t.wait("calls 1 active"), "a call appears while it goes on", t.seen)
        t.keys("Enter")
        judge(t.wait("following", "180 Ringing"), "its ladder follows", t.seen)
        judge(t.wait("BYE", "completed"), "to its end", t.seen)


def saves(folder):
    with Terminal(80, 24, "--save", folder, answered()) as t:
        t.wait("completed")
        t.keys("F2")
        judge(t.wait("Save the call as", "pcapng"), "F2 asks how to save", t.seen)
        t.keys("Down", "Down", "Enter")
        judge(t.wait("Saved as", "call-1.json"), "and says where", t.seen)
        judge((folder / "call-1.json").stat().st_size > 100, "the file is there")


def main():
    global skipped
    if shutil.which("tmux") is None:
        print("skipped: no tmux\n0 passed, 0 failed, 1 skipped")
        return 0
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        list_and_filter()
        ladder_message_diff()
        looks_good_when_large()
        resizing()
        quits_and_restores()
        other_terminals()
        inside_the_sandbox()
        hostile(folder)
        mouse()
        follows_live()
        saves(folder)
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


sys.exit(main())
