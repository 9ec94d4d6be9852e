#!/usr/bin/env python3
"""Writes tests/wire.ndjson: what botocore sends for a call, and what it reads from an answer, as an oracle for ours.

Values are made up by shape (the same on every run). Requests come from botocore's serialisers; answers are written by
moto's response serialisers and read by botocore's parsers. Needs botocore and moto, pinned as in xtask/gen/aws_api.py:

    python3 -m venv V && V/bin/pip install botocore==1.44.5 'moto[server]==5.2.5'
    V/bin/python crates/aws/tests/wire.py                 # the kept sample
    V/bin/python crates/aws/tests/wire.py --all FILE      # every operation of the catalogue, for YAGURA_WIRE=FILE
"""

import base64
import datetime
import gzip
import json
import pathlib
import random
import sys
import urllib.parse

import botocore.session
from botocore.awsrequest import HeadersDict
from botocore.model import NoShapeFoundError
from botocore.parsers import ResponseParserError, create_parser
from botocore.serialize import create_serializer
from moto.core.model import ServiceModel
from moto.core.serialize import get_serializer_class

HERE = pathlib.Path(__file__).resolve().parent
API = HERE.parent / "api"
SAMPLE = {
    "sts": ["AssumeRole", "GetCallerIdentity"],
    "iam": ["CreateUser", "GetAccountAuthorizationDetails", "GetCredentialReport", "PutUserPolicy"],
    "s3": ["PutBucketAcl", "PutBucketLifecycleConfiguration", "PutBucketPolicy", "PutPublicAccessBlock", "PutObject",
           "GetObject", "GetBucketAcl", "GetBucketLifecycleConfiguration", "ListObjectsV2", "HeadObject",
           "GetBucketNotificationConfiguration", "DeleteObjects"],
    "s3control": ["PutPublicAccessBlock", "GetPublicAccessBlock", "ListTagsForResource"],
    "ec2": ["DescribeInstances", "RevokeSecurityGroupIngress", "ModifySnapshotAttribute", "DescribeSecurityGroups",
            "RunInstances", "ModifyInstanceMetadataOptions"],
    "rds": ["DescribeDBInstances", "ModifyDBInstance", "ModifyDBSnapshotAttribute"],
    "sns": ["CreateTopic", "SetTopicAttributes", "GetTopicAttributes"],
    "sqs": ["SetQueueAttributes", "ReceiveMessage", "SendMessage"],
    "elbv2": ["DescribeLoadBalancers", "ModifyLoadBalancerAttributes"],
    "cloudwatch": ["PutMetricAlarm", "GetMetricStatistics"],
    "kms": ["CreateKey", "DescribeKey", "Encrypt"],
    "config": ["PutConfigurationRecorder", "DescribeConfigurationRecorderStatus"],
    "dynamodb": ["PutItem", "Query"],
    "logs": ["PutLogEvents", "FilterLogEvents"],
    "lambda": ["CreateFunction", "GetFunction", "Invoke", "GetPolicy"],
    "guardduty": ["UpdateDetector", "GetFindings"],
    "apigateway": ["GetStages", "UpdateStage", "GetExport"],
    "eks": ["DescribeCluster", "ListClusters"],
    "efs": ["DescribeFileSystems"],
    "accessanalyzer": ["ListFindings", "GetFinding"],
    "securityhub": ["GetFindings", "BatchUpdateFindings"],
    "route53": ["ChangeResourceRecordSets", "ListResourceRecordSets", "ListTagsForResources"],
    "cloudfront": ["UpdateDistribution", "ListDistributions", "TagResource"],
    "organizations": ["DescribeOrganization", "ListAccounts"],
    "cloudtrail": ["PutEventSelectors", "GetTrailStatus"],
    "wafv2": ["CreateWebACL"],
    "sesv2": ["GetAccount", "SendEmail"],
    "backup": ["ListBackupJobs", "StartBackupJob"],
}
TEXTS = ["plain", "two words", "a&b<c>'d'\"e\"", "日本語 ü", "a/b+c%20=?#", "arn:aws:iam::123456789012:role/x", "~*!()"]


