"""What holds for every command: exit codes, what goes to which stream, languages, colours, content of one's own."""

import json
import os
import pty
import re
import subprocess

import pytest
from conftest import ROOT, YAGURA

OPEN = """Resources:
  Open:
    Type: AWS::EC2::SecurityGroup
    Properties:
      GroupDescription: x
      SecurityGroupIngress: [{IpProtocol: tcp, FromPort: 22, ToPort: 22, CidrIp: 0.0.0.0/0}]
"""
SNAPSHOT = json.dumps(
    {
        "configSnapshotId": "s",
        "configurationItems": [
            {
                "resourceType": "AWS::S3::Bucket",
                "resourceId": "b",
                "ARN": "arn:aws:s3:::b",
                "awsAccountId": "111122223333",
                "awsRegion": "us-east-1",
                "configurationItemCaptureTime": "2026-01-01T00:00:00Z",
                "configurationItemStatus": "OK",
                "configuration": {"name": "b"},
            }
        ],
    }
)
COMMON = ["table", "json", "ndjson", "ocsf", "csv", "html", "md"]
ESCAPE = "\x1b["


@pytest.fixture
def here(yagura):
    (yagura.folder / "open.yaml").write_text(OPEN)
    (yagura.folder / "snapshot.json").write_text(SNAPSHOT)
    return yagura


@pytest.mark.parametrize(
    "args",
    [
        [],
        ["nonsense"],
        ["check"],
        ["check", "open.yaml", "--bogus"],
        ["check", "open.yaml", "--fail-on", "severe"],
        ["check", "open.yaml", "--format", "pdf"],
        ["check", "open.yaml", "--format", "asff"],
        ["check", "open.yaml", "-o", "html"],
        ["check", "open.yaml", "-o", "html="],
        ["check", "open.yaml", "-o", "html=no/such/folder/x.html"],
        ["check", "open.yaml", "-o", "html=."],
        ["check", "open.yaml", "--resources", "no/such/folder/x.ndjson"],
        ["check", "open.yaml", "--lang", "fr"],
        ["check", "open.yaml", "--color", "maybe"],
        ["check", "open.yaml", "--content", "no/such/folder"],
        ["check", "open.yaml", "--parameters", "open.yaml"],
        ["check", "gone.yaml"],
        ["explain", "S3.88"],
        ["content", "list", "--kind", "rule"],
        ["content", "list", "--format", "sarif"],
        ["findings", "--format", "junit"],
        ["findings", "--status", "odd"],
        ["findings", "--suppress", "F-0"],
        ["hunt", "gone"],
        ["hunt", ".", "--format", "xlsx"],
        ["query", "not sql"],
    ],
    ids=" ".join,
)
def test_bad_usage_is_2_and_says_what_to_do(here, args):
    done = here(*args)
    assert (done.code, done.out) == (2, ""), done.err
    assert done.err.strip()


def test_nothing_readable_is_3(here):
    (here.folder / "note.txt").write_text("nothing\n")
    assert here("check", "note.txt").code == 3
    assert here("hunt", "note.txt").code == 3


def test_findings_and_blind_spots_have_codes_of_their_own(here):
    (here.folder / "broken.yaml").write_text("Resources: [")
    run = lambda *more: here("check", "open.yaml", "--no-state", *more).code
    assert run() == 0
    assert run("--fail-on", "critical") == 1 and run("--fail-on", "high") == 1
    assert run("broken.yaml") == 0
    assert run("broken.yaml", "--strict") == 4
    assert run("broken.yaml", "--strict", "--fail-on", "low") == 1
    (here.folder / "topic.yaml").write_text("Resources:\n  T:\n    Type: AWS::SNS::Topic\n")
    assert here("check", "topic.yaml", "--fail-on", "critical").code == 0


def test_suggestions(here):
    assert "a similar subcommand exists: 'check'" in here("chekc", "x").err
    assert "a similar argument exists: '--fail-on'" in here("check", "open.yaml", "--fail-one", "high").err
    assert "`S3.8`" in here("explain", "S3.88").err


