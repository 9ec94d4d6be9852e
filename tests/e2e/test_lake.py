"""The lake from end to end: other engines read what `ingest` wrote and agree with `query`, nothing is lost or doubled
whatever is killed, and every OCSF object that is printed is valid against the published schema."""

import gzip
import json
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import uuid

import pytest
from conftest import ROOT, YAGURA, Yagura

sys.path.insert(0, str(ROOT / "crates/lake/tests"))
import kill
import oracle

INVICTUS = ROOT.parent / "shared/data/cloudtrail/invictus"
ODD = ROOT / "crates/lake/tests/data/odd.json"
LOGS = [ODD, *([INVICTUS] if INVICTUS.exists() else [])]


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    """A data directory with the recorded attack and records that try to break the mapping."""
    yagura = Yagura(tmp_path_factory.mktemp("lake"))
    done = yagura("ingest", *LOGS, "--format", "ndjson", "--stats", "stats.json")
    assert done.code == 0, done.err
    yagura.data = yagura.folder / "data"
    yagura.found = done.rows()
    return yagura


def pointer(data):
    with sqlite3.connect(data / "yagura.db") as database:
        return database.execute("SELECT metadata_location FROM iceberg_tables").fetchone()[0]


def test_other_engines_read_what_was_written(lake):
    events = oracle.expected(LOGS)
    _, rows = oracle.pyiceberg_rows(lake.data)
    assert len(rows) == len(events) and {r["metadata"]["uid"] for r in rows} == set(events)
    for row in rows:
        oracle.check_row(row, events[row["metadata"]["uid"]])
    duck = oracle.duckdb_connection()
    counted = duck.execute(f"SELECT count(*), count(DISTINCT metadata.uid) FROM iceberg_scan('{pointer(lake.data)}')")
    assert counted.fetchone() == (len(events), len(events))


@pytest.mark.parametrize("question", [
    *oracle.QUESTIONS,
    "SELECT region AS r, accountid AS a, count(*) AS n, min(time) AS first, max(time) AS last FROM {events} GROUP BY 1, 2 ORDER BY 1, 2",
    "SELECT count(*) AS n FROM {events} WHERE time_dt >= TIMESTAMP '2023-07-10 12:00:00Z' AND time_dt < TIMESTAMP '2023-07-10 12:15:00Z'",
    "SELECT api.operation AS o, status AS s, class_uid AS c FROM {events} WHERE time < 1688990000000 ORDER BY time, metadata.uid",
    "SELECT sum(class_uid) AS s, sum(activity_id) AS a, count(DISTINCT api.operation) AS o, count(is_mfa) AS m FROM {events}",
])
def test_query_and_duckdb_agree(lake, question):
    ours = [list(r.values()) for r in lake("query", question.format(events="events"), "--format", "ndjson").rows()]
    table = f"iceberg_scan('{pointer(lake.data)}')"
    theirs = oracle.duckdb_connection().execute(question.format(events=table)).fetchall()
    assert ours == [list(row) for row in theirs]


def test_an_object_ingested_twice_changes_nothing(lake):
    before, findings = pointer(lake.data), lake("findings", "--all", "--format", "ndjson").out
    again = lake("ingest", *LOGS, "--format", "ndjson")
    assert again.code == 0 and again.rows() == [], again.err
    assert pointer(lake.data) == before
    assert lake("findings", "--all", "--format", "ndjson").out == findings


def test_the_hub_has_what_was_found(lake):
    alerts = sorted((r["detection"], r["principal"] or "", r["target"] or "", r["count"]) for r in lake.found)
    findings = lake("findings", "--all", "--format", "ndjson").rows()
    kept = sorted((f["rule"], f["evidence"]["principal"] or "", f["evidence"]["target"] or "", f["evidence"]["count"]) for f in findings)
    assert kept == alerts


@pytest.mark.skipif(not INVICTUS.exists(), reason="the recorded attack is not beside this checkout")
def test_a_hunt_judges_what_is_stored_like_the_files(lake, tmp_path):
    files = lake("hunt", *LOGS, "--signals", "--format", "ndjson").rows()
    assert files and lake("hunt", "--lake", "--signals", "--format", "ndjson").rows() == files
    later = ("--since", "2023-07-10T12:10:00Z", "--until", "2023-07-10T12:20:00Z", "--format", "ndjson")
    assert lake("hunt", "--lake", *later).rows() == lake("hunt", *LOGS, *later).rows()
    empty = Yagura(tmp_path)("hunt", "--lake")
    assert empty.code == 3 and "yagura ingest" in empty.err


