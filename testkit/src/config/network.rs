//! VPCs and what is in them.

use super::{Moment, Recorded, existing, id_of};
use crate::company::{
    flaws::RDP_GROUP,
    world::{Asset, Place},
};
use serde_json::{Value, json};

pub(crate) fn items(place: &Place, moment: Moment) -> Vec<Recorded> {
    let mut all = Vec::new();
    for asset in existing(place, "vpc", moment) {
        all.push(vpc(place, asset));
        if !asset.weak(moment.first) {
            all.push(flow_log(place, asset));
        }
    }
    all.extend(existing(place, "subnet", moment).map(|a| subnet(place, a, moment)));
    all.extend(existing(place, "acl", moment).map(|a| acl(place, a, moment)));
    all.extend(existing(place, "group", moment).map(|a| group(place, a, moment)));
    all
}

fn arn(place: &Place, kind: &str, id: &str) -> String {
    place.arn("ec2", &format!("{kind}/{id}"))
}

fn vpc(place: &Place, a: &Asset) -> Recorded {
    let configuration = json!({
        "cidrBlock": format!("10.{}.0.0/16", 20 + a.n * 10), "dhcpOptionsId": "dopt-0a1b2c3d", "state": "available", "vpcId": a.id,
        "ownerId": place.account.id, "instanceTenancy": "default", "ipv6CidrBlockAssociationSet": [], "isDefault": false,
        "tags": [{"key": "Name", "value": a.name}]});
    Recorded::of("AWS::EC2::VPC", a, place, arn(place, "vpc", &a.id), configuration)
}

fn flow_log(place: &Place, vpc: &Asset) -> Recorded {
    let id = format!("fl-{}", vpc.id.trim_start_matches("vpc-"));
    let configuration = json!({
        "flowLogId": id, "flowLogStatus": "ACTIVE", "resourceId": vpc.id, "trafficType": "ALL", "logDestinationType": "s3",
        "logDestination": "arn:aws:s3:::minato-security-flow-logs", "deliverLogsStatus": "SUCCESS", "maxAggregationInterval": 600});
    Recorded::new("AWS::EC2::FlowLog", &id, arn(place, "vpc-flow-log", &id), configuration).in_vpc(&vpc.id)
}

fn subnet(place: &Place, a: &Asset, moment: Moment) -> Recorded {
    let vpc = id_of(place, "vpc", 0);
    let zone = format!("{}{}", place.region, if a.n.is_multiple_of(2) { "a" } else { "c" });
    let public = a.name.contains("public") && a.weak(moment.first);
    let configuration = json!({
        "availabilityZone": zone, "availableIpAddressCount": 240, "cidrBlock": format!("10.20.{}.0/24", a.n), "defaultForAz": false,
        "mapPublicIpOnLaunch": public, "state": "available", "subnetId": a.id, "vpcId": vpc, "ownerId": place.account.id,
        "assignIpv6AddressOnCreation": false, "subnetArn": arn(place, "subnet", &a.id)});
    Recorded::of("AWS::EC2::Subnet", a, place, arn(place, "subnet", &a.id), configuration).in_vpc(&vpc)
}

fn acl(place: &Place, a: &Asset, moment: Moment) -> Recorded {
    let vpc = id_of(place, "vpc", a.n);
    let entry = |number: u32, egress: bool, cidr: &str, protocol: &str, ports: Value, action: &str| json!({"cidrBlock": cidr, "egress": egress, "protocol": protocol, "portRange": ports, "ruleAction": action, "ruleNumber": number});
    let mut entries = vec![
        entry(100, false, "10.0.0.0/8", "-1", Value::Null, "allow"),
        entry(110, false, "0.0.0.0/0", "6", json!({"from": 443, "to": 443}), "allow"),
        entry(120, false, "0.0.0.0/0", "6", json!({"from": 32768, "to": 65535}), "allow"),
        entry(100, true, "0.0.0.0/0", "-1", Value::Null, "allow"),
        entry(32767, false, "0.0.0.0/0", "-1", Value::Null, "deny"),
        entry(32767, true, "0.0.0.0/0", "-1", Value::Null, "deny"),
    ];
    if a.weak(moment.first) {
        entries.push(entry(130, false, "0.0.0.0/0", "6", json!({"from": 22, "to": 22}), "allow"));
    }
    let association = json!({"networkAclAssociationId": "aclassoc-0a1b2c3d", "networkAclId": a.id, "subnetId": id_of(place, "subnet", a.n)});
    let configuration = json!({
        "associations": [association], "entries": entries, "isDefault": false, "networkAclId": a.id, "vpcId": vpc, "ownerId": place.account.id});
    Recorded::of("AWS::EC2::NetworkAcl", a, place, arn(place, "network-acl", &a.id), configuration).in_vpc(&vpc)
}

fn group(place: &Place, a: &Asset, moment: Moment) -> Recorded {
    let vpc = id_of(place, "vpc", 0);
    let from = |port: u16, cidr: &str, what: &str| {
        json!({"fromPort": port, "ipProtocol": "tcp", "ipv6Ranges": [], "prefixListIds": [], "toPort": port, "userIdGroupPairs": [],
            "ipv4Ranges": [{"cidrIp": cidr, "description": what}], "ipRanges": [cidr]})
    };
    let mut ingress = Vec::new();
    if a.weak(moment.first) {
        ingress.push(match a.name.as_str() {
            RDP_GROUP => from(3389, "0.0.0.0/0", "保守会社"),
            _ => from(22, "0.0.0.0/0", "一時的に開放"),
        });
    }
    ingress.push(match a.name.rsplit('-').next() {
        Some("alb") => from(443, "0.0.0.0/0", "HTTPS"),
        Some("db") => from(5432, "10.20.0.0/16", "アプリから"),
        _ => from(8080, "10.20.0.0/16", "ALB から"),
    });
    let egress = json!({"fromPort": 443, "ipProtocol": "tcp", "ipv6Ranges": [], "prefixListIds": [], "toPort": 443, "userIdGroupPairs": [],
        "ipv4Ranges": [{"cidrIp": "0.0.0.0/0"}], "ipRanges": ["0.0.0.0/0"]});
    let configuration = json!({
        "description": format!("{} のセキュリティグループ", a.name), "groupName": a.name, "ipPermissions": ingress, "ownerId": place.account.id,
        "groupId": a.id, "ipPermissionsEgress": [egress], "tags": [{"key": "Name", "value": a.name}], "vpcId": vpc});
    Recorded::of("AWS::EC2::SecurityGroup", a, place, arn(place, "security-group", &a.id), configuration).in_vpc(&vpc)
}
