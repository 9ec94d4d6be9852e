//! What runs by itself, day and night: monitoring, AWS Config, Lambda, instances, scaling, keys.

use super::{
    calls::{self, Call},
    event::{Event, Kind, Log},
    identity::{self, Caller},
    stamp,
    world::{PROD, TOKYO, VIRGINIA},
};
use chrono::{DateTime, Duration, Utc};

/// Makes `caller` do `call` in a place.
pub(crate) fn call(
    log: &mut Log<'_>,
    at: DateTime<Utc>,
    place: usize,
    caller: &Caller,
    call: &Call<'_>,
    error: Option<(&str, &str)>,
) {
    let (mut request, mut response) = (String::new(), String::new());
    let (world, time) = (log.world, stamp(at));
    // Services that have one endpoint for the world record in its Region.
    let global = matches!(call.service, "iam" | "ce" | "support" | "health" | "trustedadvisor");
    let place = if global { world.index(world.places[place].account.id, VIRGINIA) } else { place };
    let here = if call.service == "iam" { world.index(world.places[place].account.id, TOKYO) } else { place };
    calls::fill(&mut request, call.request, &world.places[here], &mut log.random, &time);
    calls::fill(
        &mut response,
        if error.is_some() { "null" } else { call.response },
        &world.places[here],
        &mut log.random,
        &time,
    );
    log.push(&Event {
        at,
        place,
        caller,
        service: call.service,
        name: call.name,
        read_only: call.read_only,
        kind: Kind::Call,
        request: &request,
        response: &response,
        error,
        more: "",
    });
}

/// All routine of one day, which begins at `midnight` (UTC).
pub(crate) fn day(log: &mut Log<'_>, midnight: DateTime<Utc>, scale: f64) {
    for place in 0..log.world.places.len() {
        monitoring(log, midnight, place, scale);
        recording(log, midnight, place, scale);
        functions(log, midnight, place, scale);
        instances(log, midnight, place, scale);
        housekeeping(log, midnight, place, scale);
    }
    scaling(log, midnight, scale);
}

fn later(log: &mut Log<'_>, from: DateTime<Utc>, within_seconds: usize) -> DateTime<Utc> {
    from + Duration::milliseconds(log.random.below(within_seconds * 1000) as i64)
}

/// A monitoring service outside assumes its role once an hour and asks every ten minutes.
fn monitoring(log: &mut Log<'_>, midnight: DateTime<Utc>, place: usize, scale: f64) {
    let account = log.world.places[place].account.id;
    for hour in 0..24 {
        let begin = midnight + Duration::hours(hour);
        let json = identity::role(&mut log.random, account, "/", "minato-monitoring", "monitoring-crawler", begin);
        let agent = "Boto3/1.35.20 md/Botocore#1.35.20 ua/2.0 os/linux#5.10 lang/python#3.11.9 cfg/retry-mode#standard";
        let caller = Caller::new(json, "192.0.2.201", agent);
        for tick in 0..6 {
            for _ in 0..log.random.about(6.5 * scale) {
                let at = later(log, begin + Duration::minutes(tick * 10), 60);
                let next = log.random.pick(calls::MONITORING);
                call(log, at, place, &caller, next, None);
            }
        }
    }
}

fn recording(log: &mut Log<'_>, midnight: DateTime<Utc>, place: usize, scale: f64) {
    let account = log.world.places[place].account.id;
    for hour in 0..24 {
        let begin = midnight + Duration::hours(hour);
        let more = r#","invokedBy":"config.amazonaws.com""#;
        let path = "/aws-service-role/config.amazonaws.com/";
        let json = identity::role_with(
            &mut log.random,
            account,
            path,
            "AWSServiceRoleForConfig",
            "configLambdaExecution",
            begin,
            "",
            more,
        );
        let caller = Caller::new(json, "config.amazonaws.com", "config.amazonaws.com");
        for _ in 0..log.random.about(25.0 * scale) {
            let at = later(log, begin, 3600);
            let next = log.random.pick(calls::RECORDING);
            call(log, at, place, &caller, next, None);
        }
    }
}

