#!/usr/bin/env python3
"""Holds a Grafana dashboard against what is exposed: dashboard.py DASHBOARD.json TEXT

Every metric that a query names is a sample of the OpenMetrics text, every label that it matches or groups by is one of
that metric's, every value that it asks for is there. Exit status 0: so it is; 1: no, and which panel.
"""
import json
import re
import sys

from openmetrics import parse

NAMED = re.compile(r"\b((?:sipana|process)_[a-z0-9_]+)\b(?:\{([^}]*)\})?")
MATCHER = re.compile(r'([a-z_]+)(=~|!~|!=|=)"([^"]*)"')
BY = re.compile(r"\b(?:by|without) \(([^)]*)\)")
OF_THE_SCRAPE = {"instance", "job"}


def samples_of(text):
    """name -> the labels of each of its samples"""
    all_samples = {}
    for family in parse(text).values():
        for suffix, labels in family.samples:
            all_samples.setdefault(family.name + suffix, []).append(dict(labels))
    return all_samples


def matches(labels, matchers):
    fit = {"=": lambda v, is_: v == is_, "!=": lambda v, is_: v != is_, "=~": lambda v, is_: re.fullmatch(v, is_),
           "!~": lambda v, is_: not re.fullmatch(v, is_)}
    return all(label in labels and fit[operator](value, labels[label])
               for label, operator, value in matchers if label not in OF_THE_SCRAPE)


def faults(expression, exposed):
    names = NAMED.findall(expression)
    if not names:
        yield "names no metric"
    for name, matchers in names:
        if name not in exposed:
            yield f"{name} is not exposed"
        elif not any(matches(labels, MATCHER.findall(matchers)) for labels in exposed[name]):
            yield f"no {name} has {{{matchers}}}"
    grouped = {label.strip() for group in BY.findall(expression) for label in group.split(",")} - OF_THE_SCRAPE
    for label in grouped:
        for name, _ in names:
            if name in exposed and not any(label in labels for labels in exposed[name]):
                yield f"{name} has no label {label} to group by"
    if expression.count("(") != expression.count(")"):
        yield "parentheses do not match"


def main(dashboard, text):
    with open(dashboard, encoding="utf-8") as file:
        board = json.load(file)
    with open(text, encoding="utf-8", newline="") as file:
        exposed = samples_of(file.read())
    wrong = queries = 0
    ids = [panel["id"] for panel in board["panels"]]
    if len(ids) != len(set(ids)):
        print("two panels of one id")
        wrong += 1
    asked = [(v["name"], v["query"]) for v in board["templating"]["list"] if v["type"] == "query"]
    for panel in board["panels"]:
        asked += [(panel["title"], target["expr"]) for target in panel.get("targets", [])]
        if panel["type"] != "row" and not panel.get("targets"):
            print(f"{panel['title']}: asks nothing")
            wrong += 1
    for title, expression in asked:
        queries += 1
        for fault in faults(expression, exposed):
            print(f"{title}: {fault}: {expression}")
            wrong += 1
    print(f"{len(ids)} panels, {queries} queries, {wrong} faults")
    return 1 if wrong or not queries else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
