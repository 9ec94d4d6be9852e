"""Who outside has access, what was really used, and which permission to cut: scanned from moto, used by CloudTrail's records."""

import datetime
import fnmatch
import json

import pytest

ACCOUNT = "123456789012"
OUTSIDE = "444455556666"


def allow(*actions, resource="*", **more):
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource, **more}


def document(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def arn(what):
    return f"arn:aws:iam::{ACCOUNT}:{what}"


def record(role, source, name, number, **more):
    """A CloudTrail record of a session of a role, two days ago."""
    time = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=2, minutes=number)
    return {
        "eventVersion": "1.09", "eventID": f"00000000-0000-0000-0000-{number:012}", "awsRegion": "us-east-1",
        "eventTime": time.strftime("%Y-%m-%dT%H:%M:%SZ"), "eventSource": source, "eventName": name, "eventType": "AwsApiCall",
        "managementEvent": True, "recipientAccountId": ACCOUNT, "sourceIPAddress": "198.51.100.7", "userAgent": "aws-cli/2",
        "userIdentity": {
            "type": "AssumedRole", "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/s", "accountId": ACCOUNT, "principalId": "AROAX:s",
            "sessionContext": {"sessionIssuer": {"type": "Role", "arn": arn(f"role/{role}"), "accountId": ACCOUNT, "userName": role}},
        },
        "requestParameters": None, "responseElements": None, **more,
    }


@pytest.fixture
def account(yagura, moto):
    """Two roles over which users become administrators, and resources that are open to others or closed."""
    iam, s3, sqs = moto.client("iam"), moto.client("s3"), moto.client("sqs")
    for name, principal in (("public", "*"), ("partner", {"AWS": f"arn:aws:iam::{OUTSIDE}:root"}), ("closed", {"AWS": arn("root")})):
        s3.create_bucket(Bucket=name)
        s3.put_bucket_policy(Bucket=name, Policy=document(
            allow("s3:GetObject", resource=f"arn:aws:s3:::{name}/*", Sid="Let", Principal=principal)))
    queue = sqs.create_queue(QueueName="jobs")["QueueUrl"]
    queue_arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": document(
        allow("sqs:SendMessage", resource=queue_arn, Sid="Send", Principal={"AWS": OUTSIDE}))})
    trust = lambda principal: document({"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"})
    iam.create_role(RoleName="vendor", AssumeRolePolicyDocument=trust({"AWS": f"arn:aws:iam::{OUTSIDE}:root"}))
    for name in ("ci", "admin"):
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust({"AWS": arn("root")}))
    everything = iam.create_policy(PolicyName="everything", PolicyDocument=document(allow("*")))["Policy"]["Arn"]
    iam.attach_role_policy(RoleName="admin", PolicyArn=everything)
    iam.put_role_policy(RoleName="ci", PolicyName="go", PolicyDocument=document(
        allow("sts:AssumeRole", resource=arn("role/admin")), allow("s3:GetObject", "s3:PutObject", "lambda:InvokeFunction")))
    for name in ("ann", "bob"):
        iam.create_user(UserName=name)
        iam.put_user_policy(UserName=name, PolicyName="go", PolicyDocument=document(allow("sts:AssumeRole", resource=arn("role/ci"))))
    done = yagura("scan", "--region", "us-east-1", "--service", "iam", "--service", "s3", "--service", "sqs", "--format", "ndjson", env=moto.env())
    assert done.code == 0, done.err
    yagura.verdicts = done.rows()
    return yagura


def rows(yagura, *args):
    done = yagura("access", *args, "--format", "ndjson")
    assert done.code == 0, done.err
    return done.rows()


