"""One thing, said in five ways: to a control it is the same.

Each `Thing` is made in moto by `live`, and written down as a Config item, a CloudFormation template (YAML and JSON) and a
Terraform plan. Wherever two sources both judge it, they agree; a template may answer NOT_APPLICABLE where only the live
account can tell, Config UNKNOWN for what it doesn't record.
"""

import io
import json
import re
import zipfile

import pytest
import seed
from conftest import Yagura
from seed import ACCOUNT, allow
from seed import HOME as REGION

TLS = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
TRUST = {"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}


def document(*statements):
    return {"Version": "2012-10-17", "Statement": list(statements)}


class Thing:
    """`live(moto)` answers the ARN; `cloudformation`, `terraform` and `config` are what the files hold of it."""

    def __init__(self, kind, arn, live, cloudformation, terraform, config):
        self.kind, self.arn, self.live = kind, arn, live
        self.cloudformation, self.terraform, self.config = cloudformation, terraform, config


# ---- the things, each good and bad

def bucket(name, good):
    arn = f"arn:aws:s3:::{name}"
    flags = ["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"]
    block = dict.fromkeys(flags, good)
    policy = document({**TLS, "Resource": [arn, arn + "/*"]} if good else allow("s3:GetObject", arn + "/*", "*"))
    owner = "BucketOwnerEnforced" if good else "ObjectWriter"
    algorithm = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KEY} if good else {"SSEAlgorithm": "AES256"}

    def live(moto):
        c = moto.client("s3")
        c.create_bucket(Bucket=name)
        c.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=block)
        c.put_bucket_ownership_controls(Bucket=name, OwnershipControls={"Rules": [{"ObjectOwnership": owner}]})
        c.put_bucket_policy(Bucket=name, Policy=json.dumps(policy))
        c.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={
            "Rules": [{"ApplyServerSideEncryptionByDefault": algorithm}]})
        if good:
            c.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
            c.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration={
                "Rules": [{"ID": "old", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 365}}]})

    properties = {
        "BucketName": name,
        "PublicAccessBlockConfiguration": block,
        "OwnershipControls": {"Rules": [{"ObjectOwnership": owner}]},
        "BucketEncryption": {"ServerSideEncryptionConfiguration": [{"ServerSideEncryptionByDefault": algorithm}]},
    }
    parts = {
        "aws_s3_bucket": {"bucket": name},
        "aws_s3_bucket_public_access_block": {re.sub(r"(?<!^)(?=[A-Z])", "_", f).lower(): good for f in flags},
        "aws_s3_bucket_ownership_controls": {"rule": [{"object_ownership": owner}]},
        "aws_s3_bucket_policy": {"policy": json.dumps(policy)},
        "aws_s3_bucket_server_side_encryption_configuration": {"rule": [{"apply_server_side_encryption_by_default": [
            {"sse_algorithm": algorithm["SSEAlgorithm"], "kms_master_key_id": algorithm.get("KMSMasterKeyID")}]}]},
    }
    supplementary = {
        "AccessControlList": json.dumps({"grantSet": None, "owner": {"displayName": None, "id": "o"}, "isRequesterCharged": False,
                                         "grantList": [{"grantee": {"id": "o", "displayName": None}, "permission": "FullControl"}]}),
        "BucketLoggingConfiguration": {"destinationBucketName": None, "logFilePrefix": None},
        "BucketPolicy": {"policyText": json.dumps(policy)},
        "BucketVersioningConfiguration": {"status": "Enabled" if good else "Off", "isMfaDeleteEnabled": None},
        "PublicAccessBlockConfiguration": {f[0].lower() + f[1:]: v for f, v in block.items()},
        "ServerSideEncryptionConfiguration": {"rules": [{"applyServerSideEncryptionByDefault": {
            "sseAlgorithm": algorithm["SSEAlgorithm"], "kmsMasterKeyID": algorithm.get("KMSMasterKeyID")}}]},
    }
    if good:
        properties["VersioningConfiguration"] = {"Status": "Enabled"}
        properties["LifecycleConfiguration"] = {"Rules": [{"Id": "old", "Status": "Enabled", "Prefix": "", "ExpirationInDays": 365}]}
        parts["aws_s3_bucket_versioning"] = {"versioning_configuration": [{"status": "Enabled"}]}
        parts["aws_s3_bucket_lifecycle_configuration"] = {
            "rule": [{"id": "old", "status": "Enabled", "filter": [{"prefix": ""}], "expiration": [{"days": 365}]}]}
        supplementary["BucketLifecycleConfiguration"] = {"rules": [
            {"id": "old", "status": "Enabled", "filter": {"predicate": None}, "prefix": "", "expirationInDays": 365}]}
    return Thing(
        "AWS::S3::Bucket", arn, live,
        {"Thing": ("AWS::S3::Bucket", properties),
         "Policy": ("AWS::S3::BucketPolicy", {"Bucket": {"Ref": "Thing"}, "PolicyDocument": policy})},
        (parts, "bucket"),
        [("AWS::S3::Bucket", name, arn, {"name": name}, supplementary)])


