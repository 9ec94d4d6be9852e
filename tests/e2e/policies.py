"""Short ways to write policies of moto's account."""

import json

ACCOUNT = "123456789012"


def allow(*actions, resource="*", **more):
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource, **more}


def document(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def arn(what):
    return f"arn:aws:iam::{ACCOUNT}:{what}"
