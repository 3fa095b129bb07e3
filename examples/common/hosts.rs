//! By which names the server is reached. On loopback only names of loopback are accepted, and those
//! that `--host-name` gives: a web page can have a name of its own rebound to 127.0.0.1 (DNS
//! rebinding), and the browser then sends that name as `Host`.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use http::header::HOST;
use http::uri::Authority;
use http::{HeaderMap, StatusCode, Uri};
use mcp_auth_layer::McpAuthLayer;
use mcp_auth_layer::auth::{Host, InvalidHost};

const REFUSAL: &str = "the host is not one of this server's: name it with --host-name";

/// The names of a server that listens.
#[derive(Clone)]
pub struct Hosts {
    named: Vec<Host>,
    loopback_only: bool,
}

impl Hosts {
    pub(super) fn new(named: &[String], listens: SocketAddr) -> Result<Self, InvalidHost> {
        let named = named.iter().map(|name| name.parse()).collect::<Result<_, _>>()?;
        Ok(Self { named, loopback_only: listens.ip().is_loopback() })
    }

    /// Tells the layer, which refuses pages of other names.
    pub fn name<A>(&self, layer: McpAuthLayer<A>) -> McpAuthLayer<A> {
        self.named.iter().cloned().fold(layer, McpAuthLayer::host)
    }

    /// The hosts that rmcp is to accept; none of them where any will do.
    pub fn allowed(&self) -> Vec<String> {
        match self.loopback_only {
            true => {
                let loopback = ["localhost", "127.0.0.1", "[::1]", "::1"].map(str::to_owned);
                loopback.into_iter().chain(self.named.iter().map(Host::to_string)).collect()
            }
            false => Vec::new(),
        }
    }

    /// Refuses requests for any other name, from whatever client.
    pub fn guard(self, app: Router) -> Router {
        app.layer(from_fn(move |request: Request, next: Next| {
            let own = self.are_own(request.uri(), request.headers());
            async move {
                match own {
                    true => next.run(request).await,
                    false => refuse(),
                }
            }
        }))
    }

    fn are_own(&self, uri: &Uri, headers: &HeaderMap) -> bool {
        let own = |authority: &Authority| self.is_own(authority);
        let header = |value: &http::HeaderValue| {
            value.to_str().ok().and_then(|value| value.parse().ok()).is_some_and(|it| own(&it))
        };
        !self.loopback_only
            || uri.authority().is_none_or(own) && headers.get_all(HOST).iter().all(header)
    }

    fn is_own(&self, authority: &Authority) -> bool {
        let named = |name: &Host| {
            let name = &name.to_string();
            name.eq_ignore_ascii_case(authority.as_str())
                || name.eq_ignore_ascii_case(authority.host())
        };
        is_loopback(authority.host()) || self.named.iter().any(named)
    }
}

/// Whether this name can be nobody's but this machine's.
pub fn is_loopback(host: &str) -> bool {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let address = bare.parse::<IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

fn refuse() -> Response {
    (StatusCode::FORBIDDEN, REFUSAL).into_response()
}

/// The argument of `--host-name`: what `McpAuthLayer::host` takes, which panics at anything else.
pub fn host_name(argument: &str) -> Result<String, &'static str> {
    let expected = "expected a name such as tools.example.com, perhaps with a port";
    let authority: Authority = argument.parse().map_err(|_| expected)?;
    let host = authority.host();
    let inside = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let literal = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    let is_host = match inside {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => !host.is_empty() && host.chars().all(literal),
    };
    let is_whole = argument == host
        || authority.port_u16().is_some_and(|port| argument == format!("{host}:{port}"));
    match is_host && is_whole {
        true => Ok(argument.to_owned()),
        false => Err(expected),
    }
}
