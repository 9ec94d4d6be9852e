use super::fake::{Fake, error};
use base64::Engine;
use serde_json::{Value, json};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use yagura_aws::{Api, ErrorKind};
use yagura_content::Library;
use yagura_inventory::live::{self, Options};
use yagura_model::{Gap, Inventory, Resource, unknown};

const ACCOUNT: &str = "111122223333";

fn options(types: &[&str]) -> Options {
    let mut options = Options::new(ACCOUNT, "aws");
    options.types = types.iter().map(|t| (*t).to_owned()).collect();
    options
}

async fn collect(fake: &Arc<Fake>, options: &Options) -> Inventory {
    let library = Library::builtin().expect("content loads");
    live::collect(Arc::clone(fake) as Arc<dyn Api>, &library, options, &|_| {}).await
}

fn ids(inventory: &Inventory) -> Vec<&str> {
    inventory.resources.iter().map(|r| r.id.as_str()).collect()
}

fn only(inventory: &Inventory) -> &Resource {
    assert_eq!(inventory.gaps, []);
    assert_eq!(inventory.resources.len(), 1, "{:?}", inventory.resources);
    &inventory.resources[0]
}

fn gap(kind: &str, region: &str, action: &str, reason: &str) -> Gap {
    Gap {
        kind: kind.to_owned(),
        account: Some(ACCOUNT.to_owned()),
        region: Some(region.to_owned()),
        action: action.to_owned(),
        reason: reason.to_owned(),
    }
}

fn not_found(fake: Fake) -> Fake {
    [
        ("s3:GetBucketTagging", "NoSuchTagSet"),
        ("s3:GetPublicAccessBlock", "NoSuchPublicAccessBlockConfiguration"),
        ("s3:GetBucketPolicy", "NoSuchBucketPolicy"),
        ("s3:GetBucketOwnershipControls", "OwnershipControlsNotFoundError"),
        ("s3:GetBucketEncryption", "ServerSideEncryptionConfigurationNotFoundError"),
        ("s3:GetBucketLifecycleConfiguration", "NoSuchLifecycleConfiguration"),
        ("s3:GetBucketReplication", "ReplicationConfigurationNotFoundError"),
        ("s3:GetObjectLockConfiguration", "ObjectLockConfigurationNotFoundError"),
    ]
    .into_iter()
    .fold(fake, |fake, (api, code)| fake.fail(api, ErrorKind::NotFound, code))
}

#[tokio::test]
async fn a_denied_detail_is_unknown_at_its_properties_and_nowhere_else() {
    let fake = not_found(
        Fake::with_regions(&["us-east-1"])
            .answer("s3:ListBuckets", json!({"Buckets": [{"Name": "b", "BucketRegion": "us-east-1"}]}))
            .fail("s3:GetBucketPolicyStatus", ErrorKind::Denied, "AccessDenied")
            .fail("s3:GetBucketVersioning", ErrorKind::Throttled, "SlowDown"),
    );
    let inventory = collect(&Arc::new(fake), &options(&["AWS::S3::Bucket"])).await;
    let bucket = only(&inventory);
    assert_eq!(bucket.observed["PolicyStatus"], unknown("s3:GetBucketPolicyStatus"));
    let throttled = unknown("s3:GetBucketVersioning (SlowDown)");
    assert_eq!(
        (&bucket.properties["VersioningConfiguration"], &bucket.observed["MfaDelete"]),
        (&throttled, &throttled)
    );
    assert_eq!(bucket.properties["PolicyDocument"], Value::Null);
    assert_eq!(bucket.properties["PublicAccessBlockConfiguration"], Value::Null);
}

