"""What the detections cover, and that what the guide says of the recorded attack is what comes out."""

import collections
import gzip
import json
import re

import pytest
from conftest import ROOT

INVICTUS = ROOT.parent / "shared/data/cloudtrail/invictus"

# Finding types of GuardDuty that rules over CloudTrail's management events can give, and the predicates of its custom rules.
GUARDDUTY = """
PenTest:IAMUser/KaliLinux PenTest:IAMUser/ParrotLinux PenTest:IAMUser/PentooLinux Policy:IAMUser/RootCredentialUsage
Policy:IAMUser/ShortTermRootCredentialUsage Stealth:IAMUser/CloudTrailLoggingDisabled Stealth:IAMUser/PasswordPolicyChange
DefenseEvasion:IAMUser/BedrockLoggingDisabled UnauthorizedAccess:IAMUser/InstanceCredentialExfiltration.InsideAWS
UnauthorizedAccess:IAMUser/InstanceCredentialExfiltration.OutsideAWS
UnauthorizedAccess:IAMUser/ResourceCredentialExfiltration.OutsideAWS Policy:S3/AccountBlockPublicAccessDisabled
Policy:S3/BucketBlockPublicAccessDisabled Stealth:S3/ServerAccessLoggingDisabled Policy:S3/BucketAnonymousAccessGranted
Policy:S3/BucketPublicAccessGranted
""".split()
CUSTOM_RULES = """
AdminPolicyAttachedToRole AdminPolicyAttachedToUser AMIExternalAccess BedrockServiceCredentialCreated ConsoleLoginWithoutMFA
DNSQueryLogsDeleted EBSSnapshotExternalAccess EC2InstanceSSHKeyPushed EC2PasswordDataRetrieved EC2SecurityGroupPublicSSH
EC2TerminationProtectionEnabled EC2UserDataModified IAMAccessKeyCreated IAMRoleTrustPolicyModified IAMUserLoginProfileCreated
IAMUserLoginProfileUpdated LambdaFunctionPublicAccess LambdaFunctionUrlPublicAccess OrganizationLeaveAttempt
OrganizationPolicyDisabled RDSIAMAuthDisabled RDSMasterPasswordReset RDSPubliclyAccessible RDSSnapshotPubliclyShared
RolesAnywhereTrustAnchorCreated S3BucketPolicyExternalAccess S3CustomerProvidedKeysEnabled S3LifecycleRapidExpiration
SageMakerLifecycleConfigModified SESAccountSendingEnabled SESDomainIdentityVerified SESProductionAccessEnabled
SESFullAccessPolicyAttachedToRole SESFullAccessPolicyAttachedToUser VPCFlowLogsDeleted
""".split()
# Stratus Red Team's techniques against AWS accounts, and what finds each.
STRATUS = {
    "credential-access.ec2-get-password-data": ["ec2-password-data-many-instances", "ec2-password-data-retrieved"],
    "credential-access.ec2-steal-instance-credentials": ["ec2-instance-credentials-from-two-addresses"],
    "credential-access.secretsmanager-batch-retrieve-secrets": ["secrets-read-by-filter"],
    "credential-access.secretsmanager-retrieve-secrets": ["secrets-read-in-bulk"],
    "credential-access.ssm-retrieve-securestring-parameters": ["ssm-parameters-read-in-bulk"],
    "defense-evasion.cloudtrail-delete": ["cloudtrail-logging-disabled", "defence-tampering-failed"],
    "defense-evasion.cloudtrail-event-selectors": ["cloudtrail-event-selectors-weakened"],
    "defense-evasion.cloudtrail-lifecycle-rule": ["s3-lifecycle-rapid-expiration"],
    "defense-evasion.cloudtrail-stop": ["cloudtrail-logging-disabled", "defence-tampering-failed"],
    "defense-evasion.dns-delete-logs": ["dns-query-logs-deleted"],
    "defense-evasion.organizations-leave": ["organization-leave-attempt"],
    "defense-evasion.vpc-remove-flow-logs": ["vpc-flow-logs-deleted"],
    "discovery.ec2-enumerate-from-instance": ["ec2-recon-from-instance"],
    "discovery.ec2-download-user-data": ["ec2-user-data-download-denied", "ec2-user-data-read"],
    "discovery.ses-enumerate": ["ses-enumeration"],
    "execution.ec2-launch-unusual-instances": ["ec2-gpu-instance-launched", "ec2-large-launch-refused"],
    "execution.ec2-user-data": ["ec2-user-data-modified"],
    "execution.ssm-send-command": ["ssm-shell-command-by-user", "ssm-shell-command"],
    "execution.ssm-start-session": ["ssm-session-many-instances", "ssm-session-started"],
    "exfiltration.ec2-security-group-open-port-22-ingress": ["ec2-security-group-ssh-world"],
    "exfiltration.ec2-share-ami": ["ec2-ami-shared"],
    "exfiltration.ec2-share-ebs-snapshot": ["ebs-snapshot-shared", "ebs-snapshot-public"],
    "exfiltration.rds-share-snapshot": ["rds-snapshot-shared", "rds-snapshot-public"],
    "exfiltration.s3-backdoor-bucket-policy": ["s3-bucket-policy-external"],
    "impact.bedrock-invoke-model": ["bedrock-model-invoked", "bedrock-model-access-requested"],
    "impact.s3-ransomware-batch-deletion": ["s3-ransom-note", "s3-versions-deleted-in-bulk"],
    "impact.s3-ransomware-client-side-encryption": ["s3-objects-encrypted-with-customer-key"],
    "impact.s3-ransomware-individual-deletion": ["s3-bucket-emptied-with-versions", "s3-versions-deleted-in-bulk"],
    "initial-access.console-login-without-mfa": ["console-login-without-mfa"],
    "lateral-movement.ec2-instance-connect": ["ec2-instance-connect-key-pushed", "ec2-instance-connect-many-instances"],
    "lateral-movement.ec2-serial-console-send-ssh-public-key": ["ec2-instance-connect-key-pushed"],
    "persistence.iam-backdoor-role": ["iam-role-trusts-other-account", "iam-role-trust-changed"],
    "persistence.iam-backdoor-user": ["iam-access-key-for-other-user", "iam-access-key-created"],
    "persistence.iam-create-admin-user": ["iam-admin-user-created-with-key"],
    "persistence.iam-create-backdoor-role": ["iam-role-trusts-other-account"],
    "persistence.iam-create-user-login-profile": ["iam-login-profile-created"],
    "persistence.lambda-backdoor-function": ["lambda-function-public", "lambda-cross-account-permission"],
    "persistence.lambda-layer-extension": ["lambda-foreign-layer-added"],
    "persistence.lambda-overwrite-code": ["lambda-code-uploaded-by-user", "lambda-code-replaced"],
    "persistence.rolesanywhere-create-trust-anchor": ["roles-anywhere-trust-anchor-created"],
    "persistence.sts-federation-token": ["sts-federation-token-issued"],
    "privilege-escalation.iam-update-user-login-profile": ["iam-login-profile-updated"],
}


