"""`yagura scan` and Prowler over the same account, control by control and resource by resource.

They agree, or `prowler.toml` says why not; a record whose disagreement is gone fails, too. A control is compared by the
checks that its head names in `maps.prowler`, with Prowler's own configuration.
"""

import base64
import csv
import fnmatch
import json
import os
import re
import subprocess
import tomllib

import pytest
import seed
from conftest import ROOT, Yagura
from proxy import Proxy, Rule, edited
from seed import HOME, OTHER, REGION_WIDE
from seed import ROOT as ACCOUNT_ARN

PROWLER = os.environ.get("PROWLER", "prowler")
HERE = ROOT / "tests/e2e"
TABLE = tomllib.loads((HERE / "prowler.toml").read_text())
# What `compare` calls a resource that one of the two has no verdict for.
NONE = "none"


def prowler(url, folder, checks, regions):
    """Starts Prowler; it can't leave this machine."""
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "PYTHONPATH": str(HERE / "loopback"),
        "LOOPBACK_REFUSED": str(folder / "refused"),
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": HOME,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    command = [PROWLER, "aws", "--checks", *checks, "--region", *regions, "--scan-unused-services", "--ignore-exit-code-3",
               "--no-banner", "--no-color", "-M", "csv", "-F", "out", "-o", folder, "--log-level", "ERROR", "--log-file", folder / "log"]
    with (folder / "stdout").open("w") as out:
        return subprocess.Popen(list(map(str, command)), cwd=folder, env=env, stdout=out, stderr=subprocess.STDOUT)


def rows_of(process, folder):
    assert process.wait(300) == 0, (folder / "stdout").read_text()[-2000:]
    csv.field_size_limit(10**9)
    with (folder / "out.csv").open(newline="") as file:
        return list(csv.DictReader(file, delimiter=";"))


def evidence(mended):
    """What moto leaves out of its answers and AWS doesn't, as far as one of the two would judge by the gap."""

    def report(text):
        """Root with a password, and with the MFA and the keys that moto's account summary has."""
        encoded = re.search(r"<Content>([^<]*)</Content>", text)[1]
        lines = base64.b64decode(encoded).decode().splitlines()
        names = lines[0].split(",")
        rows = [dict(zip(names, line.split(","), strict=True)) for line in lines[1:]]
        root = next(r for r in rows if r["user"] == "<root_account>")
        root.update(password_enabled="true", mfa_active=str(mended).lower(), access_key_1_active=str(not mended).lower())
        csv_text = "\n".join([lines[0], *(",".join(r.values()) for r in rows)])
        return text.replace(encoded, base64.b64encode(csv_text.encode()).decode())

    def detector(text):
        """AWS repeats a detector's features in the older form that Prowler reads."""
        answer = json.loads(text)
        on = {f["name"]: {"status": f["status"]} for f in answer["features"]}
        answer["dataSources"] = {
            "s3Logs": on["S3_DATA_EVENTS"],
            "kubernetes": {"auditLogs": on["EKS_AUDIT_LOGS"]},
            "malwareProtection": {"scanEc2InstanceWithFindings": {"ebsVolumes": on["EBS_MALWARE_PROTECTION"]}},
        }
        return json.dumps(answer)

    def delivered(text):
        return json.dumps({**json.loads(text), "LatestCloudWatchLogsDeliveryTime": seed.days_ago(0).timestamp()})

    standard = {
        "StandardsArn": f"arn:aws:securityhub:{HOME}::standards/aws-foundational-security-best-practices/v/1.0.0",
        "StandardsSubscriptionArn": f"arn:aws:securityhub:{HOME}:{seed.ACCOUNT}:subscription/aws-foundational-security-best-practices/v/1.0.0",
        "StandardsInput": {},
        "StandardsStatus": "READY",
    }
    rules = seed.completed(mended)
    credentials = next(r for r in rules if r.operation == "GetCredentialReport")
    without = credentials.edit

    def credentials_edit(status, data):
        status, data = without(status, data)
        return status, report(data.decode()).encode()

    credentials.edit = credentials_edit
    return [
        *rules,
        edited("guardduty:GetDetector", detector),
        # moto shows a trail in every Region and answers questions about it only at home, AWS anywhere.
        edited("cloudtrail:DescribeTrails", lambda _: '{"trailList": []}', region=OTHER),
        edited("cloudtrail:GetTrailStatus", delivered, where="good"),
        edited("securityhub:GetEnabledStandards", lambda _: json.dumps({"StandardsSubscriptions": [standard]})),
        edited("securityhub:ListEnabledProductsForImport", lambda _: '{"ProductSubscriptions": []}'),
        Rule("macie2:GetMacieSession", 403, "AccessDenied", "Macie is not enabled", region=OTHER),
    ]


