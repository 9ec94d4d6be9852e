//! Security group rules: is a TCP port open to the whole Internet?

use crate::known::{Known, failed};
use crate::rule::Val;

/// Which addresses count as the whole Internet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum World {
    V4,
    V6,
    Any,
}

/// Whether one ingress rule lets all addresses of `world` reach TCP `port`.
pub fn opens<'a>(rule: &Val<'a>, port: i64, world: World) -> Known {
    if let Val::Unknown(reasons) = rule {
        return Known::Unknown(reasons.clone());
    }
    let (Some(protocol), Some(from), Some(to), Some(v4), Some(v6)) =
        (rule.key("IpProtocol"), rule.key("FromPort"), rule.key("ToPort"), rule.key("CidrIp"), rule.key("CidrIpv6"))
    else {
        let (en, ja) = rule.kind();
        return Known::Unknown(failed(format!("an ingress rule is {en}"), format!("インバウンドルールが{ja}です")));
    };
    let v4 = if world == World::V6 { Known::No } else { is_everything(&v4) };
    let v6 = if world == World::V4 { Known::No } else { is_everything(&v6) };
    v4.or(v6).and(covers(&protocol, &from, &to, port))
}

fn is_everything(cidr: &Val<'_>) -> Known {
    match cidr {
        Val::Unknown(reasons) => Known::Unknown(reasons.clone()),
        cidr => Known::of(cidr.as_str().is_some_and(|c| c.ends_with("/0"))),
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
    use crate::known::missing;
    use serde_json::json;

    fn open(rule: &serde_json::Value, port: i64, world: World) -> Known {
        opens(&Val::of(rule), port, world)
    }

    #[test]
    fn reads_protocol_ports_and_addresses() {
        let ssh = json!({"IpProtocol": "tcp", "FromPort": 20, "ToPort": 25, "CidrIp": "0.0.0.0/0"});
        assert_eq!(open(&ssh, 22, World::Any), Known::Yes);
        assert_eq!(open(&ssh, 22, World::V6), Known::No);
        assert_eq!(open(&ssh, 3389, World::Any), Known::No);
        let all = json!({"IpProtocol": "-1", "CidrIpv6": "::/0"});
        assert_eq!(open(&all, 3389, World::Any), Known::Yes);
        assert_eq!(open(&all, 3389, World::V4), Known::No);
        let udp = json!({"IpProtocol": "udp", "FromPort": 22, "ToPort": 22, "CidrIp": "0.0.0.0/0"});
        assert_eq!(open(&udp, 22, World::Any), Known::No);
        let group = json!({"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "SourceSecurityGroupId": "sg-1"});
        assert_eq!(open(&group, 22, World::Any), Known::No);
    }

    #[test]
    fn an_unknown_part_matters_only_when_the_rest_does_not_decide() {
        let unknown = yagura_model::unknown("Parameter Cidr");
        let rule = json!({"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "CidrIp": unknown});
        assert_eq!(open(&rule, 22, World::Any), Known::Unknown(missing("Parameter Cidr")));
        assert_eq!(open(&rule, 443, World::Any), Known::No);
    }
}