def test_what_belongs_together_is_found_however_it_comes(tmp_path):
    """Objects that arrive run by run: correlations look back at what is in the lake."""
    yagura = Yagura(tmp_path)
    files = sorted(INVICTUS.glob("*.json.gz"))
    wanted = {(r["detection"], r["principal"], r["target"]): r for r in yagura("hunt", INVICTUS, "--format", "ndjson").rows()}
    random.Random(7).shuffle(files)
    told = set()
    for start in range(0, len(files), 11):
        run = yagura("ingest", *files[start : start + 11], "--format", "ndjson")
        assert run.code == 0, run.err
        told |= {(r["detection"], r["principal"], r["target"]) for r in run.rows()}
    kept = {(f["rule"], f["evidence"]["principal"], f["evidence"]["target"]): f for f in yagura("findings", "--all", "--format", "ndjson").rows()}
    assert set(kept) == set(wanted) == told
    for key, finding in kept.items():
        assert finding["evidence"]["count"] == wanted[key]["count"], key
        assert sorted(finding["evidence"]["event_ids"]) == sorted(wanted[key]["event_ids"]), key
        assert (finding["first_seen"], finding["last_seen"]) == (wanted[key]["time"], wanted[key]["last_time"]), key


OPEN_BUCKET = {
    "version": "1.3", "accountId": "111122223333", "configurationItemCaptureTime": "2026-01-01T00:00:00Z",
    "configurationItemStatus": "ResourceDiscovered", "awsRegion": "us-east-1", "resourceType": "AWS::S3::Bucket",
    "resourceId": "open", "resourceName": "open", "arn": "arn:aws:s3:::open", "configuration": {"name": "open"},
    "supplementaryConfiguration": {"PublicAccessBlockConfiguration": {"blockPublicAcls": False, "blockPublicPolicy": False,
                                                                      "ignorePublicAcls": False, "restrictPublicBuckets": False}},
    "tags": {}, "relationships": [],
}


class Schema:
    """The published OCSF schema 1.8.0, whatever the class."""

    def __init__(self):
        from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

        source = get_ocsf_schema("1.8.0")
        self.names = {c["uid"]: name for name, c in source["classes"].items()}
        self.schema = OcsfJsonSchemaEmbedded(source)
        self.validators = {}

    def check(self, lines, classes):
        from jsonschema import Draft202012Validator

        events = [json.loads(line) for line in lines]
        assert {e["class_uid"] for e in events} == classes
        for event in events:
            key = (event["class_uid"], tuple(event["metadata"].get("profiles", [])))
            if key not in self.validators:
                schema = self.schema.get_class_schema(self.names[key[0]], list(key[1]))
                self.validators[key] = Draft202012Validator(schema)
            assert event["metadata"]["version"] == "1.8.0"
            assert event["type_uid"] == event["class_uid"] * 100 + event["activity_id"]
            errors = [f"{e.json_path}: {e.message[:200]}" for e in self.validators[key].iter_errors(event)]
            assert not errors, errors[:5]


def test_all_ocsf_is_valid(lake):
    """Events as rows of the table and as `query` gives them, detections and verdicts as they are found and as they are kept."""
    schema = Schema()
    _, rows = oracle.pyiceberg_rows(lake.data)
    ocsf = oracle.Ocsf()
    for row in rows:
        ocsf.check({k: v for k, v in oracle.without_nulls(row).items() if k not in ("region", "accountid")})
    asked = lake("query", "SELECT * FROM events", "--format", "ndjson").rows()
    assert len(asked) == len(rows)
    for row in asked[::5]:
        row = {k: v for k, v in oracle.without_nulls(row).items() if k not in ("region", "accountid")}
        ocsf.check(row)
    hunted = lake("hunt", *LOGS, "--signals", "--format", "ocsf").out.splitlines()
    schema.check(hunted, {2004})
    template = ROOT / "crates/inventory/tests/files/equal/template.yaml"
    judged = lake("check", template, "--format", "ocsf", "--no-state").out.splitlines()
    schema.check(judged, {2003})
    config = lake.folder / "config.json"
    config.write_text(json.dumps({"configurationItems": [OPEN_BUCKET]}))
    lake("check", config)
    kept = lake("findings", "--all", "--format", "ocsf").out.splitlines()
    schema.check(kept, {2003, 2004})


