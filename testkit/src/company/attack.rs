//! The one attack: the key of a forgotten CI user in dev is found in a public repository, and by the end of the night
//! customer data of production has left. Each call is one that an attacker makes, in the order that incident reports
//! tell; what a call needs is granted by the configuration that the snapshots show.

use super::{
    AttackEvent,
    calls::{self, Call},
    event::{Event, Kind, Log},
    flaws::{BACKDOOR_USER, CI_USER, CUSTOMER_BUCKET, DEPLOY_ROLE},
    identity::{self, Caller},
    stamp,
    world::{DEV, PROD, TOKYO, VIRGINIA, World},
};
use crate::random::Random;
use chrono::{DateTime, Duration, Utc};

/// The attacker's own account.
pub(crate) const OUTSIDE: &str = "999988887777";
const FIRST_ADDRESS: &str = "203.0.113.66";
const SECOND_ADDRESS: &str = "198.51.100.23";
const AGENT: &str =
    "Boto3/1.34.51 md/Botocore#1.34.51 ua/2.0 os/linux#6.8.0 md/arch#x86_64 lang/python#3.12.3 cfg/retry-mode#legacy";
const SHELL: &str = "aws-cli/2.15.30 Python/3.11.8 Linux/6.8.0 exe/x86_64.debian.12 prompt/off";

/// Writes the attack to `log`, beginning at `start`, and returns what it consists of.
pub(crate) fn write(log: &mut Log<'_>, start: DateTime<Utc>) -> Vec<AttackEvent> {
    let mut night = Night { log, now: start, done: Vec::new() };
    night.key_found();
    night.look_around();
    night.stay();
    let production = night.cross();
    night.blind(&production);
    night.take(&production);
    night.share(&production);
    night.done
}

/// The attack's own stream of chance: it is the same whatever else happens that day.
pub(crate) fn chance(world: &World) -> Random {
    Random::of(world.seed, &["attack"])
}

struct Night<'l, 'w> {
    log: &'l mut Log<'w>,
    now: DateTime<Utc>,
    done: Vec<AttackEvent>,
}

/// What is done, in both languages.
type Told = (&'static str, &'static str);

const DENIED: (&str, &str) =
    ("AccessDenied", "User is not authorized to perform this action because no identity-based policy allows it");

impl Night<'_, '_> {
    fn step(
        &mut self,
        account: &str,
        region: &str,
        caller: &Caller,
        call: &Call<'_>,
        error: Option<(&str, &str)>,
        told: Told,
    ) {
        self.record(account, region, caller, call, Kind::Call, error, "", told);
    }

    #[expect(clippy::too_many_arguments, reason = "one part of the record each")]
    fn record(
        &mut self,
        account: &str,
        region: &str,
        caller: &Caller,
        call: &Call<'_>,
        kind: Kind,
        error: Option<(&str, &str)>,
        more: &str,
        told: Told,
    ) {
        let pause = if call.name == "GetObject" { 1_000 } else { 1_500 + self.log.random.below(14_000) };
        self.now += Duration::milliseconds(pause as i64);
        let response = if error.is_some() { "null" } else { call.response };
        let event_id = self.log.push(&Event {
            at: self.now,
            place: self.log.world.index(account, region),
            caller,
            service: call.service,
            name: call.name,
            read_only: call.read_only,
            kind,
            request: call.request,
            response,
            error,
            more,
        });
        self.done.push(AttackEvent {
            event_id,
            time: self.now,
            account: account.to_owned(),
            region: region.to_owned(),
            event_name: call.name.to_owned(),
            en: told.0,
            ja: told.1,
        });
    }

    fn key_found(&mut self) {
        let caller = Caller::new(identity::user_key(DEV.id, CI_USER), FIRST_ADDRESS, "TruffleHog");
        let call = calls::read("sts", "GetCallerIdentity", "null");
        self.step(
            DEV.id,
            VIRGINIA,
            &caller,
            &call,
            None,
            ("A scanner tests the leaked key", "漏えいしたキーがスキャナーで検証される"),
        );
        self.now += Duration::minutes(34);
    }

