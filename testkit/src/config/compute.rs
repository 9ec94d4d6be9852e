//! What runs: instances with their disks, functions.

use super::{Moment, Recorded, existing, id_of, key_arn, millis};
use crate::company::world::{Asset, Place};
use chrono::Duration;
use serde_json::{Value, json};

pub(crate) fn items(place: &Place, moment: Moment) -> Vec<Recorded> {
    let mut all: Vec<Recorded> = existing(place, "instance", moment).map(|a| instance(place, a, moment)).collect();
    all.extend(existing(place, "volume", moment).map(|a| volume(place, a, moment)));
    all.extend(existing(place, "function", moment).map(|a| function(place, a, moment)));
    all
}

fn instance(place: &Place, a: &Asset, moment: Moment) -> Recorded {
    let (vpc, subnet, group) = (id_of(place, "vpc", 0), id_of(place, "subnet", a.n), id_of(place, "group", a.n));
    let tokens = if a.weak(moment.first) { "optional" } else { "required" };
    let launched = millis(moment.end - Duration::days(30 + a.n as i64 * 3));
    let address = format!("10.20.{}.{}", a.n % 8, 10 + a.n % 200);
    let groups = json!([{"groupName": "app", "groupId": group}]);
    let attachment = json!({"attachTime": launched, "attachmentId": format!("eni-attach-0{}", &a.id[3..19]), "deleteOnTermination": true, "deviceIndex": 0, "status": "attached"});
    let interface = json!({
        "association": Value::Null, "attachment": attachment, "description": "", "groups": groups, "ipv6Addresses": [],
        "macAddress": "06:00:00:00:00:01", "networkInterfaceId": format!("eni-0{}", &a.id[3..19]), "ownerId": place.account.id,
        "privateIpAddress": address, "sourceDestCheck": true, "status": "in-use", "subnetId": subnet, "vpcId": vpc});
    let profile = format!("arn:aws:iam::{}:instance-profile/minato-{}-ec2", place.account.id, place.account.env);
    let configuration = json!({
        "amiLaunchIndex": 0, "imageId": "ami-0123456789abcdef0", "instanceId": a.id, "instanceType": if a.n.is_multiple_of(3) { "m6i.large" } else { "t3.medium" },
        "keyName": Value::Null, "launchTime": launched, "monitoring": {"state": "enabled"},
        "placement": {"availabilityZone": format!("{}a", place.region), "tenancy": "default"}, "privateIpAddress": address,
        "publicIpAddress": Value::Null, "state": {"code": 16, "name": "running"}, "stateTransitionReason": "", "subnetId": subnet, "vpcId": vpc,
        "architecture": "x86_64", "ebsOptimized": true, "iamInstanceProfile": {"arn": profile, "id": "AIPAEXAMPLE"},
        "networkInterfaces": [interface], "rootDeviceName": "/dev/xvda", "rootDeviceType": "ebs", "securityGroups": groups, "sourceDestCheck": true,
        "tags": [{"key": "Name", "value": a.name}], "virtualizationType": "hvm",
        "metadataOptions": {"state": "applied", "httpTokens": tokens, "httpPutResponseHopLimit": 1, "httpEndpoint": "enabled"}});
    let mut item =
        Recorded::of("AWS::EC2::Instance", a, place, place.arn("ec2", &format!("instance/{}", a.id)), configuration)
            .in_vpc(&vpc);
    item.relations.push(("AWS::EC2::Subnet", subnet, "Is contained in Subnet"));
    item.relations.push(("AWS::EC2::SecurityGroup", group, "Is associated with SecurityGroup"));
    item
}

fn volume(place: &Place, a: &Asset, moment: Moment) -> Recorded {
    let encrypted = !a.weak(moment.first);
    let instance = id_of(place, "instance", a.n);
    let attached = json!([{"attachTime": millis(moment.end - Duration::days(50)), "device": "/dev/xvda", "instanceId": instance, "state": "attached",
        "volumeId": a.id, "deleteOnTermination": true}]);
    let configuration = json!({
        "attachments": attached, "availabilityZone": format!("{}a", place.region), "createTime": millis(moment.end - Duration::days(50)),
        "encrypted": encrypted, "kmsKeyId": if encrypted { json!(key_arn(place, 0)) } else { Value::Null }, "size": 50 + (a.n % 5) * 50,
        "snapshotId": "snap-0123456789abcdef0", "state": "in-use", "volumeId": a.id, "iops": 3000, "volumeType": "gp3",
        "tags": [{"key": "Name", "value": a.name}]});
    let mut item =
        Recorded::of("AWS::EC2::Volume", a, place, place.arn("ec2", &format!("volume/{}", a.id)), configuration);
    item.relations.push(("AWS::EC2::Instance", instance, "Is attached to Instance"));
    item
}

fn function(place: &Place, a: &Asset, moment: Moment) -> Recorded {
    let arn = place.arn("lambda", &format!("function:{}", a.name));
    let runtime = match (a.weak(moment.first), a.n % 3) {
        (true, _) => "python3.8",
        (false, 0) => "python3.13",
        (false, 1) => "nodejs22.x",
        (false, _) => "java21",
    };
    let role = format!("arn:aws:iam::{}:role/{}-role", place.account.id, a.name);
    let configuration = json!({
        "functionName": a.name, "functionArn": arn, "runtime": runtime, "role": role, "handler": "index.handler", "codeSize": 1_200_000 + a.n * 1_000,
        "description": "", "timeout": 30, "memorySize": 512, "lastModified": "2026-01-20T02:11:45.000+0000", "version": "$LATEST",
        "vpcConfig": {"subnetIds": [id_of(place, "subnet", 1), id_of(place, "subnet", 5)], "securityGroupIds": [id_of(place, "group", 4)], "vpcId": id_of(place, "vpc", 0)},
        "deadLetterConfig": Value::Null, "kmskeyArn": key_arn(place, 0), "tracingConfig": {"mode": "Active"}, "layers": [],
        "fileSystemConfigs": [], "packageType": "Zip", "architectures": ["arm64"], "ephemeralStorage": {"size": 512},
        "state": {"value": "Active"}, "lastUpdateStatus": {"value": "Successful"}});
    let allowed = json!({"Sid": "events", "Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "lambda:InvokeFunction",
        "Resource": arn, "Condition": {"ArnLike": {"AWS:SourceArn": place.arn("events", &format!("rule/{}-schedule", a.name))}}});
    let policy = json!({"Version": "2012-10-17", "Id": "default", "Statement": [allowed]}).to_string();
    Recorded::of("AWS::Lambda::Function", a, place, arn, configuration)
        .with(json!({"Policy": policy, "Tags": {"Env": place.account.env}}))
}
