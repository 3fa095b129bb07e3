//! Which web pages may ask: MCP says that "servers MUST validate the `Origin` header".

use http::Method;
use http::header::ORIGIN;
use http::request::Parts;

use crate::auth::{Hosts, Rejection, RejectionKind, SEC_FETCH_SITE, is_local, named, split_port};
use crate::text::Shortened;

/// The origins of pages that may ask, beside the server's own.
#[derive(Clone, Debug, Default)]
pub(crate) struct Origins {
    allowed: Vec<String>,
    /// Schemes of which every origin is allowed.
    schemes: Vec<String>,
}

/// Whether a text is `scheme://host` or `scheme://host:port`, as browsers send it.
pub(crate) fn is_origin(origin: &str) -> bool {
    let plain = |c: char| c.is_ascii_graphic() && !"/?#*\\".contains(c);
    origin.split_once("://").is_some_and(|(scheme, authority)| {
        is_scheme(scheme) && !authority.is_empty() && authority.chars().all(plain)
    })
}

/// RFC 3986 §3.1.
fn is_scheme(scheme: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && scheme.chars().all(allowed)
}

impl Origins {
    pub(crate) fn allow(&mut self, origin: &str) {
        let origin = origin.strip_suffix(default_port(origin)).unwrap_or(origin);
        self.allowed.push(origin.to_owned());
    }

    /// Allows every origin of this scheme; false if it is no scheme, or one of the whole web.
    pub(crate) fn allow_scheme(&mut self, scheme: &str) -> bool {
        let is_web = ["http", "https"].iter().any(|web| web.eq_ignore_ascii_case(scheme));
        let may_be_allowed = is_scheme(scheme) && !is_web;
        if may_be_allowed {
            self.schemes.push(scheme.to_owned());
        }
        may_be_allowed
    }

    /// Refuses a request that a foreign page made its browser send. Browsers name the page in
    /// `Origin`, and attach remembered Basic credentials by themselves.
    ///
    /// They leave `Origin` out of GET and HEAD where a page only loads something, and say so in
    /// `Sec-Fetch-Site` (Fetch Metadata). A request with neither is not a page's.
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
                Shortened::of(origin.as_bytes())
            ),
        ))
    }

    fn allows(&self, origin: &str) -> bool {
        let is_of_scheme = |allowed: &String| {
            let scheme = origin.split_once("://").map(|(scheme, _)| scheme);
            scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case(allowed))
        };
        self.allowed.iter().any(|allowed| allowed.eq_ignore_ascii_case(origin))
            || self.schemes.iter().any(is_of_scheme)
    }
}

fn check_fetch_site(head: &Parts) -> Result<(), Rejection> {
    let site = match head.method {
        Method::GET | Method::HEAD => head.headers.get(SEC_FETCH_SITE),
        _ => None,
    };
    match site {
        Some(site) if site != "same-origin" && site != "none" => Err(Rejection::new(
            RejectionKind::ForeignOrigin,
            "cross-site request (Sec-Fetch-Site) of a page that the browser does not name",
        )),
        _ => Ok(()),
    }
}

/// Whether the origin is the server's own. A configured host is served over TLS: a page of plain
/// `http` with the same name may be an attacker's on the network. IP addresses and `localhost` are
/// their own origin if the request names the same one, over either scheme.
fn is_own(origin: &str, hosts: &Hosts, head: &Parts) -> bool {
    let Some((scheme, authority)) = origin.split_once("://") else { return false };
    let without_port = |host: &str| {
        let host = host.strip_suffix(default_port(origin)).unwrap_or(host);
        host.to_ascii_lowercase()
    };
    let Some((name, port)) = split_port(authority) else { return false };
    match scheme {
        "https" if hosts.has(name, port.map_or(Some(443), |port| port.parse().ok())) => true,
        "http" | "https" => {
            let mut named = named(head).peekable();
            is_local(name)
                && named.peek().is_some()
                && named.all(|host| {
                    let host = str::from_utf8(host).map(without_port);
                    host.is_ok_and(|host| host == without_port(authority))
                })
        }
        _ => false,
    }
}

fn default_port(origin: &str) -> &'static str {
    match origin.split_once("://") {
        Some(("http", _)) => ":80",
        Some(("https", _)) => ":443",
        _ => "",
    }
}