def security_group(name, good):
    rules = [("tcp", 443, 443, "0.0.0.0/0"), ("tcp", 22, 22, "10.0.0.0/8")] if good else [
        ("tcp", 22, 22, "0.0.0.0/0"), ("tcp", 3389, 3389, "::/0"), ("udp", 53, 53, "0.0.0.0/0")]
    made, identity = {}, f"sg-0000000000000000{int(good)}"

    def live(moto):
        c = moto.client("ec2")
        vpc = c.describe_vpcs()["Vpcs"][0]["VpcId"]
        made["id"] = c.create_security_group(GroupName=name, Description=name, VpcId=vpc)["GroupId"]
        for protocol, low, high, cidr in rules:
            ranges = {"Ipv6Ranges": [{"CidrIpv6": cidr}]} if ":" in cidr else {"IpRanges": [{"CidrIp": cidr}]}
            c.authorize_security_group_ingress(
                GroupId=made["id"], IpPermissions=[{"IpProtocol": protocol, "FromPort": low, "ToPort": high, **ranges}])
        return f"arn:aws:ec2:{REGION}:{ACCOUNT}:security-group/{made['id']}"

    def side(cidr):
        return {"CidrIpv6": cidr} if ":" in cidr else {"CidrIp": cidr}

    def permission(protocol, low, high, cidr):
        four = [] if ":" in cidr else [{"cidrIp": cidr}]
        six = [{"cidrIpv6": cidr}] if ":" in cidr else []
        return {"fromPort": low, "ipProtocol": protocol, "ipv6Ranges": six, "prefixListIds": [], "toPort": high,
                "userIdGroupPairs": [], "ipv4Ranges": four, "ipRanges": [r["cidrIp"] for r in four]}

    ingress = [{"IpProtocol": p, "FromPort": low, "ToPort": high, **side(cidr)} for p, low, high, cidr in rules]
    egress = {"fromPort": None, "ipProtocol": "-1", "ipv6Ranges": [], "prefixListIds": [], "toPort": None,
              "userIdGroupPairs": [], "ipv4Ranges": [{"cidrIp": "0.0.0.0/0"}], "ipRanges": ["0.0.0.0/0"]}
    # The first rule inside the group, the others as parts of their own: both are in use.
    planned = {
        "aws_security_group": {"name": name, "description": name, "egress": [], "ingress": [
            {"protocol": p, "from_port": low, "to_port": high, "cidr_blocks": [c], "ipv6_cidr_blocks": [], "prefix_list_ids": [],
             "security_groups": [], "self": False, "description": ""} for p, low, high, c in rules[:1]]},
    }
    for i, (protocol, low, high, cidr) in enumerate(rules[1:]):
        planned[f"aws_vpc_security_group_ingress_rule.r{i}"] = {
            "ip_protocol": protocol, "from_port": low, "to_port": high, "cidr_ipv4": None if ":" in cidr else cidr,
            "cidr_ipv6": cidr if ":" in cidr else None, "referenced_security_group_id": None, "prefix_list_id": None}
    parts = {"Thing": ("AWS::EC2::SecurityGroup", {"GroupName": name, "GroupDescription": name, "SecurityGroupIngress": ingress[:1]})}
    for i, rule in enumerate(ingress[1:]):
        parts[f"Rule{i}"] = ("AWS::EC2::SecurityGroupIngress", {"GroupId": {"Fn::GetAtt": ["Thing", "GroupId"]}, **rule})
    configuration = {"description": name, "groupName": name, "ipPermissions": [permission(*r) for r in rules], "ownerId": ACCOUNT,
                     "groupId": identity, "ipPermissionsEgress": [egress], "tags": [], "vpcId": "vpc-00000001"}
    arn = f"arn:aws:ec2:{REGION}:{ACCOUNT}:security-group/{identity}"
    return Thing("AWS::EC2::SecurityGroup", None, live, parts, (planned, "security_group_id"),
                 [("AWS::EC2::SecurityGroup", identity, arn, configuration, {})])


