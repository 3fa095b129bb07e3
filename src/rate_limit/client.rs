//! What counts as one client.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// One client: an IPv4 address, or the /64 network of an IPv6 address. It is held as an IPv6 address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Client(u128);

/// A network whose clients share a counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Network {
    pub(super) prefix: u128,
    /// The length of the prefix, in bits.
    pub(super) length: u8,
    /// How many times as many attempts it may make as one address.
    pub(super) factor: u32,
}

impl Client {
    /// The length of the prefix that is one client, in bits.
    pub(super) const LENGTH: u8 = 64;

    pub(super) fn bits(self) -> u128 {
        self.0
    }

    /// Returns the networks that an attempt counts for, the largest first and the client itself
    /// last. An IPv4 address has no larger ones. An IPv6 /48 or /56, as many customers have, contains
    /// many /64 networks.
    pub(super) fn networks(self) -> impl Iterator<Item = Network> + Clone {
        let is_ipv4 = Ipv6Addr::from_bits(self.0).to_ipv4_mapped().is_some();
        let larger = [(48, 16), (56, 4)].into_iter().filter(move |_| !is_ipv4);
        larger
            .map(move |(length, factor)| {
                let unused = 128 - u32::from(length);
                Network { prefix: self.0 >> unused << unused, length, factor }
            })
            .chain([Network { prefix: self.0, length: Self::LENGTH, factor: 1 }])
    }
}

impl From<IpAddr> for Client {
    fn from(address: IpAddr) -> Self {
        let from_ipv4 = |address: Ipv4Addr| address.to_ipv6_mapped().to_bits();
        Self(match address.to_canonical() {
            IpAddr::V4(address) => from_ipv4(address),
            IpAddr::V6(address) => match embedded_ipv4(address) {
                Some(embedded) => from_ipv4(embedded),
                None => address.to_bits() >> 64 << 64,
            },
        })
    }
}

/// Returns the IPv4 address of a client that uses IPv6 through it: by NAT64 (RFC 6052 §2.1), 6to4
/// (RFC 3056) or Teredo (RFC 4380 §4). Such a client can choose all other bits.
fn embedded_ipv4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let bits = address.to_bits();
    match address.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, ..] => Some(Ipv4Addr::from_bits(bits as u32)),
        [0x2002, ..] => Some(Ipv4Addr::from_bits((bits >> 80) as u32)),
        [0x2001, 0, ..] => Some(Ipv4Addr::from_bits(!(bits as u32))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(address: &str) -> Client {
        address.parse::<IpAddr>().unwrap().into()
    }

    #[test]
    fn a_client_is_an_ipv4_address_or_an_ipv6_network() {
        assert_eq!(client("192.0.2.1"), client("::ffff:192.0.2.1"));
        assert_eq!(client("192.0.2.1"), client("64:ff9b::192.0.2.1"));
        assert_ne!(client("64:ff9b::192.0.2.2"), client("64:ff9b::192.0.2.1"));
        assert_ne!(client("192.0.2.1"), client("192.0.2.0"));
        assert_eq!(client("2001:db8:0:1::1"), client("2001:db8:0:1:ffff:ffff:ffff:ffff"));
        assert_ne!(client("2001:db8:0:1::1"), client("2001:db8::1"));
        assert_ne!(client("::192.0.2.1"), client("192.0.2.1"));
        assert_ne!(client("64:ff9b:1::192.0.2.1"), client("192.0.2.1"), "for local use");
    }

    /// The kind of fault: a client that can choose most bits of its address has many counters.
    #[test]
    fn tunnels_over_ipv4_count_as_their_ipv4_address() {
        for tunnel in ["2002:c000:201::1", "2002:c000:201:ffff::2", "64:ff9b::c000:201"] {
            assert_eq!(client(tunnel), client("192.0.2.1"), "{tunnel}");
        }
        // Teredo holds the address inverted, after a server's address and a port.
        assert_eq!(client("2001:0:4136:e378:8000:63bf:3fff:fdfe"), client("192.0.2.1"));
        assert_ne!(client("2002:c000:202::1"), client("192.0.2.1"));
        assert_ne!(client("2001:1::3fff:fdfe"), client("192.0.2.1"), "not Teredo");
    }

    #[test]
    fn an_ipv6_address_counts_for_three_networks() {
        let networks = |address: &str| client(address).networks().collect::<Vec<_>>();
        let same = |a: &str, b: &str| {
            let pairs = networks(a).into_iter().zip(networks(b));
            pairs.filter(|(a, b)| a == b).map(|(a, _)| a.length).collect::<Vec<_>>()
        };
        assert_eq!(same("2001:db8:1:1::1", "2001:db8:1:1::2"), [48, 56, 64]);
        assert_eq!(same("2001:db8:1:1::", "2001:db8:1:2::"), [48, 56]);
        assert_eq!(same("2001:db8:1:100::", "2001:db8:1:200::"), [48]);
        assert!(same("2001:db8:1::", "2001:db8:2::").is_empty());
        assert_eq!(networks("192.0.2.1").len(), 1);
        assert_eq!(networks("2002:c000:201::").len(), 1);
    }
}
