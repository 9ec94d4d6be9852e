"""The way to an account: credentials, roles, endpoints, an AWS that fails in every manner, and what doctor and policy say."""

import json
import re
import socket

import pytest
import seed
from conftest import Yagura
from proxy import Proxy, Rule, broken, denied, edited, expired, throttled
from seed import ACCOUNT, HOME, OTHER, STRANGER


class Small:
    """A small account: a key, a topic, a bucket."""

    def __init__(self, folder):
        self.moto = seed.Moto()
        self.moto.reset()
        self.moto.client("kms").create_key()
        self.moto.client("sns").create_topic(Name="t")
        self.moto.client("s3").create_bucket(Bucket="yg-bucket")
        self.yagura = Yagura(folder)

    def scan(self, *args, url=None, env=None, services=("kms", "sns")):
        chosen = [a for s in services for a in ("--service", s)]
        return self.yagura("scan", "--no-state", "--format", "ndjson", "--region", HOME, *chosen, *args,
                           env={**self.moto.env(url), **(env or {})})

    def through(self, *rules, args=(), env=None, **more):
        with Proxy(self.moto.url, rules) as proxy:
            done = self.scan(*args, url=proxy.url, env=env, **more)
        done.seen = proxy.seen
        return done


@pytest.fixture(scope="module")
def account(tmp_path_factory):
    small = Small(tmp_path_factory.mktemp("account"))
    yield small
    small.moto.stop()


def last(done):
    return done.err.strip().splitlines()[-1]


# ---- credentials

NOBODY = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}


def test_no_credentials_say_what_to_do(account):
    done = account.scan(env=NOBODY)
    assert done.code == 3 and not done.out
    assert "no AWS credentials found" in done.err and "aws sso login" in done.err and "--profile" in done.err
    done = account.scan("--profile", "nobody", env=NOBODY)
    assert done.code == 3 and "`nobody`" in done.err


@pytest.mark.parametrize("code", ["ExpiredToken", "InvalidClientTokenId", "SignatureDoesNotMatch"])
def test_credentials_that_aws_refuses(account, code):
    done = account.through(Rule("*", 403, code, "The security token is no good."))
    assert done.code == 3 and not done.out
    assert code in done.err and "aws sso login" in done.err
    # Asked once more at most, with fresh credentials.
    assert len(done.seen) <= 2


def test_credentials_that_expire_while_it_reads(account):
    done = account.through(expired("kms:*"), args=["--strict"])
    assert done.code == 4
    assert {r["verdict"] for r in done.rows() if r["control"].startswith("KMS.")} == {"UNKNOWN"}
    assert "ExpiredToken" in done.err


def keys_used(account, *args, env):
    """The access keys that signed the requests of a scan."""
    done = account.through(args=args, env=env, services=("kms",))
    assert done.code == 0, done.err
    return {s[4] for s in done.seen}


def test_a_named_profile_outranks_the_environment(account):
    folder = account.yagura.folder / ".aws"
    folder.mkdir(exist_ok=True)
    (folder / "credentials").write_text("[audit]\naws_access_key_id = AUDITKEY\naws_secret_access_key = x\n")
    assert keys_used(account, env={}) == {"test"}
    assert keys_used(account, "--profile", "audit", env={}) == {"AUDITKEY"}
    assert keys_used(account, env={**NOBODY, "AWS_PROFILE": "audit"}) == {"AUDITKEY"}


def test_a_role_in_another_account_and_in_this_one(account):
    done = account.through(Rule("sts:AssumeRole", where="ExternalId=a-b"), services=("kms",),
                           args=["--role", f"arn:aws:iam::{STRANGER}:role/audit/yagura", "--external-id", "a-c"])
    assert done.code == 0 and {r["account"] for r in done.rows()} <= {STRANGER}, done.err
    for owner in (STRANGER, ACCOUNT):
        done = account.through(args=["--role", f"arn:aws:iam::{owner}:role/yagura"], services=("kms",))
        assert len([s for s in done.seen if s[1] == "AssumeRole"]) == 1, "a role is taken on once"
        signed = {s[4] for s in done.seen if s[0] == "kms"}
        assert signed and "test" not in signed, owner
    done = account.through(denied("sts:AssumeRole", where="ExternalId=a-b"),
                           args=["--role", f"arn:aws:iam::{STRANGER}:role/yagura", "--external-id", "a-b"])
    assert done.code == 3 and f"arn:aws:iam::{STRANGER}:role/yagura" in done.err and "trust policy" in done.err
    done = account.scan("--role", "yagura")
    assert done.code == 2 and "arn:aws:iam::ACCOUNT:role/NAME" in done.err


