"""`yagura scan` on a live account: every verdict both ways, and what happens when AWS doesn't answer."""

import concurrent.futures
import json
import tomllib

import proxy as proxies
import pytest
import seed
from conftest import ROOT, Yagura
from proxy import Proxy, Rule, broken, denied, edited, expired, throttled
from seed import ACCOUNT, HOME, OTHER, REGION_WIDE
from seed import ROOT as ACCOUNT_ARN

VERDICT_KEYS = ["control", "verdict", "resource", "type", "account", "region", "severity", "title", "reason", "evidence", "source"]
RESOURCE_KEYS = {"type", "id", "arn", "account", "region", "tags", "properties", "observed", "relations"}


# Verdicts that the seeded account shows, both ways of each control.
PAIRED = 2 * 127


class Scanned:
    """A seeded account, the pairs, and scans of it."""

    def __init__(self, folder):
        self.moto = seed.Moto()
        self.moto.reset()
        self.pairs = seed.seed(self.moto)
        self.yagura = Yagura(folder)
        self.plain = self.scan()
        with Proxy(self.moto.url, seed.completed(mended=False)) as proxy:
            self.before = self.scan(url=proxy.url)
            self.called = {f"{service}:{operation}" for service, operation, *_ in proxy.seen}
        seed.mend(self.moto)
        with Proxy(self.moto.url, seed.completed(mended=True)) as proxy:
            self.after = self.scan("--resources", "resources.ndjson", url=proxy.url)

    def scan(self, *args, url=None, regions=(HOME, OTHER), env=None):
        chosen = [a for r in regions for a in ("--region", r)]
        return self.yagura("scan", "--no-state", "--format", "ndjson", *chosen, *args, env={**self.moto.env(url), **(env or {})})

    def resources(self):
        return [json.loads(line) for line in (self.yagura.folder / "resources.ndjson").read_text().splitlines()]


@pytest.fixture(scope="module")
def account(tmp_path_factory):
    scanned = Scanned(tmp_path_factory.mktemp("scan"))
    yield scanned
    scanned.moto.stop()


def by_resource(done):
    """{(control, resource or Region): line}; a second line for the same is an error."""
    lines = {}
    for row in done.rows():
        key = (row["control"], row["region"] if row["resource"] == REGION_WIDE else row["resource"])
        assert key not in lines, key
        lines[key] = row
    return lines


def verdicts(done):
    return {key: row["verdict"] for key, row in by_resource(done).items()}


def controls(yagura):
    return {r["id"]: r for r in yagura("content", "list", "--kind", "control", "--format", "ndjson").rows()}


def test_every_control_is_right_both_ways(account):
    assert (account.plain.code, account.before.code, account.after.code) == (0, 0, 0), account.before.err
    before, after = verdicts(account.before), verdicts(account.after)
    wrong, tested = [], set()

    def expect(lines, control, where, verdict):
        tested.add((control, verdict))
        if lines.get((control, where)) != verdict:
            wrong.append((control, where, verdict, lines.get((control, where))))

    for control, (good, bad) in account.pairs.items():
        expect(before, control, good, "PASS")
        expect(before, control, bad, "FAIL")
    for control in ("EC2.182", "IAM.28"):
        expect(before, control, HOME, "PASS")
        expect(before, control, OTHER, "FAIL")
    for control in [*seed.ACCOUNT_WIDE, "CIS-5.0/1.1", "CIS-5.0/1.6"]:
        expect(before, control, ACCOUNT_ARN, "FAIL")
        expect(after, control, ACCOUNT_ARN, "PASS")
    assert not wrong
    # A control that came later, with no pair here, stands on its own fixtures; it never takes one away.
    every = {(c, v) for c in controls(account.yagura) for v in ("PASS", "FAIL")}
    assert tested <= every and len(tested) >= PAIRED, f"no pair for {sorted(every - tested)}"


def test_what_the_api_does_not_answer_is_unknown(account):
    plain = by_resource(account.plain)
    for control in seed.MISSING:
        found = [row for (c, _), row in plain.items() if c == control]
        assert found and {row["verdict"] for row in found} == {"UNKNOWN"}, control
    assert {row["control"] for row in account.plain.rows() if row["verdict"] == "UNKNOWN"} == set(seed.MISSING)
    for control in seed.HALF:
        good, bad = account.pairs[control]
        assert plain[control, bad]["verdict"] == "FAIL"
    # Everything else is the same without the gaps filled.
    before = by_resource(account.before)
    changed = {k[0] for k in before if plain[k]["verdict"] != before[k]["verdict"]}
    assert changed == {*seed.MISSING, *seed.HALF}


