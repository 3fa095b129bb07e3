//! `WWW-Authenticate` (RFC 9110 §11.6.1).

use http::HeaderValue;

/// One challenge of a 401: a scheme and its parameters, sent in a `WWW-Authenticate` field of
/// its own (RFC 9110 §11.6.1). The layer adds its
/// [realm](crate::McpAuthLayer::realm) as the first parameter.
///
/// ```
/// use mcp_auth_layer::Challenge;
///
/// // Sent as `ApiKey realm="mcp", header="x-api-key"`.
/// let challenge = Challenge::new("ApiKey").param("header", "x-api-key");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    scheme: &'static str,
    params: Vec<(&'static str, String)>,
}

impl Challenge {
    /// A challenge of this scheme, without parameters.
    ///
    /// # Panics
    ///
    /// If the scheme is not a token (RFC 9110 §5.6.2).
    pub fn new(scheme: &'static str) -> Self {
        assert!(is_token(scheme), "the scheme of a challenge is a token");
        Self { scheme, params: Vec::new() }
    }

    /// To whose credential of this scheme was good once (RFC 6750 §3.1).
    pub(crate) fn expired(scheme: &'static str) -> Self {
        match scheme {
            "Bearer" => Self::new(scheme).param("error", "invalid_token"),
            _ if is_token(scheme) => Self::new(scheme),
            _ => Self::new("custom"),
        }
    }

    /// Adds a parameter. Its value is sent as a quoted string, without what such a string cannot
    /// hold: control characters and anything but ASCII.
    ///
    /// # Panics
    ///
    /// If the name is not a token (RFC 9110 §5.6.2).
    pub fn param(mut self, name: &'static str, value: impl Into<String>) -> Self {
        assert!(is_token(name), "a challenge's parameter name is a token");
        self.params.push((name, value.into()));
        self
    }

    /// The scheme.
    pub fn scheme(&self) -> &'static str {
        self.scheme
    }

    pub(crate) fn to_header(&self, realm: &str) -> HeaderValue {
        let mut text = format!("{} realm=", self.scheme);
        push_quoted(&mut text, realm);
        for (name, value) in &self.params {
            text.extend([", ", name, "="]);
            push_quoted(&mut text, value);
        }
        HeaderValue::try_from(text).expect("tokens and quoted ASCII make a field value")
    }
}

fn is_token(text: &str) -> bool {
    let tchar = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    !text.is_empty() && text.bytes().all(tchar)
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
        let challenge = Challenge::new("ApiKey").param("hint", "a\r\nSet-Cookie: b=\"c\\d\" é");
        assert_eq!(
            challenge.to_header("say \"mcp\""),
            r#"ApiKey realm="say \"mcp\"", hint="aSet-Cookie: b=\"c\\d\" ""#
        );
    }

    #[test]
    #[should_panic(expected = "token")]
    fn a_scheme_is_a_token() {
        Challenge::new("Api Key");
    }

    #[test]
    #[should_panic(expected = "token")]
    fn a_parameter_name_is_a_token() {
        let _ = Challenge::new("ApiKey").param("a=b", "");
    }
}
