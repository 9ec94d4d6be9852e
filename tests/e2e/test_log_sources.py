"""Where logs come from, and whether they are what CloudTrail delivered: buckets, standard input, digests."""

import base64
import copy
import gzip
import hashlib
import json

import pytest
from conftest import Moto
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from test_hunt import alerts, log, record

BUCKET = "trail-logs"
PREFIX = "AWSLogs/111122223333/CloudTrail/ap-northeast-1/2026/01/02/"


def put(moto, key, body):
    # As CloudTrail does; what is stored is what must be read, or its second gzip member would be unpacked on the way.
    more = {"ContentEncoding": "gzip"} if key.endswith(".gz") else {}
    moto.client("s3").put_object(Bucket=BUCKET, Key=key, Body=body, **more)


@pytest.fixture
def bucket(moto):
    moto.client("s3").create_bucket(Bucket=BUCKET)
    put(moto, PREFIX + "a.json.gz", gzip.compress(log([record(n) for n in range(0, 20)])))
    put(moto, PREFIX + "b.json.gz", gzip.compress(log([record(n) for n in range(10, 30)])))
    put(moto, PREFIX, b"")
    put(moto, "AWSLogs/other.txt", b"no log")
    # Larger than one part of a fetch.
    put(moto, PREFIX + "large.json", log([record(n, userAgent="x" * 300_000) for n in range(100, 130)]))
    return moto


def test_hunt_reads_a_bucket(yagura, bucket):
    done = yagura("hunt", f"s3://{BUCKET}/AWSLogs/", "--format", "ndjson", "--strict", "--stats", "stats.json", env=bucket.env())
    assert done.code == 0, done.err
    [line] = alerts(done)
    assert line["count"] == 30 + 30
    stats = json.loads((yagura.folder / "stats.json").read_text())
    assert (stats["files"], stats["records"], stats["distinct_events"]) == (3, 70, 60)
    assert f"s3://{BUCKET}/AWSLogs/other.txt: not JSON" in done.err
    [narrow] = alerts(yagura("hunt", f"s3://{BUCKET}/{PREFIX}a", "--format", "ndjson", env=bucket.env()))
    assert narrow["count"] == 20
    (yagura.folder / "more.json").write_bytes(log([record(200)]))
    [both] = alerts(yagura("hunt", "more.json", f"s3://{BUCKET}/{PREFIX}a", "--format", "ndjson", env=bucket.env()))
    assert both["count"] == 21


def test_more_objects_than_one_page_lists(yagura, monkeypatch):
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "40")
    moto = Moto()
    try:
        moto.client("s3").create_bucket(Bucket=BUCKET)
        for n in range(100):
            put(moto, f"many/{n:03}.json", log([record(n)]))
        done = yagura("hunt", f"s3://{BUCKET}/many/", "--format", "ndjson", env=moto.env())
        [line] = alerts(done)
        assert line["count"] == 100
    finally:
        moto.stop()


def test_ingest_fetches_an_object_once_for_each_version(yagura, bucket):
    address = f"s3://{BUCKET}/{PREFIX}"
    first = yagura("ingest", address, "--format", "ndjson", env=bucket.env())
    assert first.code == 0 and "60 new events, 10 repeated" in first.err, first.err
    again = yagura("ingest", address, "--format", "ndjson", env=bucket.env())
    assert again.code == 0 and again.rows() == [] and "3 objects were known" in again.err, again.err
    put(bucket, PREFIX + "b.json.gz", gzip.compress(log([record(n) for n in range(10, 40)])))
    changed = yagura("ingest", address, "--format", "ndjson", env=bucket.env())
    assert "10 new events" in changed.err and "2 objects were known" in changed.err, changed.err


def test_a_second_member_does_not_slip_through_the_transport(yagura, bucket):
    put(bucket, "two/a.json.gz", gzip.compress(log([record(1)])) + gzip.compress(log([record(2)])))
    done = yagura("hunt", f"s3://{BUCKET}/two/", "--format", "ndjson", "--strict", env=bucket.env())
    assert done.code == 4 and "gzip member" in done.err
    assert alerts(done)[0]["event_ids"] == [record(1)["eventID"]]


def test_buckets_that_cannot_be_read(yagura, bucket):
    missing = yagura("hunt", "s3://no-such-bucket-here/x", env=bucket.env())
    assert missing.code == 2 and "s3://no-such-bucket-here" in missing.err
    assert yagura("hunt", "s3://", env=bucket.env()).code == 2
    nothing = yagura("hunt", f"s3://{BUCKET}/nothing/", env=bucket.env())
    assert nothing.code == 3 and "no objects begin like this" in nothing.err
    nobody = yagura("hunt", f"s3://{BUCKET}/", env={"AWS_ENDPOINT_URL": bucket.url, "AWS_REGION": "us-east-1"})
    assert nobody.code == 3 and "credentials" in nobody.err
    down = yagura("hunt", f"s3://{BUCKET}/", env=bucket.env(AWS_ENDPOINT_URL="http://127.0.0.1:9", AWS_MAX_ATTEMPTS="1"))
    assert down.code == 3 and "127.0.0.1" in down.err


