"""A loopback proxy before moto that denies, throttles, breaks or edits chosen operations of AWS's APIs.

moto's own authorisation cannot deny one call for one resource and leave the next alone, nor throttle. Which operation a
request is comes from botocore's service models, so rules are written as `service:Operation`; the answer has the
error shape of the service's protocol.
"""

import contextlib
import fnmatch
import functools
import http.client
import json
import re
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import botocore.loaders

# The name a request is signed for, where it is not botocore's name of the service.
SIGNED = {
    "monitoring": "cloudwatch", "access-analyzer": "accessanalyzer", "elasticfilesystem": "efs", "es": "opensearch", "ses": "sesv2",
}


@functools.cache
def model(service):
    loaded = botocore.loaders.Loader().load_service_model(service, "service-2")
    meta = loaded["metadata"]
    routes = []
    for name, operation in loaded["operations"].items():
        # S3's GetBucketLifecycle has the address of the operation that replaced it.
        if operation.get("deprecated"):
            continue
        uri, _, query = operation["http"]["requestUri"].partition("?")
        keys = {k: v for k, v in urllib.parse.parse_qsl(query, keep_blank_values=True)}
        path = re.escape(urllib.parse.unquote(uri)).replace(r"\{", "{").replace(r"\}", "}")
        path = re.sub(r"\{[^}]*\\\+\}", "(.+)", path)
        path = re.sub(r"\{[^}]*\}", "([^/]+)", path)
        routes.append((operation["http"]["method"], re.compile(path + "/?$"), keys, name))
    # The most specific first: constant query keys, then fewer and narrower variables.
    routes.sort(key=lambda r: (-len(r[2]), r[1].pattern.count("(.+)"), r[1].pattern.count("(")))
    return meta, routes


class Request:
    """What is asked: the service, the operation, and where the resource is named."""

    def __init__(self, method, target, headers, body):
        self.method, self.target, self.headers, self.body = method, target, headers, body
        scope = re.search(r"Credential=[^/]+/\d+/([^/]+)/([^/]+)/", headers.get("Authorization", ""))
        self.region, self.service = scope.groups() if scope else (None, "")
        signed = re.search(r"Credential=([^/]+)/", headers.get("Authorization", ""))
        self.key = signed and signed[1]
        self.service = SIGNED.get(self.service, self.service)
        path, _, query = target.partition("?")
        self.path = urllib.parse.unquote(path)
        self.query = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
        if self.service == "s3" and path.startswith("/v20180820/"):
            self.service = "s3control"
        self.operation = self.name()

    def name(self):
        if target := self.headers.get("X-Amz-Target"):
            return target.rpartition(".")[2]
        form = dict(urllib.parse.parse_qsl(self.body.decode("utf-8", "replace"))) if self.body else {}
        if action := form.get("Action") or self.query.get("Action"):
            return action
        try:
            _, routes = model(self.service)
        except Exception:  # noqa: BLE001 - a service that botocore does not know has no operation
            return ""
        for method, path, keys, name in routes:
            here = all(self.query.get(k) == v if v else k in self.query for k, v in keys.items())
            if method == self.method and here and path.match(self.path):
                return name
        return ""


