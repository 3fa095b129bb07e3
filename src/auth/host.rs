//! The names of the server: configured, never taken from a request.
//!
//! A page of `evil.example` whose name was rebound to this server's address (DNS rebinding) sends
//! `Host: evil.example`, and its `Origin` agrees. MCP wants servers to refuse it. It cannot make the
//! browser send an IP address or `localhost`.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use http::header::{HOST, HeaderName, ORIGIN};
use http::request::Parts;

use super::rejection::Rejection;
use super::rejection_kind::RejectionKind;
use crate::text::Shortened;

pub(crate) const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Returns whether a browser sent a request. `Sec-Fetch-Mode` alone is no sign of one: Node's `fetch` sends it.
pub(crate) fn is_from_browser(head: &Parts) -> bool {
    // Comparing the names of one pass takes less than hashing two.
    head.headers.keys().any(|name| *name == ORIGIN || *name == SEC_FETCH_SITE)
}

/// The server's own names.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hosts(Vec<Host>);

/// A name of the server, as `host` or `host:port`. Without a port it matches any port.
///
/// ```
/// use mcp_auth_layer::auth::Host;
///
/// let fixed = Host::from_static("tools.example.com");
/// let configured: Host = "tools.example.com:8443".parse()?;
/// assert!("https://tools.example.com".parse::<Host>().is_err());
/// # Ok::<(), mcp_auth_layer::auth::InvalidHost>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Host {
    name: String,
    port: Option<u16>,
}

/// An error that says that a text is not the name of a server.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not `host` or `host:port`, without scheme and path")]
pub struct InvalidHost {
    text: String,
}

impl Host {
    /// Creates a host from a literal.
    ///
    /// # Panics
    ///
    /// If it is not `host` or `host:port`.
    pub fn from_static(host: &'static str) -> Self {
        match host.parse() {
            Ok(host) => host,
            Err(error) => panic!("{error}"),
        }
    }

    /// Returns the host with this port if it has none.
    pub(crate) fn or_port(mut self, port: u16) -> Self {
        self.port.get_or_insert(port);
        self
    }

    /// Returns whether a request for `host` or `host:port` is for this one.
    pub(crate) fn is_named_by(&self, host: &[u8]) -> bool {
        let host = str::from_utf8(host).ok().and_then(split_port);
        host.is_some_and(|(name, port)| {
            self.is_named(name, port.and_then(|port| port.parse().ok()))
        })
    }

    /// Returns whether this is the name, for this port. Clients omit the default port of the scheme, even if
    /// their configuration has it.
    fn is_named(&self, name: &str, port: Option<u16>) -> bool {
        let is_port = match (self.port, port) {
            (None, _) | (Some(80 | 443), None) => true,
            (own, named) => own == named,
        };
        is_port && self.name.eq_ignore_ascii_case(name)
    }

    fn parse(text: &str) -> Option<Self> {
        let (name, port) = split_port(text)?;
        let is_name = !name.is_empty()
            && name.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c));
        let port = port.map(str::parse).transpose().ok()?;
        (is_name || is_ip_address(name)).then(|| Self { name: name.to_ascii_lowercase(), port })
    }
}

impl FromStr for Host {
    type Err = InvalidHost;