    /// What may this key do? Mostly not this.
    fn look_around(&mut self) {
        let caller = Caller::new(identity::user_key(DEV.id, CI_USER), FIRST_ADDRESS, AGENT);
        let told = ("The key is tried against one service after another", "キーで使える操作を次々に試される");
        let tries = [
            ("sts", "GetCallerIdentity", true),
            ("iam", "GetUser", true),
            ("organizations", "DescribeOrganization", false),
            ("organizations", "ListAccounts", false),
            ("guardduty", "ListDetectors", false),
            ("securityhub", "DescribeHub", false),
            ("secretsmanager", "ListSecrets", false),
            ("ssm", "DescribeParameters", false),
            ("rds", "DescribeDBInstances", false),
            ("dynamodb", "ListTables", false),
            ("kms", "ListKeys", false),
            ("ecs", "ListClusters", false),
            ("eks", "ListClusters", false),
            ("redshift", "DescribeClusters", false),
            ("bedrock", "ListFoundationModels", false),
            ("ses", "GetSendQuota", false),
            ("ce", "GetCostAndUsage", false),
            ("iam", "ListUsers", true),
            ("iam", "ListRoles", true),
            ("iam", "GetAccountAuthorizationDetails", true),
            ("s3", "ListBuckets", true),
            ("ec2", "DescribeInstances", true),
        ];
        for (service, name, allowed) in tries {
            let region = if matches!(service, "iam" | "organizations" | "ce" | "s3") { VIRGINIA } else { TOKYO };
            let call = calls::read(service, name, "null");
            self.step(DEV.id, region, &caller, &call, (!allowed).then_some(DENIED), told);
        }
        self.now += Duration::minutes(11);
    }

