"""Reports: each form is what its readers take, at the size of a real estate."""

import csv
import io
import json
import pathlib
import re
import subprocess
import tarfile
import xml.etree.ElementTree as ET
import zipfile

import jsonschema
import pytest
from conftest import ROOT, YAGURA

HOSTILE = '=cmd|"x"!A1 <script>alert(1)</script> | `x` 日本語'


def bucket(name, account="111122223333", region="us-east-1", **properties):
    return {
        "type": "AWS::S3::Bucket",
        "id": name,
        "arn": f"arn:aws:s3:::{name}",
        "account": account,
        "region": region,
        "tags": {"Owner": "team-a"},
        "properties": {"BucketName": name, **properties},
        "observed": {},
    }


@pytest.fixture(scope="module")
def sarif_schema(tmp_path_factory):
    """The published schema, as the package with Microsoft's own matchers brings it."""
    folder = tmp_path_factory.mktemp("sarif")
    subprocess.run(["npm", "pack", "--silent", "@microsoft/jest-sarif@1.0.0-beta.0"], cwd=folder, check=True, capture_output=True)
    with tarfile.open(next(folder.glob("*.tgz"))) as archive:
        schema = json.load(archive.extractfile("package/lib/schemas/sarif-2.1.0-rtm.5.json"))
    return jsonschema.validators.validator_for(schema)(schema)


@pytest.fixture
def estate(yagura):
    """Buckets, one of them with a hostile name, judged and kept."""
    lines = [bucket("plain"), bucket(HOSTILE), bucket("far", region="ap-northeast-1")]
    (yagura.folder / "list.ndjson").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert yagura("check", "list.ndjson").code == 0
    return yagura


def test_sarif(estate, sarif_schema):
    (estate.folder / "t.yaml").write_text(
        "Resources:\n  B:\n    Type: AWS::S3::Bucket\n  D:\n    Type: AWS::RDS::DBInstance\n    Properties: {PubliclyAccessible: true}\n"
    )
    done = estate("check", "t.yaml", "list.ndjson", "--no-state", "--format", "sarif")
    log = json.loads(done.out)
    assert not [e.message for e in sarif_schema.iter_errors(log)]
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert all(1 <= len(r["properties"]["tags"]) <= 20 and r["help"]["text"] for r in rules)
    scores = [float(rules[r["ruleIndex"]]["properties"]["security-severity"]) for r in run["results"]]
    assert scores == sorted(scores, reverse=True) and len(set(scores)) > 2
    assert all(rules[r["ruleIndex"]]["id"] == r["ruleId"] for r in run["results"])
    assert len({json.dumps(r["partialFingerprints"]) for r in run["results"]}) == len(run["results"])
    placed = [r for r in run["results"] if "physicalLocation" in r["locations"][0]]
    assert {r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for r in placed} == {"t.yaml"}
    assert {r["locations"][0]["physicalLocation"]["region"]["startLine"] for r in placed} == {2, 4}
    assert len(placed) < len(run["results"])


def test_junit(estate):
    root = ET.fromstring(estate("check", "list.ndjson", "--no-state", "--format", "junit").out)
    rows = estate("check", "list.ndjson", "--no-state", "--format", "ndjson").rows()
    cases = root.findall("testsuite/testcase")
    assert len(cases) == len(rows)
    assert len(root.findall("testsuite/testcase/failure")) == sum(r["verdict"] == "FAIL" for r in rows) > 0
    assert any(HOSTILE in case.get("name") for case in cases)
    for suite in root:
        assert int(suite.get("tests")) == len(suite) and int(suite.get("failures")) == len(suite.findall("testcase/failure"))
    for key in ("tests", "failures", "skipped"):
        assert int(root.get(key)) == sum(int(suite.get(key)) for suite in root)


