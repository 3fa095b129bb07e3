//! What is decided before anybody is asked for a credential: public paths, CORS preflights,
//! OAuth discovery probes, and the `Origin` of browsers.

use http::Method;
use http::header::{ACCESS_CONTROL_REQUEST_METHOD, HOST, HeaderName, ORIGIN};
use http::request::Parts;

use crate::options::Options;
use crate::{Reason, Rejection};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// A request that needs no credential.
pub(crate) enum Exempt {
    /// It is passed on, bare.
    Passed(&'static str),
    /// The layer answers it.
    Answered(Rejection),
}

/// Whether a request needs no credential. Paths are compared as they were sent, byte for byte:
/// whatever another spelling may mean to the inner service, it is not exempt.
pub(crate) fn exempt(options: &Options, head: &Parts, has_body: bool) -> Option<Exempt> {
    if options.public_paths.iter().any(|path| path == head.uri.path()) {
        return Some(Exempt::Passed("public path"));
    }
    if is_preflight(head, has_body) {
        return Some(Exempt::Passed("preflight"));
    }
    if is_discovery_probe(head) {
        return Some(match options.pass_discovery {
            true => Exempt::Passed("discovery"),
            false => Exempt::Answered(Rejection::new(
                Reason::NoDiscovery,
                "no OAuth here: the credential is configured in the client, as a header",
            )),
        });
    }
    None
}

/// The CORS preflight of the Fetch standard, §4.8, which a browser sends without credentials.
fn is_preflight(head: &Parts, has_body: bool) -> bool {
    head.method == Method::OPTIONS
        && head.headers.contains_key(ORIGIN)
        && head.headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
        && !has_body
}

/// RFC 8414 §3, RFC 9728 §3 and OpenID Connect Discovery §4: the documents where MCP clients look
/// for an authorization server after a 401, alone or with the path of the resource behind them.
///
/// What an upstream's URL library could normalize into another path is none of them.
fn is_discovery_probe(head: &Parts) -> bool {
    const DOCUMENTS: [&str; 3] = [
        "/.well-known/oauth-protected-resource",
        "/.well-known/oauth-authorization-server",
        "/.well-known/openid-configuration",
    ];
    let behind = |document| head.uri.path().strip_prefix(document);
    let plain = |rest: &str| {
        let mut segments = rest.split('/').skip(1);
        rest.is_empty()
            || rest.starts_with('/')
                && !rest.contains(['%', '\\', ';'])
                && !rest.contains("//")
                && !segments.any(|segment| matches!(segment, "." | ".."))
    };
    matches!(head.method, Method::GET | Method::HEAD | Method::OPTIONS)
        && DOCUMENTS.into_iter().filter_map(behind).any(plain)
}

/// MCP: "Servers MUST validate the `Origin` header". Browsers name the page that makes them ask,
/// and attach remembered Basic credentials by themselves.
///
/// They leave it out of GET and HEAD where a page only wants to load or go somewhere, and say so in
/// `Sec-Fetch-Site` (Fetch Metadata). A request with neither is not a page's.
pub(crate) fn check_origin(options: &Options, head: &Parts) -> Result<(), Rejection> {
    let mut origins = head.headers.get_all(ORIGIN).iter();
    let Some(origin) = origins.next() else {
        let site = match head.method {
            Method::GET | Method::HEAD => head.headers.get(SEC_FETCH_SITE),
            _ => None,
        };
        return match site {
            Some(site) if site != "same-origin" && site != "none" => Err(Rejection::new(
                Reason::ForeignOrigin,
                "a page of another origin made the browser ask, and browsers do not say which",
            )),
            _ => Ok(()),
        };
    };
    let allowed = origin.to_str().is_ok_and(|origin| {
        let listed = |allowed: &String| allowed.eq_ignore_ascii_case(origin);
        options.allowed_origins.iter().any(listed) || is_own(origin, head)
    });
    if allowed && origins.next().is_none() {
        return Ok(());
    }
    let shown: String = String::from_utf8_lossy(origin.as_bytes()).chars().take(200).collect();
    Err(Rejection::new(
        Reason::ForeignOrigin,
        format!("the origin {shown:?} is not allowed here: see McpAuthLayer::allow_origin"),
    ))
}

/// Whether the origin is that of every host the request names: the URI's authority (HTTP/2, or
/// absolute form) and `Host`. The scheme does not count, as TLS may end in front of the server.
fn is_own(origin: &str, head: &Parts) -> bool {
    let Some((scheme, authority)) = origin.split_once("://") else {
        return false;
    };
    let default_port = match scheme {
        "http" => ":80",
        "https" => ":443",
        _ => return false,
    };
    let without_port = |host: &[u8]| {
        let host = host.strip_suffix(default_port.as_bytes()).unwrap_or(host);
        host.to_ascii_lowercase()
    };
    let named = head.uri.authority().map(|authority| authority.as_str().as_bytes());
    let fields = head.headers.get_all(HOST).iter().map(|host| host.as_bytes());
    let mut hosts = named.into_iter().chain(fields).peekable();
    !authority.is_empty()
        && hosts.peek().is_some()
        && hosts.all(|host| without_port(host) == without_port(authority.as_bytes()))
}