    /// A user of his own, so that the leaked key is no longer needed.
    fn stay(&mut self) {
        let caller = Caller::new(identity::user_key(DEV.id, CI_USER), FIRST_ADDRESS, SHELL);
        let (user, now) = (BACKDOOR_USER, stamp(self.now));
        let arn = format!("arn:aws:iam::{}:user/{user}", DEV.id);
        let id = identity::unique_id("AIDA", &arn);
        let named = format!(r#"{{"userName":"{user}"}}"#);
        let made = format!(
            r#"{{"user":{{"path":"/","userName":"{user}","userId":"{id}","arn":"{arn}","createDate":"{now}"}}}}"#
        );
        let told = ("A user is created to stay", "侵入を続けるためのユーザーが作られる");
        self.step(DEV.id, VIRGINIA, &caller, &calls::write("iam", "CreateUser", &named, &made), None, told);
        let attach = format!(r#"{{"userName":"{user}","policyArn":"arn:aws:iam::aws:policy/AdministratorAccess"}}"#);
        let told = ("The new user becomes administrator", "新しいユーザーに管理者権限が付けられる");
        self.step(DEV.id, VIRGINIA, &caller, &calls::write("iam", "AttachUserPolicy", &attach, "null"), None, told);
        let key = format!(
            r#"{{"accessKey":{{"userName":"{user}","accessKeyId":"{}","status":"Active","createDate":"{now}"}}}}"#,
            identity::key_id(DEV.id, user)
        );
        let told = ("A key of the new user is made", "新しいユーザーのアクセスキーが発行される");
        self.step(DEV.id, VIRGINIA, &caller, &calls::write("iam", "CreateAccessKey", &named, &key), None, told);
        self.now += Duration::minutes(6);
    }

    /// From dev into production, through a role that trusts the whole account. Both accounts record the call.
    fn cross(&mut self) -> Caller {
        let caller = Caller::new(identity::user_key(DEV.id, BACKDOOR_USER), SECOND_ADDRESS, SHELL);
        let role = format!("arn:aws:iam::{}:role/{DEPLOY_ROLE}", PROD.id);
        let (id, session, key) = (identity::unique_id("AROA", &role), "backup-sync", self.log.random.upper(16));
        let request = format!(r#"{{"roleArn":"{role}","roleSessionName":"{session}"}}"#);
        let expires = stamp(self.now + Duration::hours(1));
        let response = format!(
            r#"{{"credentials":{{"accessKeyId":"ASIA{key}","sessionToken":"","expiration":"{expires}"}},"assumedRoleUser":{{"assumedRoleId":"{id}:{session}","arn":"arn:aws:sts::{}:assumed-role/{DEPLOY_ROLE}/{session}"}}}}"#,
            PROD.id
        );
        let shared = self.log.random.uuid();
        let more = format!(
            r#","resources":[{{"accountId":"{}","type":"AWS::IAM::Role","ARN":"{role}"}}],"sharedEventID":"{shared}""#,
            PROD.id
        );
        let told = ("A production role is assumed from dev", "開発アカウントから本番のロールが引き受けられる");
        let call = Call { read_only: true, ..calls::write("sts", "AssumeRole", &request, &response) };
        self.record(DEV.id, VIRGINIA, &caller, &call, Kind::Call, None, &more, told);
        let principal = identity::unique_id("AIDA", &format!("arn:aws:iam::{}:user/{BACKDOOR_USER}", DEV.id));
        let seen = Caller::new(identity::other_account(&principal, DEV.id), SECOND_ADDRESS, SHELL);
        self.record(PROD.id, VIRGINIA, &seen, &call, Kind::Call, None, &more, told);
        let json = identity::role(&mut self.log.random, PROD.id, "/", DEPLOY_ROLE, session, self.now);
        Caller::new(json, SECOND_ADDRESS, SHELL)
    }

    /// The guards of production: what can be switched off is.
    fn blind(&mut self, caller: &Caller) {
        let trail = format!("arn:aws:cloudtrail:{TOKYO}:{}:trail/minato-trail", PROD.id);
        let told = ("The guards are looked at", "監視の設定を調べられる");
        self.step(PROD.id, TOKYO, caller, &calls::read("sts", "GetCallerIdentity", "null"), None, told);
        self.step(PROD.id, TOKYO, caller, &calls::read("cloudtrail", "DescribeTrails", "null"), None, told);
        let named = format!(r#"{{"name":"{trail}"}}"#);
        let told = ("Stopping the trail is refused", "証跡の停止を試みて拒否される");
        self.step(
            PROD.id,
            TOKYO,
            caller,
            &calls::write("cloudtrail", "StopLogging", &named, "null"),
            Some(DENIED),
            told,
        );
        let selectors = format!(
            r#"{{"trailName":"{trail}","eventSelectors":[{{"readWriteType":"WriteOnly","includeManagementEvents":true,"dataResources":[],"excludeManagementEventSources":[]}}]}}"#
        );
        let told =
            ("The trail is made to leave out reads and data events", "証跡から読み取りとデータイベントが外される");
        self.step(
            PROD.id,
            TOKYO,
            caller,
            &calls::write("cloudtrail", "PutEventSelectors", &selectors, &selectors),
            None,
            told,
        );
        let detector = super::detector(PROD.id, TOKYO);
        let off = format!(r#"{{"detectorId":"{detector}","enable":false}}"#);
        let told = ("GuardDuty is suspended in Tokyo", "東京リージョンの GuardDuty が一時停止される");
        self.step(PROD.id, TOKYO, caller, &calls::write("guardduty", "UpdateDetector", &off, "null"), None, told);
        self.now += Duration::minutes(4);
    }

    /// The bucket of customer data: found, read, opened, and a note left in it.
    fn take(&mut self, caller: &Caller) {
        let bucket = CUSTOMER_BUCKET;
        let host = format!("{bucket}.s3.{TOKYO}.amazonaws.com");
        let told = ("The buckets of production are listed", "本番のバケット一覧を取得される");
        self.step(
            PROD.id,
            TOKYO,
            caller,
            &calls::read("s3", "ListBuckets", r#"{"Host":"s3.ap-northeast-1.amazonaws.com"}"#),
            None,
            told,
        );
        let told = ("Customer data is read, object by object", "顧客データのオブジェクトが次々に読み出される");
        for n in 0..180 {
            let key = format!("members/{}/part-{:05}.csv.gz", 2020 + n / 30, n % 30);
            let request = format!(r#"{{"bucketName":"{bucket}","Host":"{host}","key":"{key}"}}"#);
            let bytes = 4_000_000 + self.log.random.below(900_000);
            self.object(caller, "GetObject", &request, "null", &key, bytes, told);
        }
        let block = format!(
            r#"{{"bucketName":"{bucket}","Host":"{host}","publicAccessBlock":"","PublicAccessBlockConfiguration":{{"xmlns":"http://s3.amazonaws.com/doc/2006-03-01/","BlockPublicAcls":false,"IgnorePublicAcls":false,"BlockPublicPolicy":false,"RestrictPublicBuckets":false}}}}"#
        );
        let told =
            ("The bucket's guard against publication is taken off", "バケットのパブリックアクセスブロックが外される");
        self.step(
            PROD.id,
            TOKYO,
            caller,
            &calls::write("s3", "PutBucketPublicAccessBlock", &block, "null"),
            None,
            told,
        );
        let policy =
            format!(r#"{{"bucketName":"{bucket}","Host":"{host}","policy":"","bucketPolicy":{}}}"#, outside_policy());
        let told = ("The bucket is opened to the attacker's account", "攻撃者のアカウントにバケットが開放される");
        self.step(PROD.id, TOKYO, caller, &calls::write("s3", "PutBucketPolicy", &policy, "null"), None, told);
        let key = "DATA_STOLEN_READ_ME.txt";
        let request = format!(r#"{{"bucketName":"{bucket}","Host":"{host}","key":"{key}"}}"#);
        let told = ("A note of extortion is left", "脅迫文が置かれる");
        self.object(caller, "PutObject", &request, r#"{"x-amz-server-side-encryption":"AES256"}"#, key, 1_874, told);
    }

    #[expect(clippy::too_many_arguments, reason = "one part of the record each")]
    fn object(
        &mut self,
        caller: &Caller,
        name: &'static str,
        request: &str,
        response: &str,
        key: &str,
        bytes: usize,
        told: Told,
    ) {
        let more = format!(
            r#","additionalEventData":{{"SignatureVersion":"SigV4","AuthenticationMethod":"AuthHeader","{}":{bytes}}},"resources":[{{"type":"AWS::S3::Object","ARN":"arn:aws:s3:::{CUSTOMER_BUCKET}/{key}"}},{{"accountId":"{}","type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::{CUSTOMER_BUCKET}"}}]"#,
            if name == "GetObject" { "bytesTransferredOut" } else { "bytesTransferredIn" },
            PROD.id
        );
        let call = Call { read_only: name == "GetObject", ..calls::write("s3", name, request, response) };
        self.record(PROD.id, TOKYO, caller, &call, Kind::Data, None, &more, told);
    }

    /// The database server's disk leaves as a snapshot, and is copied on the other side.
    fn share(&mut self, caller: &Caller) {
        let place = self.log.world.place(PROD.id, TOKYO);
        let volume = place.nth("volume", 1).map_or("vol-0", |v| &v.id);
        let snapshot = format!("snap-0{}", self.log.random.hex(16));
        let request = format!(r#"{{"volumeId":"{volume}","description":"backup"}}"#);
        let response =
            format!(r#"{{"snapshotId":"{snapshot}","volumeId":"{volume}","status":"pending","encrypted":false}}"#);
        let told = ("A snapshot of a disk is taken", "ディスクのスナップショットが取られる");
        self.step(PROD.id, TOKYO, caller, &calls::write("ec2", "CreateSnapshot", &request, &response), None, told);
        let request = format!(
            r#"{{"snapshotId":"{snapshot}","createVolumePermission":{{"add":{{"items":[{{"userId":"{OUTSIDE}"}}]}}}},"attributeType":"CREATE_VOLUME_PERMISSION"}}"#
        );
        let told =
            ("The snapshot is shared with the attacker's account", "スナップショットが攻撃者のアカウントに共有される");
        let response = r#"{"requestId":"59dbff89-35bd-4eac-99ed-be587EXAMPLE","_return":true}"#;
        self.step(
            PROD.id,
            TOKYO,
            caller,
            &calls::write("ec2", "ModifySnapshotAttribute", &request, response),
            None,
            told,
        );
        self.now += Duration::minutes(3);
        let outside = Caller::new(identity::other_account(OUTSIDE, OUTSIDE), SECOND_ADDRESS, "ec2.amazonaws.com");
        let request = format!(r#"{{"snapshotId":"{snapshot}"}}"#);
        let told = ("The attacker's account copies the snapshot", "攻撃者のアカウントでスナップショットがコピーされる");
        let call = calls::write("ec2", "SharedSnapshotCopyInitiated", "null", "null");
        let more = format!(r#","serviceEventDetails":{request}"#);
        self.record(PROD.id, TOKYO, &outside, &call, Kind::ServiceEvent, None, &more, told);
    }
}

/// The policy that the attacker leaves on the bucket; the later snapshot shows it, too.
pub(crate) fn outside_policy() -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Sid":"sync","Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::{OUTSIDE}:root"}},"Action":["s3:GetObject","s3:ListBucket"],"Resource":["arn:aws:s3:::{CUSTOMER_BUCKET}","arn:aws:s3:::{CUSTOMER_BUCKET}/*"]}}]}}"#
    )
}
