//! How this server identifies itself at the introspection endpoint.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::HeaderValue;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use zeroize::Zeroizing;

use crate::schemes::oauth::OAuthConfigError;

/// The client ID and secret with which this server authenticates at an authorization server
/// (`client_secret_basic`, RFC 6749 §2.3.1).
///
/// The secret is wiped when it is dropped, and never shown by `Debug`.
#[derive(Clone)]
#[must_use]
pub struct ClientSecret {
    id: String,
    secret: Zeroizing<String>,
}

impl ClientSecret {
    /// Creates one. It is checked where it is used.
    pub fn new(id: impl Into<String>, secret: impl Into<String>) -> Self {
        Self { id: id.into(), secret: Zeroizing::new(secret.into()) }
    }

    /// Returns the value of `Authorization`. Its buffer is wiped when its last clone is dropped.
    ///
    /// # Errors
    ///
    /// If the ID or the secret is empty.
    pub(super) fn to_header(&self) -> Result<HeaderValue, OAuthConfigError> {
        for (part, name) in [(&self.id, "client ID"), (&*self.secret, "client secret")] {
            if part.is_empty() {
                return Err(OAuthConfigError::EmptyClient { what: name });
            }
        }
        let secret = form_encoded(&self.secret);
        let pair = Zeroizing::new(format!("{}:{}", *form_encoded(&self.id), *secret));
        let mut value = Zeroizing::new(String::with_capacity(6 + pair.len().div_ceil(3) * 4));
        value.push_str("Basic ");
        STANDARD.encode_string(&*pair, &mut value);
        let mut value = HeaderValue::from_maybe_shared(Bytes::from_owner(Wiped(value)))
            .map_err(|_| OAuthConfigError::EmptyClient { what: "client secret" })?;
        value.set_sensitive(true);
        Ok(value)
    }
}

/// Bytes that are wiped when they are dropped.
pub(super) struct Wiped(pub(super) Zeroizing<String>);

impl AsRef<[u8]> for Wiped {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// `application/x-www-form-urlencoded`, as RFC 6749 appendix B has it, with `%20` for a space.
pub(super) fn form_encoded(text: &str) -> Zeroizing<String> {
    const ENCODED: &AsciiSet =
        &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'*');
    let mut encoded = Zeroizing::new(String::with_capacity(3 * text.len()));
    encoded.extend(utf8_percent_encode(text, ENCODED));
    encoded
}

impl fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientSecret").field("id", &self.id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(id: &str, secret: &str) -> String {
        let header = ClientSecret::new(id, secret).to_header().unwrap();
        let pair = header.to_str().unwrap().strip_prefix("Basic ").unwrap();
        String::from_utf8(STANDARD.decode(pair).unwrap()).unwrap()
    }

    #[test]
    fn id_and_secret_are_form_encoded_before_base64() {
        assert_eq!(decoded("mcp", "s3cret"), "mcp:s3cret");
        assert_eq!(
            decoded("https://a:b", "100%+ é/~"),
            "https%3A%2F%2Fa%3Ab:100%25%2B%20%C3%A9%2F%7E"
        );
        assert_eq!(decoded("a-b._*9", "x"), "a-b._*9:x");
    }

    #[test]
    fn an_empty_id_or_secret_is_an_error() {
        assert!(ClientSecret::new("", "s3cret").to_header().is_err());
        assert!(ClientSecret::new("mcp", "").to_header().is_err());
    }

    #[test]
    fn the_secret_is_not_shown() {
        let secret = ClientSecret::new("mcp-server", "correct-horse");
        let shown = format!("{secret:?} {:?}", secret.to_header().unwrap());
        assert!(shown.contains("mcp-server") && !shown.contains("horse"), "{shown}");
        assert!(!shown.contains(&STANDARD.encode("mcp-server:correct-horse")), "{shown}");
    }
}