@pytest.fixture(scope="module")
def listed(tmp_path_factory):
    from conftest import Yagura

    done = Yagura(tmp_path_factory.mktemp("list"))("content", "list", "--kind", "detection", "--format", "ndjson")
    assert done.code == 0, done.err
    return {r["id"]: r for r in done.rows()}


def test_guardduty_is_covered(listed):
    covered = {name for r in listed.values() for name in r["guardduty"]}
    wanted = GUARDDUTY + [f"CustomRule/{name}" for name in CUSTOM_RULES]
    assert len(wanted) == 51 and not set(wanted) - covered


def test_stratus_is_covered(listed):
    """That each finds its events is in its own file, whose examples `content test` runs."""
    assert not {name for names in STRATUS.values() for name in names} - set(listed)


@pytest.fixture(scope="module")
def attack(tmp_path_factory):
    if not INVICTUS.exists():
        pytest.skip("the recorded attack is not beside this checkout")
    from conftest import Yagura

    done = Yagura(tmp_path_factory.mktemp("attack"))("hunt", INVICTUS, "--signals", "--format", "ndjson")
    assert done.code == 0, done.err
    rows = collections.defaultdict(list)
    for row in done.rows():
        rows[row["kind"]].append(row)
    events = {}
    for path in INVICTUS.glob("*.gz"):
        for event in json.loads(gzip.decompress(path.read_bytes()))["Records"]:
            events[event["eventID"]] = event
    return rows, events


def is_terraform(event):
    return "Terraform" in (event.get("userAgent") or "")


# `a`, `b` (1 × 2 each): how the guide's tables tell of alerts and their events.
CELL = re.compile(r"((?:`[a-z0-9-]+`(?:, |、)?)+) ?[(（](?:各 )?(\d+) × (\d+)(?: each)?[)）]")


@pytest.mark.parametrize("part", ["English", "日本語"])
def test_the_guide_tells_what_comes_out(attack, part):
    rows, _ = attack
    english, japanese = (ROOT / "docs/invictus.md").read_text().split("\n# 日本語\n")
    told = collections.Counter()
    events = collections.Counter()
    for line in (english if part == "English" else japanese).splitlines():
        for names, alerts, count in CELL.findall(line) if line.startswith("|") else []:
            for name in re.findall(r"`([a-z0-9-]+)`", names):
                told[name] += int(alerts)
                events[name] += int(count)
    # The tear-down has a section of its own.
    told += collections.Counter({"cloudtrail-logging-disabled": 2, "log-group-audit-deleted": 1})
    events += collections.Counter({"cloudtrail-logging-disabled": 2, "log-group-audit-deleted": 1})
    assert told == collections.Counter(r["detection"] for r in rows["alert"])
    found = collections.Counter()
    for row in rows["alert"]:
        found[row["detection"]] += row["count"]
    assert events == found


def test_the_guides_figures(attack):
    rows, events = attack
    text = (ROOT / "docs/invictus.md").read_text()
    alerts = rows["alert"]
    terraform = [e for e in events.values() if is_terraform(e)]
    reads = [e for e in terraform if e["readOnly"]]
    for figure in (f"{len(events):,} events", f"Terraform made {len(terraform):,}", f"its {len(reads):,} read-only calls",
                   f"{len(alerts)} alerts come out, from {len({r['detection'] for r in alerts})} detections, and {len(rows['signal'])} signals",
                   f"{len({r['detection'] for r in alerts})} 種類の検知から {len(alerts)} 件のアラート", f"シグナルも {len(rows['signal'])} 件",
                   f"読み取り {len(reads):,} 件", f"{len(events):,} イベントのうち {len(terraform):,} 件"):
        assert figure in text, figure
    own = [r for r in alerts if all(is_terraform(events[i]) for i in r["event_ids"])]
    assert len(own) == 5 and "Five alerts are Terraform's writes" in text


def test_no_alert_rests_on_what_the_deployment_tool_reads(attack):
    rows, events = attack
    for row in rows["alert"]:
        assert not [i for i in row["event_ids"] if is_terraform(events[i]) and events[i]["readOnly"]], row["detection"]