class Account:
    """The seeded account as both saw it: as it was made, then with what exists once an account mended."""

    def __init__(self, folder):
        self.folder = folder
        self.moto = seed.Moto()
        self.moto.reset()
        self.pairs = seed.seed(self.moto)
        # AWS keeps times of sign-in by the second, and Prowler reads no others.
        for user in self.moto.backend("iam", "aws").users.values():
            if user.password_last_used:
                user.password_last_used = user.password_last_used.replace(microsecond=0)
        # Prowler files recorders by name, so of two Regions' `default` it would keep one.
        recorders = self.moto.backend("config", OTHER).recorders
        recorders["there"] = recorder = recorders.pop("default")
        recorder.name = recorder.status.name = "there"
        self.yagura = Yagura(folder)
        listed = self.yagura("content", "list", "--kind", "control", "--format", "ndjson").rows()
        self.checks = {c["id"]: c["maps"]["prowler"] for c in listed if c["maps"].get("prowler")}
        self.trails = {t["TrailARN"]: f"arn:aws:s3:::{t['S3BucketName']}"
                       for t in self.moto.client("cloudtrail").describe_trails()["trailList"]}
        self.states = [self.both("made", [HOME, OTHER], mended=False)]
        seed.mend(self.moto)
        self.states.append(self.both("mended", [HOME], mended=True, only=seed.ACCOUNT_WIDE))

    def both(self, name, regions, mended, only=None):
        """({(control, key): line of Yagura}, rows of Prowler)"""
        folder = self.folder / name
        folder.mkdir()
        asked = {c: checks for c, checks in self.checks.items() if only is None or c in only}
        with Proxy(self.moto.url, evidence(mended)) as proxy:
            process = prowler(proxy.url, folder, sorted({c for checks in asked.values() for c in checks}), regions)
            chosen = [word for r in regions for word in ("--region", r)]
            scan = self.yagura("scan", "--no-state", "--format", "ndjson", *chosen, env=self.moto.env(proxy.url))
            assert scan.code == 0, scan.err
            rows = rows_of(process, folder)
        return asked, [r for r in scan.rows() if r["control"] in asked], rows

    def name(self, arn):
        """What the table calls a resource: its ARN, or the role that the seed gave it where its ARN is random."""
        roles = {}
        for control, (good, bad) in sorted(self.pairs.items()):
            roles.setdefault(good, f"{control} good")
            roles.setdefault(bad, f"{control} bad")
        return roles[arn] if arn in roles and seeded_at_random(arn) else arn


def seeded_at_random(arn):
    return any(kind in arn for kind in (":ec2:", ":kms:", ":secretsmanager:", ":guardduty:"))


def key_of(row, control, place, trails):
    """Where a row of Prowler belongs among Yagura's lines for the control, which are for the account (`place` is its
    ARN), for each Region, or (`place` is None) for each resource."""
    if place == ACCOUNT_ARN:
        return ACCOUNT_ARN
    if place == REGION_WIDE:
        return row["REGION"]
    arn = row["RESOURCE_UID"]
    if control in ("CloudTrail.6", "CloudTrail.7"):
        # Prowler judges these buckets by the trail that writes to them.
        return trails.get(arn, arn)
    # A snapshot's ARN names no account.
    return arn.replace(f":{seed.ACCOUNT}:snapshot/", "::snapshot/") if ":ec2:" in arn else arn


