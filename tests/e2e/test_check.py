"""`yagura check`: what it reads, what it says of input that is damaged or hostile, and what templates come to."""

import gzip
import json
import os
import pwd
import shutil
import subprocess

import pytest
from conftest import ROOT, YAGURA

KEYS = ["control", "verdict", "resource", "type", "account", "region", "severity", "title", "reason", "evidence", "source"]
PLACE = ["file", "line", "column"]
GOOD = "Resources:\n  Good:\n    Type: AWS::S3::Bucket\n"
DEEP = "[" * 1_000_000


def item(name, **more):
    return {
        "resourceType": "AWS::S3::Bucket",
        "resourceId": name,
        "ARN": f"arn:aws:s3:::{name}",
        "awsAccountId": "111122223333",
        "awsRegion": "us-east-1",
        "configurationItemCaptureTime": "2026-01-01T00:00:00Z",
        "configurationItemStatus": "OK",
        "configuration": {"name": name},
        "supplementaryConfiguration": {},
        **more,
    }


def snapshot(*items, **head):
    return json.dumps({"fileVersion": "1.0", **({"configSnapshotId": "s"} | head), "configurationItems": list(items)})


def aliases():
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    for before, name in zip("abcdefghi", "bcdefghij"):
        lines.append(f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]")
    return "\n".join(lines) + "\nResources:\n  B:\n    Type: AWS::S3::Bucket\n    Properties:\n      BucketName: *j\n"


def bucket(name):
    return f"Resources:\n  B:\n    Type: AWS::S3::Bucket\n    Properties:\n      BucketName: {name}\n"


WHOLE = snapshot(*(item(f"b{i}") for i in range(50))).encode()

# file name, bytes, what the line says, whether something of it is judged all the same
BAD = [
    ("none.yaml", b"hello: world\n", "is no CloudFormation template", False),
    ("text.txt", b"just text\n", "is no CloudFormation template", False),
    ("empty.json", b"", "is empty", False),
    ("blank.yaml", b" \n\n", "is empty", False),
    ("events.json", b'{"Records":[]}', "is no CloudFormation template", False),
    ("array.json", b"[1,2,3]", "is no CloudFormation template", False),
    ("main.tf", b'resource "aws_s3_bucket" "b" {}\n', "is no CloudFormation template", False),
    ("no-resources.yaml", b'AWSTemplateFormatVersion: "2010-09-09"\n', "without a `Resources` section", False),
    ("list.yaml", b"Resources:\n - a\n", "without a `Resources` section", False),
    ("not-yaml.yaml", b"Resources:\n  A: [\n  b: }\n", "is a broken template: line 3", False),
    ("tabs.yaml", b"Resources:\n\tB:\n\t\tType: x\n", "is a broken template: line 2", False),
    ("aliases.yaml", aliases().encode(), "expands to more than 1,000,000 nodes", False),
    ("deep.json", ('{"Resources":{"A":{"Type":"AWS::S3::Bucket","Properties":{"Tags":' + DEEP).encode(), "is a broken template", False),
    ("deep.yaml", f"Resources:\n  A:\n    Type: AWS::S3::Bucket\n    Properties:\n      Tags: {DEEP}\n".encode(), "is a broken template", False),
    ("deep-plan.json", ('{"format_version":"1.2","planned_values":{"x":' + DEEP).encode(), "is no readable Terraform plan", False),
    ("deep-item.json", ('{"configurationItems":[{"resourceType":' + DEEP + "]" * 1_000_000 + "}]}").encode(), "can't be read", False),
    ("cut-plan.json", b'{"format_version":"1.2","planned_values":{"root_module":', "is no readable Terraform plan", False),
    ("new-plan.json", b'{"format_version":"9.0","planned_values":{}}', "has the format version 9.0", True),
    ("failed-plan.json", b'{"format_version":"1.2","errored":true,"planned_values":{}}', "ended with an error", True),
    ("plan.log", b'{"@level":"info","@message":"x"}\n', "is the log of `terraform plan -json`", False),
    ("terraform.tfstate", b'{"version":4,"serial":1,"lineage":"x","resources":[]}', "is Terraform's own state file", False),
    ("plan.bin", b"PK\x03\x04xxxx", "is a zip archive", False),
    ("noise.bin", bytes(range(256)) * 20, "is no CloudFormation template", False),
    ("unknown.yaml", bucket("!Frob x").encode(), "line 5: unknown function `Fn::Frob`", True),
    ("ref.yaml", bucket("!Ref Nope").encode(), "line 5: `Ref` to `Nope`", True),
    ("module.yaml", b"Resources:\n  M:\n    Type: Our::Own::Thing::MODULE\n", "is a module, whose resources only AWS knows", True),
    ("macro.yaml", b"Transform: Ours\n" + GOOD.encode(), "the macro `Ours` only runs in AWS", True),
    ("latin1.yaml", bucket('"caf\\xe9"').encode().replace(b"\\xe9", b"\xe9"), "is not valid UTF-8 at byte", True),
    ("cut.json.gz", gzip.compress(WHOLE)[:-80], "is cut off in the middle of its gzip data", None),
    ("stub.json.gz", gzip.compress(WHOLE)[:12], "is cut off in the middle of its gzip data", False),
    ("crc.json.gz", gzip.compress(WHOLE)[:-6] + bytes(6), "holds damaged gzip data", True),
    ("two.json.gz", gzip.compress(WHOLE) * 2, "holds more bytes after its first gzip member", True),
    ("cut.json", WHOLE[:5000], "is cut off after 1", True),
    ("bomb.yaml.gz", gzip.compress(GOOD.encode() + b"#" * (100 << 20), 1), "is larger than 64 MiB", False),
    (
        "circle.yaml",
        b"Resources:\n  A: {Type: 'AWS::SNS::Topic', Properties: {TopicName: !Ref B}}\n"
        b"  B: {Type: 'AWS::SNS::Topic', Properties: {TopicName: !Ref A}}\n",
        "resources that need each other: A → B → A",
        True,
    ),
    (
        "conditions.yaml",
        b"Conditions:\n  A: !Not [!Condition B]\n  B: !Not [!Condition A]\n"
        b"Resources:\n  T:\n    Type: AWS::SNS::Topic\n    Condition: A\n",
        "conditions that need each other: A → B → A",
        True,
    ),
    (
        "list.ndjson",
        b'{"type":"AWS::S3::Bucket","id":"b","properties":{}}\nnonsense\n',
        "line 2 is no resource",
        True,
    ),
]