class Make:
    """Values by shape."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def value(self, shape, depth=0, plain=False):
        kind = shape.type_name
        if kind == "structure":
            out = {}
            if getattr(shape, "is_tagged_union", False):
                name, member = self.random.choice(sorted(shape.members.items()))
                return {name: self.value(member, depth + 1, plain)}
            for name, member in shape.members.items():
                scalar = member.type_name not in ("structure", "list", "map")
                if getattr(member, "is_eventstream", False) or member.serialization.get("eventstream"):
                    continue
                needed = (member.serialization.get("location") == "uri" or name in shape.required_members
                          or member.metadata.get("idempotencyToken"))
                if depth > 4 and not (scalar and needed):
                    continue
                if needed or self.random.random() < (0.8 if depth < 2 else 0.5):
                    located = member.serialization.get("location") in ("uri", "header", "headers")
                    out[name] = self.value(member, depth + 1, plain=plain or located)
                    if name == "AccountId":
                        out[name] = "123456789012"  # may stand in a host
                    if shape.serialization.get("payload") == name and member.type_name == "blob":
                        out[name] = b"hello"  # moto's serialisers know text only
            return out
        if kind == "list":
            if depth > 5:
                return []
            return [self.value(shape.member, depth + 1, plain) for _ in range(self.random.randint(1, 2))]
        if kind == "map":
            if depth > 5:
                return {}
            return {f"k{i}": self.value(shape.value, depth + 1, plain) for i in range(self.random.randint(1, 2))}
        if kind in ("string", "character"):
            if shape.name == "policyDocumentType":
                return urllib.parse.quote('{"Version":"2012-10-17","Statement":[{"Resource":"a b/*"}]}')
            if shape.serialization.get("jsonvalue"):
                return {"a": [1, "b"]}
            return self.random.choice(["word", "a-b_c.9", "123456789012"] if plain else TEXTS)
        if kind == "boolean":
            return self.random.random() < 0.5
        if kind in ("integer", "long", "short", "byte", "bigInteger"):
            return self.random.choice([0, 1, 7, 443, 2147483647])
        if kind in ("float", "double", "bigDecimal"):
            return self.random.choice([0.5, 1.25, 100.0])
        if kind == "timestamp":
            return datetime.datetime(2024, 2, 29, 12, 34, self.random.randint(0, 59), tzinfo=datetime.timezone.utc)
        if kind == "blob":
            return self.random.choice([b"\x00\x01\xff", b"hello", b"{}"])
        raise ValueError(kind)


def plain(value):
    """botocore's value as ours: RFC 3339, base64, policies as objects."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items() if k != "ResponseMetadata" and v is not None}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, datetime.datetime):
        return value.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, (bytes, bytearray)):
        return base64.b64encode(value).decode()
    if isinstance(value, str) and value.startswith("%7B%22Version"):
        return json.loads(urllib.parse.unquote(value))
    return value


def unquoted(value):
    """Policies go as they are, and come percent-encoded."""
    if isinstance(value, dict):
        return {k: unquoted(v) for k, v in value.items()}
    if isinstance(value, list):
        return [unquoted(v) for v in value]
    return urllib.parse.unquote(value) if isinstance(value, str) and value.startswith("%7B%22Version") else value


def request(service, operation, protocol, model):
    params = Make(f"{service}.{operation}").value(model.input_shape) if model.input_shape else {}
    params = unquoted(params)
    wire = create_serializer(protocol, include_validation=False).serialize_to_request(params, model)
    path, _, fixed = wire["url_path"].partition("?")
    query = urllib.parse.parse_qsl(fixed, keep_blank_values=True)
    given = wire["query_string"]
    for name, value in given.items() if isinstance(given, dict) else given:
        query += [(name, str(v)) for v in (value if isinstance(value, list) else [value])]
    body = wire["body"]
    if isinstance(body, dict):  # query protocols
        body = urllib.parse.urlencode(body)
    body = body.encode() if isinstance(body, str) else bytes(body or b"")
    headers = {k.lower(): str(v) for k, v in wire["headers"].items()}
    return {"kind": "request", "service": service, "operation": operation, "params": plain(params),
            "method": wire["method"], "path": path, "query": sorted(map(list, query)), "headers": headers,
            "body": base64.b64encode(body).decode()}


def answer(service, operation, protocol, model):
    if model.output_shape is None or model.has_event_stream_output or operation == "GetBucketLocation":
        return None
    made = Make(f"{service}.{operation}.out").value(model.output_shape)
    made.pop("Expires", None)  # botocore keeps the text beside it
    writer = get_serializer_class("s3" if service == "s3" else "none", protocol)(model)
    wire = writer.serialize(made)
    body = wire["body"]
    body = body.encode() if isinstance(body, str) else bytes(body or b"")
    headers = {k.lower(): str(v) for k, v in wire["headers"].items()}
    read = create_parser(protocol).parse(
        {"status_code": wire["status_code"], "headers": HeadersDict(headers), "body": body}, model.output_shape)
    payload = model.output_shape.serialization.get("payload")
    if payload and model.output_shape.members[payload].type_name == "blob":
        read[payload] = body  # which botocore's client does outside of its parser
    return {"kind": "answer", "service": service, "operation": operation, "status": wire["status_code"],
            "headers": headers, "body": base64.b64encode(body).decode(), "output": plain(read)}


def main():
    every = "--all" in sys.argv
    out = pathlib.Path(sys.argv[-1]) if every else HERE / "wire.ndjson"
    session = botocore.session.get_session()
    skipped = 0
    with open(out, "w") as file:
        for path in sorted(API.glob("*.json.gz")):
            known = json.loads(gzip.open(path).read())
            service = known["service"]
            model = ServiceModel(session.get_component('data_loader').load_service_model(service, 'service-2'), service)
            for operation in sorted(known["operations"]) if every else SAMPLE.get(service, []):
                for make in (request, answer):
                    try:
                        case = make(service, operation, known["protocol"], model.operation_model(operation))
                    except (ValueError, TypeError, KeyError, AttributeError, NoShapeFoundError,
                            ResponseParserError, RecursionError) as error:
                        skipped += 1
                        print(f"skipped {make.__name__} {service}.{operation}: {error!r}", file=sys.stderr)
                        continue
                    if case:
                        file.write(json.dumps(case, sort_keys=True, ensure_ascii=False) + "\n")
    print(f"{skipped} skipped", file=sys.stderr)


if __name__ == "__main__":
    main()
