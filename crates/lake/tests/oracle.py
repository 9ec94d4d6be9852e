#!/usr/bin/env python3
"""Asks engines that are not ours what the lake holds, and holds their answers against the source files.

    oracle.py [--query PROGRAM] DATA LOGS...

DATA is a data directory, LOGS the files and folders that were ingested into it. PROGRAM is the `query` example: its answers are then
held against DuckDB's.

PyIceberg opens the table through its own SqlCatalog on our database, DuckDB through the table's metadata. Both must find every event of
the logs exactly once, with its columns right, and every event's OCSF object must be valid against the published OCSF schema.

Needs `pyiceberg[sql-sqlite,pyarrow] duckdb duckdb-extension-iceberg duckdb-extension-avro ocsf-json-schema jsonschema`.
Exits 0 and prints one line of JSON when all agree.
"""

import argparse
import gzip
import hashlib
import json
import pathlib
import re
import subprocess

NAMESPACE, TABLE = "amazon_security_lake", "cloud_trail_mgmt_2_0"


def expected(paths):
    """The events of the logs by id, from a reader that shares nothing with ours."""
    events = {}
    for path in paths:
        path = pathlib.Path(path)
        files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
        for file in files:
            if not file.name.endswith((".json", ".json.gz")):
                continue
            raw = file.read_bytes()
            if raw[:2] == b"\x1f\x8b":
                raw = gzip.decompress(raw)
            for record in json.loads(raw)["Records"]:
                events[record["eventID"]] = record
    return events


def pyiceberg_rows(data):
    from pyiceberg.catalog.sql import SqlCatalog

    catalog = SqlCatalog("yagura", uri=f"sqlite:///{data}/yagura.db", warehouse=f"file://{data}/lake")
    assert (NAMESPACE,) in catalog.list_namespaces(), catalog.list_namespaces()
    assert (NAMESPACE, TABLE) in catalog.list_tables(NAMESPACE)
    table = catalog.load_table((NAMESPACE, TABLE))
    fields = [f"{f.name}:{f.transform}" for f in table.spec().fields]
    assert fields == ["time_dt_day:day", "region:identity", "accountid:identity"], fields
    return table, table.scan().to_arrow().to_pylist()


def duckdb_connection():
    """DuckDB with the extensions that PyPI ships; nothing is downloaded."""
    import importlib
    import duckdb

    connection = duckdb.connect(config={"allow_unsigned_extensions": "true"})
    for name in ("avro", "iceberg"):
        package = importlib.import_module(f"duckdb_extension_{name}")
        folder = pathlib.Path(package.__path__[0])
        found = next(folder.rglob(f"{name}.duckdb_extension*"))
        connection.execute(f"LOAD '{found}'")
    connection.execute("SET unsafe_enable_version_guessing = true")
    return connection


def plain(pattern, value):
    return value if isinstance(value, str) and re.fullmatch(pattern, value) else None


def check_row(row, record):
    identity = record.get("userIdentity") or {}
    identity = identity if isinstance(identity, dict) else {}
    wanted = {
        "operation": (row["api"]["operation"], record.get("eventName", "Unknown")),
        "service": (row["api"]["service"]["name"], record.get("eventSource", "Unknown")),
        # Only what looks like a Region and an account is one; anything else stays in the record.
        "region": (row["region"], plain(r"[a-z0-9-]{4,32}", record.get("awsRegion"))),
        "account": (row["accountid"], plain(r"[0-9]{12}", record.get("recipientAccountId"))),
        "error": (row["status_code"], None if record.get("errorCode") is None else str(record["errorCode"])),
        "raw": (json.loads(row["raw_data"]), record),
    }
    if not record["eventTime"].startswith("9999"):
        seconds = re.sub(r"\.\d+Z$", "Z", record["eventTime"])
        wanted["time"] = (row["time_dt"].strftime("%Y-%m-%dT%H:%M:%SZ"), seconds)
        wanted["millis"] = (row["time"], int(row["time_dt"].timestamp() * 1000))
    if identity.get("arn"):
        wanted["arn"] = (row["actor"]["user"]["uid"], identity["arn"])
    for name, (got, want) in wanted.items():
        assert got == want, f"{record['eventID']}: {name}: {got!r} instead of {want!r}"


def without_nulls(value):
    """A table row as an OCSF object again: columns that are null are attributes that are absent."""
    if isinstance(value, dict):
        return {k: v for k, v in ((k, without_nulls(v)) for k, v in value.items()) if v is not None} or None
    if isinstance(value, list):
        if value and all(isinstance(v, tuple) for v in value):
            return dict(value)
        return [without_nulls(v) for v in value] or None
    return value.strftime("%Y-%m-%dT%H:%M:%SZ") if hasattr(value, "strftime") else value


