#!/usr/bin/env python3
"""Validates JSON against docs/report.schema.json: validate.py SCHEMA FILE...

A FILE is NAME.json (a report) or NAME.DEFINITION.ndjson, each line of which is checked against
#/$defs/DEFINITION. Exit status 0: all valid; 1: not; 77: python3-jsonschema is not installed.
"""
import json
import sys

try:
    import jsonschema
except ImportError:
    print("python3-jsonschema is not installed")
    sys.exit(77)


def strict(text):
    """No duplicate keys, no NaN: what other readers would trip over."""

    def pairs(items):
        names = [name for name, _ in items]
        if len(names) != len(set(names)):
            raise ValueError(f"duplicate key in {names}")
        return dict(items)

    def constant(name):
        raise ValueError(f"{name} is not JSON")

    return json.loads(text, object_pairs_hook=pairs, parse_constant=constant)


def main(schema_name, names):
    with open(schema_name, encoding="utf-8") as file:
        schema = json.load(file)
    jsonschema.Draft202012Validator.check_schema(schema)
    wrong = checked = 0
    for name in names:
        with open(name, encoding="utf-8", newline="") as file:
            text = file.read()
        if name.endswith(".ndjson"):
            definition = name.rsplit(".", 2)[1]
            part = {"$schema": schema["$schema"], "$defs": schema["$defs"], "$ref": f"#/$defs/{definition}"}
            documents = text.split("\n")[:-1]
        else:
            part, documents = schema, [text]
        validator = jsonschema.Draft202012Validator(part)
        for number, document in enumerate(documents, 1):
            checked += 1
            for error in validator.iter_errors(strict(document)):
                wrong += 1
                print(f"{name}:{number}: {'/'.join(map(str, error.absolute_path))}: {error.message[:300]}")
    print(f"{checked} documents checked, {wrong} errors")
    return 1 if wrong or not checked else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
