"""The playbooks against moto: plan, apply, verify, undo; killed in between; drift; and what is left alone."""

import json
import signal
import sqlite3
import subprocess
import threading

import pytest
from conftest import YAGURA
from proxy import Proxy, Rule, denied

FAR = "ap-northeast-1"


def finding(yagura, rule):
    rows = yagura("findings", "--rule", rule, "--format", "ndjson").rows()
    assert rows, f"no open finding of {rule}"
    return rows[0]["id"]


def scan(yagura, moto, *services):
    args = [word for s in services for word in ("--service", s)]
    done = yagura("scan", "--region", "us-east-1", *args, "--format", "ndjson", env=moto.env())
    assert done.code == 0, done.err
    return done


def plan(yagura, moto, id):
    done = yagura("fix", id, "--format", "json", env=moto.env())
    assert done.code == 0, done.err
    return json.loads(done.out)


def fix(yagura, moto, id, **env):
    return yagura("fix", id, "--yes", "--format", "json", env={**moto.env(), **env})


class Bucket:
    rule, services = "S3.8", ["s3"]

    def __init__(self, moto):
        self.s3 = moto.client("s3")
        self.s3.create_bucket(Bucket="open")
        block = {"BlockPublicAcls": True, "IgnorePublicAcls": False, "BlockPublicPolicy": False, "RestrictPublicBuckets": False}
        self.s3.put_public_access_block(Bucket="open", PublicAccessBlockConfiguration=block)

    def state(self):
        try:
            return self.s3.get_public_access_block(Bucket="open")["PublicAccessBlockConfiguration"]
        except self.s3.exceptions.ClientError:
            return None

    def good(self, state):
        return state and all(state.values())

    def meddle(self):
        self.s3.delete_public_access_block(Bucket="open")

    def protect(self):
        self.s3.put_bucket_tagging(Bucket="open", Tagging={"TagSet": [{"Key": "yagura:protect", "Value": "website"}]})


class NewBucket(Bucket):
    """Without a block of its own: undo takes the block off again."""

    def __init__(self, moto):
        super().__init__(moto)
        self.s3.delete_public_access_block(Bucket="open")

    def meddle(self):
        block = {"BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": False, "RestrictPublicBuckets": True}
        self.s3.put_public_access_block(Bucket="open", PublicAccessBlockConfiguration=block)


class Group:
    rule, services = "EC2.13", ["ec2"]

    def __init__(self, moto):
        self.ec2 = moto.client("ec2")
        self.id = self.ec2.create_security_group(GroupName="jump", Description="jump host")["GroupId"]
        self.ec2.authorize_security_group_ingress(GroupId=self.id, IpPermissions=[
            {"IpProtocol": "tcp", "FromPort": 20, "ToPort": 25,
             "IpRanges": [{"CidrIp": "0.0.0.0/0", "Description": "for now"}, {"CidrIp": "10.0.0.0/8", "Description": "office"}],
             "Ipv6Ranges": [{"CidrIpv6": "::/0", "Description": "for now, too"}]},
            {"IpProtocol": "tcp", "FromPort": 3389, "ToPort": 3389, "Ipv6Ranges": [{"CidrIpv6": "::/0"}]},
            {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "128.0.0.0/1"}]},
            {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]},
        ])

    def rules(self):
        found = self.ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [self.id]}])
        return [r for r in found["SecurityGroupRules"] if not r["IsEgress"]]

    def state(self):
        keys = ("IpProtocol", "FromPort", "ToPort", "CidrIpv4", "CidrIpv6", "Description")
        return sorted(json.dumps({k: r.get(k) for k in keys}) for r in self.rules())

    def good(self, state):
        return len(state) == 2 and any("443" in r for r in state) and any("10.0.0.0/8" in r for r in state)

    def meddle(self):
        self.ec2.authorize_security_group_ingress(GroupId=self.id, IpPermissions=[
            {"IpProtocol": "tcp", "FromPort": 8080, "ToPort": 8080, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}])

    def protect(self):
        self.ec2.create_tags(Resources=[self.id], Tags=[{"Key": "yagura:protect", "Value": "honeypot"}])