def test_csv_runs_no_formula_and_opens_in_a_spreadsheet(estate):
    plain = estate("findings", "--format", "csv").out
    assert not plain.startswith("\ufeff")
    estate("findings", "-o", "csv=f.csv")
    data = (estate.folder / "f.csv").read_bytes()
    assert data.startswith(b"\xef\xbb\xbf") and data.decode("utf-8-sig") == plain
    rows = list(csv.DictReader(io.StringIO(plain)))
    assert list(rows[0]) == list(estate("findings", "--format", "ndjson").rows()[0])
    names = {r["resource"] for r in rows}
    assert f"arn:aws:s3:::{HOSTILE}" in names
    assert not [v for r in rows for v in r.values() if v.startswith(("=", "+", "-", "@", "\t", "\r"))]
    (estate.folder / "odd.yaml").write_text("Resources:\n  '=1+1':\n    Type: AWS::S3::Bucket\n")
    assert {r["resource"] for r in csv.DictReader(io.StringIO(estate("check", "odd.yaml", "--format", "csv").out))} == {"'=1+1"}


def test_ocsf_is_valid(estate):
    from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

    schema = OcsfJsonSchemaEmbedded(get_ocsf_schema(version="1.8.0"))
    events = estate("check", "list.ndjson", "--no-state", "--format", "ocsf").rows()
    events += estate("findings", "--format", "ocsf").rows()
    trail = {
        "eventVersion": "1.08",
        "eventID": "e1",
        "eventTime": "2026-01-05T03:04:05Z",
        "eventSource": "cloudtrail.amazonaws.com",
        "eventName": "StopLogging",
        "awsRegion": "us-east-1",
        "recipientAccountId": "111122223333",
        "sourceIPAddress": "203.0.113.9",
        "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/a", "accountId": "111122223333", "userName": "a"},
        "requestParameters": {"name": "arn:aws:cloudtrail:us-east-1:111122223333:trail/t"},
    }
    (estate.folder / "log.json").write_text(json.dumps({"Records": [trail]}))
    detections = estate("hunt", "log.json", "--format", "ocsf").rows()
    assert detections and {e["class_uid"] for e in events + detections} == {2003, 2004}
    classes = {2003: "compliance_finding", 2004: "detection_finding"}
    validators = {}
    for event in events + detections:
        name = classes[event["class_uid"]]
        if name not in validators:
            body = schema.get_class_schema(name, profiles=event["metadata"]["profiles"])
            validators[name] = jsonschema.Draft202012Validator(body)
        assert not [f"{list(e.path)}: {e.message}" for e in validators[name].iter_errors(event)]
    statuses = {e["compliance"]["status"] for e in events}
    assert {"Pass", "Fail"} <= statuses


def test_asff_is_what_security_hub_takes(estate):
    import botocore.session
    from botocore.validate import ParamValidator

    service = botocore.session.get_session().get_service_model("securityhub")
    shape = service.operation_model("BatchImportFindings").input_shape
    findings = json.loads(estate("findings", "--format", "asff").out)
    assert len(findings) == len(estate("findings", "--format", "ndjson").rows()) > 5
    assert not ParamValidator().validate({"Findings": findings[:100]}, shape).generate_report()
    known = {f"{'' if m.startswith('Aws') else ''}{m}" for m in service.shape_for("ResourceDetails").members}
    for f in findings:
        assert f["SchemaVersion"] == "2018-10-08" and f["AwsAccountId"] == "111122223333"
        assert len(f["Id"]) <= 512 and len(f["GeneratorId"]) <= 512 and len(f["Title"]) <= 256 and len(f["Description"]) <= 1024
        assert re.fullmatch(r"arn:aws:securityhub:[a-z0-9-]+:111122223333:product/111122223333/default", f["ProductArn"])
        assert f["Severity"]["Label"] in ("INFORMATIONAL", "LOW", "MEDIUM", "HIGH", "CRITICAL")
        assert f["CreatedAt"].endswith("Z") and f["Compliance"]["Status"] == "FAILED"
        assert 1 <= len(f["Resources"]) <= 32 and len(json.dumps(f)) < 240 * 1024
        assert f["Resources"][0]["Type"] in known
        assert f["Workflow"]["Status"] == "NEW" and f["RecordState"] == "ACTIVE"
    assert len({f["Id"] for f in findings}) == len(findings)


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_workbook(estate, lang):
    estate("findings", "-o", "xlsx=f.xlsx", "--lang", lang)
    rows = estate("findings", "--format", "ndjson", "--lang", lang).rows()
    with zipfile.ZipFile(estate.folder / "f.xlsx") as book:
        assert book.testzip() is None
        sheets = [n for n in book.namelist() if n.startswith("xl/worksheets/sheet")]
        texts = "".join(ET.fromstring(book.read("xl/sharedStrings.xml")).itertext())
        names = [s.get("name") for s in ET.fromstring(book.read("xl/workbook.xml")).findall(".//{*}sheet")]
        list_sheet = ET.fromstring(book.read(sorted(sheets)[1]))
    assert names == {"en": ["Summary", "Findings"], "ja": ["要約", "検出結果"]}[lang]
    assert len(list_sheet.findall(".//{*}row")) == len(rows) + 1
    assert HOSTILE in texts and rows[0]["title"] in texts
    assert not list_sheet.findall(".//{*}f"), "a cell would be run as a formula"
    raw = estate("findings", "--format", "xlsx", text=False)
    assert raw.code == 0 and raw.out.startswith(b"PK")


