#!/usr/bin/env python3
"""The practical's scripts on the built-in exchange and on Asterisk: are the flows the same?

  flows_test.py SIPANA_LAB SIPANA [-v]

Each script of captures/practical, and of its errors of chan_sip, whose servers are built in too is played on the simulated network, and what comes of it
is held against the capture beside the script, which real servers made: leg by leg the messages and their order, and of
each message the header fields and the SDP that matter. Every difference must stand in differences.tsv with its reason,
and what stands there must be found, but where its script begins with "?": that comes and goes with each recording. Closes with "N passed, N failed, N skipped".
"""
import difflib
import fnmatch
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
SCRIPTS = HERE.parent.parent / "captures/practical"
DIFFERENCES = HERE / "differences.tsv"
# Of these fields the values count (as sets of tokens); of those, that they are there.
VALUES = ("allow", "supported", "require", "event", "content-type", "subscription-state")
PRESENCE = ("contact", "max-forwards", "session-expires", "min-se", "www-authenticate", "authorization", "expires",
            "reason", "record-route", "refer-to", "referred-by", "retry-after", "user-agent", "server", "date", "accept")
COMPACT = {"i": "call-id", "m": "contact", "l": "content-length", "c": "content-type", "k": "supported", "x": "session-expires",
           "o": "event", "r": "refer-to", "b": "referred-by", "f": "from", "t": "to", "v": "via"}


def run(*command):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=120, check=False)
    if done.returncode not in (0, 1):
        raise SystemExit(f"{' '.join(map(str, command))}: {done.stderr}")
    return done


class Names(dict):
    """Address -> name, as the script has them; who has no address there is one of its phones."""

    def __missing__(self, address):
        return "phone"


def hosts_of(script):
    found = Names()
    for line in script.read_text(encoding="utf-8").splitlines():
        if named := re.match(r"(?:phone|server)\s+(\S+)\s.*?\b(\d+\.\d+\.\d+\.\d+)", line):
            found[named[2]] = named[1]
    return found


def what(message):
    if "method" in message and message["method"] and not message.get("code"):
        return message["method"]
    return f'{message["code"]} ({message["cseq"].split()[1]})'


def fields(text):
    """Header fields of a message: name -> values."""
    head = text.partition("\r\n\r\n")[0].split("\r\n")[1:]
    out = {}
    for line in head:
        name, _, value = line.partition(":")
        name = name.strip().lower()
        out.setdefault(COMPACT.get(name, name), []).append(value.strip())
    return out


def described(message):
    """What matters of a message, each fact as a string."""
    facts = set()
    header = fields(message["text"])
    for name in VALUES:
        for value in header.get(name, []):
            facts |= {f"{name}: {token.strip().partition(';')[0]}" for token in value.split(",") if token.strip()}
    facts |= {name for name in PRESENCE if name in header}
    body = message["text"].partition("\r\n\r\n")[2]
    media = ""
    for line in body.splitlines() if message.get("sdp") else []:
        if line.startswith("m="):
            media, port, *_ = line[2:].split()
            facts.add(f"sdp {media}{' refused' if port == '0' else ''}")
        elif found := re.match(r"a=rtpmap:\d+ ([^/]+)", line):
            facts.add(f"sdp {media} {found[1]}")
        elif found := re.match(r"a=(sendonly|recvonly|inactive)", line):
            facts.add(f"sdp {media} {found[1]}")
    return facts


def legs(capture, names, analyzer, folder):
    """(leg, number) -> its messages; a leg is two hosts, its calls are numbered in order."""
    report = folder / "report.json"
    run(analyzer, "report", capture, "--quiet", "-o", report)
    found, counted = {}, {}
    for call in json.loads(report.read_text(encoding="utf-8"))["calls"]:
        ends = [names[call[side].rpartition(":")[0]] for side in ("caller", "callee")]
        leg = f'{call["kind"]} {ends[0]}-{ends[1]}'
        counted[leg] = counted.get(leg, 0) + 1
        found[leg + (f" {counted[leg]}" if counted[leg] > 1 else "")] = [
            m for m in call["messages"] if not m["retransmission"] and not m["capture_duplicate"] and m.get("text")]
    return found


def arrow(message, names):
    return f'{names[message["src"].rpartition(":")[0]]} {what(message)}'


