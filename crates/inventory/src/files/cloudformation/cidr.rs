//! `Fn::Cidr`: a block of addresses cut into smaller ones.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The first `count` (at most 256) blocks with `bits` host bits inside `block`; `None` when they don't fit.
/// Without `bits`, CloudFormation takes 8 for IPv4 and 64 for IPv6.
pub(super) fn split(block: &str, count: u32, bits: Option<u32>) -> Option<Vec<String>> {
    let (address, prefix) = block.split_once('/')?;
    let address: IpAddr = address.trim().parse().ok()?;
    let prefix: u32 = prefix.trim().parse().ok()?;
    let (width, start) = match address {
        IpAddr::V4(v4) => (32, u128::from(u32::from(v4))),
        IpAddr::V6(v6) => (128, u128::from(v6)),
    };
    let bits = bits.unwrap_or(if width == 32 { 8 } else { 64 });
    if prefix > width || bits > width || !(1..=256).contains(&count) {
        return None;
    }
    let room = (width - prefix).checked_sub(bits)?;
    if room < 32 && u64::from(count) > 1u64 << room {
        return None;
    }
    let host = width - prefix;
    let start = if host >= 128 { 0 } else { start >> host << host };
    (0..count)
        .map(|i| {
            let offset = if bits >= 128 { 0 } else { u128::from(i) << bits };
            let at = start.checked_add(offset)?;
            let address = match address {
                IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::from(u32::try_from(at).ok()?)),
                IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::from(at)),
            };
            Some(format!("{address}/{}", width - bits))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn cuts_blocks_and_refuses_what_does_not_fit() {
        assert_eq!(
            split("10.0.0.0/16", 3, Some(8)),
            Some(vec!["10.0.0.0/24".into(), "10.0.1.0/24".into(), "10.0.2.0/24".into()])
        );
        assert_eq!(split("10.0.0.0/24", 2, None), None);
        assert_eq!(split("2001:db8::/56", 2, Some(64)), Some(vec!["2001:db8::/64".into(), "2001:db8:0:1::/64".into()]));
        assert_eq!(split("0.0.0.0/0", 1, Some(32)), Some(vec!["0.0.0.0/0".into()]));
        assert_eq!(split("::/0", 1, Some(128)), Some(vec!["::/0".into()]));
        assert_eq!(split("10.0.0.0/33", 1, Some(1)), None);
    }
}