@pytest.fixture
def check(yagura):
    def run(*args, **kwargs):
        return yagura("check", *args, "--no-state", "--format", "ndjson", **kwargs)

    run.folder = yagura.folder
    return run


def write(folder, name, content):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return name


def problems(done, known):
    """The lines that name an input."""
    return [line for line in done.err.splitlines() if line.split(": ")[0] in known]


def test_bad_input_is_named_once_with_what_to_do_and_the_rest_is_judged(check):
    good = write(check.folder, "good.yaml", GOOD)
    alone = {(r["control"], r["verdict"]) for r in check(good).rows()}
    assert len(alone) > 8
    names = [write(check.folder, name, content) for name, content, *_ in BAD]
    done = check(good, *names)
    assert done.code == 0
    lines = problems(done, [*names, good])
    assert len(lines) == len(BAD), set(names) ^ {line.split(": ")[0] for line in lines}
    for (name, _, says, judged), line in zip(BAD, lines):
        file, *what, todo = line.split(": ")
        assert file == name and says in line and todo and what, line
    assert {(r["control"], r["verdict"]) for r in done.rows() if r.get("file") == good} == alone
    assert check(good, *names, "--strict").code == 4


@pytest.mark.parametrize("name, content, says, judged", BAD, ids=[b[0] for b in BAD])
def test_bad_input_alone(check, name, content, says, judged):
    write(check.folder, name, content)
    done = check(name)
    assert says in done.err, done.err
    if judged is not None:
        assert done.code == (0 if judged else 3), done.err
    japanese = check(name, "--lang", "ja").err
    assert japanese.startswith(f"{name}: ") and any("ぁ" <= c <= "ん" for c in japanese.splitlines()[0]), japanese


