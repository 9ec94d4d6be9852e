"""`yagura hunt` as the contract has it, on real events and on input that tries to break it."""

import gzip
import json
import pathlib

import pytest
from conftest import ROOT

INVICTUS = ROOT.parent / "shared/data/cloudtrail/invictus"
KEYS = [
    "detection", "kind", "title", "severity", "time", "last_time", "account", "region", "principal", "session",
    "target", "source_ip", "count", "event_ids", "truncated", "guardduty", "attack",
]


def record(n=0, **more):
    base = {
        "eventVersion": "1.09",
        "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/eve", "userName": "eve"},
        "eventTime": f"2026-01-02T03:{n // 60:02}:{n % 60:02}Z",
        "eventSource": "cloudtrail.amazonaws.com",
        "eventName": "StopLogging",
        "awsRegion": "ap-northeast-1",
        "sourceIPAddress": "203.0.113.7",
        "userAgent": "aws-cli/2",
        "requestParameters": {"name": "arn:aws:cloudtrail:ap-northeast-1:111122223333:trail/main"},
        "responseElements": None,
        "eventID": f"00000000-0000-0000-0000-{n:012}",
        "eventType": "AwsApiCall",
        "recipientAccountId": "111122223333",
    }
    return {**base, **more}


def log(records):
    return json.dumps({"Records": records}).encode()


def alerts(done, name="cloudtrail-logging-disabled"):
    return [r for r in done.rows() if r["detection"] == name]


@pytest.mark.skipif(not INVICTUS.exists(), reason="the recorded attack is not beside this checkout")
def test_a_recorded_attack(yagura):
    done = yagura("hunt", INVICTUS, "--format", "ndjson", "--stats", "stats.json")
    assert done.code == 0, done.err
    rows = done.rows()
    assert list(rows[0]) == KEYS
    found = {r["detection"] for r in rows}
    for name in ("cloudtrail-logging-disabled", "iam-role-trusts-other-account", "ebs-snapshot-shared",
                 "s3-bucket-policy-external", "roles-anywhere-trust-anchor-created", "organization-leave-attempt"):
        assert name in found
    stats = json.loads((yagura.folder / "stats.json").read_text())
    assert (stats["records"], stats["distinct_events"], stats["bad_records"]) == (2900, 2900, 0)
    quiet = yagura("hunt", INVICTUS, "--format", "ndjson", "--since", "2024-01-01")
    assert quiet.code == 0 and quiet.rows() == []


def test_one_line_for_each_group_however_delivered(yagura):
    events = [record(n) for n in range(1500)]
    (yagura.folder / "a").mkdir()
    (yagura.folder / "a/1.json.gz").write_bytes(gzip.compress(log(events[:900])))
    (yagura.folder / "a/2.json").write_bytes(log(list(reversed(events[600:]))))
    (yagura.folder / "a/3.ndjson").write_text("\n".join(json.dumps(e) for e in events[::7]))
    done = yagura("hunt", "a", "--format", "ndjson")
    [line] = alerts(done)
    assert line["count"] == 1500 and line["truncated"] and len(line["event_ids"]) == 1000
    assert line["event_ids"] == sorted(line["event_ids"])
    assert line["principal"] == "arn:aws:iam::111122223333:user/eve" and line["source_ip"] == "203.0.113.7"
    one = yagura("hunt", "-", "--format", "ndjson", stdin=json.dumps({"Records": events}))
    assert alerts(one) == [line]
    assert alerts(yagura("hunt", "a", "--format", "ndjson", "--jobs", 1)) == [line]


def test_services_do_not_alert_but_calls_through_them_do(yagura):
    own = record(1, userIdentity={"type": "AWSService", "invokedBy": "cloudtrail.amazonaws.com"})
    internal = record(2, userIdentity={**record()["userIdentity"], "invokedBy": "AWS Internal"})
    event = record(3, eventType="AwsServiceEvent")
    through = record(4, userIdentity={**record()["userIdentity"], "invokedBy": "cloudformation.amazonaws.com"})
    (yagura.folder / "x.json").write_bytes(log([own, internal, event, through]))
    [line] = alerts(yagura("hunt", "x.json", "--format", "ndjson"))
    assert line["event_ids"] == [through["eventID"]]


def test_usage_errors(yagura):
    assert yagura("hunt", "nowhere").code == 2
    (yagura.folder / "empty").mkdir()
    assert yagura("hunt", "empty").code == 3
    assert yagura("hunt", "empty", "--min-severity", "huge").code == 2
    (yagura.folder / "x.json").write_bytes(log([record()]))
    assert yagura("hunt", "x.json", "--fail-on", "high").code == 1
    assert yagura("hunt", "x.json", "--fail-on", "critical").code == 0


def test_foreign_sigma_rules(yagura):
    rules = yagura.folder / "rules"
    rules.mkdir()
    (rules / "stop.yml").write_text(
        "title: Stop\nid: 11111111-2222-3333-4444-555555555555\nstatus: test\nlevel: high\n"
        "logsource: {product: aws, service: cloudtrail}\n"
        "detection:\n  sel:\n    eventName|startswith: Stop\n    requestParameters.name|contains|all: [trail, main]\n"
        "  condition: sel\ntags: [attack.t1562.008]\n"
    )
    (rules / "broken.yml").write_text("title: Broken\nlogsource: {product: aws, service: cloudtrail}\ndetection:\n  sel: {a|nonsense: 1}\n  condition: sel\n")
    (yagura.folder / "x.json").write_bytes(log([record()]))
    done = yagura("hunt", "x.json", "--rules", "rules", "--only-rules", "--format", "ndjson", "--strict")
    assert done.code == 4 and "broken.yml" in done.err
    [line] = done.rows()
    assert line["detection"] == "11111111-2222-3333-4444-555555555555" and line["attack"] == ["T1562.008"]
