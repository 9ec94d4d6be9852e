"""Who outside has access, what an organization denies, what was really used, and which permission to cut: scanned from moto,
used by CloudTrail's records."""

import datetime
import fnmatch
import gzip
import json
import re

import pytest
from policies import ACCOUNT, allow, arn, document
from proxy import Proxy, edited

OUTSIDE = "444455556666"


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
    assert [verdict["YG-Access.1", f"arn:aws:s3:::{name}"] for name in ("public", "partner", "closed")] == ["FAIL", "FAIL", "PASS"]
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


def aslist(value):
    return value if isinstance(value, list) else [value]


class Company:
    """A management account and a member account in a unit of its organization, scanned into one data directory."""

    def __init__(self, yagura, moto):
        self.yagura, self.moto, self.organizations = yagura, moto, moto.client("organizations")
        self.id = self.organizations.create_organization(FeatureSet="ALL")["Organization"]["Id"]
        self.root = self.organizations.list_roots()["Roots"][0]["Id"]
        self.unit = self.organizations.create_organizational_unit(ParentId=self.root, Name="prod")["OrganizationalUnit"]["Id"]
        self.member = self.organizations.create_account(AccountName="shop", Email="shop@example.com")["CreateAccountStatus"]["AccountId"]
        self.move(self.root, self.unit)
        self.role = f"arn:aws:iam::{self.member}:role/OrganizationAccountAccessRole"

    def move(self, source, to):
        self.organizations.move_account(AccountId=self.member, SourceParentId=source, DestinationParentId=to)

    def client(self, service):
        """A client of the member account."""
        import boto3

        keys = self.moto.client("sts").assume_role(RoleArn=self.role, RoleSessionName="test")["Credentials"]
        return boto3.client(
            service, region_name="us-east-1", endpoint_url=self.moto.url, aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"], aws_session_token=keys["SessionToken"])

    def attach(self, target, sort, name, *statements):
        made = self.organizations.create_policy(Name=name, Description=name, Type=f"{sort}_CONTROL_POLICY", Content=document(*statements))
        self.organizations.attach_policy(PolicyId=made["Policy"]["PolicySummary"]["Id"], TargetId=target)

    def scan(self, *services, member=False):
        services = [arg for service in services for arg in ("--service", service)]
        role = ["--role", self.role] if member else []
        done = self.yagura("scan", "--region", "us-east-1", *services, *role, "--format", "ndjson", env=self.moto.env())
        assert done.code == 0, done.err
        return done.rows()

    def can(self, principal, action, resource):
        (answer,) = rows(self.yagura, "can", principal, action, resource)
        return answer["result"], answer["layer"], answer["statement"]


def test_what_the_organization_denies_binds_its_members(yagura, moto):
    company = Company(yagura, moto)
    iam, boss = company.client("iam"), moto.client("iam")
    iam.create_user(UserName="ann")
    iam.put_user_policy(UserName="ann", PolicyName="work", PolicyDocument=document(
        allow("s3:*", "dynamodb:*"), allow("iam:PutUserPolicy", resource=f"arn:aws:iam::{company.member}:user/ann")))
    boss.create_user(UserName="boss")
    boss.put_user_policy(UserName="boss", PolicyName="work", PolicyDocument=document(allow("s3:*")))
    company.client("s3").create_bucket(Bucket="orders")
    moto.client("s3").create_bucket(Bucket="bills")
    company.scan("iam", "s3", "organizations")
    company.scan("iam", "s3", member=True)
    ann = f"arn:aws:iam::{company.member}:user/ann"
    delete, look = ((ann, action, "arn:aws:s3:::orders") for action in ("s3:DeleteBucket", "s3:ListBucket"))
    read = (ann, "dynamodb:GetItem", f"arn:aws:dynamodb:us-east-1:{company.member}:table/orders")
    allowed = ("Allowed", "identity", "work/1")
    climbers = lambda: {row["principal"] for row in rows(yagura, "escalate") if row["steps"]}
    deleters = lambda: {row["principal"] for row in rows(yagura, "who-can", *delete[1:])}
    assert (company.can(*delete), company.can(*read), climbers()) == (allowed, allowed, {ann}) and ann in deleters()

    company.attach(company.root, "SERVICE", "guard", {"Sid": "Keep", "Effect": "Deny", "Action": ["s3:DeleteBucket", "iam:Put*"], "Resource": "*"})
    company.attach(company.unit, "SERVICE", "frozen", {"Effect": "Deny", "Action": "dynamodb:*", "Resource": "*"})
    company.scan("organizations")
    assert company.can(*delete) == ("ExplicitlyDenied", "scp", "guard/Keep")
    assert company.can(*read) == ("ExplicitlyDenied", "scp", "frozen/1")
    assert company.can(*look) == allowed and climbers() == set() and ann not in deleters()
    # The root is above the management account, too, which such policies never bind.
    assert company.can(arn("user/boss"), "s3:DeleteBucket", "arn:aws:s3:::bills") == allowed

    company.move(company.unit, company.root)
    company.scan("organizations")
    assert company.can(*read) == allowed
    # Each level has to allow what is done.
    company.attach(company.member, "SERVICE", "only", allow("s3:*"))
    company.organizations.detach_policy(PolicyId="p-FullAWSAccess", TargetId=company.member)
    company.scan("organizations")
    assert company.can(*read)[:2] == ("ImplicitlyDenied", "scp") and company.can(*look) == allowed


def test_what_resources_open_the_organization_closes(yagura, moto):
    company = Company(yagura, moto)
    s3 = company.client("s3")
    for name, principal in (("public", "*"), ("partner", {"AWS": OUTSIDE}), ("ours", {"AWS": arn("root")})):
        s3.create_bucket(Bucket=name)
        s3.put_bucket_policy(Bucket=name, Policy=document(
            allow("s3:GetObject", resource=f"arn:aws:s3:::{name}/*", Sid="Let", Principal=principal)))
    company.scan("organizations")
    verdicts = {v["resource"][13:]: v["verdict"] for v in company.scan("s3", "account", member=True) if v["control"] == "YG-Access.1"}
    # The hub knows of the organization from the scan before: its management account is inside.
    assert verdicts == {"public": "FAIL", "partner": "FAIL", "ours": "PASS"}
    # What belongs to the organization is inside.
    outside = lambda: [(row["resource"][13:], row["principal"]) for row in rows(yagura, "external")]
    assert outside() == [("partner", OUTSIDE), ("public", "*")]
    stranger = (f"arn:aws:iam::{OUTSIDE}:user/eve", "s3:GetObject", "arn:aws:s3:::public/a")
    assert company.can(*stranger)[0] == "Allowed"
    company.attach(company.unit, "RESOURCE", "perimeter", {
        "Sid": "OnlyUs", "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*", "Condition": {
            "StringNotEqualsIfExists": {"aws:PrincipalOrgID": company.id}, "BoolIfExists": {"aws:PrincipalIsAWSService": "false"}}})
    company.scan("organizations")
    assert outside() == []
    verdicts = {v["resource"][13:]: v["verdict"] for v in company.scan("s3", "account", member=True) if v["control"] == "YG-Access.1"}
    assert verdicts == {"public": "PASS", "partner": "PASS", "ours": "PASS"}
    (denied,) = rows(yagura, "can", *stranger, "--context", "aws:PrincipalOrgID=o-other000000")
    assert (denied["result"], denied["layer"], denied["statement"]) == ("ExplicitlyDenied", "rcp", "perimeter/OnlyUs")
    assert rows(yagura, "can", *stranger, "--context", f"aws:PrincipalOrgID={company.id}")[0]["result"] == "Allowed"


def open_and_closed(moto):
    """Resources that somebody outside can use, with who, and their neighbours that nobody can."""
    kms, ec2, iam, secrets, s3, tables = map(moto.client, ("kms", "ec2", "iam", "secretsmanager", "s3", "dynamodb"))
    partner, reader, app = (f"arn:aws:iam::{OUTSIDE}:{name}" for name in ("root", "role/reader", "role/app"))
    own = allow("kms:*", Principal={"AWS": arn("root")})
    let = allow("kms:Decrypt", Sid="Let", Principal={"AWS": reader})
    keys = [kms.create_key(Policy=document(*statements))["KeyMetadata"]["Arn"] for statements in ([own, let], [own], [own])]
    for key, grantee in ((keys[1], app), (keys[2], arn("role/app"))):
        kms.create_grant(KeyId=key, GranteePrincipal=grantee, Operations=["Decrypt"])
    opened, closed = {keys[0]: reader, keys[1]: app}, [keys[2]]
    for share in ({"UserIds": [OUTSIDE]}, {"GroupNames": ["all"]}, None):
        volume = ec2.create_volume(Size=1, AvailabilityZone="us-east-1a")["VolumeId"]
        snapshot = ec2.create_snapshot(VolumeId=volume)["SnapshotId"]
        name = f"arn:aws:ec2:us-east-1::snapshot/{snapshot}"
        if share is None:
            closed.append(name)
        else:
            ec2.modify_snapshot_attribute(SnapshotId=snapshot, Attribute="createVolumePermission", OperationType="add", **share)
            opened[name] = OUTSIDE if "UserIds" in share else "*"
    for name, principal in (("lent", partner), ("kept", arn("root"))):
        table = tables.create_table(
            TableName=name, KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}], BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}])["TableDescription"]["TableArn"]
        tables.put_resource_policy(ResourceArn=table, Policy=document(
            allow("dynamodb:GetItem", resource=table, Sid="Let", Principal={"AWS": principal})))
        secret = secrets.create_secret(Name=name, SecretString="x")["ARN"]
        secrets.put_resource_policy(SecretId=secret, ResourcePolicy=document(
            allow("secretsmanager:GetSecretValue", Sid="Let", Principal={"AWS": principal})))
        trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Condition": {"StringEquals": {"sts:ExternalId": "x-7"}}}
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=document({**trust, "Principal": {"AWS": principal}}))
        for one in (table, secret, arn(f"role/{name}")):
            opened.update({one: partner}) if name == "lent" else closed.append(one)
    # What lets in everyone, but keeps all out who are not of the account, opens nothing.
    s3.create_bucket(Bucket="fenced")
    fenced = {"Action": "s3:*", "Principal": "*", "Resource": ["arn:aws:s3:::fenced", "arn:aws:s3:::fenced/*"]}
    s3.put_bucket_policy(Bucket="fenced", Policy=document({"Effect": "Allow", **fenced}, {
        "Effect": "Deny", **fenced, "Condition": {"StringNotEquals": {"aws:PrincipalAccount": ACCOUNT}}}))
    # An access control list opens without any policy.
    s3.create_bucket(Bucket="listed")
    s3.put_bucket_acl(Bucket="listed", ACL="public-read")
    return opened | {"arn:aws:s3:::listed": "*"}, closed + ["arn:aws:s3:::fenced"]