def test_file_names_are_escaped_and_pipes_are_not_waited_for(check):
    write(check.folder, "a\x1b[2Jb.yaml", "x: y\n")
    os.mkfifo(check.folder / "fifo")
    done = check("a\x1b[2Jb.yaml", "fifo")
    assert "\x1b" not in done.err and "a\\u{1b}[2Jb.yaml: " in done.err
    assert "fifo: is a pipe or device" in done.err


def test_a_path_that_does_not_exist_is_usage_and_the_rest_is_judged(check):
    write(check.folder, "good.yaml", GOOD)
    done = check("good.yaml", "gone.yaml")
    assert done.code == 2 and done.rows() and "gone.yaml: does not exist: check the path" in done.err
    assert check("gone.yaml").code == 2
    assert check("good.yaml", "--parameters", "gone.json").code == 2


def test_an_empty_folder_is_named(check):
    (check.folder / "empty" / "inner").mkdir(parents=True)
    write(check.folder, "good.yaml", GOOD)
    assert check("empty").code == 3
    done = check("good.yaml", "empty")
    assert done.code == 0 and done.rows() and "empty: holds nothing that can be judged: give" in done.err


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody who may not read")
def test_a_file_that_may_not_be_read(tmp_path):
    folder = tmp_path / "shared"
    folder.mkdir()
    write(folder, "good.yaml", GOOD)
    write(folder, "secret.yaml", GOOD)
    (folder / "secret.yaml").chmod(0)
    binary = folder / "yagura"
    shutil.copy(YAGURA, binary)
    for path in [folder, *folder.parents]:
        if path != path.parent and path.owner() == "root" and "pytest" in str(path):
            path.chmod(0o755)
    nobody = pwd.getpwnam("nobody").pw_uid
    command = ["setpriv", f"--reuid={nobody}", "--clear-groups", str(binary), "check", ".", "--no-state", "--format", "ndjson"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env={"HOME": "/nonexistent", "LANG": "C"})
    assert done.returncode == 0, done.stderr
    assert "./secret.yaml: may not be read: give yourself read permission" in done.stderr
    assert {json.loads(line)["file"] for line in done.stdout.splitlines()} == {"./good.yaml"}
    done = subprocess.run([*command, "--strict"], cwd=folder, capture_output=True, text=True, env={"HOME": "/nonexistent"})
    assert done.returncode == 4


def test_folders_of_all_kinds(check):
    plan = (ROOT / "crates/inventory/tests/files/plan.json").read_text()
    write(check.folder, "infra/template.yml", GOOD)
    write(check.folder, "infra/deep/er/plan.json", plan)
    write(check.folder, "infra/snap.json", snapshot(item("plain")))
    write(check.folder, "infra/snap.json.gz", gzip.compress(snapshot(item("zipped")).encode()))
    write(check.folder, "infra/README.md", "# Not evidence\n\nResources: none\n")
    write(check.folder, "infra/.git/template.yml", GOOD)
    (check.folder / "infra/loop").symlink_to(check.folder / "infra")
    done = check("infra")
    assert done.code == 0 and "README" not in done.err
    rows = done.rows()
    assert {r["file"] for r in rows} == {
        "infra/template.yml",
        "infra/deep/er/plan.json",
        "infra/snap.json",
        "infra/snap.json.gz",
    }
    assert {r["source"] for r in rows} == {"cloudformation", "terraform", "config"}
    for row in rows:
        assert list(row) == KEYS + PLACE
        assert "" not in [v for k, v in row.items() if k != "evidence"], row
        assert row["severity"] in ("informational", "low", "medium", "high", "critical")
        if row["source"] == "cloudformation":
            assert row["line"] >= 1 and row["column"] >= 1 and row["account"] is None
    config = [r for r in rows if r["source"] == "config"]
    assert {r["resource"] for r in config} == {"arn:aws:s3:::plain", "arn:aws:s3:::zipped"}
    assert {(r["account"], r["region"]) for r in config} == {("111122223333", "us-east-1")}
    assert check("infra").out == done.out


