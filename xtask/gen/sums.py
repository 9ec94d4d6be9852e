#!/usr/bin/env python3
"""Notices, without the network, a generated file that was edited by hand and a generator that was changed but not run.

A generator ends with `write(folder, __file__)`, which leaves `SHA256SUMS` in the folder: the sums of what it wrote and
its own. Run alone, this script checks every such folder, as `cargo xtask lint` does:

    python3 xtask/gen/sums.py
"""

import hashlib
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
NAME = "SHA256SUMS"
FOLDERS = {"aws-api": ROOT / "crates/aws/api", "cfn-shapes": ROOT / "crates/content/shapes",
           "iam-actions": ROOT / "crates/access/data"}


def lines(folder, generator):
    """`sha256sum`'s lines for the generator and every file of the folder, by paths relative to the repository."""
    files = [pathlib.Path(generator).resolve(), *sorted(p for p in folder.iterdir() if p.name != NAME)]
    return [f"{hashlib.sha256(p.read_bytes()).hexdigest()}  {p.relative_to(ROOT).as_posix()}" for p in files]


def write(folder, generator):
    (folder / NAME).write_text("\n".join(lines(folder, generator)) + "\n")


def main():
    bad = []
    for name, folder in FOLDERS.items():
        kept = (folder / NAME).read_text().splitlines()
        now = lines(folder, ROOT / kept[0].split("  ", 1)[1])
        bad += [f"{line.split('  ', 1)[1]}: not as `cargo xtask gen {name}` left it" for line in
                sorted(set(kept) ^ set(now), key=lambda line: line.split("  ", 1)[1])]
    for line in dict.fromkeys(bad):
        print(f"{line}: run it again", file=sys.stderr)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