class Page:
    """A report in HTML, parsed strictly enough to see what a browser would make of it."""

    def __init__(self, text):
        from html.parser import HTMLParser

        self.tags, self.text = [], []
        page = self

        class Reader(HTMLParser):
            def handle_starttag(self, tag, attributes):
                page.tags.append((tag, dict(attributes)))

            def handle_data(self, data):
                page.text.append(data)

        Reader(convert_charrefs=True).feed(text)
        self.words = "".join(self.text)


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_html_is_one_file_that_runs_nothing(estate, lang):
    text = estate("findings", "--format", "html", "--lang", lang).out
    page = Page(text)
    assert ("html", {"lang": lang}) in page.tags
    assert not {tag for tag, _ in page.tags} & {"script", "link", "img", "iframe", "object", "form"}
    assert not [a for _, a in page.tags if {"src", "onclick"} & set(a) or not a.get("href", "#").startswith("#")]
    assert "url(" not in text and "@import" not in text
    assert HOSTILE in page.words
    for row in estate("findings", "--format", "ndjson", "--lang", lang).rows():
        assert row["title"] in page.words and row["resource"].split(":")[-1] in page.words
    assert text.count("<section>") == len({r["rule"] for r in estate("findings", "--format", "ndjson").rows()})


def test_a_hundred_thousand_findings_stay_readable(yagura):
    """Also the size of the others: nothing is cut off, no form explodes."""
    path = yagura.folder / "many.ndjson"
    accounts = [f"{111122220000 + i}" for i in range(20)]
    regions = ["us-east-1", "ap-northeast-1", "eu-west-1"]
    with path.open("w") as out:
        for i in range(15_000):
            out.write(json.dumps(bucket(f"corp-data-{i:06}-{i * 7919 % 10007:05x}", accounts[i % 20], regions[i % 3])) + "\n")
    done = yagura("check", "many.ndjson", "--no-state", "-o", "html=r.html", "-o", "sarif=r.sarif", "-o", "ndjson=r.ndjson", "-o", "md=r.md", timeout=600)
    assert done.code == 0, done.err
    lines = (yagura.folder / "r.ndjson").read_text().splitlines()
    failed = sum('"verdict":"FAIL"' in line for line in lines)
    assert failed >= 100_000
    size = (yagura.folder / "r.html").stat().st_size
    assert size <= 10_000_000, size
    page = Page((yagura.folder / "r.html").read_text())
    assert f"{failed:,}" in page.words
    runs = json.loads((yagura.folder / "r.sarif").read_text())["runs"]
    assert all(len(run["results"]) <= 25_000 for run in runs) and sum(len(run["results"]) for run in runs) == failed