def test_a_plan_from_standard_input(check):
    plan = (ROOT / "crates/inventory/tests/files/plan.json").read_text()
    write(check.folder, "plan.json", plan)
    piped, named = check("-", stdin=plan), check("plan.json")
    assert [{**r, "file": None} for r in piped.rows()] == [{**r, "file": None} for r in named.rows()]
    assert {r["file"] for r in piped.rows()} == {"-"}


@pytest.mark.parametrize("kind", ["template", "plan", "snapshot"])
def test_a_list_of_resources_is_judged_as_what_it_was_made_from(check, kind):
    source = {
        "template": (ROOT / "crates/inventory/tests/files/equal/template.yaml").read_text(),
        "plan": (ROOT / "crates/inventory/tests/files/plan.json").read_text(),
        "snapshot": (ROOT / "crates/inventory/tests/files/equal/snapshot.json").read_text(),
    }[kind]
    write(check.folder, "source", source)
    first = check("source", "--resources", "list.ndjson")
    again = check("list.ndjson", "--resources", "again.ndjson")
    assert first.rows() and again.out == first.out
    assert (check.folder / "again.ndjson").read_bytes() == (check.folder / "list.ndjson").read_bytes()


def test_what_could_not_be_listed_stays_unknown_in_a_list(check):
    lines = [
        {"type": "AWS::S3::Bucket", "id": "b", "arn": "arn:aws:s3:::b", "account": "111122223333", "region": "us-east-1", "properties": {}},
        {"type": "Yagura::Gap", "id": "sns:ListTopics", "account": "111122223333", "region": "us-east-1", "properties": {"Type": "AWS::SNS::Topic", "Reason": "AccessDenied"}},
    ]
    write(check.folder, "list.ndjson", "".join(json.dumps(line) + "\n" for line in lines))
    rows = check("list.ndjson").rows()
    assert {r["source"] for r in rows} == {"live"} and all(list(r) == KEYS for r in rows)
    blind = [r for r in rows if r["control"] == "SNS.1"]
    assert [(r["verdict"], r["resource"]) for r in blind] == [("UNKNOWN", "AWS::::Account:111122223333")]
    assert "sns:ListTopics" in blind[0]["reason"]


def test_only_a_whole_snapshot_says_that_something_is_gone(yagura):
    def judge(name, content):
        write(yagura.folder, name, content)
        assert yagura("check", name).code == 0
        return {f["resource"] for f in yagura("findings", "--format", "ndjson").rows()}

    both = {"arn:aws:s3:::a", "arn:aws:s3:::b"}
    assert judge("both.json", snapshot(item("a"), item("b"))) == both
    assert judge("history.json", json.dumps({"fileVersion": "1.0", "configurationItems": [item("a")]})) == both
    assert judge("cut.json", snapshot(item("a"), item("c"))[:-60]) >= both
    assert judge("template.yaml", GOOD) == both
    assert judge("one.json", snapshot(item("a"))) == {"arn:aws:s3:::a"}


TEMPLATE = """
Transform: AWS::LanguageExtensions
Parameters:
  Encrypted: {Type: String}
  Public: {Type: String, Default: "true"}
  Password: {Type: String, NoEcho: true}
  Image: {Type: "AWS::SSM::Parameter::Value<String>", Default: /x}
  Cidrs: {Type: CommaDelimitedList, Default: "10.0.0.0/8, 0.0.0.0/0"}
  Stage: {Type: String, Default: prod, AllowedValues: [prod, dev]}
Mappings:
  Sizes: {prod: {Multi: true}, dev: {Multi: false}}
Conditions:
  IsProd: !Equals [!Ref Stage, prod]
  IsDev: !Not [!Condition IsProd]
  MaybeEncrypted: !Equals [!Ref Encrypted, "yes"]
Resources:
  Bucket:
    Type: AWS::S3::Bucket
    DeletionPolicy: Retain
    Properties:
      PublicAccessBlockConfiguration:
        BlockPublicAcls: !Ref Public
        IgnorePublicAcls: true
        BlockPublicPolicy: !If [IsProd, true, false]
        RestrictPublicBuckets: !If [IsDev, !Ref "AWS::NoValue", "true"]
  Policy:
    Type: AWS::S3::BucketPolicy
    Properties:
      Bucket: !Ref Bucket
      PolicyDocument:
        Statement:
          - Effect: Deny
            Principal: "*"
            Action: "s3:*"
            Resource: [!GetAtt Bucket.Arn, !Sub "${Bucket.Arn}/*"]
            Condition: {Bool: {"aws:SecureTransport": false}}
  Gone:
    Type: AWS::S3::Bucket
    Condition: IsDev
  Db:
    Type: AWS::RDS::DBInstance
    Properties:
      StorageEncrypted: !Ref Encrypted
      MultiAZ: !FindInMap [Sizes, !Ref Stage, Multi]
      PubliclyAccessible: !If [MaybeEncrypted, false, true]
      MasterUserPassword: !Ref Password
  Group:
    Type: AWS::EC2::SecurityGroup
    Properties: {GroupDescription: x}
  Rule:
    Type: AWS::EC2::SecurityGroupIngress
    Properties: {GroupId: !GetAtt Group.GroupId, IpProtocol: tcp, FromPort: "22", ToPort: "22", CidrIp: !Select [1, !Ref Cidrs]}
  Fn::ForEach::Topics:
    - Name
    - [A, B]
    - Topic${Name}:
        Type: AWS::SNS::Topic
        Properties: {KmsMasterKeyId: !Sub "alias/${Name}"}
"""


