//! The metadata of an authorization server (RFC 8414, OpenID Connect Discovery), and of a transmitter of security
//! events (Shared Signals Framework 1.0 §7).

use serde_json::Value;

use super::error::RemoteError;
use crate::auth::parse_server_url;

/// Returns where the metadata of an issuer may be, without duplicates: RFC 8414 inserts its suffix before
/// the path, and OpenID Connect appends its own. Some servers insert that one, too.
pub(super) fn locations(issuer: &str) -> Vec<String> {
    let (origin, path) = split(issuer);
    let mut locations = vec![
        format!("{origin}/.well-known/oauth-authorization-server{path}"),
        format!("{origin}/.well-known/openid-configuration{path}"),
    ];
    if !path.is_empty() {
        locations.push(format!("{origin}{path}/.well-known/openid-configuration"));
    }
    locations
}

/// Returns where the metadata of a transmitter may be: at the place of the Shared Signals Framework, at that of
/// earlier transmitters, or where it is as an authorization server.
pub(super) fn transmitter_locations(issuer: &str) -> Vec<String> {
    let (origin, path) = split(issuer);
    let own = ["ssf-configuration", "risc-configuration"];
    let own = own.iter().map(|name| format!("{origin}/.well-known/{name}{path}"));
    own.chain(locations(issuer)).collect()
}

/// Returns the origin of an issuer, and its path without a slash at the end.
fn split(issuer: &str) -> (&str, &str) {
    let host = issuer.find("://").map_or(0, |scheme| scheme + 3);
    let path = issuer[host..].find('/').map_or(issuer.len(), |path| host + path);
    let (origin, path) = issuer.split_at(path);
    (origin, path.strip_suffix('/').unwrap_or(path))
}

/// Reads `jwks_uri` from the metadata that was found at this URL.
///
/// # Errors
///
/// If the metadata is not that of the issuer, or its `jwks_uri` is missing or not safe.
pub(super) fn jwks_uri(issuer: &str, url: &str, json: &[u8]) -> Result<String, RemoteError> {
    let broken = |problem| RemoteError::Metadata { url: url.to_owned(), problem };
    let metadata: Value =
        serde_json::from_slice(json).map_err(|_| broken("the response is not JSON"))?;
    let text = |name| metadata.get(name).and_then(Value::as_str);
    // Byte by byte: a server of several tenants must not speak for another one (RFC 8414 §3.3).
    match text("issuer") {
        Some(found) if found == issuer => {}
        Some(found) => {
            let (found, configured) = (found.to_owned(), issuer.to_owned());
            return Err(RemoteError::OtherIssuer { url: url.to_owned(), found, configured });
        }
        None => return Err(broken("the metadata has no `issuer`")),
    }
    let jwks_uri = text("jwks_uri").ok_or_else(|| broken("the metadata has no `jwks_uri`"))?;
    match check(issuer, jwks_uri) {
        Ok(()) => Ok(jwks_uri.to_owned()),
        Err(problem) => {
            let (url, jwks_uri) = (url.to_owned(), jwks_uri.to_owned());
            Err(RemoteError::JwksUri { url, jwks_uri, problem })
        }
    }
}

/// Checks the URL of an issuer's keys. It may be of any host, but plain `http` is for an issuer alone that is
/// reached by it, on this machine.
///
/// # Errors
///
/// What is wrong with it, as a clause.
pub(super) fn check(issuer: &str, url: &str) -> Result<(), &'static str> {
    let scheme = |url: &str| url.split(':').next().map(str::to_ascii_lowercase);
    parse_server_url(url)?;
    let https = Some("https".to_owned());
    if scheme(url) != https && scheme(issuer) == https {
        return Err("it must begin with https://, as the issuer does");
    }
    Ok(())
}
