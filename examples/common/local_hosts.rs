//! The check of `Host` on loopback, for every client.
//!
//! The layer checks the host of browsers' requests. A server on loopback can be stricter, as only
//! clients on the same machine reach it. Without any check a web page could have its name rebound to
//! 127.0.0.1 (DNS rebinding), and send requests to the server.

use std::net::IpAddr;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use http::header::HOST;
use http::uri::Authority;
use http::{HeaderValue, StatusCode};
use mcp_auth_layer::auth::Host;

const FOREIGN_HOST: &str = "unknown host: add it with --host-name if it is a name of this server";

/// Rejects requests for a host that is neither loopback nor one of these.
pub fn require(hosts: Vec<Host>, app: Router) -> Router {
    let names: Vec<_> = hosts.iter().map(Host::to_string).collect();
    app.layer(from_fn(move |request: Request, next: Next| {
        let is_allowed = is_allowed(&names, &request);
        async move { if is_allowed { next.run(request).await } else { reject() } }
    }))
}

fn is_allowed(names: &[String], request: &Request) -> bool {
    request.uri().authority().is_none_or(|authority| is_allowed_authority(names, authority))
        && request.headers().get_all(HOST).iter().all(|host| {
            parse(host).is_some_and(|authority| is_allowed_authority(names, &authority))
        })
}

fn parse(host: &HeaderValue) -> Option<Authority> {
    host.to_str().ok()?.parse().ok()
}

fn is_allowed_authority(names: &[String], authority: &Authority) -> bool {
    is_loopback(authority.host())
        || names.iter().any(|name| {
            name.eq_ignore_ascii_case(authority.as_str())
                || name.eq_ignore_ascii_case(authority.host())
        })
}

/// Returns whether this host can only be this machine.
pub fn is_loopback(host: &str) -> bool {
    let without_brackets = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let address = without_brackets.unwrap_or(host).parse::<IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

fn reject() -> Response {
    (StatusCode::FORBIDDEN, FOREIGN_HOST).into_response()
}
