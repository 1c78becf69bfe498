#!/usr/bin/env python3
"""The live page as somebody meets it who has it open while calls go on: in headless Chromium, on loopback.

  web_test.py PROGRAM [FOLDER]     PROGRAM: tests/live/web_demo.cpp; FOLDER: pictures of the page go there

The packets are made here and go through a pipe, one after the other, so that what the page shows can be asked
for at each. Nothing sleeps: the page is asked until it shows what it should, or a minute has gone by.
Closes with "N passed, N failed, N skipped".
"""
import json
import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.request

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "browser"))
import chromium  # noqa: E402

PROGRAM = os.path.abspath(sys.argv[1])
PICTURES = sys.argv[2] if len(sys.argv) > 2 else None
PATIENCE = 60
ALICE, BOB = ("10.0.0.1", 5060), ("10.0.0.2", 5060)
HOSTILE = '<script>alert(1)</script>"><img src=x onerror=alert(2)></script>\u2028\u2029\u202e\u200f&lt;'

passed = failed = skipped = 0


def judge(holds, claim, seen=""):
    global passed, failed
    passed, failed = passed + bool(holds), failed + (not holds)
    print(("ok    " if holds else "FAIL  ") + claim + ("" if holds or seen == "" else f"\n      seen: {seen!r}"), flush=True)


# ---------------------------------------------------------------- traffic

def frame(src, dst, payload):
    address = lambda text: bytes(int(part) for part in text.split("."))
    udp = struct.pack(">HHHH", src[1], dst[1], 8 + len(payload), 0) + payload
    ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(udp), 1, 0x4000, 64, 17, 0) + address(src[0]) + address(dst[0])
    total = sum(struct.unpack(">10H", ip))
    total = (total & 0xffff) + (total >> 16)
    total = (total & 0xffff) + (total >> 16)
    return b"\2\0\0\0\0\2\2\0\0\0\0\1\x08\0" + ip[:10] + struct.pack(">H", ~total & 0xffff) + ip[12:] + udp


def message(first, call, cseq, body="", to_tag="", caller="alice", callee="bob", agent="", extra=""):
    lines = [first, f"Via: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK{call}{cseq.replace(' ', '')}",
             f"From: \"{caller}\" <sip:{caller if caller.isalnum() else 'x'}@a.example>;tag=f",
             f"To: <sip:{callee}@b.example>" + (f";tag={to_tag}" if to_tag else ""),
             f"Call-ID: {call}", f"CSeq: {cseq}", "Contact: <sip:alice@10.0.0.1>", "Max-Forwards: 70"]
    lines += [f"User-Agent: {agent}"] if agent else []
    lines += [extra] if extra else []
    lines += ["Content-Type: application/sdp"] if body else []
    return ("\r\n".join(lines) + f"\r\nContent-Length: {len(body)}\r\n\r\n{body}").encode()


def sdp(address, port):
    return (f"v=0\r\no=- 1 1 IN IP4 {address}\r\ns=-\r\nc=IN IP4 {address}\r\nt=0 0\r\nm=audio {port} RTP/AVP 0\r\n"
            "a=rtpmap:0 PCMU/8000\r\n")


