"""`yagura scan` on a live account: every verdict both ways, and what happens when AWS doesn't answer."""

import concurrent.futures
import json
import tomllib

import proxy as proxies
import pytest
import seed
from conftest import ROOT, Yagura
from proxy import Proxy, broken, denied, expired, throttled
from seed import ACCOUNT, HOME, OTHER, REGION_WIDE
from seed import ROOT as ACCOUNT_ARN

VERDICT_KEYS = ["control", "verdict", "resource", "type", "account", "region", "severity", "title", "reason", "evidence", "source"]
RESOURCE_KEYS = {"type", "id", "arn", "account", "region", "tags", "properties", "observed", "relations"}


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
    every = {(c, v) for c in controls(account.yagura) for v in ("PASS", "FAIL")}
    assert tested == every, f"no pair for {sorted(every - tested)}"


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
        assert row["type"] in (kinds if isinstance(kinds, list) else [kinds])
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


# ---- denied

def heads():
    for path in sorted((ROOT / "content/resources").glob("*/*.md")):
        yield tomllib.loads(path.read_text().split("+++")[1])


def calls():
    """Every call of the content: (service to scan, API, IAM action, is it the listing, resource type)."""
    found = []
    for head in heads():
        for call in head.get("call", []):
            action = call.get("action", call["api"])
            found.append((head["service"], call["api"], action, "each" in call and "per" not in call, head["type"]))
    return found


def signed(api):
    """A rule's pattern for an API as the content names it."""
    return api


def test_each_denied_call_blinds_what_needs_it_and_nothing_else(account):
    """One call after another is denied. No verdict turns, none is lost; what can't be judged says which call it wants."""
    services = sorted({c[0] for c in calls()})
    completed = seed.completed(mended=True)

    def scan(service, *rules):
        with Proxy(account.moto.url, [*rules, *seed.completed(mended=True)]) as proxy:
            return account.scan("--service", service, "--strict", url=proxy.url)

    assert completed
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        base = dict(zip(services, pool.map(scan, services)))
        asked = sorted({(service, api) for service, api, *_ in calls()})
        jobs = {}
        for service, api in asked:
            rule = denied(signed(api))
            jobs[service, api] = (rule, pool.submit(scan, service, rule))
        answers = {key: (rule, job.result()) for key, (rule, job) in jobs.items()}
    wrong = []
    for service in services:
        if base[service].code != 0:
            wrong.append(("without denial", service, base[service].code, base[service].err))
    for (service, api), (rule, done) in answers.items():
        actions = {a for s, called, a, *_ in calls() if (s, called) == (service, api)} | {api}
        listing = any(c[3] for c in calls() if c[:2] == (service, api))
        if rule.hits == 0:
            wrong.append((api, "was never called"))
            continue
        if done.code not in (3, 4):
            wrong.append((api, "exit code", done.code))
        if done.code == 3:
            continue
        was, now = by_resource(base[service]), by_resource(done)
        for key, row in now.items():
            if row["verdict"] == "UNKNOWN":
                if (key not in was or was[key]["verdict"] != "UNKNOWN") and not any(said(a, row["reason"]) for a in actions):
                    wrong.append((api, key, "reason", row["reason"]))
            elif key not in was or was[key]["verdict"] != row["verdict"]:
                wrong.append((api, key, was.get(key, {}).get("verdict"), row["verdict"]))
        lost = set(was) - set(now)
        if lost and not listing:
            wrong.append((api, "lost", sorted(lost)[:3]))
        if listing:
            blind = {c for c, _ in lost} - {c for c, w in now if w in (HOME, OTHER, ACCOUNT_ARN)}
            if blind:
                wrong.append((api, "no line for", sorted(blind)))
    assert not wrong, "\n".join(map(str, wrong))


def said(action, reason):
    """The reason names the action; the prefix is IAM's (`access-analyzer`), the content's API may have another."""
    return action.partition(":")[2] in reason
