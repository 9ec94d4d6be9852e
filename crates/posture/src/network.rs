//! Security group rules: is a TCP port open to the whole Internet?

use crate::known::{Known, failed, missing};
use crate::rule::Val;
use crate::world::World;
use yagura_model::AddressRange;

pub const PREFIX_LIST: &str = "AWS::EC2::PrefixList";

/// Which addresses count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    V4,
    V6,
    Any,
}

/// Whether one ingress rule lets the whole Internet of `family` reach TCP `port`. `listed` tells whether the prefix list
/// of an id holds it.
pub fn opens<'a>(rule: &Val<'a>, port: i64, family: Family, listed: &dyn Fn(&str) -> Known) -> Known {
    if let Val::Unknown(reasons) = rule {
        return Known::Unknown(reasons.clone());
    }
    let (Some(protocol), Some(from), Some(to), Some(v4), Some(v6), Some(list)) = (
        rule.key("IpProtocol"),
        rule.key("FromPort"),
        rule.key("ToPort"),
        rule.key("CidrIp"),
        rule.key("CidrIpv6"),
        rule.key("SourcePrefixListId"),
    ) else {
        let (en, ja) = rule.kind();
        return Known::Unknown(failed(format!("an ingress rule is {en}"), format!("インバウンドルールが{ja}です")));
    };
    let covers = covers(&protocol, &from, &to, port);
    if covers == Known::No {
        return Known::No;
    }
    let listed = match &list {
        Val::Unknown(reasons) => Known::Unknown(reasons.clone()),
        list => list.as_str().map_or(Known::No, listed),
    };
    is_world(&v4, family).or(is_world(&v6, family)).or(listed).and(covers)
}

/// Whether a prefix list that `thing` names lets in the whole Internet; not known when its entries were not read.
pub fn listed(world: &World<'_>, thing: u32, id: &str, family: Family) -> Known {
    let not_read = || Known::Unknown(missing(&format!("ec2:GetManagedPrefixListEntries ({id})")));
    let lists = world.related(thing, PREFIX_LIST, true);
    let entries = lists.iter().find_map(|read| match read.val {
        Val::Thing(list) => {
            let list = world.thing(list).resource;
            (list.id == id).then(|| list.properties.get("Entries").map_or(Val::Null, Val::of))
        }
        _ => None,
    });
    // A list that isn't there may be one that could not be listed.
    let unlisted = lists.iter().find_map(|read| match &read.val {
        Val::Unknown(reasons) => Some(Known::Unknown(reasons.clone())),
        _ => None,
    });
    match entries {
        Some(Val::Unknown(reasons)) => Known::Unknown(reasons),
        Some(entries) => entries.items().map_or_else(not_read, |entries| {
            let cidr = |entry: Val<'_>| entry.key("Cidr").map_or_else(not_read, |cidr| is_world(&cidr, family));
            entries.iter().map(cidr).fold(Known::No, Known::or)
        }),
        None => unlisted.unwrap_or_else(not_read),
    }
}

/// Whether an address range is the whole Internet, or so wide that it comes to the same.
pub fn is_world(cidr: &Val<'_>, family: Family) -> Known {
    match cidr {
        Val::Null => Known::No,
        Val::Unknown(reasons) => Known::Unknown(reasons.clone()),
        cidr => match cidr.as_str().and_then(AddressRange::parse) {
            Some(range) if family == Family::V4 && range.is_ipv6() => Known::No,
            Some(range) if family == Family::V6 && !range.is_ipv6() => Known::No,
            Some(range) => Known::of(range.is_world()),
            None => {
                let text = cidr.as_str().unwrap_or("");
                let en = format!("`{text}` is no address range");
                Known::Unknown(failed(en, format!("`{text}` はアドレス範囲ではありません")))
            }
        },
    }
}

