//! `Mcp-Method` and `Mcp-Name`: header fields that repeat what the body says (version 2026-07-28), for
//! intermediaries that do not read it.
//!
//! They are compared whenever they are there, whatever the version of the protocol: a gateway behind this layer
//! may go by them. Whether they must be there is the inner service's matter.

use std::borrow::Cow;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::{HeaderMap, HeaderValue};

use super::error::{MessageError, Unreadable};
use super::messages::{Message, Messages};

const METHOD: &str = "mcp-method";
const NAME: &str = "mcp-name";

/// Checks that the fields say what the body says.
pub(super) fn check_mirrored_headers<'b>(
    headers: &HeaderMap,
    messages: &Messages<'b>,
) -> Result<(), MessageError<'b>> {
    let only = match messages {
        Messages::Single(message) => Some(message),
        Messages::Batch(_) => None,
    };
    let call = only.and_then(Message::call);
    let method = call.map(|call| call.method());
    let name = call.and_then(|call| match call.targets() {
        [only] => Some(only.name()),
        _ => None,
    });
    for (field, shown, expected) in [(METHOD, "Mcp-Method", method), (NAME, "Mcp-Name", name)] {
        let mut values = headers.get_all(field).iter();
        let is_match = match (values.next(), values.next()) {
            (None, _) => true,
            (Some(value), None) => expected.is_some_and(|expected| is_for(value, expected)),
            (Some(_), Some(_)) => false,
        };
        if !is_match {
            let error = MessageError::new(Unreadable::HeaderMismatch(shown));
            return Err(error.with_id(only.and_then(Message::id)));
        }
    }
    Ok(())
}

/// Returns whether a field has this text, in the one form in which it may be sent.
fn is_for(value: &HeaderValue, expected: &str) -> bool {
    let Ok(value) = value.to_str() else { return false };
    let encoded = value.strip_prefix("=?base64?").and_then(|rest| rest.strip_suffix("?="));
    let decoded = match encoded {
        Some(encoded) => BASE64_STANDARD.decode(encoded).map(Cow::Owned),
        None => Ok(Cow::Borrowed(value.as_bytes())),
    };
    decoded.is_ok_and(|decoded| *decoded == *expected.as_bytes())
}
