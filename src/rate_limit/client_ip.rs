//! The client's IP address: the peer's or, behind trusted proxies, the one that they report.

use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use http::HeaderName;
use http::header::FORWARDED;
use http::request::Parts;

use super::client::Client;
use super::proxy_network::{ProxyNetwork, TrustedProxyError};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

type Find = dyn Fn(&Parts) -> Option<IpAddr> + Send + Sync;

/// Determines the client's IP address, by which failed attempts are limited: the peer's address, which
/// `axum::serve` provides, or one that a function of your own finds.
///
/// IPv6 addresses of one /64 network count as one client: a host usually controls all of them.
///
/// # Behind proxies
///
/// Behind a proxy the peer is the proxy, and all clients would share its limit. `X-Forwarded-For` is
/// read if the peer is one of the [trusted proxies](Self::trusted_proxies). It is read from the right,
/// where each proxy adds the address that it saw: the first one that is not a trusted proxy's is the
/// client's. Entries to the left of it are supplied by the client, and ignored. `Forwarded` (RFC 7239)
/// is not read: a proxy that sets only one of the two fields forwards the other as the client sent it.
///
/// An entry that is not an address, such as `unknown`, ends the search at the last trusted proxy. The
/// client then shares the limit of the proxy. So do all clients if the proxy sends no
/// `X-Forwarded-For`.
///
/// ```
/// use mcp_auth_layer::ClientIp;
///
/// # fn main() -> Result<(), mcp_auth_layer::TrustedProxyError> {
/// // Without proxies: `app.into_make_service_with_connect_info::<SocketAddr>()` provides the peer.
/// let direct = ClientIp::peer();
///
/// // Behind nginx on this machine, and load balancers in front of it.
/// let proxied = ClientIp::peer().trusted_proxies(["127.0.0.1", "::1", "10.1.2.0/24"])?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct ClientIp {
    find: Arc<Find>,
    source: Source,
    trusted: Vec<ProxyNetwork>,
}

/// Where an address comes from, for what is logged.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    #[cfg_attr(not(any(test, feature = "axum")), allow(dead_code, reason = "axum knows the peer"))]
    Peer,
    Function,
    #[cfg_attr(feature = "axum", allow(dead_code, reason = "the peer is the default"))]
    Unconfigured,
}

impl ClientIp {
    /// Uses the peer's address: `ConnectInfo<SocketAddr>` in the request's extensions.
    ///
    /// axum inserts it if the app is served by
    /// `app.into_make_service_with_connect_info::<SocketAddr>()`. In tests a `MockConnectInfo`
    /// inserts it.
    #[cfg(feature = "axum")]
    pub fn peer() -> Self {
        use axum::extract::ConnectInfo;
        use axum::extract::connect_info::MockConnectInfo;

        let by_peer = Self::from_fn(|head| {
            let served = head.extensions.get().map(|ConnectInfo::<SocketAddr>(peer)| peer);
            let mocked = || head.extensions.get().map(|MockConnectInfo::<SocketAddr>(peer)| peer);
            served.or_else(mocked).map(SocketAddr::ip)
        });
        Self { source: Source::Peer, ..by_peer }
    }

    /// Uses the address that a function finds in the head of a request: for servers other than
    /// axum's, or if a proxy reports the client in another field. `None` means that there is none.
    ///
    /// Read it from a field only if this server can be reached through a proxy alone, which sets
    /// the field: a client could forge it, and evade the limit with a new address for each attempt.
    ///
    /// [Trusted proxies](Self::trusted_proxies) apply to the address that it returns. For a proxy
    /// at a Unix socket, return `127.0.0.1` and trust that.
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
        Self { find: Arc::new(find), source: Source::Function, trusted: Vec::new() }
    }

    /// Finds no address.
    #[cfg(not(feature = "axum"))]
    pub(super) fn unconfigured() -> Self {
        Self { source: Source::Unconfigured, ..Self::from_fn(|_| None) }
    }

    /// Trusts the `X-Forwarded-For` of these proxies, given as addresses (`127.0.0.1`, `::1`) or
    /// networks (`10.1.2.0/24`). Call it again for more.
    ///
    /// List the proxies alone, not a network that contains clients: a trusted peer can pass for any
    /// client.
    ///
    /// # Errors
    ///
    /// If one of them is neither an address nor a network, is a network with bits set after its
    /// prefix, matches every address, or is IPv4 written as IPv6.
    pub fn trusted_proxies<P: AsRef<str>>(
        mut self,
        proxies: impl IntoIterator<Item = P>,
    ) -> Result<Self, TrustedProxyError> {
        for proxy in proxies {
            self.trusted.push(proxy.as_ref().parse()?);
        }
        Ok(self)
    }

    /// Trusts the `X-Forwarded-For` of these proxies, as
    /// [`trusted_proxies`](Self::trusted_proxies) does.
    pub fn trusted_networks(mut self, proxies: impl IntoIterator<Item = ProxyNetwork>) -> Self {
        self.trusted.extend(proxies);
        self
    }

    /// Whether an address can be found at all.
    pub(super) fn is_configured(&self) -> bool {
        self.source != Source::Unconfigured
    }

    /// Returns the client that makes a request, if its address is found.
    pub(super) fn find(&self, head: &Parts) -> Option<Client> {
        let mut address = (self.find)(head)?.to_canonical();
        // All lines are one list (RFC 9110 §5.3). The proxy next to this server added the last
        // element.
        let lines = head.headers.get_all(X_FORWARDED_FOR).iter().rev();
        let hops = lines.flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b','));
        // Empty elements are ignored (RFC 9110 §5.6.1).
        let mut hops = hops.filter(|hop| !hop.trim_ascii().is_empty());
        while self.trusts(address)
            && let Some(before) = hops.next().and_then(hop)
        {
            address = before;
        }
        Some(address.into())
    }

    /// Whether the peer reports a client that it forwards for, and is not a trusted proxy.
    pub(super) fn ignores_a_proxy(&self, head: &Parts) -> bool {
        let is_forwarded =
            [X_FORWARDED_FOR, FORWARDED].iter().any(|name| head.headers.contains_key(name));
        let is_trusted = |peer: IpAddr| self.trusts(peer.to_canonical());
        self.source == Source::Peer && is_forwarded && !(self.find)(head).is_some_and(is_trusted)
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(address))
    }
}