def test_who_outside_is_let_in_is_told_unless_it_is_expected(account):
    open_to = {(row["resource"], row["principal"]): row for row in rows(account, "external") if row.get("principal")}
    partner, vendor = f"arn:aws:iam::{OUTSIDE}:root", arn("role/vendor")
    assert set(open_to) == {
        ("arn:aws:s3:::public", "*"), ("arn:aws:s3:::partner", partner), (vendor, partner),
        (f"arn:aws:sqs:us-east-1:{ACCOUNT}:jobs", OUTSIDE),
    }
    for (resource, _), row in open_to.items():
        # The request is one that the policy allows, by somebody who is not of the account.
        assert ACCOUNT not in row["request"]["principal"]
        assert row["request"]["resource"].startswith(resource)
        assert any(fnmatch.fnmatch(row["request"]["action"], action) for action in row["actions"])
    verdict = {(v["control"], v["resource"]): v["verdict"] for v in account.verdicts if v["control"].startswith("YG-Access")}
    assert verdict["YG-Access.1", "arn:aws:s3:::public"] == "FAIL"
    assert verdict["YG-Access.1", "arn:aws:s3:::partner"] == "FAIL"
    assert verdict["YG-Access.1", "arn:aws:s3:::closed"] == "PASS"
    assert (verdict["YG-Access.2", vendor], verdict["YG-Access.2", arn("role/ci")]) == ("FAIL", "PASS")
    data = account.folder / "data"
    (data / "yagura.toml").write_text(f"""
        [[trust.partner]]
        account = "{OUTSIDE}"
        resources = ["arn:aws:s3:::partner", "{vendor}"]
        [[trust.archive]]
        resource = "arn:aws:sqs:*"
        principal = "{OUTSIDE}"
        reason = "orders of the shop"
    """)
    assert [row["resource"] for row in rows(account, "external")] == ["arn:aws:s3:::public"]
    accepted = [row for row in rows(account, "external", "--archived") if row.get("archived")]
    assert [row["archived"] for row in accepted] == ["orders of the shop"]
    (data / "yagura.toml").write_text('[trust]\naccounts = ["12"]\n')
    assert account("access", "external").code == 2


def test_the_block_closes_what_a_policy_opens_to_everyone(account, moto):
    for name in ("public", "partner"):
        moto.client("s3").put_public_access_block(Bucket=name, PublicAccessBlockConfiguration={
            "BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True, "RestrictPublicBuckets": True})
    done = account("scan", "--region", "us-east-1", "--service", "s3", "--format", "ndjson", env=moto.env())
    verdict = {v["resource"]: v["verdict"] for v in done.rows() if v["control"] == "YG-Access.1"}
    # A policy that names whom it lets in is not public: the block leaves it alone.
    assert (verdict["arn:aws:s3:::public"], verdict["arn:aws:s3:::partner"]) == ("PASS", "FAIL")
    (asked,) = rows(account, "can", "anonymous", "s3:GetObject", "arn:aws:s3:::public/x")
    assert (asked["result"], asked["statement"]) == ("ExplicitlyDenied", "block-public-access/RestrictPublicBuckets")


def test_what_was_done_gives_the_least_policy_and_the_best_cut(account):
    get = {"requestParameters": {"bucketName": "closed", "key": "a.csv"}, "managementEvent": False,
           "resources": [{"type": "AWS::S3::Object", "ARN": "arn:aws:s3:::closed/a.csv"}]}
    assume = {"requestParameters": {"roleArn": arn("role/admin"), "roleSessionName": "s"}}
    records = [record("ci", "s3.amazonaws.com", "GetObject", n, **get) for n in range(1, 4)]
    records += [record("ci", "sts.amazonaws.com", "AssumeRole", 9, **assume)]
    denied = {"errorCode": "AccessDenied", "requestParameters": {"tableName": "orders"}}
    records += [record("ci", "dynamodb.amazonaws.com", "DescribeTable", 10, **denied)]
    (account.folder / "log.json").write_text(json.dumps({"Records": records}))
    assert account("ingest", "log.json", "--format", "ndjson").code == 0
    (least,) = rows(account, "least", arn("role/ci"))
    assert least["denied"] == 0 and least["asked"] >= 2
    allowed = {(action, resource) for statement in least["policy"]["Statement"]
               for action in aslist(statement["Action"]) for resource in aslist(statement["Resource"])}
    assert allowed == {("s3:GetObject", "arn:aws:s3:::closed/a.csv"), ("sts:AssumeRole", arn("role/admin"))}
    assert account("access", "least", arn("user/ann")).code == 3
    # A role that was made today had no time to be used.
    assert rows(account, "unused", arn("role/ci")) == []
    cuts = rows(account, "escalate", "--cut")
    used = {(cut["principal"], cut["action"]): (cut["frees"], cut["uses"]) for cut in cuts}
    # The way of all three goes over one permission, which is used; those of the users alone are not.
    assert used[arn("role/ci"), "sts:AssumeRole"] == (3, 1)
    assert used[arn("user/ann"), "sts:AssumeRole"] == (1, 0)
    assert [cut["uses"] for cut in cuts] == [0, 0, 1]


def aslist(value):
    return value if isinstance(value, list) else [value]