    fn from_str(text: &str) -> Result<Self, InvalidHost> {
        Self::parse(text).ok_or_else(|| InvalidHost { text: text.to_owned() })
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

impl Hosts {
    pub(crate) fn add(&mut self, host: Host) {
        self.0.push(host);
    }

    pub(crate) fn include(&self, other: &Self) -> bool {
        other.0.iter().all(|host| self.0.contains(host))
    }

    /// Adds the other hosts.
    pub(crate) fn join(&mut self, other: &Self) {
        for host in &other.0 {
            if !self.0.contains(host) {
                self.0.push(host.clone());
            }
        }
    }

    /// Rejects a [browser's](is_from_browser) request for a host that is not this server's.
    pub(crate) fn check(&self, head: &Parts) -> Result<(), Rejection> {
        let mut named = named(head).peekable();
        let foreign = match named.peek() {
            Some(_) => named.find(|host| !self.is_own(host)),
            None => Some(&b""[..]),
        };
        let Some(foreign) = foreign else { return Ok(()) };
        Err(Rejection::new(
            RejectionKind::ForeignHost,
            format!(
                "the host {:?} is not configured as this server's: see McpAuthLayer::host",
                Shortened::new(foreign)
            ),
        ))
    }

    /// Returns whether a rebinding page cannot have sent this `Host`: it is configured, an IP address, or
    /// `localhost`.
    pub(crate) fn is_own(&self, host: &[u8]) -> bool {
        let Some((name, port)) = str::from_utf8(host).ok().and_then(split_port) else {
            return false;
        };
        is_local(name) || self.has(name, port.and_then(|port| port.parse().ok()))
    }

    /// Returns whether this name is configured for this port.
    pub(crate) fn has(&self, name: &str, port: Option<u16>) -> bool {
        self.0.iter().any(|own| own.is_named(name, port))
    }
}

/// Returns every host that a request names: the URI's authority (HTTP/2, or absolute form), and `Host`.
pub(crate) fn named(head: &Parts) -> impl Iterator<Item = &[u8]> {
    let of_uri = head.uri.authority().map(|authority| authority.as_str().as_bytes());
    of_uri.into_iter().chain(head.headers.get_all(HOST).iter().map(|host| host.as_bytes()))
}

/// Returns whether a name is an IP address or `localhost`, which DNS rebinding cannot reach.
pub(crate) fn is_local(name: &str) -> bool {
    name.eq_ignore_ascii_case("localhost") || is_ip_address(name)
}

fn is_ip_address(name: &str) -> bool {
    let inside = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    match inside {
        Some(inside) => inside.parse::<Ipv6Addr>().is_ok(),
        None => name.parse::<Ipv4Addr>().is_ok(),
    }
}

/// Splits `host` and `host:port`, where a host may be an IPv6 address in brackets.
pub(crate) fn split_port(authority: &str) -> Option<(&str, Option<&str>)> {
    let after_brackets = authority.rfind(']').map_or(0, |at| at + 1);
    match authority[after_brackets..].find(':') {
        None => Some((authority, None)),
        Some(at) => {
            let (name, port) = authority.split_at(after_brackets + at);
            let port = &port[1..];
            port.bytes().all(|byte| byte.is_ascii_digit()).then_some((name, Some(port)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_name_or_an_address_with_an_optional_port() {
        for good in
            ["example.com", "Example.com:8443", "10.0.0.1:80", "[::1]", "[::1]:8000", "my_host"]
        {
            assert!(Host::parse(good).is_some(), "{good}");
        }
        for bad in [
            "",
            ":80",
            "a b",
            "https://a",
            "a/b",
            "a:b",
            "a:99999",
            "a@b",
            "::1",
            "[::1",
            "*",
            "*.example.com",
            "é",
        ] {
            assert!(Host::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn configured_hosts_match_by_port_and_without_case() {
        let mut hosts = Hosts::default();
        hosts.add(Host::parse("Tools.example.com").unwrap());
        hosts.add(Host::parse("other.example.com:8443").unwrap());
        hosts.add(Host::parse("tls.example.com:443").unwrap());
        for own in [
            "tools.example.com",
            "TOOLS.example.COM:9",
            "other.example.com:8443",
            "tls.example.com",
            "tls.example.com:443",
        ] {
            assert!(hosts.is_own(own.as_bytes()), "{own}");
        }
        for foreign in [
            "example.com",
            "a.tools.example.com",
            "tools.example.com.",
            "other.example.com",
            "other.example.com:80",
            "tls.example.com:80",
            "tls.example.com:8443",
            "",
        ] {
            assert!(!hosts.is_own(foreign.as_bytes()), "{foreign}");
        }
    }

    #[test]
    fn host_of_a_url_is_named_with_and_without_its_port() {
        let tls = Host::from_static("a.example").or_port(443);
        assert!(tls.is_named_by(b"A.example") && tls.is_named_by(b"a.example:443"));
        for other in [&b"a.example:8443"[..], b"b.example", b"a.example:x", b"", b"\xff"] {
            assert!(!tls.is_named_by(other), "{other:?}");
        }
        assert_eq!(Host::from_static("a.example:8443").or_port(443).port, Some(8443));
    }

    #[test]
    fn only_ip_addresses_and_localhost_are_local() {
        let hosts = Hosts::default();
        for own in
            ["127.0.0.1", "192.0.2.1:8000", "[::1]:80", "localhost", "LOCALHOST:1", "[2001:db8::1]"]
        {
            assert!(hosts.is_own(own.as_bytes()), "{own}");
        }
        for foreign in [
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "localhost.",
            "a.localhost",
            "127.0.0.1@evil.example",
            "::1",
            "[::1",
            "[evil.example]",
            "127.1",
            "0x7f.1",
            "localhost:80:80",
            "é",
        ] {
            assert!(!hosts.is_own(foreign.as_bytes()), "{foreign}");
        }
    }
}
