//! The scheme itself: its challenge, and the form of its credentials.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::auth::{AuthParam, AuthScheme, Challenge};
use crate::schemes::authorization_header::Scheme;

pub(super) const BASIC: Scheme = Scheme {
    name: AuthScheme::BASIC,
    challenge: |_| Challenge::with_constant(AuthScheme::BASIC, AuthParam::CHARSET, "UTF-8"),
    well_formed,
    claimed,
};

/// Decodes a credential into memory that is wiped, even if only a part of it can be decoded.
fn decode(credential: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    // Large enough from the start: memory that a vector leaves behind when it grows is not wiped.
    let mut pair = Zeroizing::new(Vec::with_capacity(credential.len()));
    STANDARD.decode_vec(credential, &mut pair).ok()?;
    Some(pair)
}

/// Returns whether it is base64 of UTF-8 with a colon and without control characters.
fn well_formed(credential: &str) -> bool {
    decode(credential.as_bytes()).is_some_and(|pair| {
        str::from_utf8(&pair)
            .is_ok_and(|pair| pair.contains(':') && !pair.chars().any(char::is_control))
    })
}

/// Returns the name of the claimed user, if there is one.
fn claimed(credential: &[u8]) -> Option<Vec<u8>> {
    let pair = decode(credential)?;
    let colon = pair.iter().position(|&byte| byte == b':')?;
    Some(pair[..colon].to_vec())
}
