"""Logs that are no logs, are cut off, lie about themselves or are too much: each is named in one line that says what to do,
nothing of the rest is lost, and memory stays bounded."""

import gzip
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import zlib

import pytest
from conftest import YAGURA
from test_hunt import alerts, log, record

MIB = 1 << 20
LIMIT = 300 * MIB


def ids(*numbers):
    return {record(n)["eventID"] for n in numbers}


def truncated():
    whole = gzip.compress(log([record(n) for n in range(10, 400)]))
    return whole[: len(whole) * 3 // 4]


def without_time():
    bad = record(12)
    del bad["eventTime"]
    return log([bad, record(13)])


def deep(n):
    return b'{"eventVersion":"1.09","x":' + b"[" * n + b"]" * n + b"}\n" + json.dumps(record(14)).encode()


LONG = b'{"eventVersion":"1.09","x":"' + b"a" * 100_000_000 + b'"}\n' + json.dumps(record(15)).encode()

# name, content, what the line says, event numbers that must still be judged
CASES = [
    ("truncated.json.gz", truncated(), "cut off", {10, 11, 12}),
    ("second-member.json.gz", gzip.compress(log([record(20)])) + gzip.compress(log([record(900)])), "gzip member", {20}),
    ("garbage-behind.json.gz", gzip.compress(log([record(22)])) + b"\0\1\2", "gzip member", {22}),
    ("damaged.json.gz", gzip.compress(log([record(23)]))[:-8] + b"\0" * 8, "damaged", {23}),
    ("not-json.json", b"hello, world", "not JSON", set()),
    ("other.json", b'{"hello": "world"}', "no CloudTrail log", set()),
    ("long-line.json", LONG, "larger than the cap on one record", {15}),
    ("deep.json", deep(1_000_000), "nested too deeply", {14}),
    ("deep-open.json", b"[" * 1_000_000, "nested too deeply", set()),
    ("utf8.json", log([record(16), record(17)]).replace(b"aws-cli/2", b"aws-\xff\xfe"), "UTF-8", {16, 17}),
    ("no-time.json", without_time(), "eventTime", {13}),
    ("bad-time.json", log([record(18, eventTime="yesterday"), record(19)]), "eventTime", {19}),
    ("syntax.json", b'{"Records":[' + json.dumps(record(24)).encode() + b',{"eventVersion":"1.09",oops},' + json.dumps(record(25)).encode() + b"]}", "broken JSON", {24, 25}),
    ("unclosed.json", b'{"Records":[' + json.dumps(record(26)).encode(), "not closed", {26}),
    ("empty.json", b"", "empty", set()),
    ("empty.json.gz", gzip.compress(b""), "empty", set()),
]
# Read to their ends: worth a line, but nothing in them was missed.
SEEN_WHOLE = {"utf8.json"}


@pytest.mark.parametrize(("name", "content", "says", "judged"), CASES, ids=[c[0] for c in CASES])
def test_each_is_named_once_and_the_rest_is_judged(yagura, name, content, says, judged):
    logs = yagura.folder / "logs"
    logs.mkdir()
    (logs / name).write_bytes(content)
    (logs / "good.json").write_bytes(log([record(0)]))
    done = yagura("hunt", logs / name, logs / "good.json", "--format", "ndjson", "--strict", "--stats", "stats.json")
    assert done.code == (0 if name in SEEN_WHOLE else 4), done.err
    [line] = alerts(done)
    assert ids(0, *judged) <= set(line["event_ids"])
    assert not ids(900) & set(line["event_ids"]), "what follows the first gzip member is not judged"
    named = [l for l in done.err.splitlines() if l.startswith(f"{logs}/{name}: ")]
    assert len(named) == 1 and says in named[0] and named[0].count(": ") >= 2, done.err
    assert "good.json" not in done.err
    stats = json.loads((yagura.folder / "stats.json").read_text())
    assert stats["bad_files"] == 1
    relaxed = yagura("hunt", logs / name, logs / "good.json", "--format", "ndjson", "--lang", "ja")
    assert relaxed.code == 0 and [r["event_ids"] for r in relaxed.rows()] == [r["event_ids"] for r in done.rows()]
    [line] = [l for l in relaxed.err.splitlines() if l.startswith(f"{logs}/{name}: ")]
    assert any("\u3040" <= c <= "\u30ff" for c in line)


def test_ingest_keeps_what_it_could_not_read(yagura):
    logs = yagura.folder / "logs"
    logs.mkdir()
    for name, content, *_ in CASES:
        (logs / name).write_bytes(content)
    (logs / "good.json").write_bytes(log([record(0)]))
    done = yagura("ingest", logs, "--format", "ndjson", "--strict")
    assert done.code == 4, done.err
    for name, *_ in CASES:
        assert len([l for l in done.err.splitlines() if l.startswith(f"{logs}/{name}: ")]) == 1, name
    kept = {p.name for p in (yagura.folder / "data/quarantine").iterdir()}
    assert len(kept) == len(CASES) - len(SEEN_WHOLE) - 1, "all but the replaced bytes and the JSON of another kind"
    judged = set().union(*(c[3] for c in CASES)) | {0}
    stored = {r["id"] for r in yagura("query", "select metadata.uid as id from events", "--format", "ndjson").rows()}
    assert ids(*judged) <= stored and not ids(900) & stored
    again = yagura("ingest", logs, "--format", "ndjson")
    assert again.code == 0 and again.rows() == [] and "0 new events" in again.err
    replayed = yagura("ingest", "--quarantine", "--multi-member", "--format", "ndjson")
    assert replayed.code == 0, replayed.err
    stored = {r["id"] for r in yagura("query", "select metadata.uid as id from events", "--format", "ndjson").rows()}
    assert ids(900) <= stored, "with the second member allowed, it is read from quarantine"


def bomb(path, size, head=b""):
    """A gzip file of `head` and then `size` spaces."""
    with open(path, "wb") as file:
        pack = zlib.compressobj(9, wbits=31)
        file.write(pack.compress(head))
        block = b" " * MIB
        for _ in range(size // MIB):
            file.write(pack.compress(block))
        file.write(pack.flush())


# A process counts what the one before it in its place held, and these tests' own is large: a small one starts it.
MEASURE = """
import resource, subprocess, sys
code = subprocess.call(sys.argv[2:])
open(sys.argv[1], "w").write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
sys.exit(code)
"""


def run_measured(yagura, *args):
    """Code, output, messages, and the most memory that was held, in bytes."""
    peak = yagura.folder / "peak"
    done = subprocess.run([sys.executable, "-S", "-c", MEASURE, peak, YAGURA, *map(str, args)], cwd=yagura.folder, env=yagura.env,
                          capture_output=True, text=True)
    assert "panicked" not in done.stderr, done.stderr
    return done.returncode, done.stdout, done.stderr, int(peak.read_text()) * 1024


@pytest.mark.parametrize("command", ["hunt", "ingest"])
def test_memory_is_bounded(yagura, command):
    bombs = yagura.folder / "bombs"
    bombs.mkdir()
    bomb(bombs / "spaces.json.gz", (1000 if command == "hunt" else 300) * MIB, log([record(1)]))
    bomb(bombs / "record.json.gz", 150 * MIB, b'{"eventVersion":"1.09","x":"')
    bomb(bombs / "more.json.gz", 150 * MIB, log([record(2)]))
    (bombs / "line.json").write_bytes(LONG)
    code, out, err, peak = run_measured(yagura, command, bombs, "--format", "ndjson", "--jobs", 4)
    assert code == 0, err
    found = {i for row in map(json.loads, out.splitlines()) for i in row["event_ids"]}
    assert ids(1, 2, 15) <= found
    assert 5 * MIB < peak <= LIMIT, f"{peak / MIB:.0f} MiB"
    capped, _, err, _ = run_measured(yagura, command, bombs / "more.json.gz", "--max-file", 50 * MIB, "--strict", "--data", "capped")
    assert capped == 4 and "52428800 bytes" in err


def test_names_that_never_repeat_do_not_fill_the_memory(yagura):
    """Whoever can make events can make them all different: names, agents, sessions, targets."""
    def event(n):
        noise = f"{n:08x}" * 60
        return record(n % 3600, eventID=f"{n:08x}-0000-0000-0000-000000000000", eventName=f"Get{noise}", userAgent=noise,
                      userIdentity={"type": "AssumedRole", "arn": f"arn:aws:sts::111122223333:assumed-role/r/{noise}",
                                    "principalId": noise, "sessionContext": {"sessionIssuer": {"arn": f"arn:aws:iam::1:role/{n}"}}},
                      requestParameters={"name": noise, "bucketName": noise, "policyArn": noise, "userName": noise})
    (yagura.folder / "logs").mkdir()
    for part in range(3):
        with gzip.open(yagura.folder / f"logs/{part}.json.gz", "wt", compresslevel=1) as file:
            for n in range(part * 5_000, part * 5_000 + 5_000):
                file.write(json.dumps(event(n)) + "\n")
    code, _, err, peak = run_measured(yagura, "hunt", "logs", "--jobs", 3)
    assert code == 0 and peak <= LIMIT, f"{peak / MIB:.0f} MiB {err}"


def test_what_cannot_be_opened_is_named(yagura):
    place = pathlib.Path(tempfile.mkdtemp())
    try:
        place.chmod(0o755)
        logs = place / "logs"
        (logs / "closed").mkdir(parents=True)
        (logs / "secret.json").write_bytes(log([record(1)]))
        (logs / "good.json").write_bytes(log([record(2)]))
        (logs / "secret.json").chmod(0)
        (logs / "closed").chmod(0)
        program, who = YAGURA, {}
        if os.geteuid() == 0:
            # Root reads everything, so somebody else has to look.
            program, who = shutil.copy(YAGURA, place / "yagura"), {"user": 65534, "group": 65534, "extra_groups": []}
        done = subprocess.run([program, "hunt", "logs", "--format", "ndjson", "--strict"], cwd=place, text=True,
                              capture_output=True, env={"PATH": os.environ["PATH"], "HOME": str(place)}, **who)
        assert done.returncode == 4, done.stderr
        assert [json.loads(l)["event_ids"] for l in done.stdout.splitlines()] == [[record(2)["eventID"]]]
        for name in ("secret.json", "closed"):
            [line] = [l for l in done.stderr.splitlines() if l.startswith(f"logs/{name}: ")]
            assert "can't be read" in line and "permission" in line
        alone = subprocess.run([program, "hunt", "logs/secret.json"], cwd=place, text=True, capture_output=True,
                               env={"PATH": os.environ["PATH"], "HOME": str(place)}, **who)
        assert alone.returncode == 3
    finally:
        (place / "logs/closed").chmod(0o755)
        shutil.rmtree(place)


def test_what_is_no_file_is_skipped(yagura):
    logs = yagura.folder / "logs"
    logs.mkdir()
    outside = yagura.folder / "outside.json"
    outside.write_bytes(log([record(1)]))
    (logs / "good.json").write_bytes(log([record(2)]))
    (logs / "out.json").symlink_to(outside)
    (logs / "in.json").symlink_to(logs / "good.json")
    (logs / "loop").symlink_to(logs)
    (logs / "dangling.json").symlink_to(logs / "nowhere")
    (logs / "README.md").write_text("# About\n")
    (logs / "config.json.gz").write_bytes(gzip.compress(b'{"configurationItems": []}'))
    (logs / "flow.log.gz").write_bytes(gzip.compress(b"2 111122223333 eni-1 10.0.0.1 10.0.0.2 443 5 6 1 1 1 1 ACCEPT OK\n"))
    os.mkfifo(logs / "pipe")
    if os.geteuid() == 0:
        os.mknod(logs / "device", 0o020666, os.makedev(1, 5))
    done = yagura("hunt", "logs", "--format", "ndjson", "--strict", timeout=60)
    assert done.code == 0, done.err
    [line] = alerts(done)
    assert line["event_ids"] == [record(2)["eventID"]]
    for name in ("out.json", "pipe", "README.md", "config.json.gz", "flow.log.gz", *(["device"] if os.geteuid() == 0 else [])):
        assert len([l for l in done.err.splitlines() if l.startswith(f"logs/{name}: ")]) == 1, name
    assert "good.json" not in done.err
    assert yagura("hunt", "logs/pipe", timeout=60).code == 3
    assert yagura("hunt", "logs/out.json", "--format", "ndjson").rows()[0]["event_ids"] == [record(1)["eventID"]]


def test_names_cannot_write_to_the_terminal(yagura):
    name = "\x1b[31mred\nevil.json"
    (yagura.folder / name).write_text("no log")
    (yagura.folder / "good.json").write_bytes(log([record(1)]))
    done = yagura("hunt", name, "good.json")
    assert "\x1b" not in done.err and "\nevil" not in done.err and "evil.json: not JSON" in done.err


def test_nothing_to_read(yagura):
    assert yagura("hunt", "nowhere").code == 2
    assert yagura("ingest", "nowhere").code == 2
    (yagura.folder / "empty").mkdir()
    for command in ("hunt", "ingest"):
        done = yagura(command, "empty")
        assert done.code == 3 and "empty: the folder holds no files: " in done.err
    (yagura.folder / "bad.json").write_text("no log")
    assert yagura("hunt", "bad.json").code == 3
