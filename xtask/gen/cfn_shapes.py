#!/usr/bin/env python3
"""Writes crates/content/shapes/cfn-shapes.txt.gz: the property tree of every AWS resource type.

The facts come from the CloudFormation resource provider schemas (us-east-1) that cfn-lint ships (MIT-0). It is run
by hand when AWS adds properties; nothing in the build needs Python:

    cargo xtask gen cfn-shapes

One line a type: `TYPE<tab>JSON`, sorted by type. In the JSON, "p" is the tree and "d" holds named subtrees, for the
types that contain themselves. A node is "s" string, "i" integer, "n" number, "b" boolean, "j" anything, "#Name" a
named subtree, [node] a list, {"Name": node} an object whose "*" is the shape of any other name.
"""

import gzip
import json
import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

import sums

CFN_LINT = "1.58.0"
OUT = Path(__file__).resolve().parents[2] / "crates/content/shapes"
SCALARS = {"string": "s", "integer": "i", "number": "n", "boolean": "b"}


def schemas_dir():
    """The schemas of the pinned cfn-lint, installed into a venv of their own."""
    root = Path(tempfile.gettempdir()) / f"cfn-lint-{CFN_LINT}"
    python = root / "bin/python"
    if not python.exists():
        venv.create(root, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "-q", f"cfn-lint=={CFN_LINT}"], check=True)
    code = "import cfnlint, os; print(os.path.dirname(cfnlint.__file__))"
    place = subprocess.run([python, "-c", code], check=True, capture_output=True, text=True).stdout.strip()
    return Path(place) / "data/schemas"


class Reader:
    """Reads one type's schema; what refers to itself becomes a named subtree, with `name_all` every definition."""

    def __init__(self, schema, name_all=False):
        self.schema = schema
        self.name_all = name_all
        self.named = {}
        self.stack = []
        self.recursive = set()

    def resolve(self, ref):
        node = self.schema
        for part in ref[2:].split("/"):
            node = node[part.replace("~1", "/").replace("~0", "~")]
        return node

    def node(self, schema):
        if not isinstance(schema, dict):
            return "j"
        ref = schema.get("$ref")
        if isinstance(ref, str):
            return self.reference(ref)
        kinds = schema.get("type")
        kinds = [kinds] if isinstance(kinds, str) else list(kinds or [])
        kinds = [kind for kind in kinds if kind != "null"]
        if not kinds:
            kinds = [k for k, hint in (("object", "properties"), ("array", "items")) if hint in schema]
        variants = [v for key in ("oneOf", "anyOf", "allOf") for v in schema.get(key, []) if isinstance(v, dict)]
        if not kinds:
            read = [self.node(v) for v in variants]
            return merge(read) if read else "j"
        # A policy document may be written as an object or as a string of JSON: nothing can be said of its inside.
        if len(kinds) > 1:
            scalars = [SCALARS[k] for k in kinds if k in SCALARS and k != "string"]
            return scalars[0] if len(kinds) == 2 and scalars and "string" in kinds else "j"
        if kinds[0] in SCALARS:
            return SCALARS[kinds[0]]
        if kinds[0] == "array":
            items = schema.get("items")
            return [self.node(items)] if isinstance(items, dict) else ["j"]
        return self.object(schema, variants)

    def object(self, schema, variants):
        out = {name: self.node(value) for name, value in schema.get("properties", {}).items()}
        for variant in variants:
            if "properties" in variant or "$ref" in variant:
                read = self.node({**variant, "type": "object"} if "properties" in variant else variant)
                if isinstance(read, dict):
                    for name, value in read.items():
                        out[name] = merge([out[name], value]) if name in out else value
        patterns = list(schema.get("patternProperties", {}).values())
        extra = schema.get("additionalProperties")
        if patterns:
            out["*"] = merge([self.node(p) for p in patterns])
        elif isinstance(extra, dict):
            out["*"] = self.node(extra)
        elif extra is True and out:
            out["*"] = "j"
        return out or "j"

    def reference(self, ref):
        if not ref.startswith("#/"):
            return "j"
        name = ref.rsplit("/", 1)[-1]
        if name in self.named:
            return "#" + name
        if ref in self.stack:
            self.recursive.add(ref)
            return "#" + name
        self.stack.append(ref)
        read = self.node(self.resolve(ref))
        self.stack.pop()
        if ref in self.recursive or (self.name_all and isinstance(read, dict)):
            self.named[name] = read
            return "#" + name
        return read


def merge(nodes):
    """One node that allows what any of `nodes` allows."""
    first = nodes[0]
    for other in nodes[1:]:
        if first == other:
            continue
        if isinstance(first, dict) and isinstance(other, dict):
            first = {n: merge([m[n] for m in (first, other) if n in m]) for n in {**first, **other}}
        elif isinstance(first, list) and isinstance(other, list):
            first = [merge([first[0], other[0]])]
        else:
            return "j"
    return first


def render(reader):
    tree = {"p": {name: reader.node(value) for name, value in reader.schema.get("properties", {}).items()}}
    if reader.named:
        tree["d"] = reader.named
    return json.dumps(tree, separators=(",", ":"), sort_keys=True)


def main():
    schemas = schemas_dir()
    date = json.loads((schemas / "version.json").read_text())["schema_date"]
    lines = []
    for kind, stem in sorted(json.loads((schemas / "providers/us-east-1.json").read_text()).items()):
        if not kind.startswith("AWS::"):
            continue
        schema = json.loads((schemas / f"resources/{stem}.json").read_text())
        line = render(Reader(schema))
        # QuickSight repeats its definitions until one type fills half a megabyte.
        line = render(Reader(schema, name_all=True)) if len(line) > 50_000 else line
        lines.append(f"{kind}\t{line}\n")
    text = "".join(lines).encode()
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "cfn-shapes.txt.gz").write_bytes(gzip.compress(text, 9, mtime=0))
    (OUT / "README.md").write_text(
        "# CloudFormation shapes\n\n"
        f"`cfn-shapes.txt.gz`: names and types of the properties of {len(lines)} AWS resource types, written by\n"
        f"`xtask/gen/cfn_shapes.py` from the CloudFormation resource provider schemas (us-east-1, {date[:10]}) as\n"
        f"cfn-lint {CFN_LINT} ships them. The schemas are Amazon's, cfn-lint is under MIT-0; only names and types are\n"
        "kept. Don't edit by hand: raise `CFN_LINT` in the script and run it.\n"
    )
    sums.write(OUT, __file__)
    size = os.path.getsize(OUT / "cfn-shapes.txt.gz")
    print(f"{len(lines)} types, {len(text)} bytes, {size} compressed", file=sys.stderr)


if __name__ == "__main__":
    main()