def test_lines_have_the_keys_and_forms_of_the_contract(account):
    known = controls(account.yagura)
    for row in account.before.rows():
        assert list(row) == VERDICT_KEYS
        assert row["verdict"] in ("PASS", "FAIL", "UNKNOWN") and row["source"] == "live"
        assert row["account"] == ACCOUNT and row["severity"] == known[row["control"]]["severity"]
        kinds = known[row["control"]]["resource"]
        kinds = kinds if isinstance(kinds, list) else [kinds]
        # What belongs to a Region is printed under the account.
        assert row["type"] in ["AWS::::Account" if k == "AWS::::Region" else k for k in kinds]
        assert isinstance(row["evidence"], dict) and row["title"] and "" not in (row["reason"], row["region"])
        if row["resource"] == REGION_WIDE:
            assert row["region"] in (HOME, OTHER)
        elif row["type"] != "AWS::Config::ConfigurationRecorder":
            assert row["resource"].startswith("arn:aws:"), row
        if ":iam::" in row["resource"]:
            assert row["region"] == HOME
    far = [r for r in account.before.rows() if r["resource"] == "arn:aws:s3:::yg-far"]
    assert far and {r["region"] for r in far} == {OTHER}


def test_resources(account):
    rows = account.resources()
    assert all(set(r) == RESOURCE_KEYS for r in rows)
    assert {r["account"] for r in rows} == {ACCOUNT}
    arns = [(r["type"], r["arn"] or r["id"], r["region"]) for r in rows]
    assert len(set(arns)) == len(arns)
    named = {r["arn"] for r in rows}
    for good, bad in account.pairs.values():
        for arn in (good, bad):
            assert not arn.startswith("arn:") or arn in named


def test_language_of_titles(account):
    ja = account.scan("--service", "s3", "--lang", "ja").rows()
    en = account.scan("--service", "s3", "--lang", "en").rows()
    assert [(r["control"], r["resource"], r["verdict"]) for r in ja] == [(r["control"], r["resource"], r["verdict"]) for r in en]
    assert all(any(ord(c) > 0x3000 for c in r["title"]) for r in ja)
    assert not any(ord(c) > 0x3000 for r in en for c in r["title"] + r["reason"])


# ---- what is left out

def test_service(account):
    rows = account.scan("--service", "s3").rows()
    assert {r["type"] for r in rows} == {"AWS::S3::Bucket"}
    rows = account.scan("--service", "s3", "--service", "kms").rows()
    assert {r["type"] for r in rows} == {"AWS::S3::Bucket", "AWS::KMS::Key"}
    # Rules look at what was not asked for all the same: a bucket's account, an account's trails.
    whole = {(r["control"], r["resource"], r["region"]): r["verdict"] for r in account.scan().rows()}
    for service in ("account", "s3"):
        for row in account.scan("--service", service).rows():
            assert row["verdict"] == whole[row["control"], row["resource"], row["region"]], row
    done = account.scan("--service", "s4")
    assert done.code == 2 and "`s4`" in done.err and "s3" in done.err and not done.out


def test_region_limits_buckets_by_their_own_region(account):
    rows = account.scan("--service", "s3", regions=[OTHER]).rows()
    assert {r["resource"] for r in rows} == {"arn:aws:s3:::yg-far"} and {r["region"] for r in rows} == {OTHER}
    rows = account.scan("--service", "s3", regions=[HOME]).rows()
    assert "arn:aws:s3:::yg-far" not in {r["resource"] for r in rows}
    # Global services are read once, whatever the Region.
    with Proxy(account.moto.url) as proxy:
        rows = account.scan("--service", "iam", regions=[OTHER], url=proxy.url).rows()
    assert rows and {r["region"] for r in rows} == {HOME}


def test_global_services_are_read_once(account):
    with Proxy(account.moto.url) as proxy:
        account.scan("--service", "iam", url=proxy.url)
    listed = [s for s in proxy.seen if s[:2] == ("iam", "ListServerCertificates")]
    assert len(listed) == 1


def test_state_is_kept_only_when_wanted(account, tmp_path):
    data = tmp_path / "data"
    account.scan("--service", "kms", "--data", data)
    assert not data.exists()
    done = account.yagura("scan", "--service", "kms", "--region", HOME, "--data", data, "--format", "ndjson", env=account.moto.env())
    assert done.code == 0 and data.exists() and done.rows()


# ---- allowed and denied

# Actions that IAM doesn't call as the API does (AWS's Service Authorization Reference).
ACTIONS = {
    "s3:ListBuckets": "s3:ListAllMyBuckets",
    "s3:GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
    "s3:GetBucketEncryption": "s3:GetEncryptionConfiguration",
    "s3:GetBucketLifecycleConfiguration": "s3:GetLifecycleConfiguration",
    "s3:GetBucketReplication": "s3:GetReplicationConfiguration",
    "s3:GetObjectLockConfiguration": "s3:GetBucketObjectLockConfiguration",
    "s3control:GetPublicAccessBlock": "s3:GetAccountPublicAccessBlock",
    "s3control:ListAccessPoints": "s3:ListAccessPoints",
    "accessanalyzer:ListAnalyzers": "access-analyzer:ListAnalyzers",
    "efs:DescribeFileSystems": "elasticfilesystem:DescribeFileSystems",
    "opensearch:ListDomainNames": "es:ListDomainNames",
    "sesv2:ListEmailIdentities": "ses:ListEmailIdentities",
    "apigateway:GetRestApis": "apigateway:GET",
}


