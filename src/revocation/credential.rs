//! What is known of the credential of a request.

use std::time::SystemTime;

use crate::auth::Principal;

/// The credential of an authenticated request, as far as it can be revoked.
pub(crate) struct Credential<'c> {
    pub(crate) principal: &'c Principal,
    /// The bearer token.
    pub(crate) token: Option<&'c [u8]>,
    /// The claims of an access token, byte for byte: two tokens that differ in a claim are two credentials.
    pub(crate) claims: Option<&'c [u8]>,
}

/// The claims of an access token by which it can be revoked.
pub(crate) struct TokenIds<'c> {
    pub(crate) issuer: &'c str,
    pub(crate) subject: &'c str,
    /// The ID of the token (`jti`).
    pub(crate) id: Option<&'c str>,
    pub(crate) issued_at: Option<SystemTime>,
}
