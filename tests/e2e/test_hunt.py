"""`yagura hunt` as the contract has it, on real events and on input that tries to break it."""

import gzip
import hashlib
import json
import random

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


ACCOUNT = "111122223333"
ROLE = {"type": "AssumedRole", "principalId": "AROA:ci-7", "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/Deploy/ci-7",
        "accountId": ACCOUNT, "sessionContext": {"sessionIssuer": {"type": "Role", "arn": f"arn:aws:iam::{ACCOUNT}:role/ci/Deploy"}}}
PRINCIPALS = [
    ({"type": "IAMUser", "arn": f"arn:aws:iam::{ACCOUNT}:user/eve"}, f"arn:aws:iam::{ACCOUNT}:user/eve", None),
    ({"type": "Root", "arn": f"arn:aws:iam::{ACCOUNT}:root", "accountId": ACCOUNT}, f"arn:aws:iam::{ACCOUNT}:root", None),
    (ROLE, f"arn:aws:iam::{ACCOUNT}:role/ci/Deploy", "ci-7"),
    ({"type": "AWSAccount", "accountId": "444455556666", "principalId": "AIDAX"}, "444455556666", None),
    ({"type": "WebIdentityUser", "principalId": "accounts.google.com:app:sub", "userName": "sub"}, "accounts.google.com:app:sub", None),
    ({"type": "SAMLUser", "principalId": "issuer:ann", "userName": "ann"}, "issuer:ann", None),
    ({"type": "FederatedUser", "principalId": f"{ACCOUNT}:fed", "arn": f"arn:aws:sts::{ACCOUNT}:federated-user/fed"}, f"{ACCOUNT}:fed", None),
]


@pytest.mark.parametrize(("identity", "principal", "session"), PRINCIPALS, ids=[p[0]["type"] for p in PRINCIPALS])
def test_who_acted(yagura, identity, principal, session):
    (yagura.folder / "x.json").write_bytes(log([record(1, userIdentity=identity)]))
    [line] = alerts(yagura("hunt", "x.json", "--format", "ndjson"))
    assert (line["principal"], line["session"], line["account"]) == (principal, session, ACCOUNT)


def test_what_a_line_says(yagura):
    trail = f"arn:aws:cloudtrail:ap-northeast-1:{ACCOUNT}:trail/main"
    events = [
        record(0, sourceIPAddress="cloudformation.amazonaws.com"),
        record(30, requestParameters=None),
        record(60),
        record(0, eventTime="2026-01-03T00:00:00Z", eventID="next-day"),
    ]
    unnamed = record(90)
    del unnamed["eventID"]
    raw = json.dumps(unnamed)
    text = "\n".join([*map(json.dumps, events), raw, raw])
    done = yagura("hunt", "-", "--format", "ndjson", stdin=text)
    lines = alerts(done)
    assert [(l["target"], l["time"], l["last_time"], l["count"]) for l in lines] == [
        (trail, "2026-01-02T03:00:00Z", "2026-01-02T03:01:30Z", 3),
        (None, "2026-01-02T03:00:30Z", "2026-01-02T03:00:30Z", 1),
        (trail, "2026-01-03T00:00:00Z", "2026-01-03T00:00:00Z", 1),
    ]
    assert all(list(l) == KEYS and l["kind"] == "alert" and l["truncated"] is False for l in lines)
    assert lines[0]["source_ip"] is None and lines[1]["source_ip"] == "203.0.113.7" and lines[0]["region"] == "ap-northeast-1"
    digest = "sha256:" + hashlib.sha256(raw.encode()).hexdigest()
    assert lines[0]["event_ids"] == [record(0)["eventID"], record(60)["eventID"], digest]
    assert lines[0]["guardduty"] == ["Stealth:IAMUser/CloudTrailLoggingDisabled"] and "T1562.008" in lines[0]["attack"]
    japanese = alerts(yagura("hunt", "-", "--format", "ndjson", "--lang", "ja", stdin=text))
    assert japanese[0]["title"] != lines[0]["title"] and {**japanese[0], "title": ""} == {**lines[0], "title": ""}


def test_times_severities_and_signals(yagura):
    (yagura.folder / "x.json").write_bytes(log([record(n) for n in (0, 10, 20)] + [
        record(30, eventSource="sts.amazonaws.com", eventName="GetCallerIdentity", requestParameters=None)]))
    def ids(*options):
        return [i for l in alerts(yagura("hunt", "x.json", "--format", "ndjson", *options)) for i in l["event_ids"]]
    assert ids("--since", "2026-01-02T03:00:10Z") == [record(n)["eventID"] for n in (10, 20)]
    assert ids("--until", "2026-01-02T03:00:10Z") == [record(0)["eventID"]]
    assert ids("--since", "2026-01-02T12:00:10+09:00", "--until", "2026-01-02T03:00:20Z") == [record(10)["eventID"]]
    assert ids("--min-severity", "critical") == [] and len(ids("--min-severity", "high")) == 3
    assert yagura("hunt", "x.json", "--since", "soon").code == 2
    kinds = [r["kind"] for r in yagura("hunt", "x.json", "--format", "ndjson", "--signals").rows()]
    assert sorted(set(kinds)) == ["alert", "signal"]
    assert {r["kind"] for r in yagura("hunt", "x.json", "--format", "ndjson").rows()} == {"alert"}
    yagura("hunt", "x.json", "--stats", "stats.json")
    stats = json.loads((yagura.folder / "stats.json").read_text())
    assert list(stats) == ["files", "bad_files", "records", "distinct_events", "bad_records", "rules", "findings", "signals", "seconds"]
    assert (stats["files"], stats["records"], stats["findings"]) == (1, 4, 1) and stats["signals"] >= 1


def test_odd_json_is_read_one_way(yagura):
    """A duplicate key: the last one holds. A number out of range keeps its text. Names may be escaped."""
    first, second = json.dumps(record(1))[1:], json.dumps(record(2, requestParameters={"name": "x", "n": 7}))
    twice = '{"eventName": "DescribeTrails", "requestParameters": {"name": "other"}, ' + first
    escaped = second.replace('"eventName"', '"event\\u004eame"').replace('"n": 7', '"n": 1e999')
    (yagura.folder / "x.ndjson").write_text(twice + "\n" + escaped)
    lines = alerts(yagura("hunt", "x.ndjson", "--format", "ndjson", "--strict"))
    assert {l["target"] for l in lines} == {record()["requestParameters"]["name"], "x"}


def test_order_and_layout_change_nothing(yagura):
    """The same events, dealt to files in any way, some of them twice, in any order and read by any number of threads."""
    dice = random.Random(11)
    sources = [path for path in sorted(INVICTUS.glob("*.gz"))] if INVICTUS.exists() else []
    events = [e for path in sources for e in json.loads(gzip.decompress(path.read_bytes()))["Records"]] or [record(n) for n in range(500)]
    first = None
    for round in range(3):
        folder = yagura.folder / f"round-{round}"
        folder.mkdir()
        dealt = events + dice.sample(events, len(events) // 3)
        dice.shuffle(dealt)
        for number in range(0, len(dealt), 500 * (round + 1)):
            part = dealt[number : number + 500 * (round + 1)]
            text = log(part) if dice.random() < 0.5 else "\n".join(map(json.dumps, part)).encode()
            (folder / f"{dice.random()}.json").write_bytes(gzip.compress(text, 1) if dice.random() < 0.5 else text)
        done = yagura("hunt", folder, "--signals", "--format", "ndjson", "--jobs", round + 1)
        first = first or done.out
        assert done.code == 0 and done.out == first and done.out