def test_policy_allows_exactly_what_a_scan_calls(account):
    policy = json.loads(account.yagura("policy").out)["Statement"][0]["Action"]
    called = {ACTIONS.get(call, call) for call in account.called}
    # Asked only of things that the account doesn't have.
    spared = {action for action, lists, kinds in calls().values() if not lists and not kinds & held(account)}
    # Asked only when no Region is chosen; only of an organization, which the account joins after this scan.
    spared |= {"ec2:DescribeRegions", "organizations:DescribePolicy", "organizations:ListParents",
               "organizations:ListDelegatedAdministrators", "organizations:ListDelegatedServicesForAccount"}
    # Asked only on demand.
    spared |= {call["api"] for head in heads() for call in head.get("call", []) if "with" in call}
    assert called <= set(policy) and set(policy) - called <= spared


def heads():
    for path in sorted((ROOT / "content/resources").glob("*/*.md")):
        yield tomllib.loads(path.read_text().split("+++")[1])


def held(account):
    """Services of which the account has something."""
    kinds = {r["type"] for r in account.resources()}
    return {head["type"] for head in heads() if head["type"] in kinds}


# botocore's names of services where IAM has another one.
PREFIX = {"s3control": "s3", "accessanalyzer": "access-analyzer", "efs": "elasticfilesystem", "opensearch": "es", "sesv2": "ses"}


def calls():
    """{(service to scan, API): (IAM action, whether it lists, the types that call it)}, of all calls of the content."""
    found = {}
    for head in heads():
        for call in head.get("call", []):
            if "with" in call:
                continue
            for api in filter(None, [call["api"], call.get("start")]):
                service, _, operation = api.partition(":")
                action = call.get("action") if api == call["api"] else None
                # What can't be placed in a Region can't be listed when Regions are chosen.
                lists = api == call["api"] and ("each" in call or call.get("locates", False))
                key = head["service"], api
                _, listed, kinds = found.get(key, ("", False, set()))
                found[key] = (action or f"{PREFIX.get(service, service)}:{operation}", lists or listed, kinds | {head["type"]})
    return found


def test_each_denied_call_blinds_what_needs_it_and_nothing_else(account):
    """One call after another is denied. No verdict turns, none is lost; what can't be judged says which call it wants."""
    asked = calls()
    services = sorted({service for service, _ in asked})

    def scan(service, *rules):
        with Proxy(account.moto.url, [*rules, *seed.completed(mended=True)]) as proxy:
            return account.scan("--service", service, "--strict", url=proxy.url)

    # Two at a time: as many as there are cores in the smallest place where this runs.
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        base = dict(zip(services, pool.map(scan, services)))
        rules = {key: denied(key[1]) for key in asked}
        # A report that is still there is as good as a new one.
        absent = Rule("iam:GetCredentialReport", 410, "ReportNotPresent", "No report is present")
        answers = {key: pool.submit(scan, key[0], rule, *([absent] if key[1] == "iam:GenerateCredentialReport" else []))
                   for key, rule in rules.items()}
    wrong = [("without denial", service, done.code, done.err) for service, done in base.items() if done.code != 0]
    for (service, api), job in answers.items():
        action, lists, kinds = asked[service, api]
        if rules[service, api].hits == 0:
            # Of a type that the account has nothing of, only the listing is called.
            if lists or kinds & held(account):
                wrong.append((api, "was never called"))
            continue
        done = job.result()
        if done.code != 4:
            wrong.append((api, "exit code", done.code, done.err))
        wrong += [(api, *what) for what in differences(by_resource(base[service]), by_resource(done), action, lists)]
    assert not wrong, "\n".join(map(str, wrong))


def differences(was, now, action, lists):
    """What a denied action may not do to verdicts."""
    unknown = {key for key, row in now.items() if row["verdict"] == "UNKNOWN"}
    for key in unknown:
        if action not in now[key]["reason"]:
            yield key, "the reason does not name", action, now[key]["reason"]
    for key in set(now) - unknown:
        if key not in was or was[key]["verdict"] != now[key]["verdict"]:
            yield key, was.get(key, {}).get("verdict"), "became", now[key]["verdict"]
    lost = set(was) - set(now)
    if not lists:
        yield from ((key, "is lost") for key in lost)
    # A listing takes the lines of the resources, and leaves one for each control, account and Region.
    blind = {control for control, where in unknown if where in (HOME, OTHER, ACCOUNT_ARN)}
    yield from ((control, "has no line") for control in {c for c, _ in lost} - blind)
