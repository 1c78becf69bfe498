#!/usr/bin/env python3
"""The gallery in reports/ is what the program writes, and so are the README's examples.

  gallery_test.py SIPANA SIPANA_LAB            closes with "N passed, N failed, N skipped"
  gallery_test.py SIPANA SIPANA_LAB --write    writes both anew: after a change that was meant; then look
"""
import difflib
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import xml.dom.minidom

PROGRAM = os.path.abspath(sys.argv[1])
PROGRAMS = {"sipana": PROGRAM, "sipana-lab": os.path.abspath(sys.argv[2])}
GALLERY = pathlib.Path("reports")
KINDS = {".txt", ".svg", ".html", ".json"}
SHOWN = 12  # lines of a difference

passed = failed = 0


def judge(holds, claim, seen=""):
    global passed, failed
    passed, failed = passed + bool(holds), failed + (not holds)
    print(("ok    " if holds else "FAIL  ") + claim + ("" if holds else f"\n{seen}"))


def difference(there, now):
    """The first lines that differ, each cut: a page has long ones."""
    lines = difflib.unified_diff(there.splitlines(), now.splitlines(), "reports/", "now", n=0, lineterm="")
    return "\n".join("      " + line[:160] for _, line in zip(range(SHOWN), lines))


def printed(program, command):
    done = subprocess.run(f"'{PROGRAMS[program]}' {command} -q --width 100", shell=True, capture_output=True, timeout=60, check=False)
    return done.stdout.decode()


README = pathlib.Path("README.md")
EXAMPLE = re.compile(r"```\n\$ (sipana|sipana-lab) ([^\n]*)\n(.*?)```\n", re.S)

if "--write" in sys.argv:
    subprocess.run(["reports/write", PROGRAM], check=True, timeout=240)
    README.write_text(EXAMPLE.sub(lambda found: f"```\n$ {found[1]} {found[2]}\n{printed(*found.groups()[:2])}```\n",
                                  README.read_text(encoding="utf-8")), encoding="utf-8")
    sys.exit(0)

with tempfile.TemporaryDirectory(prefix="sipana-gallery-") as temporary:
    folder = pathlib.Path(temporary)
    subprocess.run(["reports/write", PROGRAM, folder], check=True, timeout=240)
    there = {path.name for path in GALLERY.iterdir() if path.suffix in KINDS}
    written = {path.name for path in folder.iterdir()}
    judge(there == written, "the gallery holds what is written, and nothing else", sorted(there ^ written))
    for name in sorted(there & written):
        old, new = ((place / name).read_text(encoding="utf-8") for place in (GALLERY, folder))
        judge(old == new, name, difference(old, new))
    for path in sorted(folder.glob("*.svg")):
        root = xml.dom.minidom.parse(str(path)).documentElement
        labelled = [element.firstChild.data for name in ("title", "desc") for element in root.childNodes
                    if element.nodeName == name]
        judge(root.tagName == "svg" and len(labelled) == 2 and all(labelled), f"{path.name} is XML with a title", labelled)
    links = set(re.findall(r"\]\(([^)]+)\)", (GALLERY / "README.md").read_text(encoding="utf-8")))
    judge(there <= links and all((GALLERY / link.split("#")[0]).exists() for link in links), "its README leads to each",
          sorted(there - links) + sorted(link for link in links if not (GALLERY / link.split("#")[0]).exists()))
for program, command, shown in EXAMPLE.findall(README.read_text(encoding="utf-8")):
    now = printed(program, command)
    judge(shown == now, f"README: {program} {command}", difference(shown, now))
print(f"{passed} passed, {failed} failed, 0 skipped")
sys.exit(1 if failed else 0)
