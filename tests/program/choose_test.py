#!/usr/bin/env python3
"""Which calls the program speaks of: --call, --where, and what it does where there are too many to draw.

  choose_test.py PROGRAM

Closes with "N passed, N failed, N skipped".
"""
import json
import os
import struct
import subprocess
import sys
import tempfile

PROGRAM = os.path.abspath(sys.argv[1])
OK, USAGE = 0, 2

passed = failed = 0


def judge(holds, claim, seen=""):
    global passed, failed
    passed, failed = passed + bool(holds), failed + (not holds)
    print(("ok    " if holds else "FAIL  ") + claim + ("" if holds else f"\n      seen: {seen!r}"))


def run(*arguments):
    done = subprocess.run([PROGRAM, *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True, timeout=60,
                          env={**os.environ, "COLUMNS": "100"}, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def own(*names):
    return [f"captures/{name}.pcapng" for name in names]


def rows(*arguments):
    return [json.loads(line) for line in run(*arguments, "--format", "ndjson")[1].splitlines()]


def ladders(text):
    return text.count("Call-ID ")


def options(call_id, cseq=1):
    return (f"OPTIONS sip:b@192.0.2.2 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK{call_id}{cseq}\r\n"
            f"From: <sip:a@192.0.2.1>;tag=1\r\nTo: <sip:b@192.0.2.2>\r\nCall-ID: {call_id}\r\n"
            f"CSeq: {cseq} OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n").encode()


def capture(path, messages):
    """A pcap file of (seconds, SIP message) over UDP and IPv4."""
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101))
        for seconds, text in messages:
            udp = struct.pack(">HHHH", 5060, 5060, 8 + len(text), 0) + text
            ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, bytes([192, 0, 2, 1]),
                             bytes([192, 0, 2, 2]))
            file.write(struct.pack("<IIII", seconds, 0, len(ip + udp), len(ip + udp)) + ip + udp)
    return path


def few_calls():
    one, three = own("sipp-busy"), own("sipp-busy", "sipp-cancelled", "sipp-refused")
    status, out, _ = run("flow", *one)
    judge(status == OK and ladders(out) == 1, "flow draws the one call that there is", (status, out))
    status, out, _ = run("flow", *three)
    judge(status == OK and ladders(out) == 3, "flow draws each of a few calls", (status, ladders(out)))
    status, out, _ = run("flow", "--call", 2, *three)
    judge(status == OK and ladders(out) == 1 and "declined" in out, "--call NUMBER draws that one", (status, out))
    call_id = rows("calls", *one)[0]["call_id"]
    status, out, _ = run("flow", "--call", call_id, *three)
    judge(status == OK and ladders(out) == 1 and call_id in out, "--call CALL-ID draws that one", (status, out))
    status, out, _ = run("flow", "--call", 1, "--call", 3, *three)
    judge(status == OK and ladders(out) == 1 and "(2 calls)" in out and out.count("INVITE (SDP)") == 2,
          "several --call are one ladder", (status, out))
    status, out, err = run("flow", "--call", 4, *three)
    judge(status == USAGE and not out and "no call '4' in the input, which holds 3 calls" in err,
          "a call that is not there is told", (status, err))
    status, out, _ = run("flow", "--where", "final=487", *three)
    judge(status == OK and ladders(out) == 1 and "cancelled" in out, "--where chooses what is drawn", (status, out))
    for form in ("svg", "mermaid"):
        status, out, err = run("flow", "--format", form, *three)
        judge(status == USAGE and not out and "--call NUMBER" in err and "cancelled" in err,
              f"of three calls {form} asks which, and lists them", (status, err))
    status, out, _ = run("flow", "--format", "html", *three)
    judge(status == OK and 'id="list"' in out, "several calls as HTML are a page with a list", status)
    status, out, _ = run("flow", "--format", "html", "--call", 1, "--call", 2, *three)
    judge(status == OK and out.count('<article class="call"') == 2 and 'id="list"' not in out,
          "several --call as HTML are one figure and all about its calls", status)


def many_calls(folder):
    many = capture(folder + "/many.pcap", [(i, options(f"call-{i}")) for i in range(21)])
    status, out, err = run("flow", many)
    judge(status == USAGE and not out and "21 ladders: choose with --call" in err and "--call all" in err,
          "more calls than anybody wants to see are listed", (status, err))
    status, out, _ = run("flow", "--call", "all", many)
    judge(status == OK and ladders(out) == 21, "--call all draws them all the same", (status, ladders(out)))
    status, out, _ = run("flow", "--call", 21, many)
    judge(status == OK and "Call-ID call-20" in out, "and --call one of them", (status, out))


def other_commands(folder):
    both = own("baresip-hold", "baresip-video")
    judge(rows("check", *both) and not rows("check", "--where", "to~nobody", *both),
          "check speaks of the calls that --where chooses")
    streams, call_id = rows("streams", "--call", 2, *both), rows("calls", both[1])[0]["call_id"]
    judge(len(streams) == 4 and all(stream["call_id"] == call_id for stream in streams),
          "streams --call gives the streams of that call", streams)
    judge(run("streams", "--call", "nobody", "--format", "ndjson", *both)[0] == USAGE,
          "rows, too, say when a call is not there")
    path = folder + "/one.json"
    run("report", "--call", 2, "-o", path, *both)
    with open(path, encoding="utf-8") as file:
        report = json.load(file)
    seen = [call["number"] for call in report["calls"]], report["counts"]["sip_messages"]
    judge(seen == ([2], 18), "a report of one call keeps its number and the counts of the input", seen)
    late = capture(folder + "/late.pcap", [(0, options("late")), (100000, options("other")), (100001, options("late", 2))])
    counts = [len(run("messages", "-q", "--format", form, late)[1].splitlines()) for form in ("ndjson", "table", "csv")]
    judge(counts == [3, 4, 4], "messages lists those that come after their call, in every format", counts)


def arrays():
    files = own("baresip-hold", "sipp-busy")
    for command in ("calls", "messages", "streams", "check"):
        array, each = json.loads(run(command, "--format", "json", *files)[1]), rows(command, *files)
        for row in array + each:
            row.pop("cname", None)  # of RTCP, which rows are printed without
        judge(each and array == each, command + ": the array holds the rows", (array[:1], each[:1]))
    judge(json.loads(run("streams", "--format", "json", *own("sipp-busy"))[1]) == [], "no rows are an empty array")


with tempfile.TemporaryDirectory(prefix="sipana-choose-") as temporary:
    few_calls()
    many_calls(temporary)
    other_commands(temporary)
arrays()
print(f"{passed} passed, {failed} failed, 0 skipped")
sys.exit(1 if failed else 0)
