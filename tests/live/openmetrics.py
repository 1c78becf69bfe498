#!/usr/bin/env python3
"""Holds a text against the grammar of OpenMetrics 1.0: openmetrics.py FILE...

Strict where readers are: order of metadata, suffixes and units by type, canonical numbers, label syntax, no sample
twice, buckets that rise, the end mark. Where python3-prometheus-client is installed its parser has to agree.
Exit status 0: all hold; 1: one does not, and which line.
"""
import re
import sys

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"'
SAMPLE = re.compile(rf"({NAME})(?:\{{((?:{LABEL}(?:,{LABEL})*)?)\}})? (\S+)\Z")
META = re.compile(rf"# (TYPE|UNIT|HELP) ({NAME}) (.*)\Z")
NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?\Z|[+-]Inf\Z|NaN\Z")
SUFFIXES = {"counter": {"_total", "_created"}, "gauge": {""}, "info": {"_info"}, "unknown": {""},
            "histogram": {"_bucket", "_count", "_sum", "_created"}}


class Wrong(Exception):
    pass


def need(holds, why):
    if not holds:
        raise Wrong(why)


class Family:
    def __init__(self, name):
        self.name, self.type, self.unit, self.samples, self.meta = name, "unknown", "", {}, set()

    def add(self, suffix, labels, text):
        need(suffix in SUFFIXES[self.type], f"{self.name}{suffix}: no such suffix for a {self.type}")
        need(NUMBER.match(text), f"{text} is no number")
        value = float(text.replace("Inf", "inf"))
        if self.type in ("counter", "histogram"):
            need(value >= 0, f"{self.name}{suffix} is {text}")
        if suffix in ("_bucket", "_count"):
            need(value == int(value), f"{self.name}{suffix} is {text}, no whole number")
        if self.type == "info":
            need(value == 1, "an info is 1")
        need((suffix, labels) not in self.samples, f"{self.name}{suffix}{dict(labels)} comes twice")
        names = [n for n, _ in labels]
        need(len(names) == len(set(names)), "a label comes twice")
        need(("le" in names) == (suffix == "_bucket"), "le belongs to buckets, and only there")
        self.samples[suffix, labels] = value

    def close(self):
        if self.unit:
            need(self.name.endswith("_" + self.unit), f"{self.name} does not end in its unit {self.unit}")
        if self.type != "histogram":
            return
        series = {}
        for (suffix, labels), value in self.samples.items():
            rest = tuple(pair for pair in labels if pair[0] != "le")
            entry = series.setdefault(rest, {"buckets": []})
            if suffix == "_bucket":
                le = dict(labels)["le"]
                need(le == "+Inf" or "." in le or "e" in le, f"le {le} is not canonical")
                entry["buckets"].append((float(le.replace("Inf", "inf")), value))
            else:
                entry[suffix] = value
        for labels, entry in series.items():
            bounds = [b for b, _ in entry["buckets"]]
            counts = [c for _, c in entry["buckets"]]
            need(bounds == sorted(set(bounds)) and bounds[-1:] == [float("inf")], f"{self.name}: bounds {bounds}")
            need(counts == sorted(counts), f"{self.name}{dict(labels)}: buckets fall")
            need(entry.get("_count") == counts[-1], f"{self.name}{dict(labels)}: _count is not the last bucket")
            need("_sum" in entry, f"{self.name}{dict(labels)}: no _sum")


def labels_of(text):
    return tuple((pair.split("=", 1)[0], pair.split("=", 1)[1][1:-1]) for pair in re.findall(LABEL, text or ""))


def parse(text):
    """The families of a text, by name; raises Wrong."""
    need(text.endswith("# EOF\n"), "does not end with # EOF and a line feed")
    families, now, line_number = {}, None, 0
    try:
        for line_number, line in enumerate(text[:-1].split("\n")[:-1], 1):
            need(line and line == line.strip(), "a blank, or blanks around the line")
            if line.startswith("#"):
                found = META.match(line)
                need(found, f"no metadata: {line}")
                what, name, rest = found.groups()
                if now is None or now.name != name:
                    need(name not in families, f"{name} comes in two places")
                    if now:
                        now.close()
                    now = families[name] = Family(name)
                need(what not in now.meta, f"{what} of {name} comes twice")
                need(not now.samples, f"{what} of {name} behind its samples")
                now.meta.add(what)
                if what == "TYPE":
                    need(rest in SUFFIXES, f"type {rest}")
                    need(now.meta == {"TYPE"}, "TYPE comes first, so that readers know what follows")
                    now.type = rest
                elif what == "UNIT":
                    now.unit = rest
                else:
                    need(not re.search(r'\\(?![\\n"])', rest), "HELP has a lone backslash")
                continue
            found = SAMPLE.match(line)
            need(found, f"no sample: {line}")
            need(now and found[1].startswith(now.name), f"{found[1]} stands under no family of its own")
            now.add(found[1][len(now.name):], labels_of(found[2]), found[3])
        if now:
            now.close()
    except Wrong as wrong:
        raise Wrong(f"line {line_number}: {wrong}") from None
    taken = {}
    for family in families.values():
        for suffix in SUFFIXES[family.type]:
            other = taken.setdefault(family.name + suffix, family.name)
            need(other == family.name, f"{family.name} and {other} have samples of one name")
    return families


def second_opinion(text):
    try:
        from prometheus_client.openmetrics import parser
    except ImportError:
        return
    try:
        list(parser.text_string_to_metric_families(text))
    except ValueError as error:
        raise Wrong(f"prometheus_client: {error}") from None


def main(names):
    for name in names:
        with open(name, encoding="utf-8", newline="") as file:
            text = file.read()
        try:
            families = parse(text)
            second_opinion(text)
        except Wrong as wrong:
            print(f"{name}: {wrong}")
            return 1
        print(f"{name}: {len(families)} families, {sum(len(f.samples) for f in families.values())} samples")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
