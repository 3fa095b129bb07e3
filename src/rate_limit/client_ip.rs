//! Whose address a request comes from: the peer's or, behind trusted proxies, the one they name.

use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use http::HeaderName;
use http::header::FORWARDED;
use http::request::Parts;
use ipnet::IpNet;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

type Find = dyn Fn(&Parts) -> Option<IpAddr> + Send + Sync;

/// Where the address is found by which guesses are counted: that of the peer, which `axum::serve`
/// tells, or one that a function of your own finds.
///
/// IPv6 addresses of one /64 network count as one client, since whoever has one of them has all.
///
/// # Behind proxies
///
/// There the peer is a proxy, and all clients would share its limit. `X-Forwarded-For` is read if the
/// peer is one of the [trusted proxies](Self::trusted_proxies), from the right, where each proxy
/// adds whom it saw: the first address that is no trusted proxy's is the client's. What stands to
/// the left of it is the client's own invention, and not looked at. `Forwarded` (RFC 7239) is not
/// read: a proxy that sets only one of the two passes the other on as the client made it up.
///
/// Something else than an address, such as `unknown`, ends the search at the last trusted proxy:
/// whoever sends that shares the proxy's limit. So does everybody if the proxy sends no
/// `X-Forwarded-For`.
///
/// ```
/// use mcp_auth_layer::ClientIp;
///
/// # fn main() -> Result<(), mcp_auth_layer::TrustedProxyError> {
/// // Without proxies: `app.into_make_service_with_connect_info::<SocketAddr>()` tells the peer.
/// let direct = ClientIp::peer();
///
/// // Behind nginx on this machine, and a load balancer in front of that.
/// let proxied = ClientIp::peer().trusted_proxies(["127.0.0.1", "::1", "10.1.2.0/24"])?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct ClientIp {
    find: Arc<Find>,
    is_peer: bool,
    trusted: Vec<IpNet>,
}

/// Why a trusted proxy cannot be configured.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("trusted proxy {proxy:?} {problem}")]
#[non_exhaustive]
pub struct TrustedProxyError {
    proxy: String,
    problem: &'static str,
}

impl ClientIp {
    /// The peer's: `ConnectInfo<SocketAddr>` in the request's extensions.
    ///
    /// axum puts it there if the app is served by
    /// `app.into_make_service_with_connect_info::<SocketAddr>()`, in tests also by a
    /// `MockConnectInfo`.
    #[cfg(feature = "axum")]
    pub fn peer() -> Self {
        use axum::extract::ConnectInfo;
        use axum::extract::connect_info::MockConnectInfo;

        let by_peer = Self::from_fn(|head| {
            let served = head.extensions.get().map(|ConnectInfo::<SocketAddr>(peer)| peer);
            let mocked = || head.extensions.get().map(|MockConnectInfo::<SocketAddr>(peer)| peer);
            served.or_else(mocked).map(SocketAddr::ip)
        });
        Self { is_peer: true, ..by_peer }
    }

    /// The one that this function finds in the head of a request: for servers other than axum's,
    /// or where a proxy names the client in another field. `None` means that there is none.
    ///
    /// Take it from a field only if nobody but a proxy that sets it can reach this server:
    /// a client that writes it himself is a new one with every guess.
    ///
    /// [Trusted proxies](Self::trusted_proxies) apply to what it finds. For a proxy at a Unix
    /// socket, let it return `127.0.0.1`, and trust that.
    ///
    /// ```
    /// use http::request::Parts;
    /// use mcp_auth_layer::ClientIp;
    ///
    /// let address = ClientIp::from_fn(|head: &Parts| {
    ///     head.headers.get("x-real-ip")?.to_str().ok()?.parse().ok()
    /// });
    /// ```
    pub fn from_fn(find: impl Fn(&Parts) -> Option<IpAddr> + Send + Sync + 'static) -> Self {
        Self { find: Arc::new(find), is_peer: false, trusted: Vec::new() }
    }

    /// Believes the `X-Forwarded-For` of these proxies, given as addresses (`127.0.0.1`, `::1`) or
    /// networks (`10.1.2.0/24`). Call it again for more.
    ///
    /// Name the proxies alone, not a network that clients are in, too: whoever is trusted can
    /// pass for anybody.
    ///
    /// # Errors
    ///
    /// If one of them is neither an address nor a network, is a network with bits set behind its
    /// prefix, contains everybody, or is IPv4 written as IPv6.
    pub fn trusted_proxies<P: AsRef<str>>(
        mut self,
        proxies: impl IntoIterator<Item = P>,
    ) -> Result<Self, TrustedProxyError> {
        for proxy in proxies {
            let proxy = proxy.as_ref();
            let network = network(proxy)
                .map_err(|problem| TrustedProxyError { proxy: proxy.to_owned(), problem })?;
            self.trusted.push(network);
        }
        Ok(self)
    }