def test_whatever_opens_a_resource_is_told_and_its_closed_neighbour_is_not(yagura, moto):
    opened, closed = open_and_closed(moto)
    services = [arg for service in "kms ec2 iam secretsmanager s3 dynamodb".split() for arg in ("--service", service)]
    done = yagura("scan", "--region", "us-east-1", *services, "--format", "ndjson", env=moto.env())
    verdicts = {v["resource"]: v["verdict"] for v in done.rows() if v["control"] in ("YG-Access.1", "YG-Access.2")}
    assert verdicts == dict.fromkeys(opened, "FAIL") | dict.fromkeys(closed, "PASS")
    told = rows(yagura, "external")
    assert {row["resource"]: row["principal"] for row in told} == opened and len(told) == len(opened)
    for row in told:
        who = row["request"]["principal"]
        assert row["request"]["action"] in row["actions"]
        assert f":{ACCOUNT}:" not in who if row["principal"] == "*" else f":{OUTSIDE}:" in who
    assert yagura("access", "external", "--fail-on", "high").code == 1
    settings = yagura.folder / "data" / "yagura.toml"
    accept = '[[trust.archive]]\nresource = "*"\nprincipal = "?*"\nreason = "known"\n'
    settings.write_text(accept)
    assert yagura("access", "external", "--fail-on", "high").code == 0 and rows(yagura, "external") == []
    assert {row["resource"] for row in rows(yagura, "external", "--archived") if row["archived"] == "known"} == set(opened)
    # What was accepted until yesterday is told again.
    yesterday = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=1)
    settings.write_text(accept + f'until = "{yesterday:%Y-%m-%d}"\n')
    assert len(rows(yagura, "external")) == len(opened)