/// Shows the trusted proxies.
impl fmt::Debug for ClientIp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientIp").field("trusted", &self.trusted).finish_non_exhaustive()
    }
}

/// Parses an element of `X-Forwarded-For`, as proxies write it: with or without a port, IPv6 with or
/// without brackets and zone.
fn hop(element: &[u8]) -> Option<IpAddr> {
    let element = without_zone(std::str::from_utf8(element).ok()?.trim_matches([' ', '\t']));
    let address_alone = || element.parse().ok();
    let with_port = || Some(element.parse::<SocketAddr>().ok()?.ip());
    let in_brackets = || {
        let address = element.strip_prefix('[')?.strip_suffix(']')?;
        Some(IpAddr::V6(address.parse().ok()?))
    };
    let address = address_alone().or_else(with_port).or_else(in_brackets);
    address.map(|address| address.to_canonical())
}

/// Removes the zone (RFC 4007 §11): the link on which a proxy saw an address. It has no meaning on
/// other hosts.
fn without_zone(element: &str) -> Cow<'_, str> {
    let Some((address, zone)) = element.split_once('%') else {
        return element.into();
    };
    let rest = zone.find(']').map_or("", |end| &zone[end..]);
    if address.contains(':') { format!("{address}{rest}").into() } else { element.into() }
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

    /// Returns the client of a request from this peer, where `10.0.0.0/24` and `2001:db8:10::7` are
    /// proxies.
    fn found_behind(peer: &str, forwarded: &[&str]) -> Client {
        let peer: IpAddr = peer.parse().unwrap();
        let proxies = ["10.0.0.0/24", "2001:db8:10::7"];
        let address = ClientIp::from_fn(move |_| Some(peer)).trusted_proxies(proxies).unwrap();
        address.find(&head(forwarded)).unwrap()
    }

    #[cfg(feature = "axum")]
    #[test]
    fn the_peer_is_the_one_that_axum_provides() {
        use axum::extract::ConnectInfo;
        use axum::extract::connect_info::MockConnectInfo;

        let peer = SocketAddr::from(([192, 0, 2, 1], 4711));
        let mut served = head(&["198.51.100.1"]);
        assert_eq!(ClientIp::peer().find(&served), None);
        served.extensions.insert(MockConnectInfo(SocketAddr::from(([192, 0, 2, 2], 1))));
        assert_eq!(ClientIp::peer().find(&served), Some(client("192.0.2.2")));
        served.extensions.insert(ConnectInfo(peer));
        assert_eq!(ClientIp::peer().find(&served), Some(client("192.0.2.1")));
    }

    #[test]
    fn a_function_finds_the_address_or_there_is_none() {
        let address =
            ClientIp::from_fn(|head| head.headers.get("x-real-ip")?.to_str().ok()?.parse().ok());
        let mut head = head(&[]);
        assert_eq!(address.find(&head), None);
        head.headers.insert("x-real-ip", "192.0.2.1".parse().unwrap());
        assert_eq!(address.find(&head), Some(client("192.0.2.1")));
    }

    #[test]
    fn x_forwarded_for_is_read_from_trusted_peers_only() {
        assert_eq!(found_behind("10.0.0.1", &["192.0.2.1"]), client("192.0.2.1"));
        assert_eq!(found_behind("10.0.1.1", &["192.0.2.1"]), client("10.0.1.1"));
        assert_eq!(found_behind("2001:db8:10::7", &["192.0.2.1"]), client("192.0.2.1"));
        assert_eq!(found_behind("2001:db8:10::8", &["192.0.2.1"]), client("2001:db8:10::8"));
        assert_eq!(found_behind("::ffff:10.0.0.1", &["192.0.2.1"]), client("192.0.2.1"));
    }

    #[test]
    fn the_rightmost_address_that_is_not_a_proxy_is_the_client() {
        let forged = &["203.0.113.9, 192.0.2.1", "10.0.0.3,\t2001:db8:10::7 , ::ffff:10.0.0.2"];
        assert_eq!(found_behind("10.0.0.1", forged), client("192.0.2.1"));
        // The same, but for the order of the lines.
        let other = &["10.0.0.3, 2001:db8:10::7, ::ffff:10.0.0.2", "203.0.113.9, 192.0.2.1"];
        assert_eq!(found_behind("10.0.0.1", other), client("192.0.2.1"));
        let other = &["10.0.0.3, 2001:db8:10::7, 10.0.1.2", "203.0.113.9, 10.0.0.4"];
        assert_eq!(found_behind("10.0.0.1", other), client("203.0.113.9"));
    }

    #[test]
    fn if_all_addresses_are_proxies_the_leftmost_is_the_client() {
        assert_eq!(found_behind("10.0.0.1", &[]), client("10.0.0.1"));
        assert_eq!(found_behind("10.0.0.1", &["10.0.0.3, 10.0.0.2"]), client("10.0.0.3"));
    }

    #[test]
    fn an_invalid_address_ends_the_search_at_the_last_proxy() {
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
            assert_eq!(found_behind("10.0.0.1", &[&list]), client("10.0.0.2"), "{bad:?}");
        }
        let list = "203.0.113.9, 10.0.0.3, 10.0.0.2";
        assert_eq!(found_behind("10.0.0.1", &[list]), client("203.0.113.9"));

        let mut head = head(&["203.0.113.9"]);
        head.headers.append(X_FORWARDED_FOR, HeaderValue::from_bytes(b"\xff").unwrap());
        let address = ClientIp::from_fn(|_| Some([10, 0, 0, 1].into()));
        let address = address.trusted_proxies(["10.0.0.1"]).unwrap();
        assert_eq!(address.find(&head), Some(client("10.0.0.1")));
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
            assert_eq!(found_behind("10.0.0.1", &[list]), client("192.0.2.1"), "{list:?}");
        }
        assert_eq!(found_behind("10.0.0.1", &["192.0.2.1", ""]), client("192.0.2.1"));
        assert_eq!(found_behind("10.0.0.1", &["", " , "]), client("10.0.0.1"), "nothing else");
    }

    #[test]
    fn an_untrusted_forwarding_peer_is_reported() {
        let forwarded = head(&["192.0.2.1"]);
        let peer = |address: ClientIp| ClientIp { source: Source::Peer, ..address };
        let found = || ClientIp::from_fn(|_| Some([10, 0, 0, 1].into()));
        assert!(peer(found()).ignores_a_proxy(&forwarded));
        assert!(!peer(found()).ignores_a_proxy(&head(&[])));
        assert!(!peer(found().trusted_proxies(["10.0.0.1"]).unwrap()).ignores_a_proxy(&forwarded));
        assert!(!found().ignores_a_proxy(&forwarded), "a function may read other fields");
        let mut rfc_7239 = head(&[]);
        rfc_7239.headers.insert(FORWARDED, HeaderValue::from_static("for=192.0.2.1"));
        assert!(peer(found()).ignores_a_proxy(&rfc_7239));
    }

    #[test]
    fn ports_brackets_and_zones_are_not_part_of_an_address() {
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
    fn typed_networks_are_trusted_like_strings() {
        let networks = ["10.0.0.0/24".parse().unwrap()];
        let address = ClientIp::from_fn(|_| Some([10, 0, 0, 1].into())).trusted_networks(networks);
        assert_eq!(address.find(&head(&["192.0.2.1"])), Some(client("192.0.2.1")));
    }

    proptest! {
        #[test]
        fn clients_cannot_forge_what_a_proxy_reports(
            sent in prop::collection::vec("[0-9a-f.:%,\\[\\] ]{0,40}|[ -~\\x80-\\xff]{0,40}", 0..3),
        ) {
            let mut head = head(&[]);
            for line in sent {
                let line = HeaderValue::from_bytes(line.as_bytes()).unwrap();
                head.headers.append(X_FORWARDED_FOR, line);
            }
            let address = ClientIp::from_fn(|_| Some([10, 0, 0, 1].into()));
            let address = address.trusted_proxies(["10.0.0.1"]).unwrap();
            prop_assert!(address.find(&head).is_some());
            head.headers.append(X_FORWARDED_FOR, HeaderValue::from_static("192.0.2.1"));
            prop_assert_eq!(address.find(&head), Some(client("192.0.2.1")));
        }
    }
}