    /// Whose request this is, if that can be told.
    pub(crate) fn of(&self, head: &Parts) -> Option<Client> {
        let mut address = (self.find)(head)?.to_canonical();
        // All lines are one list (RFC 9110 §5.3); the proxy next to us added the last element.
        let lines = head.headers.get_all(X_FORWARDED_FOR).iter().rev();
        let hops = lines.flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b','));
        // Empty elements count for nothing (RFC 9110 §5.6.1).
        let mut hops = hops.filter(|hop| !hop.trim_ascii().is_empty());
        while self.trusts(address)
            && let Some(before) = hops.next().and_then(hop)
        {
            address = before;
        }
        Some(address.into())
    }

    /// Whether the peer says whom it forwards for, and is no trusted proxy.
    pub(crate) fn ignores_a_proxy(&self, head: &Parts) -> bool {
        let is_forwarded =
            [X_FORWARDED_FOR, FORWARDED].iter().any(|name| head.headers.contains_key(name));
        let is_trusted = |peer: IpAddr| self.trusts(peer.to_canonical());
        self.is_peer && is_forwarded && !(self.find)(head).is_some_and(is_trusted)
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(&address))
    }
}

/// Shows whom it trusts.
impl fmt::Debug for ClientIp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientIp").field("trusted", &self.trusted).finish_non_exhaustive()
    }
}

fn network(proxy: &str) -> Result<IpNet, &'static str> {
    let address = || proxy.parse().map(|address: IpAddr| address.into());
    let network: IpNet = proxy
        .parse()
        .or_else(|_| address())
        .map_err(|_| "is neither an address (10.1.2.3) nor a network (10.1.2.0/24)")?;
    if network.prefix_len() == 0 {
        return Err("is everybody: name the proxies");
    }
    if network.addr() != network.network() {
        return Err("has bits set behind its prefix: write the network's address, or no prefix");
    }
    match network.addr().to_canonical() == network.addr() {
        true => Ok(network),
        false => Err("is IPv4 written as IPv6: write it as IPv4"),
    }
}

/// An element of `X-Forwarded-For`, as proxies write it: with or without a port, IPv6 with or
/// without brackets and zone.
fn hop(element: &[u8]) -> Option<IpAddr> {
    let element = without_zone(std::str::from_utf8(element).ok()?.trim_matches([' ', '\t']));
    let bare = || element.parse().ok();
    let with_port = || Some(element.parse::<SocketAddr>().ok()?.ip());
    let in_brackets = || {
        let address = element.strip_prefix('[')?.strip_suffix(']')?;
        Some(IpAddr::V6(address.parse().ok()?))
    };
    bare().or_else(with_port).or_else(in_brackets).map(|address| address.to_canonical())
}

/// RFC 4007 §11: which of its own links a proxy saw an address on. It means nothing elsewhere.
fn without_zone(element: &str) -> Cow<'_, str> {
    let Some((address, zone)) = element.split_once('%') else {
        return element.into();
    };
    let behind = zone.find(']').map_or("", |end| &zone[end..]);
    match address.contains(':') {
        true => format!("{address}{behind}").into(),
        false => element.into(),
    }
}

/// One client: an IPv4 address, or the /64 network of an IPv6 address. Held as an IPv6 address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Client(u128);

impl Client {
    pub(crate) fn bits(self) -> u128 {
        self.0
    }

    /// The networks that an attempt counts for, largest first: the prefix, its length in bits, and
    /// how many times as many attempts it may make as one address. An IPv4 address is its own only
    /// one. Whoever has an IPv6 /48 or /56, as many customers do, has many /64 networks.
    pub(crate) fn networks(self) -> impl Iterator<Item = (u128, u32, u32)> + Clone {
        let is_ipv4 = Ipv6Addr::from_bits(self.0).to_ipv4_mapped().is_some();
        let larger = [(48, 16), (56, 4)].into_iter().filter(move |_| !is_ipv4);
        larger
            .map(move |(bits, factor)| (self.0 >> (128 - bits) << (128 - bits), bits, factor))
            .chain([(self.0, 64, 1)])
    }
}

