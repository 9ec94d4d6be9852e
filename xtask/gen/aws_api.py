#!/usr/bin/env python3
"""Writes crates/aws/api/*.json.gz: what a client must know to call an AWS operation by name.

The facts (operations, shapes, wire names, paginators, endpoints) are read from botocore (Apache-2.0, Amazon.com);
documentation, examples and everything else that no request needs is left out. It is run by:

    cargo xtask gen aws-api

It makes its own virtual environment, installs the pinned botocore into it, and runs again inside. The result is the
same on every run. `crates/aws/src/catalogue.rs` reads the files and explains the short keys.
"""

import gzip
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import venv

import sums

BOTOCORE = "1.44.5"
SERVICES = """
accessanalyzer account acm acm-pca apigateway apigatewayv2 appsync athena autoscaling backup batch cloudformation
cloudfront cloudtrail cloudwatch codebuild cognito-identity cognito-idp config datasync detective dms docdb dynamodb
ec2 ecr ecs efs eks elasticache elasticbeanstalk elb elbv2 emr es events firehose fsx glue guardduty iam identitystore
inspector2 iot kafka kinesis kms lambda logs macie2 mq neptune network-firewall opensearch organizations ram rds
redshift redshift-serverless resourcegroupstaggingapi route53 route53resolver s3 s3control sagemaker
secretsmanager securityhub securitylake servicecatalog ses sesv2 shield sns sqs ssm sso-admin stepfunctions sts
transfer waf waf-regional wafv2 workspaces
""".split()
# What the client speaks, best first. A service that lists several is called by the first of these.
SPOKEN = ["json", "rest-json", "rest-xml", "query", "ec2"]
OUT = pathlib.Path(__file__).resolve().parents[2] / "crates" / "aws" / "api"


def inside_venv():
    """Runs this script again where the pinned botocore is."""
    home = pathlib.Path(tempfile.gettempdir()) / f"yagura-gen-botocore-{BOTOCORE}"
    python = home / "bin" / "python"
    if not python.exists():
        venv.create(home, with_pip=True)
    subprocess.run([python, "-m", "pip", "install", "-q", f"botocore=={BOTOCORE}"], check=True)
    sys.exit(subprocess.run([python, __file__, "--inside"], check=False).returncode)


class Shapes:
    """Shapes of one service, reduced and numbered; equal ones share a number, unreachable ones never get one."""

    def __init__(self, model):
        self.model = model
        self.numbers = {}
        self.list = []

    def number(self, key, build):
        if key not in self.numbers:
            self.numbers[key] = len(self.list)
            self.list.append(None)  # holds the place for a shape that contains itself
            self.list[self.numbers[key]] = build()
        return self.numbers[key]

    def reduce(self, ref):
        """A reference to a shape as its number, and the reference's merged traits."""
        shape = self.model["shapes"][ref["shape"]]
        traits = {**shape, **{k: v for k, v in ref.items() if k != "shape"}}
        kind = shape["type"]
        if kind == "structure":
            if traits.get("eventstream"):
                return self.number("eventstream", lambda: "eventstream"), traits
            if traits.get("document"):
                return self.number("document", lambda: "document"), traits
            return self.number(("structure", ref["shape"]), lambda: self.structure(shape)), traits
        if kind == "list":
            flat = int(bool(traits.get("flattened")))
            return self.number(("list", ref["shape"], flat), lambda: self.list_of(shape, flat)), traits
        if kind == "map":
            flat = int(bool(traits.get("flattened")))
            return self.number(("map", ref["shape"], flat), lambda: self.map_of(shape, flat)), traits
        scalar = {
            "string": "string", "character": "string", "boolean": "boolean", "integer": "integer", "long": "integer",
            "short": "integer", "byte": "integer", "bigInteger": "integer", "float": "float", "double": "float",
            "bigDecimal": "float", "blob": "blob", "timestamp": "timestamp",
        }[kind]
        if kind == "timestamp" and traits.get("timestampFormat"):
            scalar = {"iso8601": "iso8601", "rfc822": "rfc822", "unixTimestamp": "unix"}[traits["timestampFormat"]]
        # IAM sends policies URL-encoded; botocore (handlers.py, json_decode_policies) knows them by this name.
        if self.model["metadata"]["endpointPrefix"] == "iam" and ref["shape"] == "policyDocumentType":
            scalar = "policy"
        if kind == "string" and traits.get("jsonvalue"):
            scalar = "jsonvalue"
        return self.number(scalar, lambda: scalar), traits

    def structure(self, shape):
        members = []
        for name, ref in shape.get("members", {}).items():
            number, traits = self.reduce(ref)
            member = {}
            location = traits.get("location")
            if location:
                member["l"] = location
            if traits.get("locationName", name) != name:
                member["n"] = traits["locationName"]
            if traits.get("queryName"):
                member["q"] = traits["queryName"]
            if traits.get("xmlAttribute"):
                member["a"] = 1
            namespace = traits.get("xmlNamespace")
            if namespace:
                namespace = {"uri": namespace} if isinstance(namespace, str) else namespace
                member["x"] = [namespace["uri"], namespace["prefix"]] if namespace.get("prefix") else [namespace["uri"]]
            if traits.get("idempotencyToken"):
                member["t"] = 1
            members.append([name, number, member] if member else [name, number])
        reduced = {"s": members}
        if shape.get("payload"):
            reduced["p"] = shape["payload"]
        return reduced

    def list_of(self, shape, flat):
        number, traits = self.reduce(shape["member"])
        reduced = {"l": number}
        if traits.get("locationName"):
            reduced["n"] = traits["locationName"]
        if flat:
            reduced["f"] = 1
        return reduced

    def map_of(self, shape, flat):
        key, key_traits = self.reduce(shape["key"])
        value, value_traits = self.reduce(shape["value"])
        reduced = {"k": key, "v": value}
        if key_traits.get("locationName", "key") != "key":
            reduced["kn"] = key_traits["locationName"]
        if value_traits.get("locationName", "value") != "value":
            reduced["vn"] = value_traits["locationName"]
        if flat:
            reduced["f"] = 1
        return reduced