/// Lambda fetches each function's credentials; functions read secrets and decrypt.
fn functions(log: &mut Log<'_>, midnight: DateTime<Utc>, place: usize, scale: f64) {
    let world = log.world;
    let here = &world.places[place];
    let (account, region) = (here.account.id, here.region);
    for function in here.all("function") {
        for hour in 0..24 {
            if !log.random.chance(0.55 * scale) {
                continue;
            }
            let begin = later(log, midnight + Duration::hours(hour), 1800);
            let (role, name) = (format!("{}-role", function.name), &function.name);
            let arn = format!("arn:aws:iam::{account}:role/{role}");
            assume(
                log,
                begin,
                place,
                "lambda",
                &arn,
                name,
                &format!("arn:aws:lambda:{region}:{account}:function:{name}"),
            );
            let json = identity::role(&mut log.random, account, "/", &role, name, begin);
            let agent = "aws-sdk-nodejs/3.650.0 exec-env/AWS_Lambda_nodejs20.x ua/2.1 os/linux#5.10 lang/js";
            let caller = Caller::new(json, &format!("192.0.2.{}", 210 + function.n % 30), agent);
            // A function knows its one secret.
            if let Some(secret) = here.nth("secret", function.n) {
                let request = format!(r#"{{"secretId":"{}"}}"#, secret.id);
                let at = begin + Duration::milliseconds(400);
                log.push(&Event {
                    at,
                    place,
                    caller: &caller,
                    service: "secretsmanager",
                    name: "GetSecretValue",
                    read_only: true,
                    kind: Kind::Call,
                    request: &request,
                    response: "null",
                    error: None,
                    more: "",
                });
                let through = caller.json.replacen(
                    "\"sessionContext\"",
                    "\"invokedBy\":\"secretsmanager.amazonaws.com\",\"sessionContext\"",
                    1,
                );
                let through = Caller::new(through, "secretsmanager.amazonaws.com", "secretsmanager.amazonaws.com");
                key_use(log, at, place, &through, "Decrypt", &format!(r#"{{"SecretARN":"{}"}}"#, secret.id));
            }
        }
    }
}

/// A service takes a role for something of the company.
fn assume(log: &mut Log<'_>, at: DateTime<Utc>, place: usize, service: &str, role: &str, session: &str, source: &str) {
    let caller = identity::service(&format!("{service}.amazonaws.com"));
    let request = format!(r#"{{"roleArn":"{role}","roleSessionName":"{session}"}}"#);
    let (key, shared, account) = (log.random.upper(16), log.random.uuid(), log.world.places[place].account.id);
    let (expires, id) = (stamp(at + Duration::hours(12)), identity::unique_id("AROA", role));
    let name = role.rsplit('/').next().unwrap_or(role);
    let response = format!(
        r#"{{"credentials":{{"accessKeyId":"ASIA{key}","sessionToken":"","expiration":"{expires}"}},"assumedRoleUser":{{"assumedRoleId":"{id}:{session}","arn":"arn:aws:sts::{account}:assumed-role/{name}/{session}"}}}}"#
    );
    let more = format!(
        r#","resources":[{{"accountId":"{account}","type":"AWS::IAM::Role","ARN":"{role}"}}],"sharedEventID":"{shared}","additionalEventData":{{"sourceArn":"{source}"}}"#
    );
    log.push(&Event {
        at,
        place,
        caller: &caller,
        service: "sts",
        name: "AssumeRole",
        read_only: true,
        kind: Kind::Call,
        request: &request,
        response: &response,
        error: None,
        more: &more,
    });
}

fn key_use(log: &mut Log<'_>, at: DateTime<Utc>, place: usize, caller: &Caller, name: &str, context: &str) {
    let here = &log.world.places[place];
    let Some(key) = here.nth("key", log.random.below(1 << 16)) else { return };
    let arn = here.arn("kms", &format!("key/{}", key.id));
    let algorithm =
        if name == "Decrypt" { r#","encryptionAlgorithm":"SYMMETRIC_DEFAULT""# } else { r#","keySpec":"AES_256""# };
    let request = format!(r#"{{"keyId":"{arn}","encryptionContext":{context}{algorithm}}}"#);
    let more = format!(r#","resources":[{{"accountId":"{}","type":"AWS::KMS::Key","ARN":"{arn}"}}]"#, here.account.id);
    log.push(&Event {
        at,
        place,
        caller,
        service: "kms",
        name,
        read_only: true,
        kind: Kind::Call,
        request: &request,
        response: "null",
        error: None,
        more: &more,
    });
}

/// Instances report to Systems Manager and read and write objects, each from its own address.
fn instances(log: &mut Log<'_>, midnight: DateTime<Utc>, place: usize, scale: f64) {
    let world = log.world;
    let here = &world.places[place];
    let account = here.account.id;
    for instance in here.all("instance") {
        let role = format!("minato-{}-ec2", here.account.env);
        let arn = format!("arn:aws:iam::{account}:role/{role}");
        for quarter in 0..4 {
            let begin = midnight + Duration::hours(quarter * 6);
            if log.random.chance(scale) {
                assume(
                    log,
                    begin,
                    place,
                    "ec2",
                    &arn,
                    &instance.id,
                    &here.arn("ec2", &format!("instance/{}", instance.id)),
                );
            }
            let json = identity::role(&mut log.random, account, "/", &role, &instance.id, begin);
            let agent = "aws-sdk-go/1.55.5 (go1.22.6; linux; amd64) amazon-ssm-agent/3.3.859.0";
            let caller = Caller::new(json, &format!("192.0.2.{}", 20 + instance.n % 60), agent);
            for _ in 0..log.random.about(5.0 * scale) {
                let at = later(log, begin, 21_600);
                let request = format!(
                    r#"{{"instanceId":"{}","agentVersion":"3.3.859.0","agentStatus":"Active","platformName":"Amazon Linux","platformType":"Linux"}}"#,
                    instance.id
                );
                log.push(&Event {
                    at,
                    place,
                    caller: &caller,
                    service: "ssm",
                    name: "UpdateInstanceInformation",
                    read_only: false,
                    kind: Kind::Call,
                    request: &request,
                    response: "null",
                    error: None,
                    more: "",
                });
            }
            for _ in 0..log.random.about(5.0 * scale) {
                let at = later(log, begin, 21_600);
                object(log, at, place, &caller);
            }
        }
    }
}

/// One object is read or written, and S3 asks KMS for the bucket's key now and then.
fn object(log: &mut Log<'_>, at: DateTime<Utc>, place: usize, caller: &Caller) {
    let here = &log.world.places[place];
    let Some(bucket) = here.nth("bucket", log.random.below(1 << 16)) else { return };
    let (name, account, region) = (&bucket.name, here.account.id, here.region);
    let key = format!("{}/{}.json", at.format("%Y/%m/%d"), log.random.hex(10));
    let write = log.random.chance(0.3);
    let request = format!(r#"{{"bucketName":"{name}","Host":"{name}.s3.{region}.amazonaws.com","key":"{key}"}}"#);
    let bytes = log.random.below(90_000);
    let (moved_in, moved_out) = if write { (bytes, 0) } else { (0, bytes) };
    let more = format!(
        r#","additionalEventData":{{"SignatureVersion":"SigV4","CipherSuite":"TLS_AES_128_GCM_SHA256","bytesTransferredIn":{moved_in},"AuthenticationMethod":"AuthHeader","bytesTransferredOut":{moved_out}}},"resources":[{{"type":"AWS::S3::Object","ARN":"arn:aws:s3:::{name}/{key}"}},{{"accountId":"{account}","type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::{name}"}}]"#
    );
    log.push(&Event {
        at,
        place,
        caller,
        service: "s3",
        name: if write { "PutObject" } else { "GetObject" },
        read_only: !write,
        kind: Kind::Data,
        request: &request,
        response: if write { r#"{"x-amz-server-side-encryption":"aws:kms"}"# } else { "null" },
        error: None,
        more: &more,
    });
    if log.random.chance(0.25) {
        let json = caller.json.replacen("\"sessionContext\"", "\"invokedBy\":\"AWS Internal\",\"sessionContext\"", 1);
        let internal = Caller::new(json, "AWS Internal", "AWS Internal");
        let context = format!(r#"{{"aws:s3:arn":"arn:aws:s3:::{name}"}}"#);
        key_use(log, at, place, &internal, if write { "GenerateDataKey" } else { "Decrypt" }, &context);
    }
}

/// What AWS does for itself: deliveries of logs, key rotation, events without a caller.
fn housekeeping(log: &mut Log<'_>, midnight: DateTime<Utc>, place: usize, scale: f64) {
    let cloudtrail = identity::service("cloudtrail.amazonaws.com");
    let account = log.world.places[place].account.id;
    for _ in 0..log.random.about(60.0 * scale) {
        let at = later(log, midnight, 86_400);
        let context =
            format!(r#"{{"aws:cloudtrail:arn":"arn:aws:cloudtrail:ap-northeast-1:{account}:trail/minato-trail"}}"#);
        key_use(log, at, place, &cloudtrail, "GenerateDataKey", &context);
        let get = Call {
            service: "s3",
            name: "GetBucketAcl",
            read_only: true,
            request: r#"{"bucketName":"minato-security-cloudtrail","acl":""}"#,
            response: "null",
        };
        call(log, at, place, &cloudtrail, &get, None);
    }
    if log.random.chance(0.3) {
        let at = later(log, midnight, 86_400);
        let kms = Caller::new(
            format!(r#"{{"accountId":"{account}","invokedBy":"AWS Internal"}}"#),
            "AWS Internal",
            "AWS Internal",
        );
        let id = log.world.places[place].nth("key", 0).map_or("", |k| &k.id);
        let more = format!(r#","serviceEventDetails":{{"rotationType":"AUTOMATIC","keyId":"{id}"}}"#);
        log.push(&Event {
            at,
            place,
            caller: &kms,
            service: "kms",
            name: "RotateKey",
            read_only: false,
            kind: Kind::ServiceEvent,
            request: "null",
            response: "null",
            error: None,
            more: &more,
        });
    }
}

/// The web fleet grows in the morning and shrinks at night.
fn scaling(log: &mut Log<'_>, midnight: DateTime<Utc>, scale: f64) {
    let place = log.world.index(PROD.id, TOKYO);
    let json = identity::role_with(
        &mut log.random,
        PROD.id,
        "/aws-service-role/autoscaling.amazonaws.com/",
        "AWSServiceRoleForAutoScaling",
        "AutoScaling",
        midnight,
        "",
        r#","invokedBy":"autoscaling.amazonaws.com""#,
    );
    let caller = Caller::new(json, "autoscaling.amazonaws.com", "autoscaling.amazonaws.com");
    for _ in 0..log.random.about(14.0 * scale) {
        let up = log.random.chance(0.5);
        let at = later(log, midnight + Duration::hours(if up { 0 } else { 11 }), 10_800);
        let id = format!("i-0{}", log.random.hex(16));
        let (name, request, response) = if up {
            (
                "RunInstances",
                r#"{"instancesSet":{"items":[{"minCount":1,"maxCount":1}]},"instanceType":"m6i.large","blockDeviceMapping":{},"launchTemplate":{"launchTemplateName":"minato-prod-web","version":"12"}}"#.to_owned(),
                format!(r#"{{"requestId":"{}","instancesSet":{{"items":[{{"instanceId":"{id}","imageId":"ami-0123456789abcdef0","instanceState":{{"code":0,"name":"pending"}},"instanceType":"m6i.large"}}]}}}}"#, log.random.uuid()),
            )
        } else {
            (
                "TerminateInstances",
                format!(r#"{{"instancesSet":{{"items":[{{"instanceId":"{id}"}}]}}}}"#),
                format!(
                    r#"{{"instancesSet":{{"items":[{{"instanceId":"{id}","currentState":{{"code":32,"name":"shutting-down"}},"previousState":{{"code":16,"name":"running"}}}}]}}}}"#
                ),
            )
        };
        log.push(&Event {
            at,
            place,
            caller: &caller,
            service: "ec2",
            name,
            read_only: false,
            kind: Kind::Call,
            request: &request,
            response: &response,
            error: None,
            more: "",
        });
    }
}