def test_standard_input(yagura):
    text = "".join(json.dumps(record(n)) + "\n" for n in range(3))
    for data in (text.encode(), gzip.compress(text.encode()), gzip.compress(log([record(n) for n in range(3)]))):
        done = yagura("hunt", "-", "--format", "ndjson", stdin=data, text=False)
        [line] = [json.loads(l) for l in done.out.splitlines()]
        assert line["count"] == 3
    assert "3 new events" in yagura("ingest", "-", stdin=text).err
    assert yagura("hunt", "-", stdin="").code == 3


class Trail:
    """Logs and hourly digests as CloudTrail writes them, signed with a key of our own."""

    def __init__(self, folder, hours=3):
        self.folder, self.bucket = folder, "trail-logs"
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        der = self.key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.PKCS1)
        self.fingerprint = hashlib.md5(der).hexdigest()
        self.keys = {"PublicKeyList": [{"Value": base64.b64encode(der).decode(), "Fingerprint": self.fingerprint}]}
        self.logs, self.digests = [], []
        previous = None
        for hour in range(hours):
            previous = self.add(hour, previous)

    def add(self, hour, previous):
        key = f"{PREFIX}111122223333_CloudTrail_ap-northeast-1_20260102T0{hour}05Z_x{hour}.json.gz"
        text = log([record(hour)])
        self.write(key, text)
        self.logs.append(key)
        base = "AWSLogs/111122223333/CloudTrail-Digest/ap-northeast-1/2026/01/02/111122223333_CloudTrail-Digest_ap-northeast-1_main"
        digest = {
            "awsAccountId": "111122223333",
            "digestStartTime": f"2026-01-02T0{hour}:00:00Z",
            "digestEndTime": f"2026-01-02T0{hour + 1}:00:00Z",
            "digestS3Bucket": self.bucket,
            "digestS3Object": f"{base}_ap-northeast-1_20260102T0{hour + 1}0000Z.json.gz",
            "digestPublicKeyFingerprint": self.fingerprint,
            "digestSignatureAlgorithm": "SHA256withRSA",
            "previousDigestS3Bucket": previous and self.bucket,
            "previousDigestS3Object": previous and previous["key"],
            "previousDigestHashValue": previous and previous["hash"],
            "previousDigestHashAlgorithm": previous and "SHA-256",
            "previousDigestSignature": previous and previous["signature"],
            "logFiles": [{"s3Bucket": self.bucket, "s3Object": key, "hashValue": hashlib.sha256(text).hexdigest(),
                          "hashAlgorithm": "SHA-256", "newestEventTime": "x", "oldestEventTime": "x"}],
        }
        raw = json.dumps(digest).encode()
        self.write(digest["digestS3Object"], raw)
        self.digests.append(digest["digestS3Object"])
        hashed = hashlib.sha256(raw).hexdigest()
        before = previous["signature"] if previous else "null"
        signed = f"{digest['digestEndTime']}\n{self.bucket}/{digest['digestS3Object']}\n{hashed}\n{before}"
        signature = self.key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()).hex()
        return {"key": digest["digestS3Object"], "hash": hashed, "signature": signature}

    def write(self, key, text):
        path = self.folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(text))

    def read(self, key):
        return gzip.decompress((self.folder / key).read_bytes())


@pytest.fixture
def trail(yagura):
    trail = Trail(yagura.folder / "logs")
    (yagura.folder / "keys.json").write_text(json.dumps(trail.keys))
    return trail


def hunt(yagura, *more):
    return yagura("hunt", "logs", "--strict", "--format", "ndjson", *more)


def named(done, key):
    return [l for l in done.err.splitlines() if l.startswith(f"logs/{key}: ")]


def test_logs_that_are_as_delivered(yagura, trail):
    done = hunt(yagura, "--digest-keys", "keys.json", "--stats", "stats.json")
    assert done.code == 0, done.err
    assert "3 log(s) are what CloudTrail delivered" in done.err and "2 digest signature(s) are right" in done.err
    assert json.loads((yagura.folder / "stats.json").read_text())["files"] == 3
    offline = hunt(yagura)
    assert offline.code == 0 and "3 could not be checked" in offline.err and "--digest-keys" in offline.err
    assert alerts(done) == alerts(offline) and alerts(done)[0]["count"] == 3
    assert "logs/" not in done.err, "good files are not named"
    inflated = yagura.folder / "logs" / trail.logs[0].removesuffix(".gz")
    inflated.write_bytes(trail.read(trail.logs[0]))
    (yagura.folder / "logs" / trail.logs[0]).unlink()
    assert hunt(yagura).code == 0, "a log that was inflated is the same log"
    assert yagura("ingest", "logs", "--strict", "--digest-keys", "keys.json").code == 0


