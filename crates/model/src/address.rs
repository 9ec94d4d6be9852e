//! Ranges of IP addresses: does one take in the whole Internet?

use std::net::IpAddr;

/// A range of addresses, as CIDR writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressRange {
    address: IpAddr,
    prefix: u8,
}

impl AddressRange {
    /// The range that `cidr` writes; an address alone is a range of one.
    pub fn parse(cidr: &str) -> Option<AddressRange> {
        let (address, prefix) = cidr.trim().split_once('/').map_or((cidr.trim(), None), |(a, p)| (a, Some(p)));
        let address = address.parse::<IpAddr>().ok()?;
        let full = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.map_or(Some(full), |p| p.parse().ok())?;
        (prefix <= full).then_some(AddressRange { address, prefix })
    }

    /// Whether it is of IPv6.
    pub fn is_ipv6(self) -> bool {
        self.address.is_ipv6()
    }

    /// Whether it is the whole Internet, or so wide that it comes to the same. Amazon S3 draws the line between some
    /// callers and everyone (user guide, "The meaning of public") at ranges wider than /8 (IPv4) or /32 (IPv6): so two
    /// halves of the Internet are the Internet. Private IPv6 addresses (RFC 4193) are not.
    pub fn is_world(self) -> bool {
        match self.address {
            IpAddr::V4(_) => self.prefix < 8,
            IpAddr::V6(address) => self.prefix < 32 && !(self.prefix >= 7 && address.is_unique_local()),
        }
    }
}