class Rule:
    """What happens to the operations that a pattern (`iam:List*`) covers, `times` times or always."""

    def __init__(self, pattern, status=403, code="AccessDenied", message="User is not authorized", *, times=None,
                 where="", edit=None, close=False, region=None, headers=None):
        self.service, _, self.operation = pattern.partition(":")
        self.status, self.code, self.message = status, code, message
        self.left, self.where, self.edit, self.close, self.region = times, where, edit, close, region
        self.headers = headers or {}
        self.hits = 0
        self.lock = threading.Lock()

    def takes(self, request):
        if not fnmatch.fnmatchcase(request.service, self.service):
            return False
        if not fnmatch.fnmatchcase(request.operation, self.operation or "*"):
            return False
        if self.region and self.region != request.region:
            return False
        if self.where and self.where not in request.path + request.body.decode("utf-8", "replace"):
            return False
        with self.lock:
            if self.left == 0:
                return False
            if self.left is not None:
                self.left -= 1
            self.hits += 1
        return True

    def answer(self, service):
        """(status, content type, headers, body) as the service's protocol puts it."""
        try:
            protocol = model(service)[0]["protocol"]
        except Exception:  # noqa: BLE001
            protocol = "json"
        error = f"<Error><Type>Sender</Type><Code>{self.code}</Code><Message>{self.message}</Message></Error>"
        plain = f"<Error><Code>{self.code}</Code><Message>{self.message}</Message></Error>"
        match protocol:
            case "ec2":
                return self.status, "text/xml", {}, f"<Response><Errors>{plain}</Errors><RequestID>1</RequestID></Response>"
            case "rest-xml" if service == "s3":
                return self.status, "application/xml", {}, f'<?xml version="1.0" encoding="UTF-8"?>\n{plain}'
            case "query" | "rest-xml":
                return self.status, "text/xml", {}, f"<ErrorResponse>{error}<RequestId>1</RequestId></ErrorResponse>"
        kind = "application/json" if protocol == "rest-json" else "application/x-amz-json-1.1"
        code = {"AccessDenied": "AccessDeniedException", "Throttling": "ThrottlingException"}.get(self.code, self.code)
        return self.status, kind, {"x-amzn-ErrorType": code}, json.dumps({"__type": code, "message": self.message})


def edited(pattern, edit, **more):
    """moto's answer after `edit(text)`, or in its place where moto has none: `edit` gets "" then."""

    def change(status, data):
        return 200, edit(data.decode() if status == 200 else "").encode()

    return Rule(pattern, edit=change, **more)


def denied(pattern, **more):
    return Rule(pattern, 403, "UnauthorizedOperation" if pattern.startswith("ec2:") else "AccessDenied",
                "User: arn:aws:iam::123456789012:user/audit is not authorized to perform this", **more)


def throttled(pattern, times=None, **more):
    code = "SlowDown" if pattern.startswith("s3:") else "Throttling"
    if pattern.startswith("ec2:"):
        code = "RequestLimitExceeded"
    return Rule(pattern, 503 if code in ("SlowDown", "RequestLimitExceeded") else 400, code, "Rate exceeded", times=times, **more)


def broken(pattern, times=None, status=500, **more):
    return Rule(pattern, status, "InternalError", "We encountered an internal error.", times=times, **more)


def expired(pattern="*", **more):
    return Rule(pattern, 403, "ExpiredToken", "The security token included in the request is expired", **more)


class Proxy:
    """`with Proxy(moto.url, rules) as proxy:` and `proxy.url` is the endpoint to give."""

    def __init__(self, upstream, rules=()):
        self.rules = list(rules)
        self.seen = []
        host = urllib.parse.urlsplit(upstream).netloc
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self):
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length) if length else b""
                request = Request(self.command, self.path, self.headers, body)
                proxy.seen.append((request.service, request.operation, request.region, request.path, request.key))
                edit = None
                for rule in proxy.rules:
                    if rule.takes(request):
                        if rule.edit:
                            edit = rule.edit
                            break
                        if rule.close:
                            self.close_connection = True
                            return
                        status, kind, headers, text = rule.answer(request.service)
                        self.reply(status, {"Content-Type": kind, "x-amzn-RequestId": "1", **headers, **rule.headers}, text.encode())
                        return
                upstream = http.client.HTTPConnection(host, timeout=60)
                upstream.request(self.command, self.path, body, {k: v for k, v in self.headers.items()})
                got = upstream.getresponse()
                data = got.read()
                if edit:
                    status, data = edit(got.status, data)
                    self.reply(status, {"Content-Type": got.getheader("Content-Type", "") if status == got.status else "application/json"}, data)
                    return
                hop = {"connection", "transfer-encoding", "content-length", "server", "date"}
                self.reply(got.status, {k: v for k, v in got.getheaders() if k.lower() not in hop}, data)
                upstream.close()

            do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = handle_any  # noqa: N815

            def reply(self, status, headers, body):
                self.send_response(status)
                for key, value in headers.items():
                    self.send_header(key, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    # A client that has read enough goes away.
                    with contextlib.suppress(ConnectionError):
                        self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