def test_a_log_that_was_changed(yagura, trail):
    trail.write(trail.logs[1], log([record(1, userAgent="somebody else")]))
    done = hunt(yagura)
    assert done.code == 4
    [line] = named(done, trail.logs[1])
    assert "changed since" in line and "2 log(s) are what" in done.err
    assert len([l for l in done.err.splitlines() if l.startswith("logs/")]) == 1
    assert yagura("ingest", "logs", "--strict").code == 4


def test_a_changed_log_in_a_bucket(yagura, trail, bucket):
    trail.write(trail.logs[1], log([record(1, userAgent="somebody else")]))
    for path in (yagura.folder / "logs").rglob("*.gz"):
        put(bucket, f"signed/{path.relative_to(yagura.folder / 'logs')}", path.read_bytes())
    done = yagura("hunt", f"s3://{BUCKET}/signed/", "--strict", "--format", "ndjson", env=bucket.env())
    assert done.code == 4 and "2 log(s) are what" in done.err
    assert [l for l in done.err.splitlines() if l.startswith(f"s3://{BUCKET}/signed/{trail.logs[1]}: ")]


def test_a_member_behind_the_log_is_one_line(yagura, trail):
    path = yagura.folder / "logs" / trail.logs[1]
    path.write_bytes(path.read_bytes() + gzip.compress(log([record(50)])))
    done = hunt(yagura)
    assert done.code == 4 and len(named(done, trail.logs[1])) == 1
    assert alerts(done)[0]["count"] == 3
    both = hunt(yagura, "--multi-member")
    [line] = named(both, trail.logs[1])
    assert "changed since" in line, "what is read is what is hashed"


def test_a_log_that_was_deleted(yagura, trail):
    (yagura.folder / "logs" / trail.logs[2]).unlink()
    done = hunt(yagura)
    assert done.code == 4
    [line] = named(done, trail.digests[2])
    assert trail.logs[2] in line and "deleted" in line


def test_an_hour_that_was_deleted_with_its_digest(yagura, trail):
    for key in (trail.logs[1], trail.digests[1]):
        (yagura.folder / "logs" / key).unlink()
    done = hunt(yagura)
    assert done.code == 4
    [line] = named(done, trail.digests[2])
    assert trail.digests[1] in line
    for key in (trail.logs[0], trail.digests[0]):
        (yagura.folder / "logs" / key).unlink()
    assert hunt(yagura).code == 0, "whoever fetches the last hour alone misses nothing"


def test_a_digest_that_was_changed_with_its_log(yagura, trail):
    def rewrite(number, **more):
        trail.write(trail.digests[number], json.dumps({**json.loads(trail.read(trail.digests[number])), **more}).encode())

    def hashed(key):
        return hashlib.sha256(trail.read(key)).hexdigest()

    trail.write(trail.logs[0], log([record(0, userAgent="somebody else")]))
    listed = json.loads(trail.read(trail.digests[0]))["logFiles"]
    rewrite(0, logFiles=[{**listed[0], "hashValue": hashed(trail.logs[0])}])
    done = hunt(yagura)
    assert done.code == 4 and len(named(done, trail.digests[0])) == 1
    # With all later digests changed as well, only the signatures tell.
    rewrite(1, previousDigestHashValue=hashed(trail.digests[0]))
    rewrite(2, previousDigestHashValue=hashed(trail.digests[1]))
    assert hunt(yagura).code == 0
    signed = hunt(yagura, "--digest-keys", "keys.json")
    assert signed.code == 4
    for key in trail.digests[:2]:
        [line] = named(signed, key)
        assert "signature" in line


def test_keys_that_are_none(yagura, trail):
    (yagura.folder / "keys.json").write_text("{}")
    done = hunt(yagura, "--digest-keys", "keys.json")
    assert done.code == 2 and "keys.json" in done.err and "list-public-keys" in done.err
    assert hunt(yagura, "--digest-keys", "nowhere.json").code == 2
    other = copy.deepcopy(trail.keys)
    other["PublicKeyList"][0]["Fingerprint"] = "0" * 32
    (yagura.folder / "keys.json").write_text(json.dumps(other))
    done = hunt(yagura, "--digest-keys", "keys.json")
    assert done.code == 0 and "3 could not be checked" in done.err
