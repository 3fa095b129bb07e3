//! Challenges: what `WWW-Authenticate` carries (RFC 9110 §11.6.1).

use http::HeaderValue;

use super::realm::Realm;
use super::token::{AuthParam, AuthScheme};

/// One challenge of a 401: a scheme and its parameters, sent in a `WWW-Authenticate` field of
/// its own (RFC 9110 §11.6.1).
///
/// The layer inserts its [realm](crate::McpAuthLayer::realm) as the first parameter.
///
/// ```
/// use mcp_auth_layer::auth::{AuthParam, AuthScheme, Challenge};
///
/// // Sent as `ApiKey realm="mcp", header="x-api-key"`.
/// let challenge = Challenge::new(AuthScheme::from_static("ApiKey"))
///     .param(AuthParam::from_static("header"), "x-api-key");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Challenge {
    scheme: AuthScheme,
    params: Vec<(AuthParam, String)>,
}

impl Challenge {
    /// Creates a challenge of this scheme, without parameters.
    pub fn new(scheme: AuthScheme) -> Self {
        Self { scheme, params: Vec::new() }
    }

    /// Creates the challenge of a credential that is wrong, expired or revoked. Bearer names the
    /// error (RFC 6750 §3.1).
    pub(crate) fn invalid(scheme: AuthScheme) -> Self {
        if scheme == AuthScheme::BEARER {
            Self::new(scheme).param(AuthParam::ERROR, "invalid_token")
        } else {
            Self::new(scheme)
        }
    }

    /// Adds a parameter.
    ///
    /// Its value is sent as a quoted string, without the characters that such a string cannot
    /// carry: control characters and everything but ASCII.
    pub fn param(mut self, name: AuthParam, value: impl Into<String>) -> Self {
        self.params.push((name, value.into()));
        self
    }

    /// Returns the scheme.
    pub fn scheme(&self) -> &AuthScheme {
        &self.scheme
    }

    /// Sorts challenges for a response: Bearer first, as some clients read the first one alone.
    pub(crate) fn sort(challenges: &mut [Self]) {
        challenges.sort_by_key(|challenge| *challenge.scheme() != AuthScheme::BEARER);
    }

    pub(crate) fn to_header(&self, realm: &Realm) -> HeaderValue {
        let mut text = format!("{} realm=", self.scheme);
        push_quoted(&mut text, realm.as_str());
        for (name, value) in &self.params {
            text.extend([", ", name.as_str(), "="]);
            push_quoted(&mut text, value);
        }
        HeaderValue::try_from(text).expect("tokens and quoted ASCII make a field value")
    }
}

/// Appends `text` as a `quoted-string` (RFC 9110 §5.6.4).
fn push_quoted(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars().filter(|c| matches!(c, ' '..='~')) {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_line_breaks_stay_inside_the_string() {
        let challenge = Challenge::new(AuthScheme::from_static("ApiKey"))
            .param(AuthParam::from_static("hint"), "a\r\nSet-Cookie: b=\"c\\d\" é");
        assert_eq!(
            challenge.to_header(&Realm::from_static("say \"mcp\"")),
            r#"ApiKey realm="say \"mcp\"", hint="aSet-Cookie: b=\"c\\d\" ""#
        );
    }
}