impl From<IpAddr> for Client {
    fn from(address: IpAddr) -> Self {
        let of_ipv4 = |address: Ipv4Addr| address.to_ipv6_mapped().to_bits();
        Self(match address.to_canonical() {
            IpAddr::V4(address) => of_ipv4(address),
            IpAddr::V6(address) => match ipv4_inside(address) {
                Some(inside) => of_ipv4(inside),
                None => address.to_bits() >> 64 << 64,
            },
        })
    }
}

/// The IPv4 address of a client that uses IPv6 by way of it: through NAT64 (RFC 6052 §2.1), 6to4
/// (RFC 3056) or Teredo (RFC 4380 §4). Such a client can choose all other bits.
fn ipv4_inside(address: Ipv6Addr) -> Option<Ipv4Addr> {
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
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn head(forwarded: &[&str]) -> Parts {
        let mut request = http::Request::new(());
        for line in forwarded {
            request.headers_mut().append(X_FORWARDED_FOR, line.parse().unwrap());
        }
        request.into_parts().0
    }

    fn client(address: &str) -> Client {
        address.parse::<IpAddr>().unwrap().into()
    }

    /// Of a request from this peer, where `10.0.0.0/24` and `2001:db8:10::7` are proxies.
    fn seen_from(peer: &str, forwarded: &[&str]) -> Client {
        let peer: IpAddr = peer.parse().unwrap();
        let proxies = ["10.0.0.0/24", "2001:db8:10::7"];
        let address = ClientIp::from_fn(move |_| Some(peer)).trusted_proxies(proxies).unwrap();
        address.of(&head(forwarded)).unwrap()
    }

    #[cfg(feature = "axum")]
    #[test]
    fn the_peer_is_the_one_axum_tells() {
        use axum::extract::ConnectInfo;
        use axum::extract::connect_info::MockConnectInfo;

        let peer = SocketAddr::from(([192, 0, 2, 1], 4711));
        let mut served = head(&["198.51.100.1"]);
        assert_eq!(ClientIp::peer().of(&served), None);
        served.extensions.insert(MockConnectInfo(SocketAddr::from(([192, 0, 2, 2], 1))));
        assert_eq!(ClientIp::peer().of(&served), Some(client("192.0.2.2")));
        served.extensions.insert(ConnectInfo(peer));
        assert_eq!(ClientIp::peer().of(&served), Some(client("192.0.2.1")));
    }

    #[test]
    fn a_function_finds_it_or_there_is_none() {
        let address =
            ClientIp::from_fn(|head| head.headers.get("x-real-ip")?.to_str().ok()?.parse().ok());
        let mut head = head(&[]);
        assert_eq!(address.of(&head), None);
        head.headers.insert("x-real-ip", "192.0.2.1".parse().unwrap());
        assert_eq!(address.of(&head), Some(client("192.0.2.1")));
    }

    #[test]
    fn only_a_trusted_peer_is_asked_whom_it_saw() {
        assert_eq!(seen_from("10.0.0.1", &["192.0.2.1"]), client("192.0.2.1"));
        assert_eq!(seen_from("10.0.1.1", &["192.0.2.1"]), client("10.0.1.1"));
        assert_eq!(seen_from("2001:db8:10::7", &["192.0.2.1"]), client("192.0.2.1"));
        assert_eq!(seen_from("2001:db8:10::8", &["192.0.2.1"]), client("2001:db8:10::8"));
        assert_eq!(seen_from("::ffff:10.0.0.1", &["192.0.2.1"]), client("192.0.2.1"));
    }

    #[test]
    fn the_first_from_the_right_that_is_no_proxy_is_the_client() {
        let forged = &["203.0.113.9, 192.0.2.1", "10.0.0.3,\t2001:db8:10::7 , ::ffff:10.0.0.2"];
        assert_eq!(seen_from("10.0.0.1", forged), client("192.0.2.1"));
        // The same, but for the order of the lines.
        let other = &["10.0.0.3, 2001:db8:10::7, ::ffff:10.0.0.2", "203.0.113.9, 192.0.2.1"];
        assert_eq!(seen_from("10.0.0.1", other), client("192.0.2.1"));
        let other = &["10.0.0.3, 2001:db8:10::7, 10.0.1.2", "203.0.113.9, 10.0.0.4"];
        assert_eq!(seen_from("10.0.0.1", other), client("203.0.113.9"));
    }

    #[test]
    fn where_all_are_proxies_the_farthest_is_the_client() {
        assert_eq!(seen_from("10.0.0.1", &[]), client("10.0.0.1"));
        assert_eq!(seen_from("10.0.0.1", &["10.0.0.3, 10.0.0.2"]), client("10.0.0.3"));
    }

    #[test]
    fn what_is_no_address_ends_the_search_at_the_last_proxy() {
        let bad = [
            "unknown",
            "_hidden",
            "192.0.2",
            "192.0.2.1:",
            "192.0.2.1:65536",
            "192.0.2.1:http",
            "192.0.2.1%eth0",
            "[192.0.2.1]",
            "[2001:db8::1",
            "2001:db8::1]",
            "[2001:db8::1]80",
            "[[2001:db8::1]]",
            "\"192.0.2.1\"",
            "192.0.2.1 10.0.0.9",
            "192.0.2.01",
            "for=192.0.2.1",
        ];
        for bad in bad {
            let list = format!("203.0.113.9, {bad}, 10.0.0.2");
            assert_eq!(seen_from("10.0.0.1", &[&list]), client("10.0.0.2"), "{bad:?}");
        }
        let list = "203.0.113.9, 10.0.0.3, 10.0.0.2";
        assert_eq!(seen_from("10.0.0.1", &[list]), client("203.0.113.9"));

        let mut head = head(&["203.0.113.9"]);
        head.headers.append(X_FORWARDED_FOR, HeaderValue::from_bytes(b"\xff").unwrap());
        let address = ClientIp::from_fn(|_| Some([10, 0, 0, 1].into()));
        let address = address.trusted_proxies(["10.0.0.1"]).unwrap();
        assert_eq!(address.of(&head), Some(client("10.0.0.1")));
    }

    /// RFC 9110 §5.6.1: a recipient ignores empty elements of a list.
    #[test]
    fn empty_elements_of_x_forwarded_for_are_skipped() {
        for list in [
            "192.0.2.1,",
            ",192.0.2.1",
            "192.0.2.1, ,10.0.0.2",
            " , 192.0.2.1 ,\t, ",
            "192.0.2.1,,",
        ] {
            assert_eq!(seen_from("10.0.0.1", &[list]), client("192.0.2.1"), "{list:?}");
        }
        assert_eq!(seen_from("10.0.0.1", &["192.0.2.1", ""]), client("192.0.2.1"));
        assert_eq!(seen_from("10.0.0.1", &["", " , "]), client("10.0.0.1"), "nothing else");
    }

    /// The kind: an address of which the client can choose most bits is counted as if it could not.
    #[test]
    fn tunnels_over_ipv4_count_as_their_ipv4_address() {
        for tunnel in ["2002:c000:201::1", "2002:c000:201:ffff::2", "64:ff9b::c000:201"] {
            assert_eq!(client(tunnel), client("192.0.2.1"), "{tunnel}");
        }
        // Teredo holds the address inverted, behind a server's address and a port.
        assert_eq!(client("2001:0:4136:e378:8000:63bf:3fff:fdfe"), client("192.0.2.1"));
        assert_ne!(client("2002:c000:202::1"), client("192.0.2.1"));
        assert_ne!(client("2001:1::3fff:fdfe"), client("192.0.2.1"), "no Teredo");
    }

    #[test]
    fn an_ipv6_address_counts_for_three_networks() {
        let networks = |address: &str| client(address).networks().collect::<Vec<_>>();
        let same = |a: &str, b: &str| {
            let pairs = networks(a).into_iter().zip(networks(b));
            pairs.filter(|(a, b)| a == b).map(|(a, _)| a.1).collect::<Vec<_>>()
        };
        assert_eq!(same("2001:db8:1:1::1", "2001:db8:1:1::2"), [48, 56, 64]);
        assert_eq!(same("2001:db8:1:1::", "2001:db8:1:2::"), [48, 56]);
        assert_eq!(same("2001:db8:1:100::", "2001:db8:1:200::"), [48]);
        assert!(same("2001:db8:1::", "2001:db8:2::").is_empty());
        assert_eq!(networks("192.0.2.1").len(), 1);
        assert_eq!(networks("2002:c000:201::").len(), 1);
    }

    #[test]
    fn a_forwarding_peer_that_is_not_trusted_is_noticed() {
        let forwarded = head(&["192.0.2.1"]);
        let peer = |address: ClientIp| ClientIp { is_peer: true, ..address };
        let found = || ClientIp::from_fn(|_| Some([10, 0, 0, 1].into()));
        assert!(peer(found()).ignores_a_proxy(&forwarded));
        assert!(!peer(found()).ignores_a_proxy(&head(&[])));
        assert!(!peer(found().trusted_proxies(["10.0.0.1"]).unwrap()).ignores_a_proxy(&forwarded));
        assert!(!found().ignores_a_proxy(&forwarded), "a function knows what it does");
        let mut rfc_7239 = head(&[]);
        rfc_7239.headers.insert(FORWARDED, HeaderValue::from_static("for=192.0.2.1"));
        assert!(peer(found()).ignores_a_proxy(&rfc_7239));
    }

    #[test]
    fn ports_brackets_and_zones_are_no_part_of_an_address() {
        let v4 = ["192.0.2.1", "192.0.2.1:4711", "::ffff:192.0.2.1", "[::ffff:192.0.2.1]:4711"];
        for element in v4 {
            assert_eq!(hop(element.as_bytes()), "192.0.2.1".parse().ok(), "{element}");
        }
        let v6 = ["fe80::1", "[fe80::1]", "[fe80::1]:4711", "fe80::1%eth0", "[fe80::1%25eth0]:80"];
        for element in v6 {
            assert_eq!(hop(element.as_bytes()), "fe80::1".parse().ok(), "{element}");
        }
    }

    #[test]
    fn ipv4_counts_by_address_and_ipv6_by_network() {
        assert_eq!(client("192.0.2.1"), client("::ffff:192.0.2.1"));
        assert_eq!(client("192.0.2.1"), client("64:ff9b::192.0.2.1"));
        assert_ne!(client("64:ff9b::192.0.2.2"), client("64:ff9b::192.0.2.1"));
        assert_ne!(client("192.0.2.1"), client("192.0.2.0"));
        assert_eq!(client("2001:db8:0:1::1"), client("2001:db8:0:1:ffff:ffff:ffff:ffff"));
        assert_ne!(client("2001:db8:0:1::1"), client("2001:db8::1"));
        assert_ne!(client("::192.0.2.1"), client("192.0.2.1"));
        assert_ne!(client("64:ff9b:1::192.0.2.1"), client("192.0.2.1"), "for local use");
    }

    #[test]
    fn a_proxy_that_cannot_be_meant_is_refused() {
        let trusted = |proxy: &str| {
            ClientIp::from_fn(|_| None).trusted_proxies([proxy]).map_err(|e| e.to_string())
        };
        for good in
            ["10.0.0.7", "10.0.0.0/24", "10.0.0.7/32", "128.0.0.0/1", "::1", "2001:db8::/32"]
        {
            assert!(trusted(good).is_ok(), "{good}");
        }
        for (bad, problem) in [
            ("", "neither"),
            ("proxy.example", "neither"),
            ("10.0.0.0/33", "neither"),
            ("10.0.0.7:80", "neither"),
            ("10.0.0.7/24", "bits set"),
            ("2001:db8::1/32", "bits set"),
            ("0.0.0.0/0", "everybody"),
            ("::/0", "everybody"),
            ("::ffff:10.0.0.7", "as IPv6"),
            ("::ffff:10.0.0.0/104", "as IPv6"),
        ] {
            let error = trusted(bad).unwrap_err();
            assert!(error.contains(problem) && error.contains(&format!("{bad:?}")), "{error}");
        }
    }
    proptest! {
        #[test]
        fn whatever_a_client_sends_the_proxy_says_who_it_is(
            sent in prop::collection::vec("[0-9a-f.:%,\\[\\] ]{0,40}|[ -~\\x80-\\xff]{0,40}", 0..3),
        ) {
            let mut head = head(&[]);
            for line in sent {
                let line = HeaderValue::from_bytes(line.as_bytes()).unwrap();
                head.headers.append(X_FORWARDED_FOR, line);
            }
            let address = ClientIp::from_fn(|_| Some([10, 0, 0, 1].into()));
            let address = address.trusted_proxies(["10.0.0.1"]).unwrap();
            prop_assert!(address.of(&head).is_some());
            head.headers.append(X_FORWARDED_FOR, HeaderValue::from_static("192.0.2.1"));
            prop_assert_eq!(address.of(&head), Some(client("192.0.2.1")));
        }
    }
}