# More than one commit takes, so that some kills fall between two.
OBJECTS = 550


def overlapping_logs(folder, dice, files):
    """Small objects whose events overlap, some of which raise alerts; one object twice, one cut off. The ids and the
    number of stopped trails."""
    wanted, trails, earlier, path = set(), set(), [], None
    for number in range(files):
        fresh = [kill.record(dice, 1 + number * 8 // files) for _ in range(4)]
        if number % 40 == 0:
            trail = f"trail-{number}"
            trails.add(trail)
            fresh.append({**kill.record(dice, 3), "eventSource": "cloudtrail.amazonaws.com", "eventName": "StopLogging",
                          "requestParameters": {"name": trail}})
        batch = fresh + earlier[:1]
        earlier = fresh
        wanted.update(r["eventID"] for r in batch)
        path = folder / f"AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/{number:04}.json.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(json.dumps({"Records": batch}).encode(), 1))
    shutil.copy(path, path.with_name("9000-the-same-again.json.gz"))
    last = {**kill.record(dice, 9), "eventID": str(uuid.UUID(int=dice.getrandbits(128)))}
    wanted.add(last["eventID"])
    path.with_name("9001-cut-off.json").write_text('{"Records":[' + json.dumps(last) + ',{"eventVersion":"1.1')
    return wanted, trails


def test_kills_lose_and_double_nothing(tmp_path):
    """SIGKILL at fifty moments; what is visible only grows, and a last clean run completes it."""
    dice = random.Random(20261125)
    wanted, trails = overlapping_logs(tmp_path / "logs", dice, OBJECTS)
    yagura = Yagura(tmp_path)
    command, data = [YAGURA, "ingest", "logs", "--format", "ndjson"], tmp_path / "data"

    def visible():
        ids = kill.table_ids(data) if (data / "yagura.db").exists() else []
        assert len(ids) == len(set(ids)), f"{len(ids) - len(set(ids))} events twice"
        assert set(ids) <= wanted
        return len(ids)

    start = time.monotonic()
    subprocess.run([*command, "--data", str(tmp_path / "undisturbed")], cwd=tmp_path, env=yagura.env, check=True, capture_output=True)
    whole = time.monotonic() - start
    kills, seen = 0, 0
    while kills < 50:
        process = subprocess.Popen(command, cwd=tmp_path, env=yagura.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            process.wait(timeout=dice.uniform(0, whole))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            kills += 1
            if kills % 10 == 0:
                assert visible() >= seen, "what was visible is gone"
                seen = visible()
        else:
            # All is in: start over, or there would be nothing left to kill.
            assert process.returncode == 0 and visible() == len(wanted)
            shutil.rmtree(data)
            seen = 0
    assert yagura("ingest", "logs").code == 0
    assert visible() == len(wanted)
    duck = oracle.duckdb_connection()
    once = duck.execute(f"SELECT count(*), count(DISTINCT metadata.uid) FROM iceberg_scan('{pointer(data)}')").fetchone()
    assert once == (len(wanted), len(wanted))
    stopped = [f for f in yagura("findings", "--all", "--format", "ndjson").rows() if f["rule"] == "cloudtrail-logging-disabled"]
    assert sorted(f["evidence"]["target"] for f in stopped) == sorted(trails)
    assert all(f["evidence"]["count"] == 1 and len(f["evidence"]["event_ids"]) == 1 for f in stopped)
    with sqlite3.connect(data / "yagura.db") as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        ledger = dict(database.execute("SELECT status, count(*) FROM source_objects GROUP BY 1"))
    assert ledger == {"ingested": OBJECTS, "duplicate": 1, "partial": 1}
    reached, on_disk = kill.table_files(data, "all_files"), {str(p) for p in (data / "lake").rglob("*.parquet")}
    assert on_disk == reached, "files that no snapshot knows are left"