def without_reinvites(messages, names):
    """The messages but for INVITEs within the call and what belongs to them, and who sent such."""
    kept, movers, up = [], set(), False
    for message in messages:
        method = message["cseq"].split()[-1]
        if up and method in ("INVITE", "ACK"):
            if what(message) == "INVITE":
                movers.add(arrow(message, names).split()[0])
            continue
        kept.append(message)
        up |= method == "ACK" and any(m.get("code") == 200 and m["cseq"].endswith("INVITE") for m in kept)
    return kept, movers


def differences(ours, real, names):
    """Each difference as (leg, text)."""
    out = []
    for leg in sorted(set(ours) | set(real)):
        if leg not in real or leg not in ours:
            out.append((leg, "only Asterisk has this call" if leg in real else "only the exchange has this call"))
            continue
        (mine, our_movers), (theirs, real_movers) = (without_reinvites(each[leg], names) for each in (ours, real))
        out += [(leg, f"only Asterisk: {who} moves the media") for who in sorted(real_movers - our_movers)]
        out += [(leg, f"only the exchange: {who} moves the media") for who in sorted(our_movers - real_movers)]
        a, b = ([arrow(m, names) for m in messages] for messages in (mine, theirs))
        for tag, i, j, k, l in difflib.SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
            if tag == "equal":
                for one, other in zip(mine[i:j], theirs[k:l]):
                    x, y = described(one), described(other)
                    label = arrow(one, names)
                    out += [(leg, f"{label}: only Asterisk: {fact}") for fact in sorted(y - x)]
                    out += [(leg, f"{label}: only the exchange: {fact}") for fact in sorted(x - y)]
                continue
            if i < j:
                out.append((leg, f"only the exchange: {', '.join(a[i:j])}"))
            if k < l:
                out.append((leg, f"only Asterisk: {', '.join(b[k:l])}"))
    return list(dict.fromkeys(out))


def known():
    """(script, leg, difference) patterns and the reason of each."""
    rows = []
    for number, line in enumerate(DIFFERENCES.read_text(encoding="utf-8").splitlines(), start=1):
        if not line or line.startswith("#"):
            continue
        cells = line.split("\t")
        if len(cells) != 4 or not all(cells):
            raise SystemExit(f"{DIFFERENCES.name}:{number}: script, leg, difference and reason, parted by tabs")
        rows.append((number, *cells))
    return rows


def main():
    lab, analyzer = map(os.path.abspath, sys.argv[1:3])
    verbose = "-v" in sys.argv[3:]
    rows, used = known(), set()
    passed = failed = skipped = 0
    scripts = [s for s in [*sorted(SCRIPTS.glob("*.lab")), *sorted((SCRIPTS / "errors/sip").glob("*.lab"))]
               if all(" exchange " in x for x in s.read_text().splitlines() if x.startswith("server "))]
    with tempfile.TemporaryDirectory() as tmp:
        folder = pathlib.Path(tmp)
        for script in scripts:
            real = script.with_suffix(".pcapng")
            if not real.exists():
                print(f"skip  {script.stem}: no capture of real servers is beside it")
                skipped += 1
                continue
            names = hosts_of(script)
            played = run(lab, "run", script.resolve(), "--quiet", "--capture", folder / "ours.pcapng")
            if played.returncode != 0:
                print(f"FAIL  {script.stem}: the built-in exchange: {played.stdout}")
                failed += 1
                continue
            ours = legs(folder / "ours.pcapng", names, analyzer, folder)
            theirs = legs(real, names, analyzer, folder)
            unknown = []
            for leg, text in differences(ours, theirs, names):
                fitting = [row for row in rows if all(fnmatch.fnmatchcase(value, pattern.replace("[", "[[]"))
                                                      for value, pattern in zip((script.stem, leg, text), (row[1].lstrip("?"), *row[2:4])))]
                used |= {row[0] for row in fitting}
                if not fitting:
                    unknown.append((leg, text))
                elif verbose:
                    print(f"      {script.stem}: {leg}: {text}  [{fitting[0][4]}]")
            count = sum(map(len, theirs.values()))
            print(f"{'FAIL' if unknown else 'ok':<5} {script.stem}: {len(theirs)} calls, {count} messages of Asterisk's, "
                  f"{len(unknown)} differences without a reason")
            for leg, text in unknown:
                print(f"      {leg}\t{text}")
            passed, failed = passed + (not unknown), failed + bool(unknown)
    if not skipped:
        for row in rows:
            if row[0] not in used and not row[1].startswith("?"):
                print(f"FAIL  {DIFFERENCES.name}:{row[0]}: no such difference is left: {row[2]} {row[3]}")
                failed += 1
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