def role(name, good):
    arn = f"arn:aws:iam::{ACCOUNT}:role/{name}"
    trust = TRUST if good else document({"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"})
    inline = document(allow("s3:GetObject", "arn:aws:s3:::reports/*") if good else allow("kms:Decrypt", "*"))
    managed = "arn:aws:iam::aws:policy/" + ("AmazonSSMManagedInstanceCore" if good else "AWSCloudShellFullAccess")

    def live(moto):
        c = moto.client("iam")
        c.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
        c.put_role_policy(RoleName=name, PolicyName="inline", PolicyDocument=json.dumps(inline))
        c.attach_role_policy(RoleName=name, PolicyArn=managed)

    configuration = {
        "path": "/", "roleName": name, "roleId": f"AROA{name.upper()}", "arn": arn, "createDate": "2026-01-01T00:00:00.000Z",
        "assumeRolePolicyDocument": quoted(trust), "instanceProfileList": [], "permissionsBoundary": None, "tags": [],
        "rolePolicyList": [{"policyName": "inline", "policyDocument": quoted(inline)}],
        "attachedManagedPolicies": [{"policyArn": managed, "policyName": managed.rpartition("/")[2]}], "roleLastUsed": None}
    return Thing(
        "AWS::IAM::Role", arn, live,
        {"Thing": ("AWS::IAM::Role", {"RoleName": name, "AssumeRolePolicyDocument": trust, "ManagedPolicyArns": [managed]}),
         "Inline": ("AWS::IAM::Policy", {"PolicyName": "inline", "PolicyDocument": inline, "Roles": [{"Ref": "Thing"}]})},
        ({"aws_iam_role": {"name": name, "path": "/", "assume_role_policy": json.dumps(trust), "max_session_duration": 3600},
          "aws_iam_role_policy": {"name": "inline", "policy": json.dumps(inline)},
          "aws_iam_role_policy_attachment": {"policy_arn": managed}}, "role"),
        [("AWS::IAM::Role", f"AROA{name.upper()}", arn, configuration, {})])


def user(name, good):
    arn = f"arn:aws:iam::{ACCOUNT}:user/{name}"
    managed = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    inline = document(allow("kms:Decrypt", "*"))

    def live(moto):
        c = moto.client("iam")
        c.create_user(UserName=name)
        if not good:
            c.attach_user_policy(UserName=name, PolicyArn=managed)
            c.put_user_policy(UserName=name, PolicyName="inline", PolicyDocument=json.dumps(inline))

    configuration = {
        "path": "/", "userName": name, "userId": f"AIDA{name.upper()}", "arn": arn, "createDate": "2026-01-01T00:00:00.000Z",
        "userPolicyList": [] if good else [{"policyName": "inline", "policyDocument": quoted(inline)}], "groupList": [],
        "attachedManagedPolicies": [] if good else [{"policyArn": managed, "policyName": "ReadOnlyAccess"}],
        "permissionsBoundary": None, "tags": []}
    template = {"UserName": name} if good else {
        "UserName": name, "ManagedPolicyArns": [managed], "Policies": [{"PolicyName": "inline", "PolicyDocument": inline}]}
    planned = {"aws_iam_user": {"name": name, "path": "/"}}
    if not good:
        planned["aws_iam_user_policy_attachment"] = {"policy_arn": managed}
        planned["aws_iam_user_policy"] = {"name": "inline", "policy": json.dumps(inline)}
    return Thing("AWS::IAM::User", arn, live, {"Thing": ("AWS::IAM::User", template)}, (planned, "user"),
                 [("AWS::IAM::User", f"AIDA{name.upper()}", arn, configuration, {})])


