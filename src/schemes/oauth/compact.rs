//! The compact serialization of a signed token (RFC 7515 §7.1).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The greatest length of an access token, in bytes. Tokens that list the groups of a user are large.
pub(super) const MAX_TOKEN: usize = 16 * 1024;

/// A token of three parts that are not empty.
pub(super) struct Compact<'t> {
    header: &'t str,
    payload: &'t str,
    signature: &'t str,
    /// What the signature covers: the header and the payload, as they were sent.
    pub(super) signed: &'t str,
}

impl<'t> Compact<'t> {
    /// Splits a token, whose length the caller has checked. Encrypted tokens have five parts.
    pub(super) fn split(token: &'t str) -> Option<Self> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, payload) = signed.split_once('.')?;
        let has_three = !payload.contains('.');
        let is_complete = !header.is_empty() && !payload.is_empty() && !signature.is_empty();
        (has_three && is_complete).then_some(Self { header, payload, signature, signed })
    }

    pub(super) fn header(&self) -> Option<Vec<u8>> {
        decode(self.header)
    }

    pub(super) fn payload(&self) -> Option<Vec<u8>> {
        decode(self.payload)
    }

    pub(super) fn signature(&self) -> Option<Vec<u8>> {
        decode(self.signature)
    }
}

/// Decodes base64url without padding. Bits that no byte has must be zero: a token has one spelling.
fn decode(part: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(part).ok()
}