class Trail:
    """At home in another Region than the finding on the account."""

    rule, services = "CloudTrail.3", ["cloudtrail", "s3", "account"]

    def __init__(self, moto):
        moto.client("s3").create_bucket(Bucket="trail-logs")
        self.trail = moto.client("cloudtrail", FAR)
        self.trail.create_trail(Name="main", S3BucketName="trail-logs", IsMultiRegionTrail=True)

    def state(self):
        return self.trail.get_trail_status(Name="main")["IsLogging"]

    def good(self, state):
        return state is True

    def meddle(self):
        self.trail.stop_logging(Name="main")

    def protect(self):
        arn = self.trail.describe_trails()["trailList"][0]["TrailARN"]
        self.trail.add_tags(ResourceId=arn, TagsList=[{"Key": "yagura:protect", "Value": "x"}])


class Key:
    """A leaked key: the finding comes from the log."""

    rule = "iam-access-key-for-other-user"

    def __init__(self, moto):
        self.iam = moto.client("iam")
        self.iam.create_user(UserName="deploy")
        self.keys = [self.iam.create_access_key(UserName="deploy")["AccessKey"] for _ in range(2)]

    def state(self):
        keys = self.iam.list_access_keys(UserName="deploy")["AccessKeyMetadata"]
        return sorted((k["AccessKeyId"], k["Status"]) for k in keys)

    def good(self, state):
        return all(status == "Inactive" for _, status in state)

    def meddle(self):
        key = self.state()[0][0]
        self.iam.update_access_key(UserName="deploy", AccessKeyId=key, Status="Active")

    def protect(self):
        self.iam.tag_user(UserName="deploy", Tags=[{"Key": "yagura:protect", "Value": ""}])


def leak(yagura, user="deploy"):
    event = {
        "eventVersion": "1.09", "eventTime": "2026-01-02T03:04:05Z", "eventSource": "iam.amazonaws.com",
        "eventName": "CreateAccessKey", "awsRegion": "us-east-1", "sourceIPAddress": "203.0.113.7", "userAgent": "aws-cli",
        "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::123456789012:user/eve", "userName": "eve", "accountId": "123456789012"},
        "requestParameters": {"userName": user},
        "responseElements": {"accessKey": {"userName": user, "accessKeyId": "AKIAEXAMPLE", "status": "Active"}},
        "eventID": "11111111-1111-1111-1111-111111111111", "eventType": "AwsApiCall", "recipientAccountId": "123456789012",
    }
    (yagura.folder / "log.json").write_text(json.dumps({"Records": [event]}))
    done = yagura("ingest", "log.json", "--format", "ndjson")
    assert done.code == 0, done.err


def open_finding(yagura, moto, case):
    if isinstance(case, Key):
        leak(yagura)
    else:
        scan(yagura, moto, *case.services)
    return finding(yagura, case.rule)


CASES = [Bucket, NewBucket, Group, Trail, Key]


@pytest.mark.parametrize("make", CASES)
def test_plan_apply_verify_undo(yagura, moto, make):
    case = make(moto)
    before = case.state()
    id = open_finding(yagura, moto, case)
    shown = plan(yagura, moto, id)
    assert shown["calls"] and shown["undo"] and shown["permissions"] and case.state() == before
    assert all(s["before"] != s["after"] for s in shown["states"])
    text = yagura("fix", id, "--lang", "ja", env=moto.env())
    assert "まだ何も変更していません" in text.out and case.state() == before
    done = fix(yagura, moto, id)
    assert done.code == 0, done.err
    assert json.loads(done.out)["status"] == "applied" and case.good(case.state())
    # Once more: there is nothing left to do, and the first run can still be taken back.
    again = fix(yagura, moto, id)
    assert again.code == 0 and not json.loads(again.out)["calls"], again.err
    run = json.loads(done.out)["run"]
    back = yagura("undo", run, env=moto.env())
    assert back.code == 0, back.err
    assert case.state() == before
    again = yagura("undo", run, env=moto.env())
    assert again.code == 2 and "undone" in again.err and case.state() == before


