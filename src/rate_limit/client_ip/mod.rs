//! The client's IP address: the peer's or, behind trusted proxies, the one that they report.

use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
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
/// use mcp_auth_layer::rate_limit::ClientIp;
///
/// # fn main() -> Result<(), mcp_auth_layer::rate_limit::TrustedProxyError> {
/// // Without proxies: `app.into_make_service_with_connect_info::<SocketAddr>()` provides the peer.
/// let direct = ClientIp::peer();
///
/// // Behind nginx on this machine, and load balancers in front of it.
/// let proxied = ClientIp::peer().trusted_proxies(["127.0.0.1", "::1", "10.1.2.0/24"])?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use]
pub struct ClientIp {
    find: Arc<Find>,
    source: Source,
    trusted: Vec<ProxyNetwork>,
}

/// Where an address comes from, for what is logged.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    Peer,
    Function,
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
    /// use mcp_auth_layer::rate_limit::ClientIp;
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

    /// Returns whether an address can be found at all.
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

    /// Returns whether the peer reports a client that it forwards for, and is not a trusted proxy.
    pub(super) fn ignores_a_proxy(&self, head: &Parts) -> bool {
        let is_forwarded =
            || [X_FORWARDED_FOR, FORWARDED].iter().any(|name| head.headers.contains_key(name));
        let is_trusted = |peer: IpAddr| self.trusts(peer.to_canonical());
        self.source == Source::Peer && is_forwarded() && !(self.find)(head).is_some_and(is_trusted)
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

/// Removes the zone of an IPv6 address (RFC 4007 §11): the link on which a proxy saw it. It has no meaning on
/// other hosts.
fn without_zone(element: &str) -> Cow<'_, str> {
    let Some((address, zone)) = element.split_once('%') else {
        return element.into();
    };
    let is_ipv6 = address.strip_prefix('[').unwrap_or(address).parse::<Ipv6Addr>().is_ok();
    let rest = zone.find(']').map_or("", |end| &zone[end..]);
    if is_ipv6 { format!("{address}{rest}").into() } else { element.into() }
}

#[cfg(test)]
mod tests;