/// Whether protocol and port range take in TCP `port`. -1 and a missing port stand for all.
fn covers<'a>(protocol: &Val<'a>, from: &Val<'a>, to: &Val<'a>, port: i64) -> Known {
    let (all, tcp) = match protocol {
        Val::Unknown(reasons) => (Known::Unknown(reasons.clone()), Known::Unknown(reasons.clone())),
        Val::Int(number) => (Known::of(*number == -1), Known::of(*number == 6)),
        other => {
            let name = other.as_str().unwrap_or("").to_ascii_lowercase();
            (Known::of(matches!(name.as_str(), "-1" | "all")), Known::of(matches!(name.as_str(), "tcp" | "6")))
        }
    };
    let bound = |val: &Val<'a>, test: &dyn Fn(i64) -> bool| match val {
        Val::Unknown(reasons) => Known::Unknown(reasons.clone()),
        Val::Null => Known::Yes,
        Val::Int(value) => Known::of(*value == -1 || test(*value)),
        Val::Double(value) => Known::of(test(*value as i64)),
        other => match other.as_str().and_then(|s| s.trim().parse::<i64>().ok()) {
            Some(value) => Known::of(value == -1 || test(value)),
            None => Known::Unknown(failed("a port is no number", "ポートが数値ではありません")),
        },
    };
    all.or(tcp.and(bound(from, &|from| from <= port)).and(bound(to, &|to| to >= port)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Evidence;
    use crate::known::missing;
    use serde_json::json;
    use yagura_model::{Gap, Inventory, Resource, Source};

    fn open(rule: &serde_json::Value, port: i64, family: Family) -> Known {
        opens(&Val::of(rule), port, family, &|id| Known::of(id == "pl-world"))
    }

    #[test]
    fn reads_protocol_ports_and_addresses() {
        let ssh = json!({"IpProtocol": "tcp", "FromPort": 20, "ToPort": 25, "CidrIp": "0.0.0.0/0"});
        assert_eq!(open(&ssh, 22, Family::Any), Known::Yes);
        assert_eq!(open(&ssh, 22, Family::V6), Known::No);
        assert_eq!(open(&ssh, 3389, Family::Any), Known::No);
        let all = json!({"IpProtocol": "-1", "CidrIpv6": "::/0"});
        assert_eq!(open(&all, 3389, Family::Any), Known::Yes);
        assert_eq!(open(&all, 3389, Family::V4), Known::No);
        let udp = json!({"IpProtocol": "udp", "FromPort": 22, "ToPort": 22, "CidrIp": "0.0.0.0/0"});
        assert_eq!(open(&udp, 22, Family::Any), Known::No);
        let group = json!({"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "SourceSecurityGroupId": "sg-1"});
        assert_eq!(open(&group, 22, Family::Any), Known::No);
    }

    #[test]
    fn an_unknown_part_matters_only_when_the_rest_does_not_decide() {
        let unknown = yagura_model::unknown("Parameter Cidr");
        let rule = json!({"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "CidrIp": unknown});
        assert_eq!(open(&rule, 22, Family::Any), Known::Unknown(missing("Parameter Cidr")));
        assert_eq!(open(&rule, 443, Family::Any), Known::No);
    }

    #[test]
    fn ranges_that_come_to_the_whole_internet_count_as_it() {
        let wide = ["0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1", "::/0", "2000::/3", "0:0:0:0:0:0:0:0/0", " 0.0.0.0/0"];
        let narrow = ["10.0.0.0/8", "203.0.113.7", "203.0.113.0/24", "2001:db8::/32", "fc00::/7", "fd12::/8"];
        for (ranges, expected) in [(&wide[..], Known::Yes), (&narrow[..], Known::No)] {
            for range in ranges {
                assert_eq!(is_world(&Val::Str(range), Family::Any), expected, "{range}");
            }
        }
        for bad in ["", "all", "10.0.0.0/x", "10.0.0.0/33", "10.0.0/8"] {
            assert!(matches!(is_world(&Val::Str(bad), Family::Any), Known::Unknown(_)), "{bad}");
        }
    }

    #[test]
    fn a_prefix_list_that_was_not_read_says_which_call_it_wants() {
        let group = Resource {
            kind: "AWS::EC2::SecurityGroup".to_owned(),
            id: "sg-1".to_owned(),
            arn: None,
            account: Some("111122223333".to_owned()),
            region: Some("us-east-1".to_owned()),
            tags: Default::default(),
            properties: json!({}),
            observed: json!({}),
            relations: Vec::new(),
            source: Source::Live,
            origin: None,
        };
        let gap = Gap {
            kind: PREFIX_LIST.to_owned(),
            account: group.account.clone(),
            region: group.region.clone(),
            action: "ec2:DescribeManagedPrefixLists".to_owned(),
            reason: "AccessDenied".to_owned(),
        };
        for (gaps, wanted) in
            [(vec![gap], "ec2:DescribeManagedPrefixLists"), (vec![], "ec2:GetManagedPrefixListEntries (pl-1)")]
        {
            let inventory = Inventory { resources: vec![group.clone()], gaps };
            let world =
                World::new(Evidence { inventory: &inventory, now: chrono::DateTime::UNIX_EPOCH, settings: None }, None);
            assert_eq!(listed(&world, 0, "pl-1", Family::Any), Known::Unknown(missing(wanted)));
        }
    }

    #[test]
    fn a_prefix_list_opens_what_its_entries_open() {
        let rule = |list| json!({"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "SourcePrefixListId": list});
        assert_eq!(open(&rule("pl-world"), 22, Family::Any), Known::Yes);
        assert_eq!(open(&rule("pl-world"), 443, Family::Any), Known::No);
        assert_eq!(open(&rule("pl-office"), 22, Family::Any), Known::No);
    }
}