@pytest.mark.parametrize("level", ["bucket", "account"])
def test_the_block_closes_what_a_policy_opens_to_everyone(account, moto, level):
    block = {"PublicAccessBlockConfiguration": {
        "BlockPublicAcls": False, "IgnorePublicAcls": False, "BlockPublicPolicy": False, "RestrictPublicBuckets": True}}
    if level == "bucket":
        for name in ("public", "partner"):
            moto.client("s3").put_public_access_block(Bucket=name, **block)
    else:
        control = moto.client("s3control")
        # boto3 puts the account in front of the host, which no loopback address can bear.
        control.meta.events.register(
            "before-sign.s3-control", lambda request, **_: setattr(request, "url", request.url.replace(f"//{ACCOUNT}.", "//")))
        control.put_public_access_block(AccountId=ACCOUNT, **block)
    done = account("scan", "--region", "us-east-1", "--service", "s3", "--service", "account", "--format", "ndjson", env=moto.env())
    verdict = {v["resource"]: v["verdict"] for v in done.rows() if v["control"] == "YG-Access.1"}
    # A policy that names whom it lets in is not public: the block leaves it alone.
    assert (verdict["arn:aws:s3:::public"], verdict["arn:aws:s3:::partner"]) == ("PASS", "FAIL")
    assert [row["resource"] for row in rows(account, "external") if ":s3:" in row["resource"]] == ["arn:aws:s3:::partner"]
    (asked,) = rows(account, "can", "anonymous", "s3:GetObject", "arn:aws:s3:::public/x")
    assert (asked["result"], asked["statement"]) == ("ExplicitlyDenied", "block-public-access/RestrictPublicBuckets")