#[tokio::test]
async fn a_denied_or_unsupported_listing_is_a_gap_of_its_region() {
    let fake = Fake::with_regions(&["us-east-1", "ap-northeast-1"])
        .rule("ec2:DescribeVolumes", |call| match call.region.as_str() {
            "us-east-1" => Err(error(call, ErrorKind::Denied, "UnauthorizedOperation")),
            _ => Ok(json!({"Volumes": [{"VolumeId": "vol-1", "Encrypted": true}]})),
        })
        .fail("guardduty:ListDetectors", ErrorKind::Unsupported, "UnknownOperation");
    let inventory = collect(&Arc::new(fake), &options(&["AWS::EC2::Volume", "AWS::GuardDuty::Detector"])).await;
    assert_eq!(ids(&inventory), ["vol-1"]);
    let detectors = |region| gap("AWS::GuardDuty::Detector", region, "guardduty:ListDetectors", "UnknownOperation");
    assert_eq!(
        inventory.gaps,
        [
            gap("AWS::EC2::Volume", "us-east-1", "ec2:DescribeVolumes", "UnauthorizedOperation"),
            detectors("ap-northeast-1"),
            detectors("us-east-1"),
        ]
    );
}

#[tokio::test]
async fn a_bucket_is_read_and_filtered_where_it_lives() {
    let buckets =
        json!({"Buckets": [{"Name": "here", "BucketRegion": "us-east-1"}, {"Name": "tokyo"}, {"Name": "old"}]});
    let fake = not_found(Fake::default().answer("s3:ListBuckets", buckets).rule("s3:GetBucketLocation", |call| {
        assert_eq!(call.region, "us-east-1");
        let tokyo = call.params["Bucket"] == "tokyo";
        Ok(json!({"LocationConstraint": if tokyo { json!("ap-northeast-1") } else { json!("EU") }}))
    }));
    let fake = Arc::new(fake);
    let all = collect(&fake, &options(&["AWS::S3::Bucket"])).await;
    let places: Vec<_> = all.resources.iter().map(|b| (b.id.as_str(), b.region.as_deref())).collect();
    assert_eq!(places, [("tokyo", Some("ap-northeast-1")), ("old", Some("eu-west-1")), ("here", Some("us-east-1"))]);
    let acls = fake.made("s3:GetBucketAcl");
    let tokyo = acls.iter().find(|c| c.params["Bucket"] == "tokyo").expect("asked");
    assert_eq!(tokyo.region, "ap-northeast-1");

    let mut tokyo_only = options(&["AWS::S3::Bucket"]);
    tokyo_only.regions = vec!["ap-northeast-1".to_owned()];
    assert_eq!(ids(&collect(&fake, &tokyo_only).await), ["tokyo"]);
}

#[tokio::test]
async fn what_is_deleted_meanwhile_is_dropped_quietly() {
    let fake = Fake::default()
        .answer("s3:ListBuckets", json!({"Buckets": [{"Name": "gone", "BucketRegion": "us-east-1"}]}))
        .fail("s3:GetBucketAcl", ErrorKind::NotFound, "NoSuchBucket");
    let inventory = collect(&Arc::new(not_found(fake)), &options(&["AWS::S3::Bucket"])).await;
    assert_eq!((inventory.resources.len(), inventory.gaps.len()), (0, 0));
}

fn iam() -> Fake {
    let csv = "user,password_enabled,password_last_used,password_last_changed,mfa_active,access_key_1_active,access_key_1_last_used_date,access_key_2_active,access_key_2_last_used_date\n\
               <root_account>,not_supported,2026-01-01T00:00:00+00:00,not_supported,true,false,N/A,false,N/A\n\
               alice,true,no_information,2026-01-01T00:00:00+00:00,false,false,N/A,false,N/A\n";
    let report = base64::engine::general_purpose::STANDARD.encode(csv);
    Fake::default()
        .answer(
            "iam:GetAccountAuthorizationDetails",
            json!({"UserDetailList": [{"UserName": "alice", "Arn": "arn:aws:iam::111122223333:user/alice", "Path": "/"}],
                   "RoleDetailList": [{"RoleName": "r", "Arn": "arn:aws:iam::111122223333:role/r", "AssumeRolePolicyDocument": {"Statement": []}}],
                   "GroupDetailList": [], "Policies": []}),
        )
        .answer("iam:GetCredentialReport", json!({"Content": report}))
}

