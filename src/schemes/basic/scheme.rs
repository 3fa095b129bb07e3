//! The scheme itself: its challenge, and the form of its credentials.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::auth::{AuthParam, AuthScheme, Challenge};
use crate::schemes::authorization_header::Scheme;

pub(super) const BASIC: Scheme = Scheme {
    name: AuthScheme::BASIC,
    challenge: |_| Challenge::new(AuthScheme::BASIC).param(AuthParam::CHARSET, "UTF-8"),
    well_formed,
    claimed,
};

/// Returns whether it is base64 of UTF-8 with a colon and without control characters.
fn well_formed(credential: &str) -> bool {
    STANDARD
        .decode(credential)
        .ok()
        .and_then(|decoded| String::from_utf8(decoded).ok())
        .is_some_and(|pair| pair.contains(':') && !pair.contains(char::is_control))
}

/// Returns the name of the claimed user, if there is one.
fn claimed(credential: &[u8]) -> Option<Vec<u8>> {
    let mut pair = STANDARD.decode(credential).ok()?;
    pair.truncate(pair.iter().position(|&byte| byte == b':')?);
    Some(pair)
}
