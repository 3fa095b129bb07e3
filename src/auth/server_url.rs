//! URLs of servers that credentials are sent to, or that decide who is authenticated.

use std::net::{Ipv4Addr, Ipv6Addr};

use http::Uri;
use http::uri::Authority;

/// Parses the URL of a server: `https`, or `http` and of a loopback host, without user information and
/// fragment.
///
/// # Errors
///
/// What is wrong with it, as a clause.
pub(crate) fn parse_server_url(url: &str) -> Result<Uri, &'static str> {
    if !url.bytes().all(|byte| byte.is_ascii_graphic()) || url.contains(['"', '\\', '<', '>']) {
        return Err("it has characters that a URL cannot have");
    }
    if url.contains('#') {
        return Err("it has a fragment");
    }
    let uri: Uri = url.parse().map_err(|_| "it is not a URL")?;
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return Err("it is not an absolute URL");
    };
    if authority.as_str().contains('@') {
        return Err("it has user information");
    }
    if authority.host().is_empty() {
        return Err("it has no host");
    }
    if !has_only_port_after_host(authority) {
        return Err("what follows its host is not a port");
    }
    if scheme == "https" || scheme == "http" && is_loopback(authority.host()) {
        Ok(uri)
    } else {
        Err("it must begin with https://, or http:// for a loopback address")
    }
}

/// Returns whether nothing follows the host, or a port does. `Uri` ignores what is between `]` and the port, and
/// does not read the port.
fn has_only_port_after_host(authority: &Authority) -> bool {
    match authority.as_str().strip_prefix(authority.host()) {
        Some("") => true,
        Some(rest) => rest.strip_prefix(':').is_some_and(|port| {
            port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok()
        }),
        None => false,
    }
}

/// Returns whether a host is a loopback address or `localhost`: what is sent to it stays on this machine.
fn is_loopback(host: &str) -> bool {
    let inside = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    match inside {
        Some(inside) => inside.parse::<Ipv6Addr>().is_ok_and(|address| address.is_loopback()),
        None => {
            host.eq_ignore_ascii_case("localhost")
                || host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_https_or_of_this_machine() {
        for url in [
            "https://id.example.com",
            "https://id.example.com:8443/a/b?c=d",
            "http://localhost:7001",
            "http://127.0.0.1:7001/mcp",
            "http://[::1]:7001/mcp",
        ] {
            assert!(parse_server_url(url).is_ok(), "{url}");
        }
        for url in [
            "http://id.example.com",
            "http://192.168.0.1",
            "http://[2001:db8::1]",
            "http://localhost.example.com",
            "https://user@id.example.com",
            "https://id.example.com/#x",
            "https://id.example.com/a b",
            "https://id.example.com/\"",
            "https://",
            "https://:443",
            "https://:/a",
            "https://id.example.com:",
            "https://id.example.com:70000",
            "http://localhost:80a",
            "http://localhost:+80",
            "http://[::1]id.example.com:80",
            "http://[::1]id.example.com",
            "id.example.com",
            "/mcp",
            "ftp://id.example.com",
            "",
        ] {
            assert!(parse_server_url(url).is_err(), "{url}");
        }
    }
}