#[tokio::test]
async fn a_shared_answer_is_asked_for_once() {
    let fake = Arc::new(iam());
    let types = ["AWS::IAM::User", "AWS::IAM::Role", "AWS::IAM::Group", "AWS::IAM::ManagedPolicy", "AWS::::Account"];
    let inventory = collect(&fake, &options(&types)).await;
    assert_eq!(ids(&inventory), [ACCOUNT, "r", "alice"]);
    for api in ["iam:GetAccountAuthorizationDetails", "iam:GenerateCredentialReport", "iam:GetCredentialReport"] {
        assert_eq!(fake.made(api).len(), 1, "{api}");
    }
    let alice = &inventory.resources[2];
    assert_eq!((&alice.properties["LoginProfile"], &alice.observed["MfaActive"]), (&json!({}), &json!(false)));
    assert_eq!(inventory.resources[0].observed["Root"]["MfaActive"], true);
}

#[tokio::test]
async fn the_credential_report_is_waited_for_and_the_wait_is_bounded() {
    let asked = Arc::new(AtomicUsize::new(0));
    let waited = Arc::new(AtomicUsize::new(0));
    let (count, pauses) = (Arc::clone(&asked), Arc::clone(&waited));
    let never = Fake::default().rule("iam:GetCredentialReport", move |call| {
        count.fetch_add(1, Ordering::SeqCst);
        Err(error(call, ErrorKind::Other, "ReportInProgress"))
    });
    let mut options = options(&["AWS::::Account"]);
    options.pause = Arc::new(move |_: Duration| {
        pauses.fetch_add(1, Ordering::SeqCst);
        Box::pin(async {})
    });
    let inventory = collect(&Arc::new(never), &options).await;
    let expected = unknown("iam:GetCredentialReport (ReportInProgress)");
    assert_eq!(only(&inventory).observed["Root"]["MfaActive"], expected);
    assert_eq!((asked.load(Ordering::SeqCst), waited.load(Ordering::SeqCst)), (30, 29));

    let denied = Fake::default().fail("iam:GenerateCredentialReport", ErrorKind::Denied, "AccessDenied").fail(
        "iam:GetCredentialReport",
        ErrorKind::Other,
        "ReportNotPresent",
    );
    let inventory = collect(&Arc::new(denied), &options).await;
    assert_eq!(only(&inventory).observed["Root"]["MfaActive"], unknown("iam:GenerateCredentialReport"));
}

#[tokio::test]
async fn last_uses_are_asked_for_only_on_demand_and_until_their_job_is_done() {
    let role = |inventory: &Inventory| inventory.resources[0].observed["LastAccessed"].clone();
    let quiet = Arc::new(iam());
    assert_eq!(role(&collect(&quiet, &options(&["AWS::IAM::Role"])).await), json!({"Asked": false}));
    assert!(quiet.made("iam:GenerateServiceLastAccessedDetails").is_empty());

    let mut wanted = options(&["AWS::IAM::Role"]);
    wanted.extras = vec!["last-accessed".to_owned()];
    wanted.pause = Arc::new(|_: Duration| Box::pin(async {}));
    let asks = AtomicUsize::new(0);
    let jobs = || iam().answer("iam:GenerateServiceLastAccessedDetails", json!({"JobId": "j-1"}));
    let slow = Arc::new(jobs().rule("iam:GetServiceLastAccessedDetails", move |call| {
        assert_eq!(call.params["JobId"], "j-1");
        let services = json!([{"ServiceNamespace": "s3"}, {"ServiceNamespace": "ec2", "LastAuthenticated": "2026-01-01T00:00:00Z"}]);
        Ok(match asks.fetch_add(1, Ordering::SeqCst) {
            0 | 1 => json!({"JobStatus": "IN_PROGRESS", "ServicesLastAccessed": []}),
            _ => json!({"JobStatus": "COMPLETED", "ServicesLastAccessed": services}),
        })
    }));
    let services = json!([{"Service": "s3", "Date": null, "Actions": []}, {"Service": "ec2", "Date": "2026-01-01T00:00:00Z", "Actions": []}]);
    assert_eq!(role(&collect(&slow, &wanted).await), json!({"Asked": true, "Services": services}));
    assert_eq!(slow.made("iam:GenerateServiceLastAccessedDetails")[0].params["Granularity"], "ACTION_LEVEL");
    assert_eq!(slow.made("iam:GetServiceLastAccessedDetails").len(), 3);

    for (answer, why) in [
        (json!({"JobStatus": "IN_PROGRESS"}), "iam:GetServiceLastAccessedDetails (the job takes too long)"),
        (json!({"JobStatus": "FAILED", "Error": {"Code": "Oops"}}), "iam:GenerateServiceLastAccessedDetails (Oops)"),
    ] {
        let fake = Arc::new(jobs().answer("iam:GetServiceLastAccessedDetails", answer));
        assert_eq!(role(&collect(&fake, &wanted).await), unknown(why));
    }
    let denied = iam().fail("iam:GenerateServiceLastAccessedDetails", ErrorKind::Denied, "AccessDenied");
    let told = role(&collect(&Arc::new(denied), &wanted).await);
    assert_eq!(told, unknown("iam:GenerateServiceLastAccessedDetails"));
}