@pytest.mark.parametrize("make", CASES)
def test_drift_before_an_undo_is_refused(yagura, moto, make):
    case = make(moto)
    id = open_finding(yagura, moto, case)
    done = fix(yagura, moto, id)
    assert done.code == 0, done.err
    case.meddle()
    meddled = case.state()
    back = yagura("undo", json.loads(done.out)["run"], env=moto.env())
    assert back.code == 3 and "has changed since" in back.err
    assert case.state() == meddled


def test_a_plan_that_is_out_of_date_is_refused(yagura, moto):
    case = Group(moto)
    id = open_finding(yagura, moto, case)
    plan(yagura, moto, id)
    case.meddle()
    before = case.state()
    done = fix(yagura, moto, id)
    assert done.code == 3 and "has changed since plan" in done.err and "8080" in done.err
    assert case.state() == before
    assert fix(yagura, moto, id).code == 0


@pytest.mark.parametrize("make", [Bucket, Group, Trail, Key])
def test_what_is_protected_is_left_alone_although_the_inventory_does_not_know_yet(yagura, moto, make):
    case = make(moto)
    id = open_finding(yagura, moto, case)
    case.protect()
    before = case.state()
    for args in ([], ["--yes"]):
        done = yagura("fix", id, *args, env=moto.env())
        assert done.code == 2 and "yagura:protect" in done.err, done.err
    assert case.state() == before