def data_event(role, service, name, number, parameters, *resources):
    """A data event, which lists the resources that it was about."""
    listed = [{"accountId": ACCOUNT, "type": kind, "ARN": one} for kind, one in resources]
    return record(role, f"{service}.amazonaws.com", name, number, requestParameters=parameters, resources=listed,
                  managementEvent=False, eventCategory="Data")


def s3_event(role, name, number, bucket, key, **more):
    parameters = {"bucketName": bucket, "Host": f"{bucket}.s3.us-east-1.amazonaws.com", "key": key, **more}
    bucket = f"arn:aws:s3:::{bucket}"
    return data_event(role, "s3", name, number, parameters, ("AWS::S3::Object", f"{bucket}/{key}"), ("AWS::S3::Bucket", bucket))


def ingest(yagura, records):
    """Puts records into the lake, from a file as CloudTrail delivers it."""
    day = yagura.folder / f"AWSLogs/{ACCOUNT}/CloudTrail/us-east-1/2026/11/24"
    day.mkdir(parents=True, exist_ok=True)
    number = len(list(day.iterdir()))
    with gzip.open(day / f"{ACCOUNT}_CloudTrail_us-east-1_20261124T0000Z_{number:016}.json.gz", "wt") as file:
        json.dump({"Records": records}, file)
    done = yagura("ingest", "AWSLogs", "--format", "ndjson")
    assert done.code == 0, done.err


def allows(policy, action, resource, **context):
    """Whether a policy without Deny allows a request."""
    def holds(one):
        tests = [test for tests in one.get("Condition", {}).values() for test in tests.items()]
        return (any(fnmatch.fnmatchcase(action.lower(), a.lower()) for a in aslist(one["Action"]))
                and any(fnmatch.fnmatchcase(resource, r) for r in aslist(one["Resource"]))
                and all(context.get(key.split(":")[1]) in aslist(values) for key, values in tests))
    assert {one["Effect"] for one in policy["Statement"]} == {"Allow"}
    return any(map(holds, policy["Statement"]))


