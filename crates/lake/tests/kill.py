#!/usr/bin/env python3
"""Kills ingest with SIGKILL at moments of chance, over and over, and checks that nothing is lost, doubled or half there.

    kill.py INGEST [--kills 50] [--seed 1] [--files 60] [--records 400]

INGEST is the `ingest` example's program (`cargo build -p yagura-lake --example ingest`). Logs are made up: objects that overlap in
their events, one that comes twice under two names, one that is cut off and one that is no gzip at all. After every kill the database
must be sound and agree with the table; the last run, which nobody kills, must end with every event once, one ledger row an object and
the judge's count equal to the table's. Needs `pyiceberg[sql-sqlite,pyarrow]`. Prints one line of JSON.
"""

import argparse
import gzip
import json
import pathlib
import random
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time
import uuid

NAMESPACE, TABLE = "amazon_security_lake", "cloud_trail_mgmt_2_0"


def record(dice, day):
    name, source = dice.choice(
        [("GetObject", "s3"), ("CreateUser", "iam"), ("AssumeRole", "sts"), ("RunInstances", "ec2"), ("Decrypt", "kms")]
    )
    return {
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "IAMUser",
            "principalId": "AIDAEXAMPLE",
            "arn": "arn:aws:iam::111122223333:user/alice",
            "accountId": "111122223333",
            "userName": "alice",
        },
        "eventTime": f"2026-11-{day:02}T{dice.randrange(24):02}:{dice.randrange(60):02}:{dice.randrange(60):02}Z",
        "eventSource": f"{source}.amazonaws.com",
        "eventName": name,
        "awsRegion": dice.choice(["us-east-1", "ap-northeast-1"]),
        "sourceIPAddress": f"198.51.100.{dice.randrange(256)}",
        "userAgent": "aws-cli/2.15",
        "requestParameters": {"userName": f"u{dice.randrange(1000)}", "filler": "x" * dice.randrange(200)},
        "responseElements": None,
        "requestID": str(uuid.UUID(int=dice.getrandbits(128))),
        "eventID": str(uuid.UUID(int=dice.getrandbits(128))),
        "eventType": "AwsApiCall",
        "recipientAccountId": "111122223333",
        "eventCategory": "Management",
    }


