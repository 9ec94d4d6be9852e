"""An account in moto that has, for each control, something that keeps it and something that breaks it.

`seed` answers `{control: (good, bad)}` with what a verdict line names as `resource`; for Region-wide controls the pair is
(Region, Region). What AWS's APIs don't let anyone set (the age of a key, when a secret was rotated) is set in moto's
memory, which is why this moto runs inside the tests' own process.
"""

import datetime
import io
import json
import re
import zipfile

from conftest import aws_client, aws_environment

ACCOUNT = "123456789012"
HOME, OTHER = "us-east-1", "ap-northeast-1"
STRANGER = "999988887777"
ROOT = f"arn:aws:iam::{ACCOUNT}:root"
REGION_WIDE = f"AWS::::Account:{ACCOUNT}"


class Moto:
    """moto's server inside this process, so that its memory can be reached."""

    def __init__(self):
        import logging
        import os

        logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
        os.environ["MOTO_EC2_LOAD_DEFAULT_AMIS"] = "false"
        os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"
        from moto.server import ThreadedMotoServer

        self.server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        self.server.start()
        self.url = "http://{}:{}".format(*self.server.get_host_and_port())

    def backend(self, service, region=HOME):
        from moto.backends import get_backend

        return get_backend(service)[ACCOUNT][region]

    def client(self, service, region=HOME):
        return aws_client(self.url, service, region)

    def env(self, url=None):
        return aws_environment(url or self.url)

    def reset(self):
        import urllib.request

        urllib.request.urlopen(urllib.request.Request(self.url + "/moto-api/reset", method="POST"), timeout=30).read()

    def stop(self):
        self.server.stop()


def days_ago(days):
    return datetime.datetime.now(datetime.UTC).replace(tzinfo=None) - datetime.timedelta(days=days)


def document(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action, resource="*", principal=None, **more):
    statement = {"Effect": "Allow", "Action": action, "Resource": resource, **more}
    return statement if principal is None else {**statement, "Principal": principal}


