//! The claims of a verified token, for handlers.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

use serde::de::{DeserializeOwned, MapAccess};

use super::claims::Claims;
use super::members::{Members, Value, read_object};
use super::time::system_time;

/// The claims of the access token that a request was authenticated with.
///
/// A [`Principal`](crate::Principal) has it as its [data](crate::Principal::data):
///
/// ```
/// use mcp_auth_layer::Principal;
/// use mcp_auth_layer::schemes::TokenClaims;
///
/// fn department(caller: &Principal) -> Option<String> {
///     caller.data::<TokenClaims>()?.get("department")
/// }
/// ```
///
/// `Debug` shows the issuer, the subject and the client, and no other claim.
pub struct TokenClaims {
    json: Box<[u8]>,
    issuer: Arc<str>,
    subject: Box<str>,
    /// Read when they are asked for: most requests do not need them.
    registered: OnceLock<Registered>,
}

/// The registered claims (RFC 7519 §4.1, RFC 9068 §2.2).
#[derive(Default)]
struct Registered {
    client_id: Option<Box<str>>,
    audiences: Box<[Box<str>]>,
    id: Option<Box<str>>,
    issued_at: Option<SystemTime>,
    expires_at: Option<SystemTime>,
}

impl TokenClaims {
    /// Keeps the JSON of claims that were verified, of this issuer and this subject.
    pub(super) fn new(issuer: Arc<str>, subject: &str, json: &[u8]) -> Self {
        let registered = OnceLock::new();
        Self { json: json.into(), issuer, subject: subject.into(), registered }
    }

    fn registered(&self) -> &Registered {
        self.registered.get_or_init(|| {
            // They were read before, so this does not fail.
            Claims::read(&self.json).map(|claims| Registered::new(&claims)).unwrap_or_default()
        })
    }

    /// Returns all claims, as they were sent.
    pub(crate) fn json(&self) -> &[u8] {
        &self.json
    }

    /// Returns the issuer (`iss`).
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Returns the subject (`sub`), which is the name of the principal.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// Returns the client that the token was issued to: `client_id`, `azp`, `cid` or `appid`.
    pub fn client_id(&self) -> Option<&str> {
        self.registered().client_id.as_deref()
    }

    /// Returns the audiences (`aud`).
    pub fn audiences(&self) -> impl Iterator<Item = &str> {
        self.registered().audiences.iter().map(|audience| &**audience)
    }

    /// Returns the ID of the token (`jti`).
    pub fn jti(&self) -> Option<&str> {
        self.registered().id.as_deref()
    }

    /// Returns the time at which the token was issued (`iat`).
    pub fn issued_at(&self) -> Option<SystemTime> {
        self.registered().issued_at
    }

    /// Returns the time at which the token expires (`exp`), without leeway.
    pub fn expires_at(&self) -> Option<SystemTime> {
        self.registered().expires_at
    }

    /// Returns a claim of the top level, if it is there and has this type.
    pub fn get<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        let mut wanted = Wanted { name, value: None };
        read_object(&self.json, &mut wanted).ok()?;
        serde_json::from_value(wanted.value?).ok()
    }

    /// Returns all claims as a type of the application, if they fit it.
    pub fn parse<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_slice(&self.json).ok()
    }
}

impl Registered {
    fn new(claims: &Claims<'_>) -> Self {
        Self {
            client_id: claims.client().map(Into::into),
            audiences: claims.aud.iter().flat_map(|aud| aud.iter()).map(Into::into).collect(),
            id: claims.jti.as_deref().map(Into::into),
            issued_at: claims.iat.and_then(system_time),
            expires_at: claims.exp.and_then(system_time),
        }
    }
}

struct Wanted<'n> {
    name: &'n str,
    value: Option<serde_json::Value>,
}

impl<'de> Members<'de> for Wanted<'_> {
    fn member<A: MapAccess<'de>>(
        &mut self,
        name: &str,
        value: Value<'_, A>,
    ) -> Result<(), A::Error> {
        if name == self.name {
            self.value = Some(value.read("claim")?);
            Ok(())
        } else {
            value.skip()
        }
    }
}

impl fmt::Debug for TokenClaims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenClaims")
            .field("issuer", &self.issuer)
            .field("subject", &self.subject)
            .field("client_id", &self.client_id())
            .finish_non_exhaustive()
    }
}