def test_the_least_policy_allows_each_thing_that_was_done_and_nothing_else(yagura):
    of = lambda service, rest: f"arn:aws:{service}:us-east-1:{ACCOUNT}:{rest}"
    resize, orders = of("lambda", "function:resize"), of("dynamodb", "table/orders")
    key, instance = of("kms", "key/1234abcd-12ab-34cd-56ef-1234567890ab"), "i-0123456789abcdef0"
    create = {"functionName": "made", "runtime": "python3.12", "role": arn("role/exec"), "handler": "a.h", "code": {}, "publish": False}
    call = lambda service, name, number, parameters, **more: record(
        "app", f"{service}.amazonaws.com", name, number, requestParameters=parameters, **more)
    ingest(yagura, [
        s3_event("app", "GetObject", 1, "data", "in/a.csv"),
        s3_event("app", "HeadObject", 2, "data", "in/b.csv"),
        s3_event("app", "UploadPart", 3, "data", "out/big.bin", uploadId="u", partNumber="1"),
        s3_event("app", "CopyObject", 4, "data", "out/x.csv", **{"x-amz-copy-source": "source/x.csv"}),
        data_event("app", "s3", "ListObjects", 5, {"list-type": "2", "bucketName": "data", "prefix": "in/"}, ("AWS::S3::Bucket", "arn:aws:s3:::data")),
        call("s3", "GetBucketEncryption", 6, {"bucketName": "data", "encryption": ""}),
        data_event("app", "lambda", "Invoke", 7, {"functionName": resize, "invocationType": "Event"}, ("AWS::Lambda::Function", resize)),
        call("lambda", "CreateFunction20150331", 8, create),
        data_event("app", "dynamodb", "GetItem", 9, {"tableName": "orders", "key": {"id": "1"}}, ("AWS::DynamoDB::Table", orders)),
        data_event("app", "dynamodb", "Query", 10, {"tableName": "orders", "indexName": "by-day"}, ("AWS::DynamoDB::Table", orders)),
        call("kms", "Decrypt", 11, {"encryptionAlgorithm": "SYMMETRIC_DEFAULT"}, resources=[{"accountId": ACCOUNT, "type": "AWS::KMS::Key", "ARN": key}]),
        call("ec2", "StopInstances", 13, {"instancesSet": {"items": [{"instanceId": instance}]}, "force": False}),
        call("ec2", "DescribeInstances", 14, {"instancesSet": {}, "filterSet": {}}),
        # An error that tells of the thing, not of who asks, comes after the permission.
        call("s3", "GetBucketPolicy", 15, {"bucketName": "data", "policy": ""}, errorCode="NoSuchBucketPolicy"),
        # Everybody may ask who they are; what was denied, done by others or done long ago is not asked for.
        call("sts", "GetCallerIdentity", 16, None),
        call("dynamodb", "DeleteTable", 17, {"tableName": "orders"}, errorCode="AccessDenied"),
        record("other", "s3.amazonaws.com", "DeleteBucket", 18, requestParameters={"bucketName": "data"}),
        call("s3", "DeleteBucket", 19, {"bucketName": "old"}, eventTime="2025-01-01T00:00:00Z"),
    ])
    done = yagura("access", "least", arn("role/app"), "--format", "json")
    (least,) = json.loads(done.out)
    policy, passes, data = least["policy"], {"PassedToService": "lambda.amazonaws.com"}, ["arn:aws:s3:::data"]
    used = {
        "s3:GetObject": ["arn:aws:s3:::data/in/a.csv", "arn:aws:s3:::data/in/b.csv", "arn:aws:s3:::source/x.csv"],
        "s3:PutObject": ["arn:aws:s3:::data/out/big.bin", "arn:aws:s3:::data/out/x.csv"],
        "s3:ListBucket": data, "s3:GetEncryptionConfiguration": data, "s3:GetBucketPolicy": data,
        "lambda:InvokeFunction": [resize], "lambda:CreateFunction": [of("lambda", "function:made")], "iam:PassRole": [arn("role/exec")],
        # An index is asked for, and its table is what the record lists.
        "dynamodb:GetItem": [orders], "dynamodb:Query": [orders, f"{orders}/index/by-day"], "kms:Decrypt": [key],
        "ec2:StopInstances": [of("ec2", f"instance/{instance}")], "ec2:DescribeInstances": ["*"],
    }
    assert least["denied"] == 0 and least["principal"] == arn("role/app")
    assert {action for statement in policy["Statement"] for action in aslist(statement["Action"])} == set(used)
    others = {of("dynamodb", "table/audit"), "arn:aws:s3:::data/in/c.csv", "arn:aws:s3:::old", of("ec2", "instance/i-0fedcba9876543210")}
    everything = others | {resource for resources in used.values() for resource in resources}
    for action, resources in used.items():
        allowed = {resource for resource in everything if allows(policy, action, resource, **passes)}
        assert resources == ["*"] or allowed == set(resources), action
    assert allows(policy, "ec2:DescribeInstances", "*") and not allows(policy, "iam:PassRole", arn("role/exec"), PassedToService="ec2.amazonaws.com")
    # A person gets the policy itself, to be attached as it is.
    assert json.loads(yagura("access", "least", arn("role/app")).out) == policy
    assert yagura("access", "least", arn("role/nobody")).code == 3