def topic(name, good):
    arn = f"arn:aws:sns:{REGION}:{ACCOUNT}:{name}"
    principal = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"} if good else "*"
    policy = document(allow("sns:Publish", arn, principal))
    key = {"KmsMasterKeyId": KEY} if good else {}

    def live(moto):
        moto.client("sns").create_topic(Name=name, Attributes={"Policy": json.dumps(policy), **key})

    return Thing(
        "AWS::SNS::Topic", arn, live,
        {"Thing": ("AWS::SNS::Topic", {"TopicName": name, **key}),
         "Policy": ("AWS::SNS::TopicPolicy", {"Topics": [{"Ref": "Thing"}], "PolicyDocument": policy})},
        ({"aws_sns_topic": {"name": name, "kms_master_key_id": key.get("KmsMasterKeyId")},
          "aws_sns_topic_policy": {"policy": json.dumps(policy)}}, "arn"),
        [("AWS::SNS::Topic", arn, arn, {"TopicArn": arn, "Owner": ACCOUNT, "DisplayName": "", "Policy": json.dumps(policy), **key}, {})])


def queue(name, good):
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"
    url = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{name}"
    principal = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"} if good else "*"
    policy = document(allow("sqs:SendMessage", arn, principal))

    def live(moto):
        moto.client("sqs").create_queue(QueueName=name, Attributes={
            "Policy": json.dumps(policy), "SqsManagedSseEnabled": str(good).lower()})

    return Thing(
        "AWS::SQS::Queue", arn, live,
        {"Thing": ("AWS::SQS::Queue", {"QueueName": name, "SqsManagedSseEnabled": good}),
         "Policy": ("AWS::SQS::QueuePolicy", {"Queues": [{"Ref": "Thing"}], "PolicyDocument": policy})},
        ({"aws_sqs_queue": {"name": name, "sqs_managed_sse_enabled": good, "kms_master_key_id": None},
          "aws_sqs_queue_policy": {"policy": json.dumps(policy)}}, "queue_url"),
        [("AWS::SQS::Queue", url, arn, {"QueueArn": arn, "QueueName": name, "QueueUrl": url, "Policy": json.dumps(policy),
                                        "SqsManagedSseEnabled": str(good).lower()}, {})])


def key(name, good):
    policy = document(allow("kms:*", "*", {"AWS": f"arn:aws:iam::{ACCOUNT}:root"} if good else {"AWS": "*"}))
    made = f"1234abcd-12ab-34cd-56ef-00000000000{int(good)}"
    arn = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{made}"

    def live(moto):
        c = moto.client("kms")
        metadata = c.create_key(Policy=json.dumps(policy), Description=name)["KeyMetadata"]
        if good:
            c.enable_key_rotation(KeyId=metadata["KeyId"])
        return metadata["Arn"]

    configuration = {
        "awsaccountId": ACCOUNT, "keyId": made, "arn": arn, "creationDate": "2026-01-01T00:00:00.000Z", "enabled": True,
        "description": name, "keyUsage": "ENCRYPT_DECRYPT", "keyState": "Enabled", "origin": "AWS_KMS", "keyManager": "CUSTOMER",
        "customerMasterKeySpec": "SYMMETRIC_DEFAULT", "encryptionAlgorithms": ["SYMMETRIC_DEFAULT"]}
    return Thing(
        "AWS::KMS::Key", None, live,
        {"Thing": ("AWS::KMS::Key", {"Description": name, "KeyPolicy": policy, "EnableKeyRotation": good})},
        ({"aws_kms_key": {"description": name, "policy": json.dumps(policy), "enable_key_rotation": good, "is_enabled": True,
                          "key_usage": "ENCRYPT_DECRYPT", "customer_master_key_spec": "SYMMETRIC_DEFAULT"}}, ""),
        [("AWS::KMS::Key", made, arn, configuration, {"Policy": json.dumps(policy), "KeyRotationStatus": good})])