class Capture:
    """The end of a pipe into which packets go, in classic pcap; its clock is ours."""

    def __init__(self, pipe):
        self.pipe, self.now = pipe, 1_700_000_000.0
        self.pipe.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        self.pipe.flush()

    def packet(self, data, after=0.02):
        self.now += after
        self.pipe.write(struct.pack("<IIII", int(self.now), int(self.now % 1 * 1e6), len(data), len(data)) + data)

    def send(self, src, dst, payload, after=0.02):
        self.packet(frame(src, dst, payload), after)
        self.pipe.flush()

    def invite(self, call, **more):
        self.send(ALICE, BOB, message("INVITE sip:bob@b.example SIP/2.0", call, "1 INVITE", sdp("10.0.0.1", 4000), **more))

    def answer(self, call, status, body="", cseq="1 INVITE", after=0.1, **more):
        self.send(BOB, ALICE, message(f"SIP/2.0 {status}", call, cseq, body, "t", **more), after)

    def acknowledge(self, call):
        self.send(ALICE, BOB, message("ACK sip:bob@b.example SIP/2.0", call, "1 ACK", to_tag="t"))

    def bye(self, call):
        self.send(ALICE, BOB, message("BYE sip:bob@b.example SIP/2.0", call, "2 BYE", to_tag="t"))
        self.answer(call, "200 OK", cseq="2 BYE")

    def speech(self, count, first=0, lost=()):
        for i in range(first, first + count):
            if i not in lost:
                rtp = struct.pack(">BBHII", 0x80, 0, i & 0xffff, i * 160, 0x1234) + b"\x55" * 160
                self.packet(frame(("10.0.0.1", 4000), ("10.0.0.2", 5000), rtp), 0.02)
        self.pipe.flush()

    def register(self, number):
        call = f"reg-{number}"
        register = lambda first, tag: message(first, call, "1 REGISTER", caller=f"user{number}", to_tag=tag, extra="Expires: 60")
        self.send(ALICE, BOB, register("REGISTER sip:b.example SIP/2.0", ""), 0.001)
        self.send(BOB, ALICE, register("SIP/2.0 200 OK", "t"), 0.001)