def test_what_nobody_used_is_told_but_for_what_is_young(yagura, moto):
    iam = moto.client("iam")
    trust = document({"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"})
    for name in ("idle", "app", "young"):
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)
        iam.put_role_policy(RoleName=name, PolicyName="work", PolicyDocument=document(
            allow("s3:GetObject", "s3:PutObject", "s3:ListAllMyBuckets", "kms:CreateKey", "iam:CreateUser")))
    iam.create_user(UserName="ann")
    keys = [iam.create_access_key(UserName="ann")["AccessKey"]["AccessKeyId"] for _ in range(2)]
    iam.update_access_key(UserName="ann", AccessKeyId=keys[1], Status="Inactive")
    assert yagura("scan", "--region", "us-east-1", "--service", "iam", "--resources", "now.ndjson", "--no-state", env=moto.env()).code == 0
    # All but one are a year older than moto can make them.
    today = f"{datetime.datetime.now(datetime.timezone.utc):%Y-}"
    lines = (yagura.folder / "now.ndjson").read_text().splitlines(keepends=True)
    older = [line if '"id":"young"' in line else line.replace(f'"CreateDate":"{today}', f'"CreateDate":"{int(today[:4]) - 1}-') for line in lines]
    assert sum(old != new for old, new in zip(lines, older)) == 3
    (yagura.folder / "old.ndjson").write_text("".join(older))
    ingest(yagura, [s3_event("app", "GetObject", 1, "data", "a.csv"),
                    record("app", "iam.amazonaws.com", "CreateUser", 2, requestParameters={"userName": "x"})])
    unused = lambda: {(row["principal"].split(":")[-1], row["what"]): row for row in rows(yagura, "unused", "--inventory", "old.ndjson")}
    # A lake that holds two days says nothing of ninety.
    assert set(unused()) == {("role/idle", "role"), ("role/app", "unknown"), ("role/young", "unknown"), ("user/ann", "access-key")}
    early = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=100)
    ingest(yagura, [record("gone", "iam.amazonaws.com", "ListUsers", 3, eventTime=f"{early:%Y-%m-%dT%H:%M:%SZ}")])
    told = unused()
    assert set(told) == {("role/idle", "role"), ("role/app", "permissions"), ("user/ann", "access-key")}
    assert told["user/ann", "access-key"]["detail"] == keys[0]
    # Of what it may do, it used all of IAM, a part of S3 and nothing of KMS.
    services = {one["service"]: one for one in told["role/app", "permissions"]["detail"]}
    assert set(services) == {"s3", "kms"} and services["kms"]["whole"]
    assert (services["s3"]["actions"], services["s3"]["whole"]) == (["ListAllMyBuckets", "PutObject"], False)
    assert yagura("access", "unused", "--inventory", "old.ndjson", "--fail-on", "medium").code == 1