def database(name, good):
    arn = f"arn:aws:rds:{REGION}:{ACCOUNT}:db:{name}"
    exports = ["postgresql", "upgrade"] if good else []
    user = "keeper" if good else "postgres"
    days = 14 if good else 1
    monitoring = {"MonitoringInterval": 60, "MonitoringRoleArn": f"arn:aws:iam::{ACCOUNT}:role/monitor"} if good else {}

    def live(moto):
        moto.client("rds").create_db_instance(
            DBInstanceIdentifier=name, Engine="postgres", DBInstanceClass="db.m5.large", AllocatedStorage=20, MasterUsername=user,
            MasterUserPassword="Correct-horse-1", StorageEncrypted=good, PubliclyAccessible=not good, MultiAZ=good,
            BackupRetentionPeriod=days, CopyTagsToSnapshot=good, DeletionProtection=good, AutoMinorVersionUpgrade=good,
            EnableIAMDatabaseAuthentication=good, EnableCloudwatchLogsExports=exports, **monitoring)

    configuration = {
        "dBInstanceIdentifier": name, "dBInstanceClass": "db.m5.large", "engine": "postgres", "dBInstanceStatus": "available",
        "masterUsername": user, "allocatedStorage": 20, "endpoint": {"address": "x", "port": 5432}, "storageEncrypted": good,
        "publiclyAccessible": not good, "multiAZ": good, "backupRetentionPeriod": days, "iAMDatabaseAuthenticationEnabled": good,
        "deletionProtection": good, "copyTagsToSnapshot": good, "autoMinorVersionUpgrade": good, "enabledCloudwatchLogsExports": exports,
        "monitoringInterval": 60 if good else 0, "dBInstanceArn": arn, "vpcSecurityGroups": [], "dbInstancePort": 0}
    properties = {
        "DBInstanceIdentifier": name, "Engine": "postgres", "DBInstanceClass": "db.m5.large", "AllocatedStorage": "20",
        "MasterUsername": user, "MasterUserPassword": "{{resolve:secretsmanager:db:SecretString:password}}",
        "StorageEncrypted": good, "PubliclyAccessible": not good, "MultiAZ": good, "BackupRetentionPeriod": days,
        "CopyTagsToSnapshot": good, "DeletionProtection": good, "AutoMinorVersionUpgrade": good, "Port": "5432",
        "EnableIAMDatabaseAuthentication": good, "EnableCloudwatchLogsExports": exports, **monitoring}
    planned = {
        "identifier": name, "engine": "postgres", "instance_class": "db.m5.large", "allocated_storage": 20, "username": user,
        "storage_encrypted": good, "publicly_accessible": not good, "multi_az": good, "backup_retention_period": days,
        "copy_tags_to_snapshot": good, "deletion_protection": good, "auto_minor_version_upgrade": good, "port": 5432,
        "iam_database_authentication_enabled": good, "enabled_cloudwatch_logs_exports": exports,
        "monitoring_interval": 60 if good else 0}
    return Thing("AWS::RDS::DBInstance", arn, live, {"Thing": ("AWS::RDS::DBInstance", properties)},
                 ({"aws_db_instance": planned}, ""), [("AWS::RDS::DBInstance", f"db-{name.upper()}", arn, configuration, {})])