def as_list(value):
    return value if isinstance(value, list) else [value]


def paginator(model, operation, given):
    """The operation's paginator: botocore's, else one inferred from a token that goes in and comes out."""
    if given:
        reduced = {"in": as_list(given["input_token"]), "out": as_list(given["output_token"]),
                   "res": as_list(given["result_key"])}
        if given.get("more_results"):
            reduced["more"] = given["more_results"]
        if given.get("limit_key"):
            reduced["limit"] = given["limit_key"]
        return reduced
    if "input" not in operation or "output" not in operation:
        return None
    shapes = model["shapes"]
    taken = shapes[operation["input"]["shape"]].get("members", {})
    given_back = shapes[operation["output"]["shape"]].get("members", {})
    lists = [name for name, ref in given_back.items() if shapes[ref["shape"]]["type"] in ("list", "map")]
    for into, out in (("NextToken", "NextToken"), ("nextToken", "nextToken"), ("NextMarker", "NextMarker"),
                      ("Marker", "NextMarker"), ("Marker", "Marker"), ("marker", "nextMarker"), ("position", "position")):
        if into in taken and out in given_back and lists:
            return {"in": [into], "out": [out], "res": lists}
    return None


def endpoints(provider, partitions, prefix, fips):
    """Where the service answers: only what differs from `https://PREFIX.REGION.SUFFIX`, by partition."""
    host = f"{prefix}-fips" if fips else prefix
    from botocore.exceptions import EndpointProviderError

    found = {}
    for partition in partitions["partitions"]:
        suffix = partition["outputs"]["dnsSuffix"]
        plain = f"https://{host}.{{region}}.{suffix}"
        places = {}
        for region in partition["regions"]:
            if region.endswith("-global"):
                continue
            try:
                endpoint = provider.resolve_endpoint(Region=region, UseFIPS=fips, UseDualStack=False)
            except EndpointProviderError:
                continue
            scheme = (endpoint.properties.get("authSchemes") or [{}])[0]
            places[region] = {"url": endpoint.url, "region": scheme.get("signingRegion", region)}
        if not places:
            continue
        usual = most_common(places.values())
        if sum(place == usual for place in places.values()) * 2 <= len(places) or len(places) == 1:
            # Regional: the Region's name stands in the host, and requests are signed for it.
            for region, place in places.items():
                if place["region"] == region:
                    del place["region"]
                place["url"] = re.sub(rf"(?<=[./-]){re.escape(region)}(?=[./]|$)", "{region}", place["url"])
            usual = most_common(places.values())
        entry = {} if usual == {"url": plain} else dict(usual)
        odd = {region: place for region, place in places.items() if place != usual}
        if odd:
            entry["except"] = odd
        if entry:
            found[partition["id"]] = entry
    return found


def most_common(places):
    forms = [json.dumps(place, sort_keys=True) for place in places]
    return json.loads(max(sorted(set(forms)), key=forms.count))