# ---- where to

def test_a_region_that_is_none(account):
    done = account.scan("--region", "tokyo east")
    assert done.code == 2 and "`tokyo east`" in done.err and "ap-northeast-1" in done.err and not done.out
    done = account.yagura("scan", "--no-state", "--region", "us-east-99", env={**account.moto.env(), "AWS_ENDPOINT_URL": ""})
    assert done.code == 3 and "sts.us-east-99.amazonaws.com" in done.err and "Region" in done.err


def test_an_endpoint_that_is_down_or_none(account):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        done = account.scan(url=f"http://127.0.0.1:{port}")
    assert done.code == 3 and f"127.0.0.1:{port}" in done.err and "AWS_ENDPOINT_URL" in done.err and not done.out
    done = account.scan(url="localhost")
    assert done.code == 3 and "`localhost`" in done.err and "AWS_ENDPOINT_URL" in done.err


def test_the_endpoint_of_one_service(account):
    with Proxy(account.moto.url) as proxy:
        done = account.scan(env={"AWS_ENDPOINT_URL_S3": proxy.url}, services=("s3", "kms"))
    assert done.code == 0 and {s[0] for s in proxy.seen} == {"s3"}
    # By path, since the host isn't AWS's.
    assert any(s[3].startswith("/yg-bucket") for s in proxy.seen)
    with Proxy(account.moto.url) as proxy:
        account.scan(env={"AWS_ENDPOINT_URL_S3": proxy.url, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true", "AWS_MAX_ATTEMPTS": "1"},
                     services=("s3",))
    assert not proxy.seen


def test_s3_sends_to_the_buckets_own_region(account):
    moved = Rule("s3:GetBucketPolicyStatus", 301, "PermanentRedirect", "use the bucket's Region", times=1,
                 headers={"x-amz-bucket-region": OTHER})
    done = account.through(moved, services=("s3",))
    assert done.code == 0 and moved.hits == 1
    assert {r["verdict"] for r in done.rows()} <= {"PASS", "FAIL"}
    regions = [s[2] for s in done.seen if s[1] == "GetBucketPolicyStatus"]
    assert regions == [HOME, OTHER]


def test_all_enabled_regions_are_read_and_no_other(account):
    def keep(text):
        named = re.findall(r"<item>.*?</item>", text, re.S)
        kept = [item for item in named if f">{HOME}<" in item or f">{OTHER}<" in item]
        return text.replace("".join(named), "".join(kept)) if "".join(named) in text else re.sub(
            r"(<regionInfo>).*(</regionInfo>)", lambda m: m[1] + "".join(kept) + m[2], text, flags=re.S)

    with Proxy(account.moto.url, [edited("ec2:DescribeRegions", keep)]) as proxy:
        done = account.yagura("scan", "--no-state", "--format", "ndjson", "--service", "kms", env=account.moto.env(proxy.url))
    assert done.code == 0
    assert {s[2] for s in proxy.seen if s[:2] == ("kms", "ListKeys")} == {HOME, OTHER}
    blind = Rule("ec2:DescribeRegions", 403, "UnauthorizedOperation", "no"), denied("account:ListRegions")
    with Proxy(account.moto.url, blind) as proxy:
        done = account.yagura("scan", "--no-state", "--format", "ndjson", "--service", "kms", "--strict", env=account.moto.env(proxy.url))
    unknown = [r for r in done.rows() if r["verdict"] == "UNKNOWN"]
    assert done.code == 4 and unknown and all("ec2:DescribeRegions" in r["reason"] and r["region"] is None for r in unknown)


# ---- an AWS that fails

def test_throttling_is_waited_out(account):
    clean = account.scan()
    done = account.through(throttled("kms:ListKeys", times=2), throttled("sns:*", times=1))
    assert done.code == 0 and done.out == clean.out
    assert [s[1] for s in done.seen].count("ListKeys") == 3


def test_attempts_are_counted(account):
    rule = throttled("kms:ListKeys")
    done = account.through(rule, args=["--strict"], env={"AWS_MAX_ATTEMPTS": "2"})
    assert done.code == 4 and rule.hits == 2
    assert any(r["verdict"] == "UNKNOWN" and "kms:ListKeys" in r["reason"] and "Throttling" in r["reason"] for r in done.rows())
    for wrong in ("0", "many"):
        done = account.scan(env={"AWS_MAX_ATTEMPTS": wrong})
        assert done.code == 2 and f"`{wrong}`" in done.err and "AWS_MAX_ATTEMPTS" in done.err


def test_a_service_that_fails(account):
    clean = account.scan()
    assert account.through(broken("kms:*", times=1), broken("sns:*", times=1, status=503)).out == clean.out
    done = account.through(broken("kms:*"), args=["--strict"], env={"AWS_MAX_ATTEMPTS": "2"})
    assert done.code == 4 and "not visible" in done.err and "kms:ListKeys" in done.err
    done = account.through(broken("*"), env={"AWS_MAX_ATTEMPTS": "2"})
    assert done.code == 3 and "try again later" in done.err and not done.out
    done = account.through(Rule("kms:*", close=True), args=["--strict"], env={"AWS_MAX_ATTEMPTS": "2"})
    assert done.code == 4 and all(r["verdict"] == "UNKNOWN" for r in done.rows() if r["control"].startswith("KMS."))


ANSWERS = {
    "a web page": "<html><body>Please log in</body></html>",
    "cut off": '{"Keys": [{"KeyId',
    "nothing": "",
    "too much": '{"Keys": ["' + "x" * (65 << 20) + '"]}',
    "no list": '{"Keys": 5}',
    "no object": "[1, 2]",
    "deep": "[" * 100_000,
}


@pytest.mark.parametrize("kind", ANSWERS)
def test_an_answer_that_is_none(account, kind):
    """Never a clean result: an answer that can't be read is not an empty account."""
    text = ANSWERS[kind]
    done = account.through(edited("kms:ListKeys", lambda _: text), args=["--strict"])
    verdicts = {r["verdict"] for r in done.rows() if r["control"].startswith("KMS.")}
    assert done.code == 4 and verdicts == {"UNKNOWN"}, done.err
    for call in ("sts:GetCallerIdentity", "sns:ListTopics", "s3:ListBuckets"):
        done = account.through(edited(call, lambda _: text), args=["--strict"], services=("sns", "s3", "kms"))
        assert done.code == (3 if call.startswith("sts") else 4), (call, done.err)
        assert "endpoint" in last(done) or done.code == 4


def test_everything_denied_is_no_result(account):
    done = account.through(*(denied(f"{s}:*") for s in ("kms", "sns", "s3")), args=["--strict"])
    assert done.code == 3 and "yagura policy" in last(done)
    assert {r["verdict"] for r in done.rows()} == {"UNKNOWN"}
    # One refused call is a blind spot like any other.
    done = account.through(denied("kms:ListKeys"), services=("kms",), args=["--strict"])
    assert done.code == 4 and {r["verdict"] for r in done.rows()} == {"UNKNOWN"}
    assert account.through(denied("kms:ListKeys"), services=("kms",)).code == 0


# ---- doctor and policy

def policy(account, *args):
    done = account.yagura("policy", *args)
    assert done.code == 0
    statement, = json.loads(done.out)["Statement"]
    assert statement["Effect"] == "Allow" and statement["Resource"] == "*"
    assert statement["Action"] == sorted(set(statement["Action"]))
    return set(statement["Action"])


def test_doctor_names_what_each_denial_blinds(account):
    def doctor(*rules):
        with Proxy(account.moto.url, [*rules, *seed.completed(mended=True)]) as proxy:
            done = account.yagura("doctor", "--format", "ndjson", "--region", HOME, env=account.moto.env(proxy.url))
        assert done.code == 0, done.err
        return done.rows()

    rows = doctor()
    assert [r["ok"] for r in rows if r["check"] == "permissions"] == [True], rows
    assert any(ACCOUNT in r["what"] and r["ok"] for r in rows if r["check"] == "credentials")
    assert any(HOME in r["what"] for r in rows if r["check"] == "regions")
    rows = doctor(denied("kms:ListKeys"), denied("s3:GetBucketPolicyStatus"), denied("sns:GetTopicAttributes"))
    blind = {r["what"]: set(r["controls"]) for r in rows if r["check"] == "permissions" and not r["ok"]}
    for action, some in (("kms:ListKeys", {"KMS.3", "KMS.4", "KMS.5"}), ("sns:GetTopicAttributes", {"SNS.1", "SNS.4"})):
        named = set().union(*(controls for what, controls in blind.items() if action in what))
        assert some <= named, blind
    done = account.yagura("doctor", "--format", "ndjson", env={**account.moto.env(), **NOBODY})
    assert done.code == 3
    assert any(r["check"] == "credentials" and not r["ok"] and "aws sso login" in r["what"] for r in done.rows())


def test_policy_of_one_service(account):
    assert "kms:ListKeys" in policy(account, "--service", "kms")
    assert not any(a.startswith("s3:") for a in policy(account, "--service", "kms"))
