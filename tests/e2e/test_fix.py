"""The playbooks against moto: plan, apply, verify, undo; killed in between; drift; and notices to a webhook."""

import http.server
import json
import os
import signal
import socket
import subprocess
import threading

import pytest
from conftest import YAGURA, free_port


def finding(yagura, rule):
    rows = yagura("findings", "--rule", rule, "--format", "ndjson").rows()
    assert rows, f"no open finding of {rule}"
    return rows[0]["id"]


def scan(yagura, moto, *services):
    args = [word for s in services for word in ("--service", s)]
    done = yagura("scan", "--region", "us-east-1", *args, "--format", "ndjson", env=moto.env())
    assert done.code == 0, done.err
    return done


def plan(yagura, moto, id):
    done = yagura("fix", id, "--format", "json", env=moto.env())
    assert done.code == 0, done.err
    return json.loads(done.out)


class Bucket:
    rule, services = "S3.8", ["s3"]

    def __init__(self, moto):
        self.s3 = moto.client("s3")
        self.s3.create_bucket(Bucket="open")
        block = {"BlockPublicAcls": True, "IgnorePublicAcls": False, "BlockPublicPolicy": False, "RestrictPublicBuckets": False}
        self.s3.put_public_access_block(Bucket="open", PublicAccessBlockConfiguration=block)

    def state(self):
        try:
            return self.s3.get_public_access_block(Bucket="open")["PublicAccessBlockConfiguration"]
        except self.s3.exceptions.ClientError:
            return None

    def good(self, state):
        return state and all(state.values())

    def meddle(self):
        self.s3.delete_public_access_block(Bucket="open")


class Group:
    rule, services = "EC2.13", ["ec2"]

    def __init__(self, moto):
        self.ec2 = moto.client("ec2")
        self.id = self.ec2.create_security_group(GroupName="jump", Description="jump host")["GroupId"]
        self.ec2.authorize_security_group_ingress(GroupId=self.id, IpPermissions=[
            {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0", "Description": "for now"}]},
            {"IpProtocol": "tcp", "FromPort": 3389, "ToPort": 3389, "Ipv6Ranges": [{"CidrIpv6": "::/0"}]},
            {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]},
        ])

    def state(self):
        group = self.ec2.describe_security_groups(GroupIds=[self.id])["SecurityGroups"][0]
        return sorted(json.dumps(p, sort_keys=True) for p in group["IpPermissions"])

    def good(self, state):
        return len(state) == 1 and "443" in state[0]

    def meddle(self):
        self.ec2.authorize_security_group_ingress(GroupId=self.id, IpPermissions=[
            {"IpProtocol": "tcp", "FromPort": 8080, "ToPort": 8080, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}])


class Trail:
    rule, services = "CloudTrail.3", ["cloudtrail", "s3", "account"]

    def __init__(self, moto):
        moto.client("s3").create_bucket(Bucket="trail-logs")
        self.trail = moto.client("cloudtrail")
        self.trail.create_trail(Name="main", S3BucketName="trail-logs", IsMultiRegionTrail=True)

    def state(self):
        return self.trail.get_trail_status(Name="main")["IsLogging"]

    def good(self, state):
        return state is True

    def meddle(self):
        self.trail.stop_logging(Name="main")


class Key:
    """A leaked key: the finding comes from the log."""

    rule = "iam-access-key-for-other-user"

    def __init__(self, moto):
        self.iam = moto.client("iam")
        self.iam.create_user(UserName="deploy")
        for _ in range(2):
            self.iam.create_access_key(UserName="deploy")

    def state(self):
        keys = self.iam.list_access_keys(UserName="deploy")["AccessKeyMetadata"]
        return sorted((k["AccessKeyId"], k["Status"]) for k in keys)

    def good(self, state):
        return all(status == "Inactive" for _, status in state)

    def meddle(self):
        key = self.state()[0][0]
        self.iam.update_access_key(UserName="deploy", AccessKeyId=key, Status="Active")


def leak(yagura):
    event = {
        "eventVersion": "1.09", "eventTime": "2026-01-02T03:04:05Z", "eventSource": "iam.amazonaws.com",
        "eventName": "CreateAccessKey", "awsRegion": "us-east-1", "sourceIPAddress": "203.0.113.7", "userAgent": "aws-cli",
        "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::123456789012:user/eve", "userName": "eve", "accountId": "123456789012"},
        "requestParameters": {"userName": "deploy"},
        "responseElements": {"accessKey": {"userName": "deploy", "accessKeyId": "AKIAEXAMPLE", "status": "Active"}},
        "eventID": "11111111-1111-1111-1111-111111111111", "eventType": "AwsApiCall", "recipientAccountId": "123456789012",
    }
    (yagura.folder / "log.json").write_text(json.dumps({"Records": [event]}))
    done = yagura("ingest", "log.json", "--format", "ndjson")
    assert done.code == 0, done.err


def open_finding(yagura, moto, case):
    if isinstance(case, Key):
        leak(yagura)
    else:
        scan(yagura, moto, *case.services)
    return finding(yagura, case.rule)


CASES = [Bucket, Group, Trail, Key]


@pytest.mark.parametrize("make", CASES)
def test_plan_apply_verify_undo(yagura, moto, make):
    case = make(moto)
    before = case.state()
    id = open_finding(yagura, moto, case)
    shown = plan(yagura, moto, id)
    assert shown["calls"] and shown["undo"] and shown["permissions"] and case.state() == before
    text = yagura("fix", id, "--lang", "ja", env=moto.env())
    assert "まだ何も変更していません" in text.out
    done = yagura("fix", id, "--yes", "--format", "json", env=moto.env())
    assert done.code == 0, done.err
    run = json.loads(done.out)["run"]
    assert case.good(case.state())
    back = yagura("undo", run, env=moto.env())
    assert back.code == 0, back.err
    assert case.state() == before
    again = yagura("undo", run, env=moto.env())
    assert again.code == 2 and "undone" in again.err