def s3(moto):
    c = moto.client("s3")
    pairs = {}

    def bucket(name, **more):
        c.create_bucket(Bucket=name, **more)
        return f"arn:aws:s3:::{name}"

    logs = bucket("yg-logs")
    good = bucket("yg-good", ObjectLockEnabledForBucket=True)
    service = {"Service": "logging.s3.amazonaws.com"}
    c.put_bucket_policy(Bucket="yg-logs", Policy=document(allow("s3:PutObject", logs + "/*", service)))
    flags = ["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"]
    for name in ("yg-good", "yg-logs"):
        c.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=dict.fromkeys(flags, True))
        c.put_bucket_ownership_controls(
            Bucket=name, OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
        )
        c.put_bucket_logging(
            Bucket=name,
            BucketLoggingStatus={"LoggingEnabled": {"TargetBucket": "yg-logs", "TargetPrefix": f"{name}/"}},
        )
    c.put_bucket_versioning(Bucket="yg-good", VersioningConfiguration={"Status": "Enabled"})
    c.put_bucket_encryption(
        Bucket="yg-good",
        ServerSideEncryptionConfiguration={
            "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}, "BucketKeyEnabled": True}]
        },
    )
    c.put_bucket_lifecycle_configuration(
        Bucket="yg-good",
        LifecycleConfiguration={
            "Rules": [{"ID": "old", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 365}}]
        },
    )
    c.put_bucket_policy(
        Bucket="yg-good",
        Policy=document(
            {
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": [good, good + "/*"],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            }
        ),
    )
    bad = bucket("yg-bad")
    c.delete_public_access_block(Bucket="yg-bad")
    c.put_bucket_ownership_controls(Bucket="yg-bad", OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]})
    c.put_bucket_policy(
        Bucket="yg-bad",
        Policy=document(
            allow("s3:GetObject", bad + "/*", "*"),
            allow("s3:PutBucketPolicy", bad, {"AWS": f"arn:aws:iam::{STRANGER}:root"}),
        ),
    )
    # AWS answers a canned public-read-write as two grants, moto as one with two permissions: so it is set by grants.
    everyone = "uri=http://acs.amazonaws.com/groups/global/AllUsers"
    c.put_bucket_acl(Bucket="yg-bad", GrantWrite=everyone)
    versioned = bucket("yg-versioned")
    c.put_bucket_versioning(Bucket="yg-versioned", VersioningConfiguration={"Status": "Enabled"})
    far = moto.client("s3", OTHER)
    far.create_bucket(Bucket="yg-far", CreateBucketConfiguration={"LocationConstraint": OTHER})
    for control in ("2", "3", "5", "6", "8", "9", "12", "13", "14", "15", "17"):
        pairs[f"S3.{control}"] = (good, bad)
    pairs["S3.10"] = (good, versioned)
    mfa = bucket("yg-mfa")
    c.put_bucket_versioning(Bucket="yg-mfa", VersioningConfiguration={"Status": "Enabled"})
    pairs["S3.20"] = (mfa, versioned)
    return pairs, logs


def trails(moto, logs):
    c = moto.client("cloudtrail")
    s = moto.client("s3")
    s.create_bucket(Bucket="yg-open-logs")
    s.put_bucket_policy(
        Bucket="yg-open-logs", Policy=document(allow("s3:GetObject", "arn:aws:s3:::yg-open-logs/*", "*"))
    )
    key = moto.client("kms").create_key()["KeyMetadata"]["Arn"]
    group = moto.client("logs")
    group.create_log_group(logGroupName="trail")
    good = c.create_trail(
        Name="good",
        S3BucketName="yg-logs",
        IsMultiRegionTrail=True,
        IncludeGlobalServiceEvents=True,
        EnableLogFileValidation=True,
        KmsKeyId=key,
        CloudWatchLogsLogGroupArn=f"arn:aws:logs:{HOME}:{ACCOUNT}:log-group:trail:*",
        CloudWatchLogsRoleArn=f"arn:aws:iam::{ACCOUNT}:role/good",
    )["TrailARN"]
    bad = c.create_trail(Name="bad", S3BucketName="yg-open-logs")["TrailARN"]
    open_logs = "arn:aws:s3:::yg-open-logs"
    return {
        "CloudTrail.2": (good, bad),
        "CloudTrail.4": (good, bad),
        "CloudTrail.5": (good, bad),
        "CloudTrail.6": (logs, open_logs),
        "CloudTrail.7": (logs, open_logs),
    }


def ec2(moto):
    c = moto.client("ec2")
    iam = moto.client("iam")
    pairs = {}

    def arn(kind, name, account=ACCOUNT):
        return f"arn:aws:ec2:{HOME}:{account}:{kind}/{name}"

    default_vpc = c.describe_vpcs()["Vpcs"][0]["VpcId"]
    vpc = c.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = c.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24", AvailabilityZone=f"{HOME}a")["Subnet"]["SubnetId"]
    open_subnet = c.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [default_vpc]}])["Subnets"][0]["SubnetId"]
    pairs["EC2.15"] = (arn("subnet", subnet), arn("subnet", open_subnet))
    flow_role = iam.create_role(RoleName="flow", AssumeRolePolicyDocument=document(
        {"Effect": "Allow", "Principal": {"Service": "vpc-flow-logs.amazonaws.com"}, "Action": "sts:AssumeRole"}))["Role"]["Arn"]
    moto.client("logs").create_log_group(logGroupName="flow")
    c.create_flow_logs(ResourceIds=[vpc], ResourceType="VPC", TrafficType="REJECT", LogGroupName="flow",
                       DeliverLogsPermissionArn=flow_role)
    pairs["EC2.6"] = (arn("vpc", vpc), arn("vpc", default_vpc))

    groups = {g["VpcId"]: g for g in c.describe_security_groups(GroupNames=["default"])["SecurityGroups"]}
    closed = groups[vpc]
    if closed["IpPermissions"]:
        c.revoke_security_group_ingress(GroupId=closed["GroupId"], IpPermissions=closed["IpPermissions"])
    c.revoke_security_group_egress(GroupId=closed["GroupId"], IpPermissions=closed["IpPermissionsEgress"])
    pairs["EC2.2"] = (arn("security-group", closed["GroupId"]), arn("security-group", groups[default_vpc]["GroupId"]))

    def group(name, *rules):
        made = c.create_security_group(GroupName=name, Description=name, VpcId=vpc)["GroupId"]
        for protocol, low, high, cidr in rules:
            ranges = {"Ipv6Ranges": [{"CidrIpv6": cidr}]} if ":" in cidr else {"IpRanges": [{"CidrIp": cidr}]}
            ports = {} if protocol == "-1" else {"FromPort": low, "ToPort": high}
            c.authorize_security_group_ingress(GroupId=made, IpPermissions=[{"IpProtocol": protocol, **ports, **ranges}])
        return arn("security-group", made)

    web = group("web", ("tcp", 443, 443, "0.0.0.0/0"), ("tcp", 22, 22, "10.0.0.0/8"), ("tcp", 3389, 3389, "192.0.2.0/24"))
    ssh = group("ssh", ("tcp", 20, 25, "0.0.0.0/0"))
    rdp6 = group("rdp6", ("tcp", 3389, 3389, "::/0"))
    everything = group("all", ("-1", 0, 0, "0.0.0.0/0"))
    udp = group("udp", ("udp", 22, 22, "0.0.0.0/0"))
    office = c.create_managed_prefix_list(PrefixListName="office", AddressFamily="IPv4", MaxEntries=5,
                                          Entries=[{"Cidr": "203.0.113.0/24"}])["PrefixList"]["PrefixListId"]
    c.authorize_security_group_ingress(GroupId=web.rpartition("/")[2], IpPermissions=[
        {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "PrefixListIds": [{"PrefixListId": office}]}])
    pairs["EC2.13"] = (web, ssh)
    pairs["EC2.14"] = (web, rdp6)
    pairs["EC2.18"] = (web, udp)
    pairs["EC2.19"] = (web, ssh)
    pairs["EC2.53"] = (rdp6, ssh)
    pairs["EC2.54"] = (ssh, rdp6)
    pairs["CIS-5.0/5.1.2"] = (web, everything)

    acl = c.create_network_acl(VpcId=vpc)["NetworkAcl"]["NetworkAclId"]
    c.create_network_acl_entry(NetworkAclId=acl, RuleNumber=100, Protocol="6", RuleAction="allow", Egress=False,
                               CidrBlock="0.0.0.0/0", PortRange={"From": 443, "To": 443})
    used = c.create_network_acl(VpcId=vpc)["NetworkAcl"]["NetworkAclId"]
    association = next(a for n in c.describe_network_acls()["NetworkAcls"] for a in n["Associations"] if a["SubnetId"] == subnet)
    c.replace_network_acl_association(AssociationId=association["NetworkAclAssociationId"], NetworkAclId=used)
    default_acl = next(n for n in c.describe_network_acls()["NetworkAcls"] if n["VpcId"] == default_vpc)["NetworkAclId"]
    pairs["EC2.16"] = (arn("network-acl", used), arn("network-acl", acl))
    pairs["EC2.21"] = (arn("network-acl", acl), arn("network-acl", default_acl))

    iam.create_instance_profile(InstanceProfileName="web")
    iam.add_role_to_instance_profile(InstanceProfileName="web", RoleName="flow")

    def instance(**more):
        return c.run_instances(ImageId="ami-12345678", InstanceType="t3.micro", MinCount=1, MaxCount=1, **more)["Instances"][0]["InstanceId"]

    good = instance(SubnetId=subnet, IamInstanceProfile={"Name": "web"},
                    MetadataOptions={"HttpTokens": "required", "HttpEndpoint": "enabled"})
    bad = instance(SubnetId=open_subnet, MetadataOptions={"HttpTokens": "optional", "HttpEndpoint": "enabled"})
    second = c.create_network_interface(SubnetId=open_subnet)["NetworkInterface"]["NetworkInterfaceId"]
    c.attach_network_interface(NetworkInterfaceId=second, InstanceId=bad, DeviceIndex=1)
    stopped = instance(SubnetId=subnet)
    c.stop_instances(InstanceIds=[stopped])
    moto.backend("ec2").get_instance(stopped)._reason = f"User initiated ({days_ago(40):%Y-%m-%d %H:%M:%S} GMT)"
    rested = instance(SubnetId=subnet)
    c.stop_instances(InstanceIds=[rested])
    moto.backend("ec2").get_instance(rested)._reason = f"User initiated ({days_ago(3):%Y-%m-%d %H:%M:%S} GMT)"
    for control in ("EC2.8", "EC2.9", "EC2.17", "CIS-5.0/1.17"):
        pairs[control] = (arn("instance", good), arn("instance", bad))
    pairs["EC2.4"] = (arn("instance", rested), arn("instance", stopped))

    volumes = []
    for encrypted in (True, False):
        volume = c.create_volume(AvailabilityZone=f"{HOME}a", Size=8, Encrypted=encrypted)["VolumeId"]
        c.attach_volume(VolumeId=volume, InstanceId=good, Device="/dev/sd" + ("f" if encrypted else "g"))
        volumes.append(arn("volume", volume))
    pairs["EC2.3"] = tuple(volumes)
    shots = [c.create_snapshot(VolumeId=volumes[1].rpartition("/")[2])["SnapshotId"] for _ in range(2)]
    c.modify_snapshot_attribute(SnapshotId=shots[1], Attribute="createVolumePermission", OperationType="add", GroupNames=["all"])
    c.modify_snapshot_attribute(SnapshotId=shots[0], Attribute="createVolumePermission", OperationType="add", UserIds=[STRANGER])
    pairs["EC2.1"] = tuple(arn("snapshot", s, "") for s in shots)
    c.enable_ebs_encryption_by_default()
    pairs["EC2.7"] = (HOME, OTHER)
    return pairs, subnet, web.rpartition("/")[2]


def watchers(moto):
    """Config, GuardDuty, Macie, Inspector and Security Hub: on at home, off or half on elsewhere."""
    pairs = {}
    role = f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig"
    moto.client("s3").create_bucket(Bucket="yg-config")
    for region, everything in ((HOME, True), (OTHER, False)):
        c = moto.client("config", region)
        group = {"allSupported": True, "includeGlobalResourceTypes": True} if everything else {
            "allSupported": False, "includeGlobalResourceTypes": False, "resourceTypes": ["AWS::EC2::Instance"]}
        c.put_configuration_recorder(ConfigurationRecorder={"name": "default", "roleARN": role, "recordingGroup": group})
        c.put_delivery_channel(DeliveryChannel={"name": "default", "s3BucketName": "yg-config"})
        c.start_configuration_recorder(ConfigurationRecorderName="default")
    pairs["Config.1"] = (HOME, OTHER)

    detectors = []
    agents = ["EKS_ADDON_MANAGEMENT", "ECS_FARGATE_AGENT_MANAGEMENT", "EC2_AGENT_MANAGEMENT"]
    features = ["S3_DATA_EVENTS", "EKS_AUDIT_LOGS", "EBS_MALWARE_PROTECTION", "RDS_LOGIN_EVENTS", "LAMBDA_NETWORK_LOGS"]
    for region, status in ((HOME, "ENABLED"), (OTHER, "DISABLED")):
        asked = [{"Name": f, "Status": status} for f in features]
        asked.append({"Name": "RUNTIME_MONITORING", "Status": status,
                      "AdditionalConfiguration": [{"Name": a, "Status": status} for a in agents]})
        made = moto.client("guardduty", region).create_detector(Enable=status == "ENABLED", Features=asked)["DetectorId"]
        detectors.append(f"arn:aws:guardduty:{region}:{ACCOUNT}:detector/{made}")
    for number in (5, 6, 7, 8, 9, 10, 11, 12, 13):
        pairs[f"GuardDuty.{number}"] = tuple(detectors)
    pairs["GuardDuty.1"] = (HOME, OTHER)

    moto.client("macie2", HOME).enable_macie(status="ENABLED")
    moto.client("macie2", OTHER).disable_macie()
    pairs["Macie.1"] = (HOME, OTHER)
    moto.client("inspector2", HOME).enable(accountIds=[ACCOUNT], resourceTypes=["EC2", "ECR", "LAMBDA", "LAMBDA_CODE"])
    for number in (1, 2, 3, 4):
        pairs[f"Inspector.{number}"] = (HOME, OTHER)
    moto.client("securityhub", HOME).enable_security_hub()
    pairs["CIS-5.0/4.16"] = (HOME, OTHER)
    return pairs


def iam(moto):
    c = moto.client("iam")
    pairs = {}
    trust = document({"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"})
    c.create_role(RoleName="good", AssumeRolePolicyDocument=trust)
    c.create_role(RoleName="bad", AssumeRolePolicyDocument=trust)
    c.attach_role_policy(RoleName="bad", PolicyArn="arn:aws:iam::aws:policy/AWSCloudShellFullAccess")
    c.put_role_policy(RoleName="bad", PolicyName="keys", PolicyDocument=document(allow("kms:Decrypt")))
    roles = tuple(f"arn:aws:iam::{ACCOUNT}:role/{r}" for r in ("good", "bad"))
    pairs["IAM.27"] = pairs["KMS.2"] = roles
    c.create_role(RoleName="open", AssumeRolePolicyDocument=document(
        {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}))
    pairs["YG-IAM.1"] = (roles[0], f"arn:aws:iam::{ACCOUNT}:role/open")

    def policy(name, *statements):
        return c.create_policy(PolicyName=name, PolicyDocument=document(*statements))["Policy"]["Arn"]

    fine = policy("fine", allow(["s3:GetObject", "s3:PutObject"], "arn:aws:s3:::yg-good/*"),
                  allow("kms:Decrypt", f"arn:aws:kms:{HOME}:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"))
    admin = policy("admin", allow("*"))
    wide = policy("wide", allow("s3:*", "arn:aws:s3:::yg-good/*"))
    decrypt = policy("decrypt", allow(["kms:Re*"], f"arn:aws:kms:*:{ACCOUNT}:key/*"))
    c.create_group(GroupName="admins")
    c.attach_group_policy(GroupName="admins", PolicyArn=admin)
    pairs["CIS-5.0/1.15"] = (roles[0], f"arn:aws:iam::{ACCOUNT}:group/admins")
    pairs["IAM.1"] = (wide, admin)
    pairs["IAM.21"] = (fine, wide)
    pairs["KMS.1"] = (fine, decrypt)

    users = moto.backend("iam", "aws").users

    def user(name, *, password=None, used=None, keys=(), mfa=False, created=400):
        c.create_user(UserName=name)
        made = next(u for u in users.values() if u.name == name)
        made.create_date = days_ago(created)
        if password:
            c.create_login_profile(UserName=name, Password="Correct-horse-1-battery")
            made.password_last_used = days_ago(used) if used is not None else None
        if mfa:
            device = c.create_virtual_mfa_device(VirtualMFADeviceName=name)["VirtualMFADevice"]["SerialNumber"]
            c.enable_mfa_device(UserName=name, SerialNumber=device, AuthenticationCode1="123456", AuthenticationCode2="654321")
        for age, last in keys:
            made_key = c.create_access_key(UserName=name)["AccessKey"]["AccessKeyId"]
            key = next(k for k in made.access_keys if k.access_key_id == made_key)
            key.create_date = days_ago(age)
            key.last_used = key_used(days_ago(last)) if last is not None else None
        return f"arn:aws:iam::{ACCOUNT}:user/{name}"

    good = user("good", password=True, used=1, mfa=True, keys=[(30, 2)])
    c.add_user_to_group(GroupName="admins", UserName="good")
    console = user("console", password=True, used=60)
    gone = user("gone", password=True, used=120)
    two = user("two", keys=[(120, 1), (10, None)])
    setup = user("setup", password=True, used=1, mfa=True, keys=[(400, None)])
    direct = user("direct")
    c.attach_user_policy(UserName="direct", PolicyArn=fine)
    pairs["CIS-5.0/1.10"] = (good, setup)
    pairs["CIS-5.0/1.12"] = (good, two)
    pairs["IAM.2"] = (good, direct)
    pairs["IAM.3"] = (good, two)
    pairs["IAM.5"] = (good, console)
    pairs["IAM.19"] = (good, two)
    pairs["IAM.22"] = (good, console)
    pairs["IAM.8"] = (console, gone)

    certificates = []
    for name, days in (("current", 100), ("expired", -10)):
        body, key = certificate(days)
        certificates.append(c.upload_server_certificate(ServerCertificateName=name, CertificateBody=body, PrivateKey=key)["ServerCertificateMetadata"]["Arn"])
    pairs["IAM.26"] = tuple(certificates)
    return pairs


def key_used(when):
    """moto holds a key's last use as an object with a date and prints it by strftime."""
    from moto.iam.models import AccessKeyLastUsed

    return AccessKeyLastUsed(timestamp=when, service="s3", region=HOME)


def certificate(days):
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec as curves

    key = curves.generate_private_key(curves.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "example.com")])
    built = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
             .not_valid_before(days_ago(400)).not_valid_after(days_ago(-days)).sign(key, hashes.SHA256()))
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return built.public_bytes(serialization.Encoding.PEM).decode(), private.decode()


def kms(moto):
    c = moto.client("kms")
    keys = {}
    for name in ("good", "bad", "leaving"):
        keys[name] = c.create_key(Description=name)["KeyMetadata"]["Arn"]
    c.enable_key_rotation(KeyId=keys["good"])
    c.schedule_key_deletion(KeyId=keys["leaving"].rpartition("/")[2], PendingWindowInDays=7)
    c.put_key_policy(KeyId=keys["bad"], PolicyName="default", Policy=document(allow("kms:*", "*", {"AWS": "*"})))
    return {
        "KMS.3": (keys["good"], keys["leaving"]),
        "KMS.4": (keys["good"], keys["bad"]),
        "KMS.5": (keys["good"], keys["bad"]),
    }, keys["good"]


def functions(moto, subnet, group):
    c = moto.client("lambda")
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("app.py", "def handler(e, c): pass")
    common = {"Role": f"arn:aws:iam::{ACCOUNT}:role/good", "Handler": "app.handler", "Code": {"ZipFile": data.getvalue()}}
    good = c.create_function(FunctionName="good", Runtime="python3.13", TracingConfig={"Mode": "Active"},
                             VpcConfig={"SubnetIds": [subnet], "SecurityGroupIds": [group]}, **common)["FunctionArn"]
    bad = c.create_function(FunctionName="bad", Runtime="nodejs14.x", **common)["FunctionArn"]
    c.add_permission(FunctionName="good", StatementId="bucket", Action="lambda:InvokeFunction", Principal="s3.amazonaws.com",
                     SourceArn="arn:aws:s3:::yg-good", SourceAccount=ACCOUNT)
    c.add_permission(FunctionName="bad", StatementId="open", Action="lambda:InvokeFunction", Principal="*")
    return {f"Lambda.{n}": (good, bad) for n in (1, 2, 3, 7)}


def rds(moto, key):
    c = moto.client("rds")
    pairs = {}

    def database(name, engine, **more):
        made = c.create_db_instance(DBInstanceIdentifier=name, Engine=engine, DBInstanceClass="db.m5.large", AllocatedStorage=20,
                                    MasterUserPassword="Correct-horse-1", **more)
        return made["DBInstance"]["DBInstanceArn"]

    good = database("good", "postgres", MasterUsername="keeper", StorageEncrypted=True, KmsKeyId=key, PubliclyAccessible=False,
                    MultiAZ=True, BackupRetentionPeriod=14, CopyTagsToSnapshot=True, DeletionProtection=True,
                    AutoMinorVersionUpgrade=True, EnableIAMDatabaseAuthentication=True, MonitoringInterval=60,
                    MonitoringRoleArn=f"arn:aws:iam::{ACCOUNT}:role/good", EnableCloudwatchLogsExports=["postgresql", "upgrade"])
    bad = database("bad", "postgres", MasterUsername="postgres", StorageEncrypted=False, PubliclyAccessible=True, MultiAZ=False,
                   BackupRetentionPeriod=1, CopyTagsToSnapshot=False, DeletionProtection=False, AutoMinorVersionUpgrade=False)
    server = database("server", "sqlserver-se", MasterUsername="keeper", EnableCloudwatchLogsExports=["error", "agent"])
    silent = database("silent", "sqlserver-se", MasterUsername="keeper", EnableCloudwatchLogsExports=["error"])
    pairs["RDS.42"] = tuple(
        database(f"maria-{len(logs)}", "mariadb", EngineVersion="10.6", MasterUsername="keeper", EnableCloudwatchLogsExports=logs)
        for logs in (["audit", "error"], ["error"]))
    for number in (2, 3, 5, 6, 8, 9, 10, 11, 13, 17, 25, 36):
        pairs[f"RDS.{number}"] = (good, bad)
    pairs["RDS.40"] = (server, silent)
    shots = [c.create_db_snapshot(DBInstanceIdentifier=n, DBSnapshotIdentifier=f"{n}-shot")["DBSnapshot"]["DBSnapshotArn"]
             for n in ("good", "bad")]
    c.modify_db_snapshot_attribute(DBSnapshotIdentifier="bad-shot", AttributeName="restore", ValuesToAdd=["all"])
    c.modify_db_snapshot_attribute(DBSnapshotIdentifier="good-shot", AttributeName="restore", ValuesToAdd=[STRANGER])
    pairs["RDS.1"] = pairs["RDS.4"] = tuple(shots)
    return pairs


def messages(moto, key):
    sns, sqs = moto.client("sns"), moto.client("sqs")
    topics = [sns.create_topic(Name="good", Attributes={"KmsMasterKeyId": key})["TopicArn"], sns.create_topic(Name="bad")["TopicArn"]]
    sns.set_topic_attributes(TopicArn=topics[1], AttributeName="Policy",
                             AttributeValue=document(allow("sns:Publish", topics[1], {"AWS": "*"})))
    urls = [sqs.create_queue(QueueName="good", Attributes={"SqsManagedSseEnabled": "true"})["QueueUrl"],
            sqs.create_queue(QueueName="bad", Attributes={"SqsManagedSseEnabled": "false"})["QueueUrl"]]
    queues = [f"arn:aws:sqs:{HOME}:{ACCOUNT}:{n}" for n in ("good", "bad")]
    sqs.set_queue_attributes(QueueUrl=urls[0], Attributes={"Policy": document(
        allow("sqs:SendMessage", queues[0], "*", Condition={"ArnEquals": {"aws:SourceArn": topics[0]}}))})
    sqs.set_queue_attributes(QueueUrl=urls[1], Attributes={"Policy": document(allow("sqs:SendMessage", queues[1], "*"))})
    return {"SNS.1": tuple(topics), "SNS.4": tuple(topics), "SQS.1": tuple(queues), "SQS.3": tuple(queues)}


def secrets(moto):
    c = moto.client("secretsmanager")
    held = moto.backend("secretsmanager").secrets
    arns = {}
    for name in ("good", "idle", "late"):
        arns[name] = c.create_secret(Name=name, SecretString="x")["ARN"]
    for name, rotated, enabled, days in (("good", 5, True, 30), ("late", 60, True, 30), ("idle", None, False, 0)):
        secret = held[name]
        created = int(days_ago(200).replace(tzinfo=datetime.UTC).timestamp())
        secret.created_date = secret.last_changed_date = created
        if enabled:
            secret.rotation_requested = secret.rotation_enabled = True
            secret.auto_rotate_after_days = days
            secret.last_rotation_date = int(days_ago(rotated).replace(tzinfo=datetime.UTC).timestamp())
    c.put_resource_policy(SecretId="idle", ResourcePolicy=document(allow("secretsmanager:GetSecretValue", "*", "*")))
    return {
        "YG-SecretsManager.1": (arns["good"], arns["idle"]),
        "SecretsManager.1": (arns["good"], arns["idle"]),
        "SecretsManager.2": (arns["good"], arns["late"]),
        "SecretsManager.3": (arns["good"], arns["idle"]),
        "SecretsManager.4": (arns["late"], arns["idle"]),
    }


def seed(moto):
    """Everything, and the pairs. Account-wide controls start in their bad state: `mend` brings the good one."""
    pairs = {}
    pairs.update(iam(moto))
    buckets, logs = s3(moto)
    pairs.update(buckets)
    pairs.update(trails(moto, logs))
    machines, subnet, group = ec2(moto)
    pairs.update(machines)
    pairs.update(watchers(moto))
    keys, key = kms(moto)
    pairs.update(keys)
    pairs.update(functions(moto, subnet, group))
    pairs.update(rds(moto, key))
    pairs.update(messages(moto, key))
    pairs.update(secrets(moto))
    summary = moto.backend("iam", "aws").account_summary
    summary._account_mfa_enabled, summary._account_access_keys_present = 0, 1
    return pairs


# Account-wide controls that moto can show in both states.
ACCOUNT_WIDE = [
    "Account.1", "Account.2", "CloudTrail.1", "CloudTrail.3", "IAM.4", "IAM.6", "IAM.7", "IAM.9", "IAM.10", "IAM.11", "IAM.12", "IAM.13", "IAM.14",
    "IAM.15", "IAM.16", "IAM.17", "IAM.18", "S3.1", "S3.22", "S3.23",
]


def mend(moto):
    """The good state of what the account has only once."""
    moto.client("account").put_alternate_contact(
        AlternateContactType="SECURITY", Name="SOC", Title="SOC", EmailAddress="soc@example.com", PhoneNumber="+81300000000")
    organizations = moto.client("organizations")
    organizations.create_organization(FeatureSet="ALL")
    security = organizations.create_account(AccountName="security", Email="security@example.com")["CreateAccountStatus"]["AccountId"]
    organizations.register_delegated_administrator(AccountId=security, ServicePrincipal="guardduty.amazonaws.com")
    c = moto.client("iam")
    c.update_account_password_policy(
        MinimumPasswordLength=14, RequireSymbols=True, RequireNumbers=True, RequireUppercaseCharacters=True,
        RequireLowercaseCharacters=True, MaxPasswordAge=90, PasswordReusePrevention=24, AllowUsersToChangePassword=True)
    summary = moto.backend("iam", "aws").account_summary
    summary._account_mfa_enabled, summary._account_access_keys_present = 1, 0
    trust = document({"Effect": "Allow", "Principal": {"AWS": ROOT}, "Action": "sts:AssumeRole"})
    c.create_role(RoleName="support", AssumeRolePolicyDocument=trust)
    c.attach_role_policy(RoleName="support", PolicyArn="arn:aws:iam::aws:policy/AWSSupportAccess")
    flags = ["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"]
    # boto3 puts the account in front of the host here, which no loopback address can bear.
    moto.backend("s3control", "aws").put_public_access_block(ACCOUNT, dict.fromkeys(flags, True))
    trail = moto.client("cloudtrail")
    trail.start_logging(Name="good")
    trail.put_event_selectors(TrailName="good", EventSelectors=[{
        "ReadWriteType": "All", "IncludeManagementEvents": True,
        "DataResources": [{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3"]}]}])


# What moto's APIs don't have: {control: why}. Before moto itself these are UNKNOWN, never PASS or FAIL.
MISSING = {
    "CIS-5.0/1.1": "moto has no account:GetContactInformation",
    "CIS-5.0/1.6": "moto's credential report has no row for root",
    "EC2.182": "moto has no ec2:GetSnapshotBlockPublicAccessState",
    "IAM.28": "moto has no access-analyzer",
}

# What moto keeps silent about, so that only `completed` shows the good state: {control: why}.
HALF = {
    "IAM.26": "moto gives every server certificate the same end in 2012",
    "S3.20": "moto forgets MFA delete",
    "SecretsManager.3": "moto doesn't say when a secret was last read",
}


def completed(mended):
    """Rules for the proxy that fill these gaps, in the shapes that AWS documents."""
    import base64

    from proxy import edited

    used = days_ago(100 if mended else 2)
    root = f"<root_account>,{ROOT},2020-01-01T00:00:00+00:00,not_supported,{used:%Y-%m-%dT%H:%M:%S}+00:00,not_supported"
    root += ",not_supported,true,false,N/A,N/A,N/A,N/A,false,N/A,N/A,N/A,N/A,false,N/A,false,N/A\n"

    def report(text):
        def add(match):
            rows = base64.b64decode(match[2]).decode()
            head, _, rest = rows.partition("\n")
            return match[1] + base64.b64encode((head + "\n" + root + rest).encode()).decode() + match[3]

        return re.sub(r"(<Content>)([^<]*)(</Content>)", add, text)

    def certificates(text):
        until = f"{days_ago(-100):%Y-%m-%dT%H:%M:%SZ}"

        def member(match):
            return re.sub(r"<Expiration>[^<]*", f"<Expiration>{until}", match[0]) if ">current<" in match[0] else match[0]

        return re.sub(r"<member>.*?</member>", member, text, flags=re.S)

    def accessed(text):
        answer = json.loads(text)
        for secret in answer["SecretList"]:
            if secret["Name"] == "good":
                secret["LastAccessedDate"] = days_ago(3).replace(tzinfo=datetime.UTC).timestamp()
        return json.dumps(answer)

    contact = {"ContactInformation": {"FullName": "Taro Yamada", "AddressLine1": "1-1", "City": "Tokyo", "CountryCode": "JP",
                                      "PhoneNumber": "+81300000000" if mended else "", "PostalCode": "100-0001"}}
    analyzer = {"analyzers": [{"arn": f"arn:aws:access-analyzer:{HOME}:{ACCOUNT}:analyzer/a", "name": "a", "type": "ACCOUNT",
                               "createdAt": "2026-01-01T00:00:00Z", "status": "ACTIVE"}]}

    def state(value):
        name = "GetSnapshotBlockPublicAccessStateResponse"
        return f'<{name} xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>1</requestId><state>{value}</state></{name}>'

    return [
        edited("account:GetContactInformation", lambda _: json.dumps(contact)),
        edited("accessanalyzer:ListAnalyzers", lambda _: json.dumps(analyzer), region=HOME),
        edited("accessanalyzer:ListAnalyzers", lambda _: json.dumps({"analyzers": []}), region=OTHER),
        edited("ec2:GetSnapshotBlockPublicAccessState", lambda _: state("block-all-sharing"), region=HOME),
        edited("ec2:GetSnapshotBlockPublicAccessState", lambda _: state("unblocked"), region=OTHER),
        edited("iam:GetCredentialReport", report),
        edited("iam:ListServerCertificates", certificates),
        edited("s3:GetBucketVersioning", lambda t: t.replace("</Status>",
               "</Status><MfaDelete>Enabled</MfaDelete>"), where="yg-mfa"),
        edited("secretsmanager:ListSecrets", accessed),
    ]
