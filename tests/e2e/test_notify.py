"""Notices of new findings to a webhook on loopback: once, whatever goes wrong in between, and harmless whatever they tell."""

import http.server
import json
import signal
import sqlite3
import subprocess
import threading
import time

import pytest
from conftest import YAGURA, free_port
from test_fix import Bucket, finding, leak, scan


class Receiver:
    """Takes notices; `answers` are (status, headers) for the first ones, `act` is called before an answer goes out."""

    def __init__(self, port, answers=(), act=lambda: None):
        self.url = f"http://127.0.0.1:{port}/hook/secret"
        self.got = []
        self.arrived = threading.Event()
        answers = list(answers)
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                receiver.got.append((self.headers["webhook-id"], body))
                receiver.arrived.set()
                act()
                status, headers = answers.pop(0) if answers else (200, {})
                self.send_response(status)
                for key, value in headers.items():
                    self.send_header(key, value)
                self.end_headers()

        self.server = http.server.HTTPServer(("127.0.0.1", port), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def about(self, words):
        return [body for _, body in self.got if words in body["text"]]


def settings(yagura, url, **more):
    more = {"lang": "en", "min_severity": "high", "allow_private": True, **more}
    data = yagura.folder / "data"
    data.mkdir(exist_ok=True)
    lines = [f"{key} = {json.dumps(value)}" for key, value in more.items()]
    (data / "yagura.toml").write_text("\n".join(["[[notifier]]", 'name = "team"', 'kind = "slack"', f'url = "{url}"', *lines]))


def outbox(yagura, sql="SELECT * FROM outbox"):
    with sqlite3.connect(yagura.folder / "data/yagura.db") as db:
        db.row_factory = sqlite3.Row
        return [dict(row) for row in db.execute(sql).fetchall()]


def let_time_pass(yagura):
    """Everything that waits for its next attempt is due."""
    outbox(yagura, "UPDATE outbox SET next_attempt_at = '2000-01-01T00:00:00Z'")


def test_a_notice_arrives_once_also_when_the_receiver_was_down(yagura, moto):
    port = free_port()
    settings(yagura, f"http://127.0.0.1:{port}/hook/secret", lang="ja", console="http://127.0.0.1:7117/")
    bucket = Bucket(moto)
    bucket.s3.put_bucket_tagging(Bucket="open", Tagging={"TagSet": [{"Key": "Owner", "Value": "基盤チーム"}]})
    done = scan(yagura, moto, "s3")
    assert "`team`" in done.err and "secret" not in done.err
    # The console is told to end while the receiver still thinks: what it then answers must not be lost.
    receiver = Receiver(port, act=lambda: (up.terminate(), time.sleep(1)))
    up = subprocess.Popen([YAGURA, "up", "--listen", f"127.0.0.1:{free_port()}"], cwd=yagura.folder, env=yagura.env, stderr=subprocess.DEVNULL)
    try:
        assert receiver.arrived.wait(60)
    finally:
        up.terminate()
        assert up.wait(20) == 0
    (message,) = receiver.about("ブロック")
    text = json.dumps(message, ensure_ascii=False)
    id = finding(yagura, "S3.8")
    for part in ("【高】", "基盤チーム", f"`yagura fix {id}`", f"<http://127.0.0.1:7117/findings/{id}|arn:aws:s3:::open>", "123456789012", "us-east-1"):
        assert part in text, (part, text)
    assert yagura("findings", "--rule", "S3.8", "--format", "ndjson").rows()[0]["status"] == "notified"
    told = len(receiver.got)
    let_time_pass(yagura)
    scan(yagura, moto, "s3")
    assert len(receiver.got) == told


def test_a_receiver_that_fails_or_asks_for_quiet_is_asked_again_later(yagura, moto):
    receiver = Receiver(free_port(), [(500, {}), (429, {"Retry-After": "7200"})])
    settings(yagura, receiver.url)
    Bucket(moto)
    assert "500" in scan(yagura, moto, "s3").err
    let_time_pass(yagura)
    done = scan(yagura, moto, "s3")
    assert "429" in done.err and done.code == 0
    asked = len(receiver.got)
    (wait,) = {row["w"] for row in outbox(yagura, "SELECT round(24 * (julianday(next_attempt_at) - julianday('now'))) w FROM outbox")}
    assert wait == 2
    scan(yagura, moto, "s3")
    assert len(receiver.got) == asked == 2
    let_time_pass(yagura)
    scan(yagura, moto, "s3")
    (id,) = {id for id, _ in receiver.got}
    assert len(receiver.got) == 3 and id.startswith("yagura-")
    assert "[high]" in receiver.got[-1][1]["text"] and all(row["delivered_at"] for row in outbox(yagura))


def test_killed_after_it_was_sent(yagura, moto):
    """The one case in which a message goes out again; it is the same one then, and says so."""
    killed = []

    def kill():
        if not killed:
            killed.append(command)
            command.send_signal(signal.SIGKILL)
            command.wait()

    receiver = Receiver(free_port(), act=kill)
    settings(yagura, receiver.url)
    Bucket(moto)
    scanning = [YAGURA, "scan", "--region", "us-east-1", "--service", "s3", "--format", "ndjson"]
    command = subprocess.Popen(scanning, cwd=yagura.folder, env={**yagura.env, **moto.env()}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    assert command.wait(60) == -signal.SIGKILL and receiver.arrived.wait(60)
    # A second finding of the same rule is not smuggled into the message that may have been seen.
    moto.client("s3").create_bucket(Bucket="second")
    let_time_pass(yagura)
    scan(yagura, moto, "s3")
    first, again, second = receiver.got
    assert first == again and second[0] != first[0]
    assert "second" in json.dumps(second[1]) and "second" not in json.dumps(first[1])


def test_what_a_log_says_cannot_speak_through_a_notice(yagura):
    receiver = Receiver(free_port())
    settings(yagura, receiver.url)
    leak(yagura, "<!channel>`*x*` & https://evil.example/")
    (message,) = receiver.about("key")
    text = json.dumps(message)
    assert "<!channel>" not in text and "&lt;!channel&gt;'*x*' &amp;" in text
    parts = [p for b in message["blocks"] for p in [*b.get("fields", []), b.get("text", {})] if p.get("type") == "mrkdwn"]
    assert parts and all(p["verbatim"] is True for p in parts)
    assert "yagura fix F-" in text


@pytest.mark.parametrize("url,more,said", [
    ("{receiver}", {"allow_private": False}, "allow_private"),
    ("https://127.0.0.1:{port}/", {"allow_private": False}, "private network"),
    ("https://localhost:{port}/", {"allow_private": False}, "private network"),
    ("https://[::ffff:169.254.169.254]/latest", {"allow_private": False}, "private network"),
    ("file:///etc/passwd", {}, "only https"),
])
def test_the_own_network_is_not_called(yagura, moto, url, more, said):
    port = free_port()
    receiver = Receiver(port)
    settings(yagura, url.format(receiver=receiver.url, port=port), **more)
    Bucket(moto)
    done = scan(yagura, moto, "s3")
    assert said in done.err and not receiver.got


def test_a_redirect_is_not_followed(yagura, moto):
    inner = Receiver(free_port())
    outer = Receiver(free_port(), [(307, {"Location": inner.url})])
    settings(yagura, outer.url)
    Bucket(moto)
    assert "307" in scan(yagura, moto, "s3").err
    assert len(outer.got) == 1 and not inner.got
