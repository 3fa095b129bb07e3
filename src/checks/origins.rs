//! Rejects requests of foreign web pages: MCP says that "servers MUST validate the `Origin` header".

use http::header::ORIGIN;
use http::request::Parts;

use super::origin::{Origin, default_port};
use super::origin_scheme::OriginScheme;
use crate::auth::{Hosts, Rejection, RejectionKind, SEC_FETCH_SITE, is_local, named, split_port};
use crate::text::Shortened;

/// The origins whose pages may send requests, beside the server's own.
#[derive(Clone, Debug, Default)]
pub(crate) struct Origins {
    allowed: Vec<Origin>,
    /// Schemes of which every origin is allowed.
    schemes: Vec<OriginScheme>,
}

impl Origins {
    pub(crate) fn allow(&mut self, origin: Origin) {
        self.allowed.push(origin);
    }

    /// Allows every origin of this scheme.
    pub(crate) fn allow_scheme(&mut self, scheme: OriginScheme) {
        self.schemes.push(scheme);
    }

    /// Rejects a request that a foreign page made its browser send. Browsers name the page in
    /// `Origin`, and attach remembered Basic credentials by themselves.
    ///
    /// They omit `Origin` from GET and HEAD where a page only loads something, and report that in
    /// `Sec-Fetch-Site` (Fetch Metadata). It decides about other methods as well, as a proxy or an
    /// extension may have removed `Origin`. A request with neither field was not sent by a page, unless it
    /// is a GET or HEAD over plain `http`, for which browsers omit both.
    pub(crate) fn check(&self, hosts: &Hosts, head: &Parts) -> Result<(), Rejection> {
        let mut origins = head.headers.get_all(ORIGIN).iter();
        let Some(origin) = origins.next() else {
            return check_fetch_site(head);
        };
        let is_allowed =
            origin.to_str().is_ok_and(|origin| self.allows(origin) || is_own(origin, hosts, head));
        if is_allowed && origins.next().is_none() {
            return Ok(());
        }
        Err(Rejection::new(
            RejectionKind::ForeignOrigin,
            format!(
                "the origin {:?} is not allowed here: see McpAuthLayer::allow_origin",
                Shortened::new(origin.as_bytes())
            ),
        ))
    }

    fn allows(&self, sent: &str) -> bool {
        self.allowed.iter().any(|origin| origin.matches(sent))
            || self.schemes.iter().any(|scheme| scheme.matches(sent))
    }
}

fn check_fetch_site(head: &Parts) -> Result<(), Rejection> {
    let mut sites = head.headers.get_all(SEC_FETCH_SITE).iter();
    if sites.any(|site| site != "same-origin" && site != "none") {
        return Err(Rejection::new(
            RejectionKind::ForeignOrigin,
            "cross-site request blocked (`Sec-Fetch-Site`)",
        ));
    }
    Ok(())
}

/// Returns whether the origin is the server's own.
///
/// A configured host is served over TLS: a page of plain `http` with the same name may come from an
/// attacker on the network. IP addresses and `localhost` are their own origin if the request names
/// the same one, over either scheme.
fn is_own(origin: &str, hosts: &Hosts, head: &Parts) -> bool {
    let Some((scheme, authority)) = origin.split_once("://") else { return false };
    let Some((name, port)) = split_port(authority) else { return false };
    match scheme {
        "https" if hosts.has(name, port.map_or(Some(443), |port| port.parse().ok())) => true,
        "http" | "https" => is_local(name) && names_only(head, authority, default_port(scheme)),
        _ => false,
    }
}

/// Returns whether a request names a host, and no other one. Case and the default port are ignored.
fn names_only(head: &Parts, authority: &str, default_port: &str) -> bool {
    let without_port =
        |host: &str| host.strip_suffix(default_port).unwrap_or(host).to_ascii_lowercase();
    let expected = without_port(authority);
    let mut named = named(head).peekable();
    named.peek().is_some()
        && named.all(|host| str::from_utf8(host).is_ok_and(|host| without_port(host) == expected))
}
