"""The JSON that the end-to-end tests had written is what the schemas in docs/ say, and nothing else is.

`cargo test -p throng --test e2e` leaves each document in `target/tmp/json`, its kind in front of its name.
"""

import copy
import json
import sys
from pathlib import Path

from jsonschema import Draft202012Validator

ROOT = Path(__file__).resolve().parents[3]
FEWEST = {"summary": 20, "compare": 1, "search": 4}


def objects(value, path=()):
    """Every object of a document, with its path; what stands in an object is named, what stands in a list numbered."""
    if isinstance(value, dict):
        yield path
        for name, inner in value.items():
            yield from objects(inner, (*path, name))
    elif isinstance(value, list):
        for at, inner in enumerate(value[:2]):
            yield from objects(inner, (*path, at))


def at(value, path):
    for step in path:
        value = value[step]
    return value


def refuses_strangers(kind, validator, document):
    """A field that the schema does not know makes each object wrong, whatever it is called."""
    for path in objects(document):
        changed = copy.deepcopy(document)
        at(changed, path)["not_in_the_schema"] = "x"
        if validator.is_valid(changed):
            sys.exit(f"{kind}: a field that nobody knows is taken at {'/'.join(map(str, path)) or 'the top'}")


def misses_what_is_gone(kind, validator, document):
    for name in validator.schema["required"]:
        changed = {key: value for key, value in document.items() if key != name}
        if validator.is_valid(changed):
            sys.exit(f"{kind}: a document without {name} is taken")


def check(kind):
    schema = json.loads((ROOT / "docs" / f"{kind}.schema.json").read_text())
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    files = sorted((ROOT / "target" / "tmp" / "json").glob(f"{kind}-*.json"))
    if len(files) < FEWEST[kind]:
        sys.exit(f"{kind}: {len(files)} documents are too few: run cargo test -p throng --test e2e")
    richest = {}
    for file in files:
        document = json.loads(file.read_text())
        for error in validator.iter_errors(document):
            sys.exit(f"{file.name}: {error.json_path}: {error.message[:300]} (docs/{kind}.schema.json)")
        if len(json.dumps(document)) > len(json.dumps(richest)):
            richest = document
    refuses_strangers(kind, validator, richest)
    misses_what_is_gone(kind, validator, richest)
    print(f"{kind}: {len(files)} documents are as docs/{kind}.schema.json says")


def same_names_mean_the_same():
    schemas = {kind: json.loads((ROOT / "docs" / f"{kind}.schema.json").read_text())["$defs"] for kind in FEWEST}
    for name, meant in schemas["summary"].items():
        for kind, definitions in schemas.items():
            if definitions.get(name, meant) != meant:
                sys.exit(f"{kind}: {name} is not what it is in docs/summary.schema.json")


for each in FEWEST:
    check(each)
same_names_mean_the_same()
