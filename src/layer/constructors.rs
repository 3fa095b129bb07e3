//! The layer with one scheme and one credential, in one line.

use super::builder::McpAuthLayer;
use crate::schemes::{Basic, Bearer};

impl McpAuthLayer<Basic> {
    /// Creates a layer with HTTP Basic authentication for one user. For several users, see
    /// [`Basic::new`].
    ///
    /// # Panics
    ///
    /// If the user's name is empty or has a colon, if the password is empty, or if either has a
    /// control character. [`Basic::new`] returns these as errors.
    pub fn basic(user: impl AsRef<str>, password: impl AsRef<str>) -> Self {
        match Basic::new([(user, password)]) {
            Ok(basic) => Self::new(basic),
            Err(error) => panic!("McpAuthLayer::basic: {error}"),
        }
    }
}

impl McpAuthLayer<Bearer> {
    /// Creates a layer with one static bearer token, whose principal is named `bearer`. For several
    /// tokens with names, that can be revoked, see [`Bearer::new`].
    ///
    /// # Panics
    ///
    /// If the token is empty or is not a `b64token` (RFC 6750 §2.1). [`Bearer::new`] returns these
    /// as errors.
    pub fn bearer(token: impl AsRef<str>) -> Self {
        match Bearer::permanent("bearer", token.as_ref()) {
            Ok(bearer) => Self::new(bearer),
            Err(error) => panic!("McpAuthLayer::bearer: {error}"),
        }
    }
}

#[cfg(feature = "hmac")]
impl McpAuthLayer<crate::HttpSignature> {
    /// Creates a layer for requests that are signed with one secret. For several keys and options,
    /// see [`HttpSignature`](crate::HttpSignature).
    ///
    /// # Panics
    ///
    /// If the key id is empty or has something else than printable ASCII, or if the secret is
    /// shorter than 32 bytes. [`HttpSignature::new`](crate::HttpSignature::new) returns these as errors.
    pub fn hmac(key_id: impl Into<String>, secret: impl AsRef<[u8]>) -> Self {
        match crate::HttpSignature::new([(key_id, secret)]) {
            Ok(hmac) => Self::new(hmac),
            Err(error) => panic!("McpAuthLayer::hmac: {error}"),
        }
    }
}

#[cfg(feature = "oauth-http")]
impl McpAuthLayer<crate::Jwt> {
    /// Creates a layer for an OAuth resource: `resource` is the URL that users enter in their clients, and
    /// `issuer` the identity provider, which issues JWTs for this resource as their audience. Clients find the
    /// login by themselves. See [`guide::oauth`](crate::guide::oauth).
    ///
    /// The keys of the issuer are fetched beside requests, from the first one on. For options, other
    /// audiences and several issuers, see [`Jwt`](crate::Jwt) and [`Resource`](super::Resource).
    ///
    /// ```
    /// use mcp_auth_layer::McpAuthLayer;
    ///
    /// let layer = McpAuthLayer::oauth("https://mcp.example.com/mcp", "https://id.example.com");
    /// ```
    ///
    /// # Panics
    ///
    /// If one of them is not an `https` URL, or `http` and of a loopback host, or has a query, a fragment or
    /// user information. [`Resource::new`](super::Resource::new) and [`Jwt::discover`](crate::Jwt::discover)
    /// return these as errors.
    pub fn oauth(resource: impl Into<String>, issuer: impl Into<String>) -> Self {
        let issuer = issuer.into();
        let resource = match super::Resource::new(resource, &*issuer) {
            Ok(resource) => resource,
            Err(error) => panic!("McpAuthLayer::oauth: {error}"),
        };
        match crate::Jwt::discover(issuer, &resource) {
            Ok(tokens) => Self::new(tokens).resource(resource),
            Err(error) => panic!("McpAuthLayer::oauth: {error}"),
        }
    }
}