def function(name, good):
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"
    runtime = "python3.13" if good else "nodejs14.x"
    runs_as = f"arn:aws:iam::{ACCOUNT}:role/runner"
    source = {"SourceArn": "arn:aws:s3:::reports", "SourceAccount": ACCOUNT} if good else {}
    principal = "s3.amazonaws.com" if good else "*"
    tracing = "Active" if good else "PassThrough"

    def live(moto):
        moto.client("iam").create_role(RoleName=f"{name}-runner", AssumeRolePolicyDocument=json.dumps(TRUST))
        c = moto.client("lambda")
        c.create_function(FunctionName=name, Runtime=runtime, Role=f"arn:aws:iam::{ACCOUNT}:role/{name}-runner", Handler="app.handler",
                          Code={"ZipFile": archive()}, TracingConfig={"Mode": tracing})
        c.add_permission(FunctionName=name, StatementId="call", Action="lambda:InvokeFunction", Principal=principal, **source)

    statement = {"Sid": "call", "Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": arn,
                 "Principal": {"Service": principal} if good else "*"}
    if good:
        statement["Condition"] = {"StringEquals": {"AWS:SourceAccount": ACCOUNT}, "ArnLike": {"AWS:SourceArn": "arn:aws:s3:::reports"}}
    configuration = {
        "functionName": name, "functionArn": arn, "runtime": runtime, "role": runs_as, "handler": "app.handler", "timeout": 3,
        "memorySize": 128, "lastModified": "2026-01-01T00:00:00.000+0000", "vpcConfig": {"subnetIds": [], "securityGroupIds": []},
        "tracingConfig": {"mode": tracing}, "layers": [], "packageType": "Zip", "architectures": ["x86_64"], "state": {"value": "Active"}}
    permission = {"FunctionName": {"Ref": "Thing"}, "Action": "lambda:InvokeFunction", "Principal": principal, **source}
    return Thing(
        "AWS::Lambda::Function", arn, live,
        {"Thing": ("AWS::Lambda::Function", {"FunctionName": name, "Runtime": runtime, "Role": runs_as, "Handler": "app.handler",
                                             "Code": {"S3Bucket": "code", "S3Key": "app.zip"}, "TracingConfig": {"Mode": tracing}}),
         "Permission": ("AWS::Lambda::Permission", permission)},
        ({"aws_lambda_function": {"function_name": name, "runtime": runtime, "role": runs_as, "handler": "app.handler", "timeout": 3,
                                  "memory_size": 128, "package_type": "Zip", "tracing_config": [{"mode": tracing}], "vpc_config": []},
          "aws_lambda_permission": {"action": "lambda:InvokeFunction", "principal": principal, "statement_id": "call",
                                    "source_arn": source.get("SourceArn"), "source_account": source.get("SourceAccount")}},
         "function_name"),
        [("AWS::Lambda::Function", name, arn, configuration, {"Policy": json.dumps(document(statement))})])


def trail(name, good):
    arn = f"arn:aws:cloudtrail:{REGION}:{ACCOUNT}:trail/{name}"
    group = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:trail:*"
    runs_as = f"arn:aws:iam::{ACCOUNT}:role/trail"
    more = {"CloudWatchLogsLogGroupArn": group, "CloudWatchLogsRoleArn": runs_as} if good else {}

    def live(moto):
        moto.client("logs").create_log_group(logGroupName="trail") if good else None
        moto.client("s3").create_bucket(Bucket=f"{name}-logs")
        c = moto.client("cloudtrail")
        c.create_trail(Name=name, S3BucketName=f"{name}-logs", IsMultiRegionTrail=good, EnableLogFileValidation=good,
                       **({"KmsKeyId": KEY} if good else {}), **more)
        c.start_logging(Name=name)

    configuration = {
        "name": name, "s3BucketName": f"{name}-logs", "includeGlobalServiceEvents": True, "isMultiRegionTrail": good,
        "homeRegion": REGION, "trailARN": arn, "logFileValidationEnabled": good, "hasCustomEventSelectors": False,
        "isOrganizationTrail": False, **({"kmsKeyId": KEY, "cloudWatchLogsLogGroupArn": group, "cloudWatchLogsRoleArn": runs_as} if good else {})}
    properties = {"TrailName": name, "S3BucketName": f"{name}-logs", "IsLogging": True, "IsMultiRegionTrail": good,
                  "IncludeGlobalServiceEvents": True, "EnableLogFileValidation": good, **({"KMSKeyId": KEY} if good else {}), **more}
    planned = {"name": name, "s3_bucket_name": f"{name}-logs", "is_multi_region_trail": good, "include_global_service_events": True,
               "enable_log_file_validation": good, "enable_logging": True, "kms_key_id": KEY if good else None,
               "cloud_watch_logs_group_arn": group if good else "", "cloud_watch_logs_role_arn": runs_as if good else "",
               "event_selector": [], "advanced_event_selector": []}
    return Thing("AWS::CloudTrail::Trail", arn, live, {"Thing": ("AWS::CloudTrail::Trail", properties)},
                 ({"aws_cloudtrail": planned}, ""), [("AWS::CloudTrail::Trail", name, arn, configuration, {})])


