//! Which proxies are trusted.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;

/// A proxy or a network of proxies, such as `127.0.0.1`, `::1` or `10.1.2.0/24`.
///
/// ```
/// use mcp_auth_layer::rate_limit::ProxyNetwork;
///
/// let load_balancers: ProxyNetwork = "10.1.2.0/24".parse()?;
/// assert!("0.0.0.0/0".parse::<ProxyNetwork>().is_err());
/// # Ok::<_, mcp_auth_layer::rate_limit::TrustedProxyError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ProxyNetwork(IpNet);

/// Why a trusted proxy cannot be configured.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("trusted proxy {proxy:?} {problem}")]
#[non_exhaustive]
pub struct TrustedProxyError {
    proxy: String,
    problem: &'static str,
}

impl ProxyNetwork {
    pub(super) fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address)
    }

    fn parse(proxy: &str) -> Result<Self, &'static str> {
        let network: IpNet = proxy
            .parse()
            .or_else(|_| proxy.parse().map(|address: IpAddr| address.into()))
            .map_err(|_| "is neither an address (10.1.2.3) nor a network (10.1.2.0/24)")?;
        if network.prefix_len() == 0 {
            return Err("matches every address: list the proxies");
        }
        if network.addr() != network.network() {
            return Err("has bits set after its prefix: write the network's address, or no prefix");
        }
        if network.addr().to_canonical() != network.addr() {
            return Err("is IPv4 written as IPv6: write it as IPv4");
        }
        Ok(Self(network))
    }
}

impl FromStr for ProxyNetwork {
    type Err = TrustedProxyError;

    /// Parses an address or a network.
    ///
    /// # Errors
    ///
    /// If it is neither, has bits set after its prefix, matches every address, or is IPv4 written
    /// as IPv6.
    fn from_str(proxy: &str) -> Result<Self, TrustedProxyError> {
        Self::parse(proxy).map_err(|problem| TrustedProxyError { proxy: proxy.to_owned(), problem })
    }
}

impl TryFrom<&str> for ProxyNetwork {
    type Error = TrustedProxyError;

    fn try_from(proxy: &str) -> Result<Self, TrustedProxyError> {
        proxy.parse()
    }
}

/// The network of this one address.
impl From<IpAddr> for ProxyNetwork {
    fn from(address: IpAddr) -> Self {
        Self(address.to_canonical().into())
    }
}

impl fmt::Display for ProxyNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ambiguous_proxies_are_errors() {
        for good in
            ["10.0.0.7", "10.0.0.0/24", "10.0.0.7/32", "128.0.0.0/1", "::1", "2001:db8::/32"]
        {
            assert!(good.parse::<ProxyNetwork>().is_ok(), "{good}");
        }
        for (bad, problem) in [
            ("", "neither"),
            ("proxy.example", "neither"),
            ("10.0.0.0/33", "neither"),
            ("10.0.0.7:80", "neither"),
            ("10.0.0.7/24", "bits set"),
            ("2001:db8::1/32", "bits set"),
            ("0.0.0.0/0", "every address"),
            ("::/0", "every address"),
            ("::ffff:10.0.0.7", "as IPv6"),
            ("::ffff:10.0.0.0/104", "as IPv6"),
        ] {
            let error = bad.parse::<ProxyNetwork>().unwrap_err().to_string();
            assert!(error.contains(problem) && error.contains(&format!("{bad:?}")), "{error}");
        }
    }

    #[test]
    fn an_address_is_the_network_of_itself() {
        let address: IpAddr = "::ffff:10.0.0.7".parse().unwrap();
        assert_eq!(Ok(ProxyNetwork::from(address)), "10.0.0.7".parse());
        assert_eq!(ProxyNetwork::from(address).to_string(), "10.0.0.7/32");
    }
}
