#!/usr/bin/env python3
"""The loop closes: captures/NAME.lab, played, yields captures/NAME.pcapng to the byte, and sipana draws of it what
reports/lab/NAME.txt shows. And all of them together show what they are there to show.

  closure_test.py SIPANA_LAB SIPANA            closes with "N passed, N failed, N skipped"
  closure_test.py SIPANA_LAB SIPANA --write    writes captures and ladders anew: after a change that was meant; then look
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

LAB, SIPANA = (os.path.abspath(path) for path in sys.argv[1:3])
FOLDERS = [pathlib.Path("captures"), pathlib.Path("captures/codes"), pathlib.Path("captures/errors")]
LADDERS = pathlib.Path("reports/lab")

passed = failed = 0


def judge(holds, claim, seen=""):
    global passed, failed
    passed, failed = passed + bool(holds), failed + (not holds)
    if not holds:
        print(f"FAIL  {claim}\n      {seen}")


def run(program, *arguments):
    return subprocess.run([program, *map(str, arguments)], capture_output=True, timeout=300, check=False,
                          env={**os.environ, "NO_COLOR": "1"})


def ladder(capture):
    return run(SIPANA, "flow", "-q", "--width", "100", "--call", "all", capture).stdout


def play(folder, into):
    done = run(LAB, "run", folder, "--capture", f"{into}/", "--format", "json")
    for played in json.loads(done.stdout)["runs"]:
        reasons = [played["error"] or ""] + [f"{c['text']}: {c['detail']}" for c in played["checks"]
                                             if c["outcome"] == "failed"]
        judge(played["outcome"] == "done", f"{folder}/{played['script']}.lab passes", "; ".join(reasons))


def main():
    if "--write" in sys.argv:
        LADDERS.mkdir(exist_ok=True)
        for folder in FOLDERS:
            play(folder, folder)
            for script in sorted(folder.glob("*.lab")):
                (LADDERS / f"{script.stem}.txt").write_bytes(ladder(script.with_suffix(".pcapng")))
        return 1 if failed else 0
    with tempfile.TemporaryDirectory(prefix="sipana-closure-") as temporary:
        for folder in FOLDERS:
            play(folder, temporary)
            for script in sorted(folder.glob("*.lab")):
                new, old = pathlib.Path(temporary) / f"{script.stem}.pcapng", script.with_suffix(".pcapng")
                judge(old.exists() and new.exists() and old.read_bytes() == new.read_bytes(),
                      f"{script} yields {old.name}", "other bytes, or none" if old.exists() else "it is not there")
                shown = LADDERS / f"{script.stem}.txt"
                judge(shown.exists() and new.exists() and shown.read_bytes() == ladder(new), f"{shown} is its ladder")
        seen = json.loads(run(LAB, "coverage", temporary, "--format", "json").stdout)
        judge(seen["missing_methods"] == [], "they show every method", seen["missing_methods"])
        finals = [c["code"] for c in seen["missing_codes"] if c["code"] >= 300]
        judge(finals == [], "they show every registered final code from 300 on", finals)
    stems = [script.stem for folder in FOLDERS for script in folder.glob("*.lab")]
    judge(len(stems) == len(set(stems)), "no two scripts have one name")
    stray = {path.stem for path in LADDERS.glob("*.txt")} - set(stems)
    judge(not stray, "no ladder without its script", sorted(stray))
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