def quoted(policy):
    """As IAM and Config write it: percent-encoded."""
    from urllib.parse import quote

    return quote(json.dumps(policy))


def archive():
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as packed:
        packed.writestr("app.py", "def handler(e, c): pass")
    return data.getvalue()


# ---- the files

class Loader:
    """A template's YAML, with intrinsics in their short form where there is one."""

    @staticmethod
    def dump(value, indent=0):
        pad = "  " * indent
        if isinstance(value, dict) and list(value) == ["Ref"]:
            return f"!Ref {value['Ref']}"
        if isinstance(value, dict) and list(value) == ["Fn::GetAtt"]:
            return "!GetAtt " + ".".join(value["Fn::GetAtt"])
        if isinstance(value, dict) and value:
            return "".join(f"\n{pad}{json.dumps(k)}: {Loader.dump(v, indent + 1)}" for k, v in value.items())
        if isinstance(value, list) and value:
            return "".join(f"\n{pad}- {Loader.dump(v, indent + 1)}" for v in value)
        return json.dumps(value)


def template(thing):
    resources = {name: {"Type": kind, "Properties": properties} for name, (kind, properties) in thing.cloudformation.items()}
    return {"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources}


def plan(thing):
    """`terraform show -json`: parts refer to the thing by what is known only after apply."""
    parts, refers = thing.terraform
    owner = next(iter(parts)).partition(".")[0]
    attribute = {"aws_s3_bucket": "id", "aws_security_group": "id", "aws_iam_role": "name", "aws_iam_user": "name",
                 "aws_sns_topic": "arn", "aws_sqs_queue": "id", "aws_lambda_function": "function_name"}.get(owner, "id")
    provider = "registry.terraform.io/hashicorp/aws"
    values, changes, configured = [], [], []
    for i, (name, given) in enumerate(parts.items()):
        kind, _, label = name.partition(".")
        label = label or "this"
        address = f"{kind}.{label}"
        known = {k: v for k, v in given.items() if v is not None or k in ("kms_master_key_id", "source_arn", "source_account")}
        unknown = {"id": True, "arn": True} if i == 0 else {"id": True}
        expressions = {k: {"constant_value": v} for k, v in known.items() if v is not None and not isinstance(v, list)}
        expressions |= {k: [{}] for k, v in known.items() if isinstance(v, list) and v}
        if i and attribute in parts[next(iter(parts))]:
            known[refers] = parts[next(iter(parts))][attribute]
        elif i:
            unknown[refers] = True
        if i:
            expressions[refers] = {"references": [f"{owner}.this.{attribute}", f"{owner}.this"]}
        about = {"address": address, "mode": "managed", "type": kind, "name": label}
        values.append({**about, "provider_name": provider, "schema_version": 0, "values": known})
        changes.append({**about, "provider_name": provider, "change": {
            "actions": ["create"], "before": None, "after": known, "after_unknown": unknown, "before_sensitive": False, "after_sensitive": {}}})
        configured.append({**about, "provider_config_key": "aws", "expressions": expressions, "schema_version": 0})
    return {"format_version": "1.2", "terraform_version": "1.11.4", "planned_values": {"root_module": {"resources": values}},
            "resource_changes": changes,
            "configuration": {"provider_config": {"aws": {"name": "aws", "full_name": provider}}, "root_module": {"resources": configured}}}


def snapshot(thing):
    items = [{
        "configurationItemVersion": "1.3", "configurationItemCaptureTime": "2026-05-01T03:04:05.678Z", "configurationStateId": 1777604645678,
        "awsAccountId": ACCOUNT, "configurationItemStatus": "OK", "resourceType": kind, "resourceId": identity,
        "resourceName": arn.rpartition("/")[2].rpartition(":")[2], "ARN": arn, "awsRegion": "global" if kind.startswith("AWS::IAM") else REGION,
        "availabilityZone": "Regional", "configurationStateMd5Hash": "", "resourceCreationTime": "2026-01-01T00:00:00.000Z", "tags": {},
        "relatedEvents": [], "relationships": [], "configuration": configuration, "supplementaryConfiguration": supplementary,
    } for kind, identity, arn, configuration, supplementary in thing.config]
    return {"fileVersion": "1.0", "configSnapshotId": "a6d4c1f2-0000-4000-8000-000000000000", "configurationItems": items}


MAKERS = [bucket, security_group, role, user, topic, queue, key, database, function, trail]


FILES = {
    "config": (snapshot, json.dumps, "json"),
    "cloudformation-json": (template, json.dumps, "json"),
    "cloudformation-yaml": (template, Loader.dump, "yaml"),
    "terraform": (plan, json.dumps, "json"),
}


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    """{(maker, good): {source: {control: (verdict, reason)}}}"""
    moto = seed.Moto()
    moto.reset()
    yagura = Yagura(tmp_path_factory.mktemp("sources"))
    folder = yagura.folder / "files"
    folder.mkdir()
    named, kinds = {}, {}
    for maker in MAKERS:
        for good in (True, False):
            thing, case = maker("yg-good" if good else "yg-bad", good), (maker.__name__, good)
            named[thing.live(moto) or thing.arn] = case
            kinds[case] = thing.kind
            for source, (write, dump, end) in FILES.items():
                (folder / f"{maker.__name__}.{good}.{source}.{end}").write_text(dump(write(thing)))
    scanned = yagura("scan", "--no-state", "--format", "ndjson", "--region", REGION, env=moto.env())
    moto.stop()
    checked = yagura("check", "--format", "ndjson", folder)
    assert (scanned.code, checked.code) == (0, 0), scanned.err + checked.err
    answers = {case: {source: {} for source in ("live", *FILES)} for case in named.values()}
    for row in scanned.rows():
        if row["resource"] in named:
            answers[named[row["resource"]]]["live"][row["control"]] = (row["verdict"], row["reason"])
    for row in checked.rows():
        name, good, source, _ = row["file"].rpartition("/")[2].split(".")
        case = name, good == "True"
        if row["type"] == kinds[case]:
            assert row["source"] == source.partition("-")[0]
            assert row["control"] not in answers[case][source], row
            answers[case][source][row["control"]] = (row["verdict"], row["reason"])
    return answers


@pytest.mark.parametrize("good", [True, False], ids=["good", "bad"])
@pytest.mark.parametrize("name", [maker.__name__ for maker in MAKERS])
def test_every_source_says_the_same(judged, name, good):
    answers = judged[name, good]
    for source, verdicts in answers.items():
        print(source, verdicts)
    wanted = answers["live"]
    wrong = [(source, control, "no line") for source in answers for control in wanted if control not in answers[source]]
    for source, verdicts in answers.items():
        for control, (verdict, reason) in verdicts.items():
            expected = wanted.get(control, (None, None))
            template = source.startswith(("cloudformation", "terraform"))
            # What only the account can tell, perhaps even whether the control concerns the thing at all.
            blind = ("NOT_APPLICABLE", "needs the live account") if template else ("UNKNOWN", "not recorded by AWS Config")
            excused = source != "live" and verdict == blind[0] and blind[1] in reason
            # Whom a policy names is inside or outside by the account, which a template doesn't tell.
            excused |= template and verdict == "UNKNOWN" and reason == "not known: AWS::AccountId"
            # What AWS managed policies say is known from the live account only.
            excused |= source == "config" and verdict == "UNKNOWN" and "arn:aws:iam::aws:policy/" in reason
            if verdict != expected[0] and not excused:
                wrong.append((source, control, verdict, reason, "live:", *expected))
    assert not wrong, "\n".join(map(str, wrong))
    for source in FILES:
        assert any(verdict in ("PASS", "FAIL") for verdict, _ in answers[source].values()), f"{source} decides nothing"


def test_good_and_bad_differ(judged):
    for maker in MAKERS:
        for source in judged[maker.__name__, True]:
            good, bad = (judged[maker.__name__, g][source] for g in (True, False))
            assert any(bad[c][0] == "FAIL" and good[c][0] == "PASS" for c in good if c in bad), (maker.__name__, source)