def service(loader, name, partitions):
    from botocore.endpoint_provider import EndpointProvider

    model = loader.load_service_model(name, "service-2")
    meta = model["metadata"]
    try:
        pages = loader.load_service_model(name, "paginators-1")["pagination"]
    except Exception as error:  # botocore's UnknownServiceError: the service has none
        print(f"{name}: no paginators ({type(error).__name__})", file=sys.stderr)
        pages = {}
    protocol = next(p for p in SPOKEN if p in as_list(meta.get("protocols") or meta["protocol"]))
    shapes = Shapes(model)
    operations = {}
    for operation_name, operation in sorted(model["operations"].items()):
        reduced = {}
        http = operation.get("http", {})
        if http.get("method", "POST") != "POST":
            reduced["m"] = http["method"]
        if http.get("requestUri", "/") != "/":
            reduced["u"] = http["requestUri"]
        if "input" in operation:
            reduced["i"], traits = shapes.reduce(operation["input"])
            if protocol == "rest-xml" and traits.get("locationName"):
                reduced["in"] = traits["locationName"]
                if traits.get("xmlNamespace"):
                    namespace = traits["xmlNamespace"]
                    reduced["ix"] = namespace if isinstance(namespace, str) else namespace["uri"]
        if "output" in operation:
            reduced["o"], traits = shapes.reduce(operation["output"])
            if traits.get("resultWrapper"):
                reduced["w"] = traits["resultWrapper"]
        page = paginator(model, operation, pages.get(operation_name))
        if page:
            reduced["p"] = page
        if operation.get("endpoint", {}).get("hostPrefix"):
            reduced["h"] = operation["endpoint"]["hostPrefix"]
        if operation.get("httpChecksumRequired") or operation.get("httpChecksum", {}).get("requestChecksumRequired"):
            reduced["c"] = 1
        if operation.get("authtype") == "none":
            reduced["a"] = 0
        operations[operation_name] = reduced
    result = {"service": name, "id": meta["serviceId"], "protocol": protocol, "version": meta["apiVersion"],
              "prefix": meta["endpointPrefix"], "signing": meta.get("signingName", meta["endpointPrefix"])}
    if protocol == "json":
        result["json"] = meta["jsonVersion"]
        result["target"] = meta["targetPrefix"]
        if "awsQueryCompatible" in meta:
            result["compatible"] = 1
    ruleset = loader.load_service_model(name, "endpoint-rule-set-1")
    provider = EndpointProvider(ruleset, partitions)
    for key, fips in (("endpoints", False), ("fips", True)):
        where = endpoints(provider, partitions, meta["endpointPrefix"], fips)
        if where:
            result[key] = where
    result["operations"] = operations
    result["shapes"] = shapes.list
    return result


def write_gz(path, value):
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
    with open(path, "wb") as file, gzip.GzipFile(filename="", fileobj=file, mode="wb", compresslevel=9, mtime=0) as out:
        out.write(text)
    return path.stat().st_size


def main():
    import botocore
    import botocore.loaders

    assert botocore.__version__ == BOTOCORE
    loader = botocore.loaders.create_loader()
    partitions = loader.load_data("partitions")
    found = {name: service(loader, name, partitions) for name in SERVICES}
    operations = sum(len(reduced["operations"]) for reduced in found.values())
    OUT.mkdir(parents=True, exist_ok=True)
    for old in OUT.glob("*.json.gz"):
        if old.name.removesuffix(".json.gz") not in found:
            old.unlink()
    total = sum(write_gz(OUT / f"{name}.json.gz", reduced) for name, reduced in found.items())
    kept = [{"id": p["id"], "suffix": p["outputs"]["dnsSuffix"], "global": p["outputs"]["implicitGlobalRegion"],
             "pattern": p["regionRegex"], "regions": sorted(r for r in p["regions"] if not r.endswith("-global"))}
            for p in partitions["partitions"]]
    (OUT / "partitions.json").write_text(json.dumps(kept, indent=1) + "\n")
    (OUT / "README.md").write_text(f"""# The API catalogue

What the client must know to call an AWS operation by name: one file a service, gzipped JSON, without documentation.
`partitions.json` names the partitions, their DNS suffixes and Regions.

| | |
|---|---|
| source | botocore {BOTOCORE} (`botocore/data`) |
| licence | Apache-2.0, Copyright Amazon.com, Inc. or its affiliates; facts only, no texts |
| holds | {len(SERVICES)} services, {operations:,} operations, {total:,} bytes |
| made by | `cargo xtask gen aws-api` |

The short keys are explained in `crates/aws/src/catalogue.rs`. Don't edit the files by hand: raise the version in the
script and run it again. An endpoint is written down only where it differs from `https://PREFIX.REGION.SUFFIX` (FIPS:
`https://PREFIX-fips.REGION.SUFFIX`); each was asked of AWS's own endpoint rules for every Region of every partition.
An operation that takes and gives a page token but has no paginator in botocore gets one that joins its lists, since
half a listing would look like a whole one.
""")
    sums.write(OUT, __file__)
    print(f"{len(SERVICES)} services, {operations} operations, {total} bytes", file=sys.stderr)


if __name__ == "__main__":
    main() if "--inside" in sys.argv else inside_venv()