def compare(asked, lines, rows, trails):
    """(agreed, disagreements), both as {(control, key, Yagura's verdict, Prowler's verdict)}."""
    agreed, disagreements = set(), set()
    for control, checks in asked.items():
        mine, places = {}, set()
        for line in (line for line in lines if line["control"] == control):
            place = line["resource"] if line["resource"] in (ACCOUNT_ARN, REGION_WIDE) else None
            places.add(place)
            mine[line["region"] if place == REGION_WIDE else line["resource"]] = line["verdict"]
        place = places.pop() if len(places) == 1 else None
        theirs = {}
        for row in (row for row in rows if row["CHECK_ID"] in checks):
            theirs.setdefault(key_of(row, control, place, trails), set()).add(row["STATUS"])
        for key in sorted(mine.keys() | theirs.keys()):
            said = theirs.get(key, {NONE})
            their = next(s for s in ("FAIL", "PASS", "MANUAL", NONE) if s in said)
            found = (control, key, mine.get(key, NONE), their)
            (agreed if found[2] == their else disagreements).add(found)
    return agreed, disagreements


@pytest.fixture(scope="module")
def account(tmp_path_factory):
    account = Account(tmp_path_factory.mktemp("prowler"))
    yield account
    account.moto.stop()


def test_both_agree_or_the_table_says_why_not(account):
    agreed, found = set(), set()
    for asked, lines, rows in account.states:
        same, other = compare(asked, lines, rows, account.trails)
        agreed |= same
        found |= {(control, account.name(key), mine, theirs) for control, key, mine, theirs in other}
    records = TABLE["disagreement"]
    covers = {i: [f for f in found if is_record_of(r, f)] for i, r in enumerate(records)}
    unrecorded = found - {f for fs in covers.values() for f in fs}
    gone = [records[i] for i, fs in covers.items() if not fs]
    assert not unrecorded, "not in prowler.toml:\n" + "\n".join(map(str, sorted(unrecorded)))
    assert not gone, "no longer so, take it out of prowler.toml:\n" + "\n".join(map(str, gone))
    # Both verdicts are agreed on for most controls: the comparison compares.
    both = {c for c, *_, v in agreed if v == "PASS"} & {c for c, *_, v in agreed if v == "FAIL"}
    assert len(both) >= TABLE["agreed-both-ways"], (len(both), sorted(set(account.checks) - both))


def is_record_of(record, found):
    control, key, mine, theirs = found
    here = any(fnmatch.fnmatchcase(key, glob) for glob in record["resources"])
    return (record["control"], record["yagura"], record["prowler"]) == (control, mine, theirs) and here


def test_prowler_stays_on_this_machine(account):
    for folder in ("made", "mended"):
        refused = account.folder / folder / "refused"
        assert not refused.exists(), refused.read_text()


def test_a_verdict_that_turns_is_noticed(account):
    asked, lines, rows = account.states[0]
    agreed, _ = compare(asked, lines, rows, account.trails)
    turned = {"PASS": "FAIL", "FAIL": "PASS"}
    control, key, verdict, _ = sorted(a for a in agreed if a[0] == "S3.8")[0]
    wrong = [{**line, "verdict": turned[verdict]} if (line["control"], line["resource"]) == (control, key) else line for line in lines]
    assert (control, key, turned[verdict], verdict) in compare(asked, wrong, rows, account.trails)[1]


def test_every_record_gives_a_reason():
    for record in TABLE["disagreement"]:
        assert record.keys() == {"control", "resources", "yagura", "prowler", "why"}, record
        assert len(record["why"]) > 40 and record["resources"], record