# Questions that both dialects of SQL understand; `{events}` is the table.
QUESTIONS = [
    "SELECT count(*), min(time), max(time) FROM {events}",
    "SELECT api.operation AS o, count(*) AS n FROM {events} WHERE status = 'Failure' GROUP BY 1 ORDER BY n DESC, o LIMIT 20",
    "SELECT actor.user.uid AS u, src_endpoint.ip AS ip, count(*) AS n FROM {events} WHERE class_uid = 6003 GROUP BY 1, 2 ORDER BY 1, 2",
    "SELECT count(*) FROM {events} WHERE region = 'us-east-1' AND time_dt >= TIMESTAMP '2023-07-10 12:10:00Z' AND is_mfa IS NULL",
    "SELECT metadata.uid FROM {events} WHERE api.service.name IN ('iam.amazonaws.com', 'sts.amazonaws.com') AND activity_id <> 2 ORDER BY 1",
    "SELECT class_name AS c, sum(length(raw_data)) AS n FROM {events} WHERE accountid <> '1' GROUP BY 1 ORDER BY 1",
    "SELECT count(*) FROM {events} WHERE raw_data LIKE '%AccessDenied%' OR status_code LIKE 'Client.%'",
]


def check_answers(program, data, duck, location):
    for question in QUESTIONS:
        answer = subprocess.run(
            [program, data, question.format(events="events")], check=True, capture_output=True, text=True
        ).stdout.splitlines()
        ours = [json.loads(line) for line in answer[1:]]
        theirs = [list(row) for row in duck.execute(question.format(events=f"iceberg_scan('{location}')")).fetchall()]
        assert ours == theirs, f"{question}\nours   {ours[:5]}\nDuckDB {theirs[:5]}"


class Ocsf:
    """The published schema, as JSON Schema."""

    CLASSES = {6003: "api_activity", 3002: "authentication", 3001: "account_change"}

    def __init__(self):
        from jsonschema import Draft202012Validator
        from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

        source = get_ocsf_schema("1.8.0")
        self.classes = source["classes"]
        schema = OcsfJsonSchemaEmbedded(source)
        self.validators = {
            uid: Draft202012Validator(schema.get_class_schema(name, ["cloud", "datetime"]))
            for uid, name in self.CLASSES.items()
        }

    def check(self, event):
        uid = event["class_uid"]
        errors = [f"{e.json_path}: {e.message[:200]}" for e in self.validators[uid].iter_errors(event)]
        enum = self.classes[self.CLASSES[uid]]["attributes"]["activity_id"]["enum"]
        caption = enum[str(event["activity_id"])]["caption"]
        if event["activity_id"] != 99 and caption != event["activity_name"]:
            errors.append(f"activity_name is {event['activity_name']!r}, its id's caption {caption!r}")
        if event["type_uid"] != uid * 100 + event["activity_id"]:
            errors.append("type_uid is not class_uid * 100 + activity_id")
        assert not errors, f"{event['metadata']['uid']}: {errors[:5]}"


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--query")
    options.add_argument("data", type=pathlib.Path)
    options.add_argument("logs", nargs="+")
    options = options.parse_args()
    data, logs = str(options.data.absolute()), options.logs
    events = expected(logs)
    table, rows = pyiceberg_rows(data)
    ids = [row["metadata"]["uid"] for row in rows]
    assert len(ids) == len(set(ids)), f"{len(ids) - len(set(ids))} events are in the table twice"
    assert set(ids) == set(events), f"{len(set(events) - set(ids))} missing, {len(set(ids) - set(events))} too many"
    ocsf = Ocsf()
    classes = {}
    for row in rows:
        check_row(row, events[row["metadata"]["uid"]])
        event = {k: v for k, v in without_nulls(row).items() if k not in ("region", "accountid")}
        ocsf.check(event)
        classes[event["class_name"]] = classes.get(event["class_name"], 0) + 1
    duck = duckdb_connection()
    counted = duck.execute(
        f"""SELECT count(*), count(DISTINCT metadata.uid), min(time), max(time), count(DISTINCT api.operation)
            FROM iceberg_scan('{table.metadata_location}')"""
    ).fetchone()
    times = [row["time"] for row in rows]
    operations = {e.get("eventName", "Unknown") for e in events.values()}
    wanted = (len(events), len(events), min(times), max(times), len(operations))
    assert counted == wanted, f"DuckDB counts {counted} instead of {wanted}"
    if options.query:
        check_answers(options.query, data, duck, table.metadata_location)
    digest = hashlib.sha256("".join(sorted(ids)).encode()).hexdigest()
    files = len(table.inspect.files())
    print(json.dumps({"events": len(rows), "files": files, "classes": classes, "ids": digest[:16]}))


if __name__ == "__main__":
    main()