def test_another_account_is_not_touched(yagura, moto):
    case = Bucket(moto)
    id = open_finding(yagura, moto, case)
    run = plan(yagura, moto, id)["run"]
    role = moto.client("sts").assume_role(RoleArn="arn:aws:iam::999988887777:role/admin", RoleSessionName="other")["Credentials"]
    other = {"AWS_ACCESS_KEY_ID": role["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": role["SecretAccessKey"], "AWS_SESSION_TOKEN": role["SessionToken"]}
    before = case.state()
    done = fix(yagura, moto, id, **other)
    assert done.code == 2 and "123456789012" in done.err and "999988887777" in done.err
    assert case.state() == before
    assert fix(yagura, moto, id).code == 0
    after = case.state()
    done = yagura("undo", run, env={**moto.env(), **other})
    assert done.code == 2 and "999988887777" in done.err and case.state() == after


def test_the_keys_that_we_call_with_are_not_cut_off(yagura, moto):
    case = Key(moto)
    leak(yagura)
    key = case.keys[0]
    done = fix(yagura, moto, finding(yagura, case.rule), AWS_ACCESS_KEY_ID=key["AccessKeyId"], AWS_SECRET_ACCESS_KEY=key["SecretAccessKey"])
    assert done.code == 2 and "other credentials" in done.err
    assert {status for _, status in case.state()} == {"Active"}


# ---- in the middle

class Before(Rule):
    """Does something when a request comes, before moto sees it."""

    def __init__(self, pattern, act, **more):
        super().__init__(pattern, **more)
        self.act = act

    def takes(self, request):
        if super().takes(request):
            self.act()
        return False


def after(pattern, act, **more):
    """Does something when moto has carried a request out, before its answer goes back."""

    def edit(status, data):
        act()
        return status, data

    return Rule(pattern, edit=edit, **more)


class Command:
    """A command that goes on while the test does something else."""

    def __init__(self, yagura, env, *args):
        out = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.start = lambda: subprocess.Popen([YAGURA, *args], cwd=yagura.folder, env={**yagura.env, **env}, **out)
        self.process = None

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def run(self):
        self.process = self.start()
        return self.process.wait(60)


def journal(yagura):
    (file,) = (yagura.folder / "data").glob("*.db")
    with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as db:
        return db.execute("SELECT phase, seq, status FROM fix_journal ORDER BY at, phase, seq").fetchall()


def interrupted(yagura, moto, make, operation, when=after):
    """A fix that was killed at its second changing call: (case, state before, finding, run, rows as the call came)."""
    case = make(moto)
    before = case.state()
    id = open_finding(yagura, moto, case)
    run = plan(yagura, moto, id)["run"]
    calls, rows = 0, []

    def act():
        nonlocal calls
        calls += 1
        if calls == 2:
            rows.extend(journal(yagura))
            command.kill()

    with Proxy(moto.url, [when(operation, act)]) as proxy:
        command = Command(yagura, moto.env(AWS_ENDPOINT_URL=proxy.url), "fix", id, "--yes")
        assert command.run() == -signal.SIGKILL
    return case, before, id, run, rows


@pytest.mark.parametrize("make,operation", [(Group, "ec2:RevokeSecurityGroupIngress"), (Key, "iam:UpdateAccessKey")])
@pytest.mark.parametrize("when", [Before, after])
def test_killed_between_two_calls(yagura, moto, make, operation, when):
    case, before, id, run, rows = interrupted(yagura, moto, make, operation, when)
    # A row is durable before its call goes out.
    assert rows == [("apply", 0, "done"), ("apply", 1, "intended")]
    assert case.state() != before
    assert "undo " + run in yagura("fix", id, env=moto.env()).out
    done = fix(yagura, moto, id)
    assert done.code == 0, done.err
    assert json.loads(done.out)["run"] == run and case.good(case.state())
    back = yagura("undo", run, env=moto.env())
    assert back.code == 0, back.err
    assert case.state() == before


def test_killed_between_two_calls_and_taken_back_with_an_undo_that_is_killed_too(yagura, moto):
    case, before, id, run, _ = interrupted(yagura, moto, Group, "ec2:RevokeSecurityGroupIngress")
    with Proxy(moto.url, [after("ec2:AuthorizeSecurityGroupIngress", lambda: command.kill(), times=1)]) as proxy:
        command = Command(yagura, moto.env(AWS_ENDPOINT_URL=proxy.url), "undo", run)
        assert command.run() == -signal.SIGKILL
    done = fix(yagura, moto, id)
    assert done.code == 2 and f"undo {run}" in done.err
    back = yagura("undo", run, env=moto.env())
    assert back.code == 0, back.err
    assert case.state() == before


def test_drift_after_an_interruption(yagura, moto):
    case, _, id, run, _ = interrupted(yagura, moto, Group, "ec2:RevokeSecurityGroupIngress")
    case.meddle()
    meddled = case.state()
    back = yagura("undo", run, env=moto.env())
    assert back.code == 3 and "has changed since" in back.err and case.state() == meddled
    done = fix(yagura, moto, id)
    assert done.code == 3 and "given up" in done.err and case.state() == meddled
    # From here a new plan counts.
    assert plan(yagura, moto, id)["run"] != run
    assert fix(yagura, moto, id).code == 0


def test_a_call_that_is_denied_is_gone_on_with(yagura, moto):
    case = Key(moto)
    leak(yagura)
    id = finding(yagura, case.rule)
    second = case.state()[1][0]
    with Proxy(moto.url, [denied("iam:UpdateAccessKey", where=second)]) as proxy:
        done = fix(yagura, moto, id, AWS_ENDPOINT_URL=proxy.url)
    assert done.code == 3 and "call 2" in done.err and "iam:UpdateAccessKey" in done.err and "yagura undo R-" in done.err
    assert [status for _, status in case.state()] == ["Inactive", "Active"]
    assert fix(yagura, moto, id).code == 0 and case.good(case.state())


def test_two_at_once(yagura, moto):
    case = Key(moto)
    leak(yagura)
    id = finding(yagura, case.rule)
    arrived, go = threading.Event(), threading.Event()

    def wait():
        arrived.set()
        assert go.wait(60)

    with Proxy(moto.url, [Before("iam:UpdateAccessKey", wait, times=1)]) as proxy:
        first = Command(yagura, moto.env(AWS_ENDPOINT_URL=proxy.url), "fix", id, "--yes")
        thread = threading.Thread(target=first.run)
        thread.start()
        assert arrived.wait(60)
        second = fix(yagura, moto, id)
        assert second.code == 3 and "under way" in second.err
        go.set()
        thread.join(60)
    assert first.process.returncode == 0 and case.good(case.state())
