//! The one list of header fields that decide the meaning of a request. It decides what a signature
//! must cover, which session a request belongs to, and what the layer strips.

use http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderName, UPGRADE};

pub(crate) static SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");
pub(crate) static LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
pub(crate) static SIGNATURE: HeaderName = HeaderName::from_static("signature");
pub(crate) static SIGNATURE_INPUT: HeaderName = HeaderName::from_static("signature-input");

/// The header fields that decide what a request means, under a layer with these options.
#[derive(Clone, Debug, Default)]
pub(crate) struct SignificantHeaders {
    /// The fields beyond the fixed list: the session header, those of credentials, and those that
    /// the application names.
    own: Vec<HeaderName>,
}

impl SignificantHeaders {
    pub(crate) fn new(own: impl IntoIterator<Item = HeaderName>) -> Self {
        let mut headers = Self::default();
        headers.add(own);
        headers
    }

    pub(crate) fn add(&mut self, names: impl IntoIterator<Item = HeaderName>) {
        for name in names {
            // Signatures do not cover themselves.
            if !self.own.contains(&name) && name != SIGNATURE && name != SIGNATURE_INPUT {
                self.own.push(name);
            }
        }
    }

    pub(crate) fn own(&self) -> &[HeaderName] {
        &self.own
    }

    /// Returns whether a field of this name, in any spelling, is in the list.
    pub(crate) fn contains(&self, name: &str) -> bool {
        let is_mcp = match name.as_bytes() {
            [b'm', b'c', b'p', sign, ..] => !sign.is_ascii_alphanumeric(),
            _ => false,
        };
        let known = [&AUTHORIZATION, &CONTENT_ENCODING, &LAST_EVENT_ID, &UPGRADE];
        // Signatures cover it by its own name wherever there is a body.
        let is_second_type = name != CONTENT_TYPE.as_str() && is_spelling_of(name, &CONTENT_TYPE);
        is_mcp
            || is_second_type
            || known.into_iter().any(|known| is_spelling_of(name, known))
            || self.own.iter().any(|own| is_spelling_of(name, own))
    }
}

/// Returns whether the names are the same to servers that pass headers on as variables. Most of them
/// replace `-` by `_`, PHP also `.`, and lighttpd everything that is neither letter nor digit.
pub(crate) fn is_spelling_of(field: &str, name: &HeaderName) -> bool {
    let (field, name) = (field.as_bytes(), name.as_str().as_bytes());
    let sign = |byte: &u8| !byte.is_ascii_alphanumeric();
    let same = |(a, b): (&u8, &u8)| a == b || sign(a) && sign(b);
    field.len() == name.len() && field.iter().zip(name).all(same)
}

/// The kind of fault: two lists of the same fields, or two notions of the same name.
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_significant_header_is_found() {
        let session = HeaderName::from_static("x-session");
        let key = HeaderName::from_static("x-api-key");
        let headers = SignificantHeaders::new([session, key, SIGNATURE.clone()]);
        for name in [
            "mcp-session-id",
            "mcp_session_id",
            "mcp.session.id",
            "mcp.x",
            "mcp-name",
            "mcp!x",
            "last-event-id",
            "last_event-id",
            "last.event.id",
            "content-encoding",
            "content.encoding",
            "content_type",
            "authorization",
            "upgrade",
            "x-session",
            "x_session",
            "x.session",
            "x-api-key",
            "x_api_key",
        ] {
            assert!(headers.contains(name), "{name}");
        }
        for name in [
            "mcp",
            "mcpx-session",
            "content-type",
            "cookie",
            "x-sessions",
            "xsession",
            "signature",
            "signature-input",
            "signature_input",
            "accept",
        ] {
            assert!(!headers.contains(name), "{name}");
        }
    }
}