def test_a_reader_that_leaves_is_no_error(here):
    for command in (["content", "list", "--format", "ndjson"], ["check", "open.yaml", "--format", "ndjson"]):
        process = subprocess.Popen([YAGURA, *command], cwd=here.folder, env=here.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        process.stdout.close()
        assert process.wait(60) == 0, process.stderr.read()
        process.stderr.close()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device that is full")
def test_a_full_disk_is_an_error_and_a_full_error_stream_is_none(here):
    with open("/dev/full", "w") as full:
        done = subprocess.run([YAGURA, "check", "open.yaml", "--format", "json"], cwd=here.folder, env=here.env, stdout=full, stderr=subprocess.PIPE, text=True)
        assert done.returncode == 3 and "panicked" not in done.stderr
        done = subprocess.run([YAGURA, "check", "open.yaml", "--format", "json"], cwd=here.folder, env=here.env, stdout=subprocess.PIPE, stderr=full)
        assert done.returncode == 0 and json.loads(done.stdout)
    assert here("check", "open.yaml", "-o", "json=/dev/full").code == 3


def test_data_alone_goes_to_standard_output(here):
    for form in COMMON + ["sarif", "junit"]:
        done = here("check", "open.yaml", "--no-state", "--format", form)
        assert done.code == 0 and done.out and ESCAPE not in done.out + done.err
        if form in ("json", "sarif"):
            json.loads(done.out)
        if form in ("ndjson", "ocsf"):
            assert len(done.rows()) > 3
    done = here("check", "open.yaml", "--no-state", "-o", "json=a.json", "-o", "ndjson=b.ndjson", "-o", "csv=c.csv")
    assert (done.code, done.out) == (0, "")
    lines = [json.loads(line) for line in (here.folder / "b.ndjson").read_text().splitlines()]
    assert json.loads((here.folder / "a.json").read_text()) == lines
    assert (here.folder / "c.csv").read_bytes().startswith(b"\xef\xbb\xbf")


def test_every_listing_has_every_form_of_a_table(here):
    for command in (["content", "list"], ["score"], ["roadmap"], ["doctor", "--offline"], ["query", "select 1 as one"]):
        for form in ("json", "ndjson", "csv", "html", "md", "table"):
            done = here(*command, "--format", form)
            assert done.code == 0 and done.out, (command, form, done.err)


def on_a_terminal(args, folder, env, columns=80):
    """What a person sees: standard output and error on a terminal of so many columns."""
    main, child = pty.openpty()
    subprocess.run(["stty", "cols", str(columns), "rows", "40"], stdin=child, check=True)
    process = subprocess.Popen([YAGURA, *args], cwd=folder, env=env, stdin=child, stdout=child, stderr=child)
    os.close(child)
    seen = b""
    while True:
        try:
            chunk = os.read(main, 65536)
        except OSError:
            break
        if not chunk:
            break
        seen += chunk
    os.close(main)
    assert process.wait(60) == 0
    return seen.decode().replace("\r\n", "\n")


def width(text):
    import unicodedata

    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_tables_fit_the_terminal(here, lang):
    seen = on_a_terminal(["check", "open.yaml", "--no-state", "--lang", lang], here.folder, here.env)
    assert ESCAPE in seen
    plain = re.sub(r"\x1b\[[0-9;]*m", "", seen)
    table = plain.split("\n1 ")[0].splitlines()
    assert table and all(width(line) <= 80 for line in table), plain
    columns = {width(line[: line.index("EC2.")]) for line in table if "EC2." in line}
    assert len(columns) == 1
    assert [line for line in table if line.startswith("FAIL")] and "PASS" not in "".join(table)


def test_colours(here):
    run = ["check", "open.yaml", "--no-state"]
    assert ESCAPE not in here(*run).out
    assert ESCAPE in here(*run, "--color", "always").out
    assert ESCAPE in here(*run, env={"CLICOLOR_FORCE": "1"}).out
    assert ESCAPE not in here(*run, env={"CLICOLOR_FORCE": "1", "NO_COLOR": "1"}).out
    assert ESCAPE not in on_a_terminal(run, here.folder, {**here.env, "NO_COLOR": "1"})
    assert ESCAPE not in on_a_terminal([*run, "--color", "never"], here.folder, here.env)
    for form in ("json", "ndjson", "csv", "html", "md", "sarif", "junit", "ocsf"):
        assert ESCAPE not in here(*run, "--format", form, "--color", "always").out


def test_language_is_the_option_then_the_locale_and_changes_no_code(here):
    run = ["check", "open.yaml", "--no-state", "--format", "ndjson"]
    english, japanese = here(*run), here(*run, "--lang", "ja")
    assert here(*run, env={"LANG": "ja_JP.UTF-8"}).out == japanese.out
    assert here(*run, env={"LANG": "ja_JP.UTF-8", "LC_ALL": "C"}).out == english.out
    assert here(*run, "--lang", "en", env={"LANG": "ja_JP.UTF-8"}).out == english.out
    assert "リソース" in japanese.err
    for en, ja in zip(english.rows(), japanese.rows(), strict=True):
        assert list(en) == list(ja) and en["title"] != ja["title"]
        assert {**en, "title": 0, "reason": 0} == {**ja, "title": 0, "reason": 0}


def test_where_data_is_kept(yagura):
    (yagura.folder / "s.json").write_text(SNAPSHOT)
    env = {k: v for k, v in yagura.env.items() if k != "YAGURA_DATA"}

    def kept(*args, **more):
        before = {p.parent for p in yagura.folder.rglob("*.db")}
        done = subprocess.run([YAGURA, "check", "s.json", *args], cwd=yagura.folder, env={**env, **more}, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return [p.relative_to(yagura.folder).as_posix() for p in {p.parent for p in yagura.folder.rglob("*.db")} - before]

    assert kept("--no-state") == []
    assert kept("--data", "option", YAGURA_DATA="variable") == ["option"]
    assert kept(YAGURA_DATA="variable", XDG_DATA_HOME=str(yagura.folder / "xdg")) == ["variable"]
    assert kept(XDG_DATA_HOME=str(yagura.folder / "xdg")) == ["xdg/yagura"]
    assert kept() == [".local/share/yagura"]


def test_content_of_ones_own_adds_and_overrides(here):
    ours = here.folder / "ours"
    text = (ROOT / "content/controls/ec2/EC2.13.md").read_text()
    ours.mkdir()
    (ours / "controls").mkdir()
    mine = text.replace("SSH (22) is closed to the internet", "Ours").replace('severity = "high"', 'severity = "low"')
    (ours / "controls" / "mine.md").write_text(mine)
    (ours / "controls" / "new.md").write_text(mine.replace('id = "EC2.13"', 'id = "YG-1"'))
    rows = {r["control"]: r for r in here("check", "open.yaml", "--no-state", "--format", "ndjson", "--content", "ours").rows()}
    assert (rows["EC2.13"]["title"], rows["EC2.13"]["severity"], rows["EC2.13"]["verdict"]) == ("Ours", "low", "FAIL")
    assert rows["YG-1"]["verdict"] == "FAIL"
    again = here.folder / "again" / "controls"
    again.mkdir(parents=True)
    (again / "x.md").write_text(mine.replace("## en: Ours", "## en: Last"))
    rows = {r["control"]: r for r in here("check", "open.yaml", "--no-state", "--format", "ndjson", "--content", "ours", "--content", "again").rows()}
    assert rows["EC2.13"]["title"] == "Last" and rows["YG-1"]["title"] == "Ours"
    (again / "broken.md").write_text("no head\n")
    done = here("check", "open.yaml", "--content", "again")
    assert done.code == 2 and "again/controls/broken.md" in done.err


def test_new_content_passes_its_test_as_it_is(here):
    kinds = [("control", "YG-1"), ("detection", "iam/user-renamed"), ("playbook", "yg-tag"), ("escalation", "lambda-900"), ("resource", "AWS::Backup::BackupVault")]
    for kind, name in kinds:
        done = here("content", "new", kind, name, "--dir", "ours", "--resource", "AWS::SQS::Queue")
        assert done.code == 0, done.err
        path = here.folder / done.out.strip()
        assert path.is_file() and len(list((here.folder / "ours").rglob("*.md"))) == kinds.index((kind, name)) + 1
        assert here("content", "new", kind, name, "--dir", "ours").code == 2
    done = here("content", "test", "--content", "ours")
    assert done.code == 0, done.err
    ids = {r["id"] for r in here("content", "list", "--format", "ndjson", "--content", "ours").rows()}
    assert {"YG-1", "user-renamed", "yg-tag", "AWS::Backup::BackupVault"} <= ids
    assert here("content", "new", "control", "../../out", "--dir", "ours").code == 2
    assert here("content", "new", "framework", "x", "--dir", "ours").code == 2


def test_a_control_that_can_not_fail_and_a_misspelt_property_are_refused(here):
    here("content", "new", "control", "YG-1", "--dir", "ours")
    path = next((here.folder / "ours").rglob("*.md"))
    good = path.read_text()
    rule = 'tags["Reviewed"] == "yes"'
    assert rule in good
    path.write_text(good.replace(rule, "true"))
    done = here("content", "test", "--content", "ours")
    assert done.code == 2 and "YG-1.md" in done.err and "fail" in done.err
    path.write_text(good.replace(rule, 'resource.BuckteName == "x"'))
    done = here("content", "test", "--content", "ours")
    line = path.read_text().splitlines().index('resource.BuckteName == "x"') + 1
    assert done.code == 2 and f"YG-1.md:{line}" in done.err, done.err
    assert "no property `BuckteName` on AWS::S3::Bucket; did you mean `BucketName`?" in done.err


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_everything_can_be_explained(here, lang):
    rows = here("content", "list", "--format", "ndjson").rows()
    kinds = {}
    for row in rows:
        kinds.setdefault(row["kind"], row)
        assert re.fullmatch("control|detection|playbook|resource|framework", row["kind"]), row
    assert len(kinds) == 5
    (method,) = [r for r in here("content", "list", "--kind", "escalation", "--format", "ndjson").rows() if r["id"] == "lambda-001"]
    assert "iam:PassRole" in here("explain", "lambda-001", "--lang", lang).out and method["severity"] == "high"
    for row in kinds.values():
        done = here("explain", row["id"], "--lang", lang)
        title = next(r["title"] for r in here("content", "list", "--format", "ndjson", "--lang", lang).rows() if r["id"] == row["id"])
        assert done.code == 0 and title in done.out and row["file"] in done.out
    assert here("explain", "s3.8", "--format", "json", "--lang", lang).out.startswith("[")


def test_help_has_examples_everywhere(here):
    top = here("--help")
    assert top.code == 0 and top.err == ""
    commands = re.findall(r"^  (\w+) +\S", top.out.split("Options:")[0], re.M)
    for command in [c for c in commands if c != "help"]:
        text = here(command, "--help").out
        assert "Examples:\n  " in text or "例:\n  " in text, command
        assert all(width(line) <= 110 for line in text.splitlines()), command