class Served:
    """The demo program, its capture, and the address of its page."""

    def __init__(self, *arguments, address="127.0.0.1:0"):
        self.process = subprocess.Popen([PROGRAM, address, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.url = self.process.stdout.readline().decode().strip()
        self.capture = Capture(self.process.stdin)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.process.stdin.close()
        except OSError:
            pass
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            judge(False, "the program ends when it is told to")
        self.process.stdout.close()

    def get(self, path):
        with urllib.request.urlopen(self.url + path, timeout=PATIENCE) as answer:
            return answer.read(), dict(answer.headers)


# ---------------------------------------------------------------- the page

def until(browser, expression, claim):
    """Asks the page until the expression is true."""
    end = time.monotonic() + PATIENCE
    began = time.monotonic()
    while time.monotonic() < end:
        if browser.run(expression):
            judge(True, claim)
            return time.monotonic() - began
        browser.settle()
    judge(False, claim, browser.run("document.body.innerText.slice(0, 1500)"))
    return None


def text(browser, selector):
    return browser.run("(document.querySelector(%s) || {}).textContent" % json.dumps(selector))


def picture(browser, name, whole=False):
    if PICTURES:
        browser.screenshot(os.path.join(PICTURES, name + ".png"), whole)


def quiet(browser, served, claim, but=()):
    elsewhere = [url for url in browser.requests if not url.startswith(served.url)]
    judge(elsewhere == [], claim + ": no request to anywhere else", elsewhere)
    console = [line for line in browser.console if not any(part in line for part in but)]
    judge(console == [], claim + ": nothing on the console, no violation of the policy", console)


def fits(browser, claim):
    over = browser.run("document.documentElement.scrollWidth - innerWidth")
    judge(over <= 0, claim + ": no wider than the window", over)


def state_of(call):
    return f"(document.querySelector('#list tr[data-call=\"{call}\"]') || {{dataset: {{}}}}).dataset.state"


def a_call(browser, served):
    capture = served.capture
    browser.size(1280, 900)
    browser.open(served.url)
    until(browser, "document.querySelector('#line').textContent === 'live'", "the page says that it is live")
    judge(browser.run("!document.querySelector('#empty').hidden"), "and that there are no calls yet")
    picture(browser, "empty")
    capture.invite("one")
    took = until(browser, "document.querySelectorAll('#list tbody tr').length === 1", "a call that begins is in the list")
    judge(took is not None and took < 2, "at once", took)
    until(browser, f"{state_of(1)} === 'trying'", "it is being tried")
    browser.click('#list tr[data-call="1"]')
    until(browser, "document.querySelectorAll('#call .drawing .arrow').length === 1", "a click opens its ladder")
    judge("is calling" in text(browser, ".outcome"), "which says how far it has come", text(browser, ".outcome"))
    capture.answer("one", "180 Ringing")
    until(browser, f"{state_of(1)} === 'ringing'", "the row changes as the call does")
    until(browser, "document.querySelectorAll('#call .drawing .arrow').length === 2", "and so does the ladder")
    judge("is ringing" in text(browser, ".outcome"), "and its words", text(browser, ".outcome"))
    capture.answer("one", "200 OK", sdp("10.0.0.2", 5000))
    capture.acknowledge("one")
    until(browser, f"{state_of(1)} === 'answered'", "it is answered")
    until(browser, "document.querySelectorAll('#call .drawing .arrow').length === 4", "the ladder follows")
    capture.speech(120, lost=(50, 51, 52))
    until(browser, "!!document.querySelector('#call .stream')", "its media appear")
    until(browser, "document.querySelector('#call .stream .numbers').textContent.includes('117')", "and grow")
    picture(browser, "answered", True)


def what_is_open(browser, served):
    """What the reader has opened, chosen and scrolled stays while the call goes on."""
    capture = served.capture
    browser.click('.drawing [data-message="1.2"]')
    judge(text(browser, "#message h2") == "200 OK", "a click on an arrow shows its message", text(browser, "#message h2"))
    judge(browser.run("[...document.querySelectorAll('#message .line')].some((l) => l.textContent.includes('m=audio 5000'))"),
          "with its lines")
    browser.click('[data-times="clock"]')
    browser.run("document.querySelector('.drawing [data-message=\"1.2\"]').focus()")
    browser.run("window.probe = document.activeElement")
    browser.run("document.querySelector('#call .stream details').open = true")
    browser.run("scrollTo(0, 40)")
    before = browser.run("[scrollX, scrollY]")
    capture.speech(100, 120)
    capture.send(BOB, ALICE, message("INFO sip:alice@a.example SIP/2.0", "one", "7 INFO", to_tag="t"))
    until(browser, "document.querySelectorAll('#call .drawing .arrow').length >= 5", "the ladder goes on growing meanwhile")
    judge(browser.run("document.activeElement === window.probe && window.probe.isConnected"), "the focus stays on its arrow",
          browser.run("document.activeElement.outerHTML.slice(0, 200)"))
    judge(browser.run("document.querySelector('.arrow.chosen').dataset.message") == "1.2", "the chosen arrow stays chosen")
    judge(browser.run("document.querySelector('.drawing').classList.contains('clock')"), "the times stay as they were chosen")
    judge(browser.run("document.querySelector('#call .stream details').open"), "what is open stays open")
    judge(browser.run("[scrollX, scrollY]") == before, "the page does not scroll by itself", browser.run("[scrollX, scrollY]"))
    judge(not browser.run("document.querySelector('#message').hidden"), "and the message is still there")
    picture(browser, "message")
    browser.key("Escape")
    capture.bye("one")
    until(browser, f"{state_of(1)} === 'completed'", "it ends")
    until(browser, "document.querySelector('.outcome').textContent.includes('hung up')", "and its words say who hung up")
    fits(browser, "a call")
    quiet(browser, served, "a call")


def the_list(browser, served):
    capture = served.capture
    for i in range(40):
        capture.register(i)
    capture.invite("two", caller="carol")
    capture.answer("two", "486 Busy Here")
    until(browser, "document.querySelectorAll('#list tbody tr').length === 42", "calls by the dozen are listed")
    numbers = "[...document.querySelectorAll('#list tbody tr')].filter((r) => !r.hidden).map((r) => Number(r.dataset.call))"
    seen = browser.run(numbers)
    judge(seen == sorted(seen, reverse=True), "the newest first", seen)
    browser.click('.chips [data-value="invite"]')
    judge(browser.run(numbers) == [42, 1], "a chip shows one kind only", browser.run(numbers))
    capture.invite("three", caller="dave")
    until(browser, numbers + ".length === 3", "a new call of that kind comes in")
    capture.register(99)
    until(browser, "document.querySelectorAll('#list tbody tr').length === 44", "one of another kind is counted")
    judge(browser.run(numbers) == [43, 42, 1], "and stays hidden", browser.run(numbers))
    judge(text(browser, "#shown") == "3 of 44", "the heading says so", text(browser, "#shown"))
    browser.click('.chips [data-value="invite"]')
    browser.click("#filter")
    browser.type("user3")
    filtered = browser.run(numbers)
    capture.register(333)
    until(browser, f"{numbers}.length === {len(filtered) + 1}", "the filter goes on filtering what comes")
    judge(browser.run("document.activeElement.id === 'filter' && document.activeElement.value === 'user3'"),
          "and what is being typed stays")
    browser.key("Escape")
    browser.click("th.from button")
    names = "[...document.querySelectorAll('#list td.from')].map((c) => c.textContent.toLowerCase())"
    capture.register(55555)
    until(browser, "document.querySelectorAll('#list tbody tr').length === 46", "sorted by name, one more comes")
    seen = browser.run(names)
    judge(seen == sorted(seen), "and is put where it belongs", seen)
    browser.click("th.n button")
    browser.click("th.n button")
    # Scrolled down, the rows in sight stay in sight.
    browser.run("document.querySelector('.list').scrollTop = 300")
    inside = ("(() => { const top = document.querySelector('.list').getBoundingClientRect().top + 60;"
              " const row = [...document.querySelectorAll('#list tbody tr')].find((r) => r.getBoundingClientRect().top > top);"
              " return [row.dataset.call, Math.round(row.getBoundingClientRect().top)]; })()")
    before = browser.run(inside)
    capture.register(7777)
    until(browser, "document.querySelectorAll('#list tbody tr').length === 47", "scrolled, one more comes")
    judge(browser.run(inside) == before, "and the rows in sight stay where they are", (before, browser.run(inside)))
    browser.run("document.querySelector('.list').scrollTop = 0")
    browser.click('#list tr[data-call="47"]')
    browser.key("ArrowDown")
    judge(browser.run("document.activeElement.dataset.call") == "46", "the arrow keys move in the list",
          browser.run("document.activeElement.outerHTML.slice(0, 100)"))
    until(browser, "document.querySelector('#call .facts').textContent.includes('reg-55555')", "and open what they reach")
    picture(browser, "list", True)
    quiet(browser, served, "the list")


def hostile(browser, served):
    """trap 78: whatever stands in a header is text on the page."""
    served.capture.invite("evil", caller=HOSTILE, agent=HOSTILE + "\x1b]0;x\x07")
    until(browser, "document.querySelector('#list tbody').textContent.includes('<script>alert(1)')", "hostile names are listed as text")
    number = browser.run("[...document.querySelectorAll('#list tbody tr')].find((r) => r.textContent.includes('alert(1)')).dataset.call")
    browser.click(f'#list tr[data-call="{number}"]')
    until(browser, "document.querySelector('#call .facts').textContent.includes('onerror=alert(2)')", "and their call is shown")
    browser.click(".drawing .arrow")
    until(browser, "document.querySelector('#message').textContent.includes('<script>alert(1)')", "and their message")
    judge(browser.run("document.querySelectorAll('img, iframe, object, embed, script').length") == 1, "no element has come of it")
    everything = browser.run("document.body.textContent")
    judge(not re.search("[\x00-\x08\x0b-\x1f\x7f\u2028\u2029\u202a-\u202e\u200e\u200f]", everything),
          "trap 77: no control or bidi character reaches the page")
    picture(browser, "hostile")
    browser.key("Escape")
    quiet(browser, served, "a hostile call")


def downloads(browser, served):
    browser.click('#list tr[data-call="1"]')
    until(browser, "[...document.querySelectorAll('#downloads a')].some((a) => a.getAttribute('href') === '/calls/1.pcapng')",
          "a call can be downloaded")
    packets, headers = served.get("calls/1.pcapng")
    judge(packets[:4] == b"\x0a\x0d\x0d\x0a" and len(packets) > 217 * 200, "as pcapng, with its media", (packets[:4], len(packets)))
    judge(headers.get("Content-Disposition") == 'attachment; filename="call-1.pcapng"', "to be kept, by a harmless name", headers)
    document = json.loads(served.get("calls/1.json")[0])
    judge(document["schema"] == "sipana/1" and document["calls"][0]["state"] == "completed", "as JSON")
    judge(b"<!doctype html>" in served.get("calls/1.html")[0], "as a page")
    whole = json.loads(served.get("report.json")[0])
    judge(len(whole["calls"]) == browser.run("document.querySelectorAll('#list tbody tr').length"), "and everything together",
          len(whole["calls"]))
    folder = tempfile.mkdtemp(prefix="sipana-live-page-")
    try:
        browser.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=folder)
        browser.click("#downloads a")
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and not os.path.exists(folder + "/call-1.pcapng"):
            browser.settle()
        judge(os.path.exists(folder + "/call-1.pcapng"), "a click downloads it", os.listdir(folder))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    quiet(browser, served, "downloads")


def small_and_dark(browser, served):
    for scheme in ("light", "dark"):
        browser.scheme(scheme)
        for width in (1280, 390):
            browser.size(width, 844, mobile=width < 500)
            browser.settle()
            fits(browser, f"{scheme}, {width} wide")
            browser.run("scrollTo(0, 0)")
            picture(browser, f"{scheme}-{width}")
            picture(browser, f"{scheme}-{width}-whole", True)
    browser.scheme("light")
    browser.size(1280, 900)


def lost_and_found(browser, program_of):
    """The program goes away and another one comes to the same address: the page goes on with the new one."""
    with program_of() as served:
        port = served.url.split(":")[-1].strip("/")
        browser.open(served.url)
        served.capture.invite("before")
        until(browser, "document.querySelectorAll('#list tbody tr').length === 1", "a call before")
        browser.call("Network.enable")
        served.process.kill()
        served.process.wait()
        until(browser, "document.querySelector('#line').textContent === 'connection lost'", "a lost connection is said")
        picture(browser, "lost")
    with program_of(address=f"127.0.0.1:{port}") as served:
        served.capture.invite("after", caller="zoe")
        until(browser, "document.querySelector('#line').textContent === 'live'", "and is found again by itself")
        until(browser, "[...document.querySelectorAll('#list td.from')].map((c) => c.textContent).join() === 'zoe'",
              "with the calls that there are now, and no others")
        served.capture.bye("after")
        served.process.stdin.close()
        served.process.terminate()
        until(browser, "document.querySelector('#line').textContent === 'ended'", "the end is said, and nothing tried any more")
        picture(browser, "ended")


def with_token(browser):
    token = "not-to-be-guessed-by-you"
    with Served(token) as served:
        browser.open(served.url)
        judge("token" in browser.run("document.body.innerText"), "without the token there is no page",
              browser.run("document.body.innerText"))
        browser.open(served.url + "?token=" + token)
        judge(browser.run("location.href") == served.url, "with it there is one, and the address does not keep it",
              browser.run("location.href"))
        served.capture.invite("one")
        until(browser, "document.querySelectorAll('#list tbody tr').length === 1", "it is fed")
        browser.click('#list tr[data-call="1"]')
        until(browser, "!!document.querySelector('#call .drawing svg')", "and calls open")


def many(browser, served):
    """Thousands of calls in a moment: the page shows the newest, and lives."""
    for i in range(3000):
        served.capture.register(100_000 + i)
    served.capture.invite("last", caller="latecomer")
    until(browser, "document.querySelector('#list tbody').textContent.includes('latecomer')", "a call after a flood is listed")
    until(browser, "document.querySelectorAll('#list tbody tr').length === 1000", "of 3000 more calls the newest are listed")
    until(browser, "!document.querySelector('#omitted').hidden", "and how many are not is said")
    judge(browser.run("!!document.querySelector('#list tr[data-call=\"1\"]')"), "the open one stays")
    quiet(browser, served, "a flood")


def main():
    global skipped
    if chromium.find() is None:
        print("skipped: there is no Chromium here (Debian: apt-get install chromium)")
        skipped += 1
    else:
        try:
            with chromium.Browser() as browser:
                browser.scheme("light")
                with Served() as served:
                    for part in (a_call, what_is_open, the_list, hostile, downloads, small_and_dark, many):
                        part(browser, served)
                lost_and_found(browser, Served)
                with_token(browser)
        except (RuntimeError, TimeoutError, EOFError, OSError):
            traceback.print_exc()
            judge(False, "the test runs to its end")
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
