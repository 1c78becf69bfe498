#!/usr/bin/env python3
"""rules.py [--write]: the rules that the code checks against the tables of docs/conformance.md.

Without an option it fails where the two differ; with --write it writes the tables anew. The rules of sip, sdp and net
are rows or constants in the code, with a summary; the others are found where a finding is made. Run from the root.
"""
import pathlib
import re
import sys

DOCUMENT = pathlib.Path("docs/conformance.md")
BEGIN, END = "<!-- rules: {} -->\n", "<!-- end -->\n"
STRING = r'"((?:[^"\\]|\\.)*)"'
NAME = r'"([a-z0-9]+(?:-[a-z0-9]+)+)"'
# A row of a table: name, severity, clause, summary. A summary may be several literals.
ROW = re.compile(NAME + r"\s*,\s*(?:Severity::)?(error|warning|note)\s*,\s*" + STRING + r"\s*,\s*((?:" + STRING + r"\s*)+)")
# Elsewhere: the name and its severity, and the clause as the last literal of the statement that looks like one.
MADE = re.compile(NAME + r"\s*,\s*Severity::(error|warning|note)\b([^;]*);", re.S)
# net: a constant with the frame's fate, the rule, a summary, the clause, and a severity where it is no error.
FAULT = re.compile(r'\{Fate::\w+,\s*"([a-z0-9-]+)",\s*((?:' + STRING + r'\s*)+),\s*' + STRING +
                   r'(?:,\s*Severity::(\w+))?\}')
# pcap: what ails a file is an error, named by what it is.
AILMENT = re.compile(r'"(capture-[a-z-]+)"')
CLAUSE = re.compile(r'"((?:RFC|draft-|H\.26)[^"]*)"')


def rules_of(folder):
    found = {}
    for path in sorted(pathlib.Path("libsipana", folder).glob("*.[ch]*")):
        text = re.sub(r"^\s*//.*$", "", path.read_text(encoding="utf-8"), flags=re.M)
        for name, severity, clause, summary, _ in ROW.findall(text):
            found[name] = (severity, clause, "".join(re.findall(STRING, summary)))
        for name, summary, _, clause, severity in FAULT.findall(text):
            summary = "".join(re.findall(STRING, summary))
            severity = severity or "error"
            if name in found:  # one rule, two ways to break it
                summary = found[name][2] + "; or: " + summary
                if severity != found[name][0]:
                    severity = "error or warning"
            found[name] = (severity, clause, summary)
        for name in AILMENT.findall(text) if folder == "pcap" else ():
            found[name] = ("error", "", "")
        for name, severity, rest in MADE.findall(text):
            clauses = CLAUSE.findall(rest)
            known = found.setdefault(name, (severity, clauses[-1] if clauses else "", ""))
            if not known[1] and clauses:
                found[name] = (known[0], clauses[-1], known[2])
    return found


def table(folder):
    rules = rules_of(folder)
    with_summary = any(summary for _, _, summary in rules.values())
    head = ["rule", "severity", "clause"] + (["what is wrong"] if with_summary else [])
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for name, (severity, clause, summary) in sorted(rules.items()):
        cells = [name, severity, clause] + ([summary.replace("|", "\\|")] if with_summary else [])
        lines.append("| " + " | ".join(cells) + " |")
    return "".join(line + "\n" for line in lines)


def with_tables(document):
    def fill(match):
        return BEGIN.format(match[1]) + table(match[1]) + END
    return re.sub(r"<!-- rules: ([a-z]+) -->\n.*?<!-- end -->\n", fill, document, flags=re.S)


written = DOCUMENT.read_text(encoding="utf-8")
wanted = with_tables(written)
if sys.argv[1:] == ["--write"]:
    DOCUMENT.write_text(wanted, encoding="utf-8")
elif sys.argv[1:]:
    sys.exit(__doc__)
elif written != wanted:
    old, new = set(written.splitlines()), set(wanted.splitlines())
    for line in sorted(old - new):
        print("no longer so:", line)
    for line in sorted(new - old):
        print("not in the document:", line)
    sys.exit("docs/conformance.md is out of date: tests/conformance/rules.py --write")
else:
    print(len(re.findall(r"^\| [a-z0-9-]+ \| (?:error|warning|note)", written, flags=re.M)), "rules, as in the code")