@pytest.mark.parametrize("make", CASES)
def test_drift_is_refused(yagura, moto, make):
    case = make(moto)
    id = open_finding(yagura, moto, case)
    done = yagura("fix", id, "--yes", "--format", "json", env=moto.env())
    assert done.code == 0, done.err
    case.meddle()
    meddled = case.state()
    back = yagura("undo", json.loads(done.out)["run"], env=moto.env())
    assert back.code == 3 and "has changed since" in back.err
    assert case.state() == meddled


def test_a_plan_that_is_out_of_date_is_refused(yagura, moto):
    case = Group(moto)
    id = open_finding(yagura, moto, case)
    plan(yagura, moto, id)
    case.meddle()
    before = case.state()
    done = yagura("fix", id, "--yes", env=moto.env())
    assert done.code == 3 and "has changed since plan" in done.err
    assert case.state() == before
    assert yagura("fix", id, "--yes", env=moto.env()).code == 0


class KillingProxy:
    """Passes requests on to moto, and kills a process after the n-th changing call has been carried out."""

    def __init__(self, moto, after, marker):
        proxy = self
        self.port = free_port()
        self.victim = None
        self.seen = 0

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_POST(self):
                self.forward()

            do_GET = do_PUT = do_DELETE = do_POST

            def forward(self):
                import urllib.error
                import urllib.request

                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                headers = {k: v for k, v in self.headers.items() if k.lower() not in ("host", "content-length")}
                request = urllib.request.Request(moto.url + self.path, data=body or None, method=self.command, headers=headers)
                try:
                    answer = urllib.request.urlopen(request)
                except urllib.error.HTTPError as e:
                    answer = e
                data = answer.read()
                if marker in body or marker in self.path.encode():
                    proxy.seen += 1
                    if proxy.seen == after and proxy.victim:
                        proxy.victim.send_signal(signal.SIGKILL)
                        return
                self.send_response(answer.status)
                for k, v in answer.headers.items():
                    if k.lower() not in ("transfer-encoding", "connection", "content-length"):
                        self.send_header(k, v)
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def kill_during(self, yagura, moto, *args):
        env = {**yagura.env, **moto.env(AWS_ENDPOINT_URL=f"http://127.0.0.1:{self.port}")}
        self.victim = subprocess.Popen([YAGURA, *args], cwd=yagura.folder, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        assert self.victim.wait(60) == -signal.SIGKILL
        self.server.shutdown()


@pytest.mark.parametrize("make,marker", [(Group, b"RevokeSecurityGroupIngress"), (Key, b"UpdateAccessKey")])
@pytest.mark.parametrize("end", ["resume", "undo"])
def test_killed_between_two_calls(yagura, moto, make, marker, end):
    case = make(moto)
    before = case.state()
    id = open_finding(yagura, moto, case)
    run = plan(yagura, moto, id)["run"]
    KillingProxy(moto, 1, marker).kill_during(yagura, moto, "fix", id, "--yes")
    halfway = case.state()
    assert halfway != before and not case.good(halfway)
    if end == "resume":
        done = yagura("fix", id, "--yes", env=moto.env())
        assert done.code == 0, done.err
        assert case.good(case.state())
    back = yagura("undo", run, env=moto.env())
    assert back.code == 0, back.err
    assert case.state() == before


class Receiver:
    def __init__(self, port):
        got = self.got = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_POST(self):
                got.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
                self.send_response(200)
                self.end_headers()

        self.server = http.server.HTTPServer(("127.0.0.1", port), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def test_a_notice_arrives_once_also_when_the_receiver_was_down(yagura, moto):
    port = free_port()
    data = yagura.folder / "data"
    data.mkdir()
    (data / "yagura.toml").write_text(
        f'[[notifier]]\nname = "team"\nkind = "slack"\nurl = "http://127.0.0.1:{port}/hook"\nlang = "ja"\n'
        'min_severity = "high"\nconsole = "http://127.0.0.1:7117"\nallow_private = true\n'
    )
    bucket = Bucket(moto)
    bucket.s3.put_bucket_tagging(Bucket="open", Tagging={"TagSet": [{"Key": "Owner", "Value": "基盤チーム"}]})
    done = scan(yagura, moto, "s3")
    assert "team" in done.err
    receiver = Receiver(port)
    console = free_port()
    up = subprocess.Popen([YAGURA, "up", "--listen", f"127.0.0.1:{console}"], cwd=yagura.folder, env=yagura.env, stderr=subprocess.PIPE, text=True)
    try:
        import time

        for _ in range(300):
            if receiver.got:
                break
            time.sleep(0.1)
        time.sleep(6)
    finally:
        up.terminate()
        up.wait(10)
    mine = [m for m in receiver.got if "ブロック" in m["text"]]
    assert len(mine) == 1, receiver.got
    text = json.dumps(mine[0], ensure_ascii=False)
    assert "基盤チーム" in text and "yagura fix F-" in text and "http://127.0.0.1:7117/findings/F-" in text
    rows = yagura("findings", "--rule", "S3.8", "--format", "ndjson").rows()
    assert rows[0]["status"] == "notified"
    scan(yagura, moto, "s3")
    assert len(receiver.got) == len({m["text"] for m in receiver.got})