def make_logs(folder, dice, files, records):
    """The ids that must end up in the lake."""
    wanted, earlier = set(), []
    for number in range(files):
        fresh = [record(dice, 1 + number * 10 // files) for _ in range(records)]
        # CloudTrail delivers at least once: some events come again in a later object.
        again = dice.sample(earlier, min(len(earlier), records // 10))
        earlier = fresh
        batch = fresh + again
        dice.shuffle(batch)
        wanted.update(r["eventID"] for r in batch)
        path = folder / f"AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/{number:04}.json.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(json.dumps({"Records": batch}).encode(), 1))
    shutil.copy(path, path.with_name("9000-the-same-again.json.gz"))
    cut = [record(dice, 20) for _ in range(50)]
    text = json.dumps({"Records": cut})
    text = text[: text.rindex('{"eventVersion"') + 40]
    wanted.update(r["eventID"] for r in cut[:-1])
    path.with_name("9001-cut-off.json").write_text(text)
    path.with_name("9002-no-gzip.json.gz").write_bytes(b"\x1f\x8b" + dice.randbytes(500))
    return wanted, files + 3


def table_ids(data):
    from pyiceberg.catalog.sql import SqlCatalog
    from pyiceberg.exceptions import NoSuchTableError

    catalog = SqlCatalog("yagura", uri=f"sqlite:///{data}/yagura.db")
    try:
        table = catalog.load_table((NAMESPACE, TABLE))
    except NoSuchTableError:
        return []
    column = table.scan(selected_fields=("metadata.uid",)).to_arrow()["metadata"]
    return [value["uid"] for value in column.to_pylist()]


def check(data, wanted):
    """What must hold after every kill; the events that are visible."""
    if not (data / "yagura.db").exists():
        return 0
    database = sqlite3.connect(data / "yagura.db")
    assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    names = {row[0] for row in database.execute("SELECT name FROM sqlite_schema")}
    if "iceberg_tables" not in names:
        return 0
    judged = database.execute("SELECT sum(events) FROM judged").fetchone()[0] or 0 if "judged" in names else 0
    ledger = database.execute("SELECT sum(events) FROM source_objects").fetchone()[0] or 0
    database.close()
    ids = table_ids(data)
    assert len(ids) == len(set(ids)), f"{len(ids) - len(set(ids))} events twice"
    assert set(ids) <= wanted, "events that no log holds"
    assert judged == len(ids), f"{judged} events judged, {len(ids)} in the table"
    # An object whose events fill more than a batch has its row with the last of them.
    assert ledger <= len(ids), f"the ledger counts {ledger} events, the table holds {len(ids)}"
    return len(ids)


def main():
    options = argparse.ArgumentParser()
    options.add_argument("ingest")
    options.add_argument("--kills", type=int, default=50)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--files", type=int, default=60)
    options.add_argument("--records", type=int, default=400)
    options = options.parse_args()
    dice = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as folder:
        logs, data = pathlib.Path(folder) / "logs", pathlib.Path(folder) / "data"
        wanted, objects = make_logs(logs, dice, options.files, options.records)
        command = [options.ingest, str(data), str(logs)]
        # Small batches: many commits to be killed in. One undisturbed run says how long that takes.
        environment = {"BATCH_BYTES": str(len(wanted) * 900 // 25), "MERGE_FILES": "4"}
        start = time.monotonic()
        subprocess.run([command[0], str(pathlib.Path(folder) / "undisturbed"), str(logs)], env=environment, check=True)
        whole = time.monotonic() - start
        kills, seen, grew = 0, 0, 0
        while kills < options.kills:
            process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
            try:
                # A third of the whole at most, or the first run would leave nothing to kill.
                process.wait(timeout=dice.uniform(0, whole / 3))
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.wait()
                kills += 1
            else:
                assert process.returncode == 0, process.returncode
                # All is in: start over, with the logs that are left to kill.
                assert check(data, wanted) == len(wanted)
                shutil.rmtree(data)
                seen = 0
            now = check(data, wanted)
            assert now >= seen, f"{seen} events were visible, {now} are"
            grew += now > seen
            seen = now
        for _ in range(2):
            last = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
        assert last.startswith("0 events, 0 repeated, 0 files read"), last
        assert check(data, wanted) == len(wanted), "events are missing"
        database = sqlite3.connect(data / "yagura.db")
        rows = database.execute("SELECT status, count(*) FROM source_objects GROUP BY 1 ORDER BY 1").fetchall()
        assert sum(count for _, count in rows) == objects, rows
        assert dict(rows) == {"ingested": objects - 3, "duplicate": 1, "partial": 1, "quarantined": 1}, rows
        kept = {row[0] for row in database.execute("SELECT file FROM quarantine")}
        assert kept == {p.name for p in (data / "quarantine").iterdir() if p.suffix != ".tmp"}, kept
        reached = table_files(data)
        on_disk = {str(p) for p in (data / "lake").rglob("*.parquet")}
        assert reached <= on_disk, f"{len(reached - on_disk)} files are missing"
        assert on_disk == table_files(data, "all_files"), "files that no snapshot knows are left"
        assert len(reached) < len(on_disk), "nothing was merged"
        print(json.dumps({"kills": kills, "grew": grew, "events": len(wanted), "run_seconds": round(whole, 2)}))


def table_files(data, which="files"):
    from pyiceberg.catalog.sql import SqlCatalog

    table = SqlCatalog("yagura", uri=f"sqlite:///{data}/yagura.db").load_table((NAMESPACE, TABLE))
    return {path.removeprefix("file://") for path in getattr(table.inspect, which)()["file_path"].to_pylist()}


if __name__ == "__main__":
    main()
