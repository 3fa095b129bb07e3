//! IDs in header fields, and which codings the inner service is asked for.

use std::mem;

use http::header::{ACCEPT, ACCEPT_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::presented::Presented;
use super::unknown::unknown_session;
use crate::auth::{Principal, Rejection, is_spelling_of};
use crate::session::binding::{ADDED_LEN, SessionBinder, Verified};
use crate::session::key::IdKind;

/// The fields of one name, in any spelling: none, one, or more than one.
pub(super) enum Fields<'h> {
    None,
    One(&'h mut HeaderValue),
    Several,
}

/// Returns the fields of both names, in any spelling, in one pass.
pub(super) fn find_both<'h>(
    headers: &'h mut HeaderMap,
    names: [&HeaderName; 2],
) -> (Fields<'h>, Fields<'h>) {
    let (mut first, mut second) = (Fields::None, Fields::None);
    for (field, value) in headers.iter_mut() {
        let field = field.as_str();
        let fields = if is_spelling_of(field, names[0]) {
            &mut first
        } else if is_spelling_of(field, names[1]) {
            &mut second
        } else {
            continue;
        };
        *fields = if matches!(fields, Fields::None) { Fields::One(value) } else { Fields::Several };
    }
    (first, second)
}

impl Fields<'_> {
    /// Verifies the only field, replaces it by the ID, and returns what the client sent. An empty field is none.
    pub(super) fn verify(
        self,
        verify: impl for<'b> Fn(&'b [u8]) -> Option<Verified<'b>>,
    ) -> Result<Option<Presented>, Rejection> {
        let field = match self {
            Self::None => return Ok(None),
            Self::One(field) => field,
            Self::Several => return Err(unknown_session()),
        };
        if is_blank(field.as_bytes()) {
            return Ok(None);
        }
        let verified = verify(field.as_bytes()).ok_or_else(unknown_session)?;
        let is_current = verified.is_current;
        let id = HeaderValue::from_bytes(verified.id).map_err(|_| unknown_session())?;
        Ok(Some(Presented::new(mem::replace(field, id), is_current)))
    }
}

/// Removes the fields of these names, in whatever spelling.
pub(super) fn remove(headers: &mut HeaderMap, names: &[&HeaderName]) {
    let is_named =
        |field: &&HeaderName| names.iter().any(|name| is_spelling_of(field.as_str(), name));
    let removed: Vec<_> = headers.keys().filter(is_named).cloned().collect();
    for name in removed {
        headers.remove(name);
    }
}

/// Binds the session IDs in the fields of this name. `presented` is the one of the request.
pub(super) fn bind(
    headers: &mut HeaderMap,
    name: &HeaderName,
    binder: &SessionBinder,
    principal: &Principal,
    presented: Option<&Presented>,
) {
    // Responses have few fields: comparing their names takes less than hashing this one.
    for (_, id) in headers.iter_mut().filter(|(field, _)| *field == name) {
        if is_blank(id.as_bytes()) {
            continue;
        }
        let same = presented.and_then(|presented| presented.bound(id.as_bytes()));
        *id = same.unwrap_or_else(|| {
            let mut bound = Vec::with_capacity(id.len() + ADDED_LEN);
            binder.bind(IdKind::Session, principal, id.as_bytes(), &mut bound);
            // A field value is still one with a tag after it. If it were not, it would be no session.
            HeaderValue::try_from(bound).unwrap_or(HeaderValue::from_static(""))
        });
    }
}

/// Replaces `Accept-Encoding` by `identity`, if the response may be an event stream.
pub(super) fn request_identity_coding(headers: &mut HeaderMap) {
    if headers.contains_key(ACCEPT_ENCODING) && accepts_event_stream(headers) {
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    }
}

/// Returns whether a response may be an event stream (RFC 9110 §12.5.1). An empty list accepts as
/// much as none.
fn accepts_event_stream(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(ACCEPT).iter();
    let mut ranges = lines
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b','))
        .filter(|range| !is_blank(range))
        .peekable();
    ranges.peek().is_none() || ranges.any(includes_event_streams)
}

fn includes_event_streams(range: &[u8]) -> bool {
    let mut parts = range.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
    let media_type = parts.next().unwrap_or_default();
    let is_weight_zero = |part: &[u8]| match part {
        [b'q' | b'Q', b'=', b'0', rest @ ..] => rest.iter().all(|byte| matches!(byte, b'.' | b'0')),
        _ => false,
    };
    let ranges = [&b"*/*"[..], b"text/*", b"text/event-stream"];
    ranges.iter().any(|known| media_type.eq_ignore_ascii_case(known)) && !parts.any(is_weight_zero)
}

/// Returns whether an ID is empty, which is none. White space around a field is not part of its
/// value.
pub(super) fn is_blank(id: &[u8]) -> bool {
    id.trim_ascii().is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accept_field_decides_whether_a_stream_is_possible() {
        for (accept, expected) in [
            (&[][..], true),
            (&[""], true),
            (&["*/*"], true),
            (&["Text/*;q=0.5"], true),
            (&["application/json, text/event-stream"], true),
            (&["application/json", "text/event-stream"], true),
            (&["application/json"], false),
            (&["text/event-stream;q=0"], false),
            (&["text/event-stream; q=0.000, application/json"], false),
            (&["text/event-stream;q=0.001"], true),
        ] {
            let mut headers = HeaderMap::new();
            headers.extend(accept.iter().map(|line| (ACCEPT, HeaderValue::from_static(line))));
            assert_eq!(accepts_event_stream(&headers), expected, "{accept:?}");
        }
    }
}