#[tokio::test]
async fn without_the_list_of_regions_every_regional_type_has_a_gap() {
    let fake = Fake::default().fail("ec2:DescribeRegions", ErrorKind::Denied, "UnauthorizedOperation").fail(
        "account:ListRegions",
        ErrorKind::Denied,
        "AccessDeniedException",
    );
    let inventory = collect(&Arc::new(fake), &options(&["AWS::EC2::VPC", "AWS::IAM::Group"])).await;
    let [gap] = &inventory.gaps[..] else { panic!("{:?}", inventory.gaps) };
    assert_eq!(
        (gap.kind.as_str(), gap.region.as_deref(), gap.action.as_str()),
        ("AWS::EC2::VPC", None, "ec2:DescribeRegions")
    );
}

#[tokio::test]
async fn a_trail_is_one_resource_wherever_it_shows() {
    let trails = json!({"trailList": [{"Name": "org", "HomeRegion": "us-east-1", "IsMultiRegionTrail": true, "S3BucketName": "l",
                                       "TrailARN": "arn:aws:cloudtrail:us-east-1:999988887777:trail/org"}]});
    let fake = Arc::new(
        Fake::with_regions(&["ap-northeast-1", "us-east-1"])
            .answer("cloudtrail:DescribeTrails", trails)
            .answer("cloudtrail:GetTrailStatus", json!({"IsLogging": true})),
    );
    let mut options = options(&["AWS::CloudTrail::Trail"]);
    let all = collect(&fake, &options).await;
    assert_eq!((only(&all).id.as_str(), only(&all).region.as_deref()), ("org", Some("us-east-1")));
    options.regions = vec!["eu-west-1".to_owned(), "ap-northeast-1".to_owned()];
    assert_eq!(only(&collect(&fake, &options).await).properties["IsLogging"], true);
}

#[tokio::test]
async fn the_calls_under_way_are_bounded() {
    let volumes: Vec<Value> = (0..200).map(|i| json!({"SnapshotId": format!("snap-{i:03}")})).collect();
    let fake = Arc::new(Fake::default().answer("ec2:DescribeSnapshots", json!({"Snapshots": volumes})));
    let mut options = options(&["AWS::EC2::Snapshot"]);
    options.regions = vec!["us-east-1".to_owned()];
    options.concurrency = 5;
    let inventory = collect(&fake, &options).await;
    assert_eq!(inventory.resources.len(), 200);
    let most = fake.most_in_flight.load(Ordering::SeqCst);
    assert!((2..=5).contains(&most), "{most} calls at a time");
}

#[tokio::test]
async fn an_answer_of_another_shape_is_a_mapping_error_and_no_panic() {
    let fake = Fake::default()
        .answer("s3:ListBuckets", json!({"Buckets": [{"Name": "b", "BucketRegion": "us-east-1"}]}))
        .answer("s3:GetBucketTagging", json!({"TagSet": 7}))
        .answer("s3:GetBucketPolicy", json!({"Policy": "{"}))
        .answer("s3:GetBucketLogging", json!([]));
    let inventory = collect(&Arc::new(fake), &options(&["AWS::S3::Bucket"])).await;
    let bucket = only(&inventory);
    for value in [&bucket.properties["PolicyDocument"], &bucket.properties["LoggingConfiguration"]] {
        let reason = yagura_model::unknown_reason(value).expect("unknown");
        assert!(reason.starts_with("mapping error"), "{reason}");
    }
}
