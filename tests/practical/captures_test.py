#!/usr/bin/env python3
"""What `sipana check` finds in the practical's captures: of our own phones nothing, of the servers what is listed.

  captures_test.py SIPANA_LAB SIPANA

Each finding belongs to whoever sent its frame. Where a script breaks a rule on purpose, one of its check lines names
the rule. Those of servers, and of phones that are real programs, must stand in the
table of docs/server-findings.md, and what stands there must be in a capture. Closes with "N passed, N failed, N skipped".
"""
import json
import os
import pathlib
import re
import struct
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
CAPTURES = ROOT / "captures/practical"
LISTED = ROOT / "docs/server-findings.md"


def rows(analyzer, verb, capture):
    done = subprocess.run([analyzer, verb, "-q", "--format", "ndjson", str(capture)], capture_output=True, text=True,
                          errors="surrogateescape", timeout=120, check=False)
    if done.returncode not in (0, 1):
        raise SystemExit(f"{capture}: exit status {done.returncode}: {done.stderr}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def sources(capture):
    """Frame -> IPv4 address that it came from: of our own pcapng files, Ethernet, little endian."""
    found, data, at, frame = {}, capture.read_bytes(), 0, 0
    while at + 12 <= len(data):
        kind, size = struct.unpack_from("<II", data, at)
        if kind == 6:  # Enhanced Packet Block
            frame += 1
            ethernet = at + 28
            if data[ethernet + 12:ethernet + 14] == b"\x08\x00":
                found[frame] = ".".join(str(byte) for byte in data[ethernet + 26:ethernet + 30])
        at += max(size, 12)
    return found


def senders(script):
    """Address -> who is there: "phone NAME", or the software of a server or a real phone."""
    text = script.read_text(encoding="utf-8")
    stack = "chan_pjsip" if re.search(r"^#\s*lab:\s*pjsip", text, re.M) or "pjsip" in script.parent.name else "chan_sip"
    found = {"192.168.1.153": stack, "192.168.1.154": stack, "192.168.1.155": "Kamailio", "192.168.1.100": "phone"}
    for line in re.sub(r"\s\\\n", " ", text).splitlines():
        if named := re.match(r"phone\s+(\S+)\s.*?\bat\s+(\d+\.\d+\.\d+\.\d+)", line):
            program = re.search(r"\bprogram\s+(\w+)", line)
            found[named[2]] = program[1] if program else f"phone {named[1]}"
    return found


def listed():
    """(rule, software) of the table's rows."""
    found = {}
    for number, line in enumerate(LISTED.read_text(encoding="utf-8").splitlines(), start=1):
        cells = [cell.strip().strip("`") for cell in line.strip().strip("|").split("|")]
        if line.startswith("| `") and len(cells) == 5:
            found[cells[0], cells[1]] = number
    return found


def main():
    analyzer = os.path.abspath(sys.argv[2])
    known, used = listed(), set()
    passed = failed = skipped = 0
    for capture in sorted(CAPTURES.rglob("*.pcapng")):
        script = capture.with_suffix(".lab")
        if not script.exists():
            print(f"FAIL  {capture.relative_to(ROOT)}: its script is not beside it")
            failed += 1
            continue
        who = senders(script)
        meant = {word for line in script.read_text(encoding="utf-8").splitlines() if line.startswith("check ")
                 for word in line.split()}
        source = sources(capture)
        wrong = []
        for finding in rows(analyzer, "check", capture):
            if finding["severity"] not in ("error", "warning"):
                continue
            sender = who.get(source.get(finding["frame"], ""), "unknown")
            if sender.startswith("phone") and finding["rule"] in meant:
                continue
            if (finding["rule"], sender) in known:
                used.add((finding["rule"], sender))
            else:
                wrong.append(f'frame {finding["frame"]}, {sender}: {finding["rule"]}: {finding["text"]}')
        passed, failed = passed + (not wrong), failed + bool(wrong)
        if wrong:
            print(f"FAIL  {capture.relative_to(ROOT)}: findings that {LISTED.name} does not list")
        for line in wrong:
            print(f"      {line}")
    for (rule, software), number in known.items():
        if (rule, software) not in used:
            print(f"FAIL  {LISTED.name}:{number}: no capture has {rule} of {software}")
            failed += 1
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