def verdicts(done):
    return {(r["resource"], r["control"]): r["verdict"] for r in done.rows()}


def test_templates_come_to_what_a_stack_would_be(check):
    write(check.folder, "t.yaml", TEMPLATE)
    done = check("t.yaml")
    assert done.err.count("\n") <= 2, done.err
    got = verdicts(done)
    assert got["Bucket", "S3.8"] == "PASS" and got["Bucket", "S3.5"] == "PASS"
    assert not [key for key in got if key[0] in ("Gone", "Policy", "Rule")]
    assert got["Db", "RDS.3"] == "UNKNOWN" and got["Db", "RDS.5"] == "PASS" and got["Db", "RDS.2"] == "UNKNOWN"
    assert got["Group", "EC2.13"] == "FAIL" and got["Group", "EC2.14"] == "PASS"
    assert {got[topic, "SNS.1"] for topic in ("TopicA", "TopicB")} == {"PASS"}
    reason = {(r["resource"], r["control"]): r["reason"] for r in done.rows()}
    assert "Parameter Encrypted" in reason["Db", "RDS.3"] and "Parameter Encrypted" in reason["Db", "RDS.2"]
    live = [r for r in done.rows() if r["verdict"] == "NOT_APPLICABLE"]
    assert live and all(r["reason"] == "needs the live account" for r in live)

    write(check.folder, "p.json", json.dumps({"Encrypted": "yes", "Public": "false", "Stage": "dev"}))
    got = verdicts(check("t.yaml", "--parameters", "p.json"))
    assert got["Db", "RDS.3"] == "PASS" and got["Db", "RDS.2"] == "PASS" and got["Db", "RDS.5"] == "FAIL"
    assert got["Bucket", "S3.8"] == "FAIL" and ("Gone", "S3.8") in got


def test_what_a_plan_does_not_know_is_unknown(check):
    plan = json.loads((ROOT / "crates/inventory/tests/files/plan.json").read_text())
    write(check.folder, "plan.json", json.dumps(plan))
    rows = check("plan.json").rows()
    unknown = [r for r in rows if r["verdict"] == "UNKNOWN"]
    assert unknown and any("known after apply" in r["reason"] for r in unknown)
    assert all(r["resource"].startswith(("aws_", "module.")) for r in rows)


def test_serverless_functions_are_judged_as_what_they_become(check):
    write(
        check.folder,
        "sam.yaml",
        "Transform: AWS::Serverless-2016-10-31\nGlobals: {Function: {Runtime: python3.7}}\nResources:\n"
        "  Open:\n    Type: AWS::Serverless::Function\n    Properties: {InlineCode: x, Handler: a.b,"
        " FunctionUrlConfig: {AuthType: NONE}}\n",
    )
    got = verdicts(check("sam.yaml"))
    assert got["Open", "Lambda.2"] == "FAIL" and got["Open", "Lambda.1"] == "FAIL"
