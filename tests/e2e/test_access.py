"""Who can do what in a live account: scanned from moto, asked by principal, by resource and by ways to an administrator."""

import pytest
from policies import ACCOUNT, allow, arn, document
from proxy import Proxy, denied


@pytest.fixture
def account(yagura, moto):
    """A user who reads reports through a group, a developer who may pass roles, a strong role that trusts Lambda."""
    iam, s3 = moto.client("iam"), moto.client("s3")
    s3.create_bucket(Bucket="reports")
    s3.put_bucket_ownership_controls(Bucket="reports", OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]})
    everyone_of = {"Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}}
    deny = {"Effect": "Deny", **everyone_of, "Action": "s3:*", "Resource": "arn:aws:s3:::reports/board/*"}
    s3.put_bucket_policy(Bucket="reports", Policy=document(deny))
    iam.create_group(GroupName="analysts")
    iam.put_group_policy(GroupName="analysts", PolicyName="read", PolicyDocument=document(allow("s3:GetObject", resource="arn:aws:s3:::reports/*")))
    for name in ("analyst", "developer", "guarded"):
        iam.create_user(UserName=name)
    iam.add_user_to_group(GroupName="analysts", UserName="analyst")
    work = document(allow("iam:PassRole", "lambda:CreateFunction", "lambda:InvokeFunction"))
    iam.put_user_policy(UserName="developer", PolicyName="work", PolicyDocument=work)
    iam.put_user_policy(UserName="guarded", PolicyName="work", PolicyDocument=work)
    only_ec2 = {"StringNotEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}
    iam.put_user_policy(UserName="guarded", PolicyName="guard", PolicyDocument=document(
        {"Effect": "Deny", "Action": "iam:PassRole", "Resource": "*", "Condition": only_ec2}))
    trust = document({"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"})
    iam.create_role(RoleName="batch", AssumeRolePolicyDocument=trust)
    everything = iam.create_policy(PolicyName="everything", PolicyDocument=document(allow("*")))["Policy"]["Arn"]
    iam.attach_role_policy(RoleName="batch", PolicyArn=everything)
    done = yagura("scan", "--region", "us-east-1", "--service", "iam", "--service", "s3", "--format", "ndjson", env=moto.env())
    assert done.code == 0, done.err
    return yagura


def ask(yagura, *args):
    done = yagura("access", *args, "--format", "ndjson")
    assert done.code == 0, done.err
    return done.rows()


def test_a_principal_is_judged_by_all_that_bears_on_it(account):
    (read,) = ask(account, "can", arn("user/analyst"), "s3:GetObject", "arn:aws:s3:::reports/2026.csv")
    assert (read["result"], read["statement"]) == ("Allowed", "analysts/read/1")
    (denied,) = ask(account, "can", arn("user/analyst"), "s3:GetObject", "arn:aws:s3:::reports/board/plan.pdf")
    assert (denied["result"], denied["layer"]) == ("ExplicitlyDenied", "resource")
    (nothing,) = ask(account, "can", arn("user/developer"), "s3:GetObject", "arn:aws:s3:::reports/2026.csv")
    assert nothing["result"] == "ImplicitlyDenied"
    passing = ("can", arn("user/guarded"), "iam:PassRole", arn("role/batch"))
    (hangs,) = ask(account, *passing)
    assert hangs["result"] == "Conditional" and list(hangs["conditions"]) == ["iam:PassedToService"]
    (told,) = ask(account, *passing, "--context", "iam:PassedToService=lambda.amazonaws.com")
    assert (told["result"], told["statement"]) == ("ExplicitlyDenied", "guard/1")


def test_everybody_who_can_is_named(account):
    can = {row["principal"]: row for row in ask(account, "who-can", "s3:GetObject", "arn:aws:s3:::reports/2026.csv")}
    assert set(can) == {arn("user/analyst"), arn("role/batch")}
    assert can[arn("role/batch")]["statement"] == "everything/1"
    passers = {row["principal"]: row["result"] for row in ask(account, "who-can", "iam:PassRole", arn("role/batch"))}
    assert passers == {arn("user/developer"): "Allowed", arn("user/guarded"): "Conditional", arn("role/batch"): "Allowed"}


def test_ways_to_an_administrator_end_where_something_is_in_the_way(account):
    paths = {row["principal"]: row for row in ask(account, "escalate")}
    assert paths[arn("role/batch")]["steps"] == 0 and set(paths) == {arn("role/batch"), arn("user/developer")}
    (step,) = paths[arn("user/developer")]["path"]
    assert step["method"].startswith("lambda-") and step["to"] == arn("role/batch")
    assert {need["statement"] for need in step["needs"]} == {"work/1"}
    done = account("access", "escalate", arn("user/developer"), "--fail-on", "critical", "--lang", "ja")
    assert done.code == 1 and "role/batch" in done.out and "管理者になれるプリンシパル: 1 件" in done.err
    assert account("access", "escalate", arn("user/nobody")).code == 2


def test_what_could_not_be_listed_is_told_until_it_is(account, moto):
    def scan(*rules, services):
        with Proxy(moto.url, rules) as proxy:
            chosen = [part for service in services for part in ("--service", service)]
            assert account("scan", "--region", "us-east-1", *chosen, env={**moto.env(), "AWS_ENDPOINT_URL": proxy.url}).code == 0
        return account("access", "external", "--strict")

    assert "not listed completely" not in scan(services=["s3", "iam"]).err
    done = scan(denied("s3:ListBuckets"), services=["s3"])
    assert done.code == 4 and "not listed completely, so some may be missing here: AWS::S3::Bucket, by s3:ListAllMyBuckets" in done.err
    assert "AWS::S3::Bucket" in scan(services=["iam"]).err
    assert "一覧を取得しきれず" in account("access", "who-can", "s3:GetObject", "*", "--lang", "ja").err
    assert "not listed completely" not in scan(services=["s3"]).err


def test_without_an_inventory_it_says_what_to_do(yagura):
    done = yagura("access", "who-can", "s3:GetObject", "*")
    assert done.code == 3 and "yagura scan" in done.err and "--inventory" in done.err


def failed(rows, control):
    return {row["resource"]: row for row in rows if row["control"] == control and row["verdict"] == "FAIL"}


def test_a_way_to_an_administrator_is_a_finding_of_who_takes_it(account, moto):
    done = account("scan", "--region", "us-east-1", "--service", "iam", "--format", "ndjson", env=moto.env())
    found = failed(done.rows(), "YG-Access.5")
    assert set(found) == {arn("user/developer")}
    (step,) = [text for path, text in found[arn("user/developer")]["evidence"].items() if path.startswith("derived.escalation[")]
    assert step.startswith("lambda-") and f"→ {arn('role/batch')}" in step and "work/1" in step
    passed = {row["resource"] for row in done.rows() if row["control"] == "YG-Access.5" and row["verdict"] == "PASS"}
    assert {arn("user/analyst"), arn("user/guarded"), arn("role/batch")} <= passed


def test_whoever_reaches_a_critical_resource_is_told_unless_they_are_expected(account, moto):
    rows = ask(account, "internal", "arn:aws:s3:::reports")
    assert {row["principal"] for row in rows} == {arn("user/analyst"), arn("role/batch")}
    (reader,) = [row for row in rows if row["principal"] == arn("user/analyst")]
    assert (reader["actions"], reader["statements"]) == (["s3:GetObject"], ["analysts/read/1"])
    assert account("access", "internal").code == 2
    assert account("access", "internal", "arn:aws:s3:::nothing").code == 2
    (account.folder / "data" / "yagura.toml").write_text(
        '[[trust.critical]]\nresource = "arn:aws:s3:::rep*"\nallowed = ["*:role/batch"]\n')
    told = account("access", "internal", "--fail-on", "high", "--format", "ndjson")
    assert told.code == 1 and [row["principal"] for row in told.rows()] == [arn("user/analyst")]
    everyone = ask(account, "internal", "--archived")
    assert {row["principal"]: row["expected"] for row in everyone} == {arn("user/analyst"): False, arn("role/batch"): True}

    def judged():
        scan = account("scan", "--region", "us-east-1", "--service", "s3", "--format", "ndjson", env=moto.env())
        return {row["resource"]: row for row in scan.rows() if row["control"] == "YG-Access.4"}
    found = judged()
    assert {name: row["verdict"] for name, row in found.items()} == {"arn:aws:s3:::reports": "FAIL"}
    assert found["arn:aws:s3:::reports"]["evidence"]["derived.unexpected_access[0]"] == f"{arn('user/analyst')} → s3:GetObject (analysts/read/1)"
    everyone_else = {"ArnNotLike": {"aws:PrincipalArn": arn("role/batch")}}
    moto.client("s3").put_bucket_policy(Bucket="reports", Policy=document(
        {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::reports/*", "Condition": everyone_else}))
    assert [row["verdict"] for row in judged().values()] == ["PASS"]


def test_ways_from_outside_and_ways_to_data_are_told_apart_from_those_of_principals(account, moto):
    iam = moto.client("iam")
    everyone = document({"Sid": "Vendor", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::444455556666:root"}, "Action": "sts:AssumeRole"})
    iam.create_role(RoleName="vendor", AssumeRolePolicyDocument=everyone)
    iam.attach_role_policy(RoleName="vendor", PolicyArn=f"arn:aws:iam::{ACCOUNT}:policy/everything")
    secrets = document(allow("secretsmanager:GetSecretValue", resource=f"arn:aws:secretsmanager:*:{ACCOUNT}:secret:app/*"))
    iam.put_user_policy(UserName="analyst", PolicyName="secrets", PolicyDocument=secrets)
    assert account("scan", "--region", "us-east-1", "--service", "iam", env=moto.env()).code == 0
    (entry,) = [row for row in ask(account, "escalate") if row["principal"] == "arn:aws:iam::444455556666:root"]
    assert [step["method"] for step in entry["path"]] == ["sts-002"] and entry["path"][0]["needs"][0]["statement"] == "policy/Vendor"
    rows = ask(account, "escalate", "--to-data")
    assert {(row["principal"], row["method"]) for row in rows} == {(arn("user/analyst"), "x-secrets-secretsmanager")}
    assert rows[0]["because"] == "secretsmanager:GetSecretValue by `secrets/1`"
    assert account("access", "escalate", "--to-data", "--cut").code == 2
