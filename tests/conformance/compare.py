#!/usr/bin/env python3
"""compare.py SIPANA [EXPECTED.json [FOLDER]]: what sipana says of captures against what tshark says of them.

EXPECTED.json holds tshark's facts by file name (witness.py writes such files); the captures lie in FOLDER, beside it
unless said otherwise. Compared are SIP messages by method, by status code and by Call-ID, RTP streams with their
packets and losses, and RTCP packets by type. A difference is allowed only where differences.tsv lists it with its
reason, and a line of that file that no longer applies is a failure too. One line a capture; exit status 77 where the
captures are absent.
"""
import collections
import csv
import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
Difference = collections.namedtuple("Difference", "file what ours tshark")


def run(*command):
    """The output of sipana; a status other than 0 and 3 (damaged input, the rest is read) is an error."""
    done = subprocess.run(command, capture_output=True, text=True, errors="surrogateescape", timeout=120)
    if done.returncode not in (0, 3):
        raise RuntimeError(f"exit status {done.returncode}: {done.stderr.strip()[-200:]}")
    return done.stdout


def rows(*command):
    return [json.loads(line) for line in run(*command).splitlines()]


def short(text):
    """A value from the wire on one line of a table: escaped, and cut when long."""
    text = json.dumps(text)[1:-1]
    return text if len(text) <= 80 else f"{text[:60]}... ({len(text)} characters)"


def place(endpoint):
    """tshark writes IPv6 endpoints without brackets."""
    return endpoint.replace("[", "").replace("]", "")


def stream_facts(streams):
    """One entry a stream: several of one SSRC on the same way are added up."""
    sums = collections.defaultdict(lambda: [0, 0])
    for stream in streams:
        key = f"rtp {place(stream['src'])} > {place(stream['dst'])} {stream['ssrc'].lower()}"
        sums[key][0] += stream["packets"]
        sums[key][1] += stream["lost"]
    return {key: f"{packets} packets, {lost} lost" for key, (packets, lost) in sums.items()}


def facts_of_sipana(sipana, path):
    facts = collections.Counter()
    for message in rows(sipana, "messages", path, "--format", "ndjson"):
        is_request = "code" not in message or message["code"] in (None, 0)
        facts["method " + short(message["method"]) if is_request else f"code {message['code']}"] += 1
        if message["call_id"]:
            facts["call-id " + short(message["call_id"])] += 1
    facts = {key: str(count) for key, count in facts.items()}
    facts.update(stream_facts(rows(sipana, "streams", path, "--format", "ndjson")))
    with tempfile.TemporaryDirectory() as folder:
        report = os.path.join(folder, "report.json")
        run(sipana, "report", path, "-o", report)
        with open(report, encoding="utf-8") as file:
            counts = json.load(file)["counts"]
    facts.update({f"rtcp {kind}": str(count) for kind, count in counts["rtcp_by_type"].items() if count})
    return facts


def facts_of_tshark(expected):
    sip = expected["sip"]
    facts = {"method " + short(name): str(count) for name, count in sip["methods"].items()}
    facts.update({f"code {code}": str(count) for code, count in sip["codes"].items()})
    by_call = collections.Counter()
    for name, count in sip["messages_per_call_id"].items():
        by_call["call-id " + short(name)] += count
    facts.update({key: str(count) for key, count in by_call.items()})
    facts.update(stream_facts(expected["rtp"] + expected["rtp_heuristic"]))
    facts.update({f"rtcp {kind}": str(count) for kind, count in expected["rtcp"].items()})
    return facts


def compare(name, ours, theirs):
    return [Difference(name, key, ours.get(key, "-"), theirs.get(key, "-"))
            for key in sorted(ours.keys() | theirs.keys()) if ours.get(key) != theirs.get(key)]


class Allowed:
    """differences.tsv: file, what, ours, tshark, reason. A `what` that ends in * stands for all that begin so, and
    then the two values may be * as well."""

    def __init__(self, path):
        with open(path, encoding="utf-8", newline="") as file:
            lines = list(csv.reader((x for x in file if not x.startswith("#")), delimiter="\t", quoting=csv.QUOTE_NONE))
        self.lines = [line for line in lines if line]
        for line in self.lines:
            if len(line) != 5 or not line[4].strip():
                sys.exit(f"{path}: five columns, the last a reason: {line}")
        self.used = [False] * len(self.lines)

    def take(self, difference):
        for i, (file, what, ours, tshark, _) in enumerate(self.lines):
            same = difference.what.startswith(what[:-1]) if what.endswith("*") else difference.what == what
            if file == difference.file and same and ours in ("*", difference.ours) and \
                    tshark in ("*", difference.tshark):
                self.used[i] = True
                return True
        return False

    def unused(self, files):
        return [line for line, used in zip(self.lines, self.used) if not used and line[0] in files]


def main():
    if not 2 <= len(sys.argv) <= 4:
        sys.exit(__doc__)
    sipana = os.path.abspath(sys.argv[1])
    expected_path = sys.argv[2] if len(sys.argv) > 2 else "../shared/captures/expected.json"
    folder = sys.argv[3] if len(sys.argv) > 3 else os.path.dirname(expected_path)
    if not os.path.exists(expected_path):
        print(f"skipped: {os.path.basename(folder)} is not there")
        sys.exit(77)
    with open(expected_path, encoding="utf-8", errors="surrogateescape") as file:
        expected = json.load(file)
    allowed = Allowed(os.path.join(HERE, "differences.tsv"))
    passed = failed = 0
    for name in sorted(expected):
        try:
            ours = facts_of_sipana(sipana, os.path.join(folder, name))
        except Exception as error:  # whatever it is, it is this capture's failure
            print(f"FAILED  {name}: {type(error).__name__}: {error}")
            failed += 1
            continue
        differences = compare(name, ours, facts_of_tshark(expected[name]))
        unlisted = [d for d in differences if not allowed.take(d)]
        gone = allowed.unused({name})
        if unlisted or gone:
            failed += 1
            print(f"FAILED  {name}: {len(unlisted)} differences not listed, {len(gone)} listed that do not occur")
            for difference in unlisted:
                print(f"        {difference.what}: ours {difference.ours}, tshark {difference.tshark}")
            for line in gone:
                print(f"        listed but gone: {line[1]}")
        else:
            passed += 1
            note = f", {len(differences)} listed differences" if differences else ""
            print(f"ok      {name}: {len(ours)} facts{note}")
    print(f"{passed} passed, {failed} failed, 0 skipped")
    sys.exit(1 if failed or not passed else 0)


main()