def last_accessed(services):
    """Rules for the proxy that answer as AWS documents it, where moto has nothing; `services`: {name: (last, {action: last})}."""
    def at(name, day):
        return f"<{name}>{day}</{name}>" if day else ""

    def service(name, last, actions):
        tracked = "".join(f"<member><ActionName>{action}</ActionName>{at('LastAccessedTime', day)}</member>" for action, day in actions.items())
        return (f"<member><ServiceName>{name}</ServiceName><ServiceNamespace>{name}</ServiceNamespace>{at('LastAuthenticated', last)}"
                f"<TrackedActionsLastAccessed>{tracked}</TrackedActionsLastAccessed></member>")

    def answer(operation, result):
        return edited(f"iam:{operation}", lambda _: f"<{operation}Response><{operation}Result>{result}</{operation}Result></{operation}Response>")

    members = "".join(service(name, *told) for name, told in services.items())
    return [answer("GenerateServiceLastAccessedDetails", "<JobId>00000000-0000-0000-0000-000000000001</JobId>"),
            answer("GetServiceLastAccessedDetails", "<JobStatus>COMPLETED</JobStatus><IsTruncated>false</IsTruncated>"
                   f"<ServicesLastAccessed>{members}</ServicesLastAccessed>")]


def test_what_aws_remembers_of_uses_tells_what_is_unused_without_any_log(yagura, moto):
    iam = moto.client("iam")
    iam.create_role(RoleName="app", AssumeRolePolicyDocument=document({"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}))
    iam.put_role_policy(RoleName="app", PolicyName="work", PolicyDocument=document(allow("s3:GetBucketPolicy", "s3:GetObject", "s3:PutBucketPolicy", "kms:CreateKey")))
    now = datetime.datetime.now(datetime.timezone.utc)
    recent, early = (f"{now - datetime.timedelta(days=days):%Y-%m-%dT%H:%M:%SZ}" for days in (5, 200))
    told = {"s3": (recent, {"GetBucketPolicy": recent, "PutBucketPolicy": early}), "kms": (None, {})}
    used = f"</RoleName><RoleLastUsed><LastUsedDate>{recent}</LastUsedDate></RoleLastUsed>"
    older = edited("iam:GetAccountAuthorizationDetails", lambda text: re.sub(r"<CreateDate>[^<]*", f"<CreateDate>{early}", text).replace("</RoleName>", used))

    def scan(*more):
        with Proxy(moto.url, [older, *last_accessed(told)]) as proxy:
            done = yagura("scan", "--region", "us-east-1", "--service", "iam", *more, "--format", "ndjson", env={**moto.env(), "AWS_ENDPOINT_URL": proxy.url})
        assert done.code == 0, done.err
        return [row for row in done.rows() if row["control"] == "YG-Access.7"]

    assert scan() == []
    (found,) = scan("--with", "last-accessed")
    assert found["verdict"] == "FAIL"
    assert set(found["evidence"].values()) >= {"kms: all", "s3: PutBucketPolicy"}
    (row,) = [row for row in rows(yagura, "unused") if row["what"] == "permissions"]
    services = {one["service"]: one for one in row["detail"]}
    assert services["kms"]["whole"] and services["s3"]["last_used"] == recent
    # Of reading objects AWS doesn't tell one by one.
    assert (services["s3"]["actions"], services["s3"]["untold"]) == (["PutBucketPolicy"], ["GetObject"])
    assert yagura("scan", "--with", "everything").code == 2


def test_principals_that_do_the_same_are_proposed_as_one_group(account):
    does = lambda role, first, *names: [
        record(role, f"{name.split(':')[0]}.amazonaws.com", name.split(":")[1], first + i, requestParameters={}) for i, name in enumerate(names)]
    reads = ("ec2:DescribeInstances", "ec2:DescribeVpcs", "lambda:ListFunctions20150331", "rds:DescribeDBInstances")
    ingest(account, does("web", 1, *reads) + does("batch", 20, *reads) + does("shop", 40, *reads[:3]) + does("ops", 60, "iam:CreateUser"))
    (group,) = rows(account, "groups")
    members = {member["principal"]: (member["used"], member["over"]) for member in group["principals"]}
    # The third would get one permission that it never used; the fourth has nothing in common with them.
    assert members == {arn("role/web"): (4, 0), arn("role/batch"): (4, 0), arn("role/shop"): (3, 1)}
    assert (group["members"], group["over"]) == (3, 1)
    assert set(group["allowed"]) == {"ec2:DescribeInstances", "ec2:DescribeVpcs", "lambda:ListFunctions", "rds:DescribeDBInstances"}


def test_the_cut_that_frees_most_comes_first_unless_it_is_used(account):
    cuts = lambda: [(cut["principal"], cut["action"], cut["frees"], cut.get("uses")) for cut in rows(account, "escalate", "--cut")]
    ci, users = arn("role/ci"), [(arn(f"user/{name}"), "sts:AssumeRole", 1, 0) for name in ("ann", "bob")]
    # Without a log nobody knows what a cut would break.
    assert cuts()[0] == (ci, "sts:AssumeRole", 3, None)
    assert account("access", "escalate", "--cut", "--strict").code == 4
    assume = {"requestParameters": {"roleArn": arn("role/admin"), "roleSessionName": "s"}}
    ingest(account, [record("other", "sts.amazonaws.com", "AssumeRole", 1, **assume)])
    assert cuts() == [(ci, "sts:AssumeRole", 3, 0), *users]
    first = rows(account, "escalate", "--cut")[0]
    assert first["statement"] == "go/1" and set(first["freed"]) == {ci, arn("user/ann"), arn("user/bob")}
    ingest(account, [record("ci", "sts.amazonaws.com", "AssumeRole", number, **assume) for number in (2, 3)])
    assert cuts() == [*users, (ci, "sts:AssumeRole", 3, 2)]


def test_who_comes_near_what_nobody_could_list_is_not_free(yagura):
    """A user becomes a role that may go to any role of another account; there, or here the functions, could not be listed."""
    def line(kind, what, account=ACCOUNT, **more):
        return {"type": kind, "id": what.split("/")[-1], "arn": f"arn:aws:iam::{account}:{what}", "account": account, "region": "us-east-1", "tags": {}, **more}

    def may(*statements):
        return [{"PolicyName": "p", "PolicyDocument": json.loads(document(*statements))}]

    def gap(kind, account):
        return {"type": "Yagura::Gap", "id": "x:List", "account": account, "region": "us-east-1", "properties": {"Type": kind, "Reason": "AccessDenied"}}

    other = "444455556666"
    alone = {"type": "AWS::::Account", "id": ACCOUNT, "account": ACCOUNT, "properties": {}, "observed": {"Organization": None}}
    empty = {"ManagedPolicyArns": [], "Groups": [], "PermissionsBoundary": None}
    lets_in = json.loads(document({"Effect": "Allow", "Principal": {"AWS": arn("user/dev")}, "Action": "sts:AssumeRole"}))

    def account(*hop_may):
        dev = line("AWS::IAM::User", "user/dev", properties={**empty, "Policies": may(allow("sts:AssumeRole", resource=arn("role/hop")))}, observed={})
        hop = line("AWS::IAM::Role", "role/hop", properties={**empty, "AssumeRolePolicyDocument": lets_in, "Policies": may(*hop_may)}, observed={"InstanceProfiles": []})
        idle = line("AWS::IAM::User", "user/idle", properties={**empty, "Policies": []}, observed={})
        return [alone, dev, hop, idle]

    def verdicts(name, lines, *args):
        (yagura.folder / name).write_text("".join(json.dumps(one) + "\n" for one in lines))
        done = yagura("check", name, "--format", "ndjson", *args)
        assert done.code == 0, done.err
        return {row["resource"].split("/")[-1]: row["verdict"] for row in done.rows() if row["control"] == "YG-Access.5" and row["resource"].startswith(arn(""))}

    far, near = allow("sts:AssumeRole", resource=f"arn:aws:iam::{other}:role/*"), allow("lambda:UpdateFunctionCode")
    free = {"dev": "PASS", "hop": "PASS", "idle": "PASS"}
    hidden = {"dev": "UNKNOWN", "hop": "UNKNOWN", "idle": "PASS"}
    assert verdicts("free.ndjson", account(far), "--no-state") == free
    assert verdicts("functions.ndjson", [*account(near), gap("AWS::Lambda::Function", ACCOUNT)], "--no-state") == hidden
    assert verdicts("both.ndjson", [*account(far), gap("AWS::IAM::Role", other)], "--no-state") == hidden
    # The other account was read before, in part.
    there = {"type": "AWS::::Account", "id": other, "account": other, "properties": {}, "observed": {"Organization": None}}
    verdicts("there.ndjson", [there, gap("AWS::IAM::Role", other)])
    assert verdicts("here.ndjson", account(far)) == hidden
