//! What a signature must cover. A signature that leaves out the path, say, is a valid signature of
//! another request.

use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::request::Parts;
use http::{HeaderMap, HeaderName};

use super::wire::base::{AUTHORITY, METHOD, PATH, QUERY};
use super::wire::digest::CONTENT_DIGEST;
use crate::auth::SignificantHeaders;

pub(crate) const CONTENT_TYPE: &str = "content-type";

/// Returns the components that must be covered, for a request with these headers.
pub(crate) fn required_components<'h>(
    headers: &'h HeaderMap,
    has_body: bool,
    significant: &SignificantHeaders,
) -> impl Iterator<Item = &'h str> {
    let always = [METHOD, AUTHORITY, PATH, QUERY];
    let body = [CONTENT_DIGEST.as_str(), CONTENT_TYPE].into_iter().filter(move |_| has_body);
    let carried = headers.keys().map(HeaderName::as_str).filter(|name| significant.contains(name));
    always.into_iter().chain(body).chain(carried)
}

/// Returns whether one of these fields has several lines. They are signed as one, joined by commas,
/// while servers read the first: an attacker between client and server could split a line.
pub(crate) fn has_several_lines(headers: &HeaderMap, components: &[&str]) -> bool {
    let has_two = |name: &&str| headers.get_all(*name).iter().nth(1).is_some();
    headers.len() > headers.keys_len() && components.iter().any(has_two)
}

/// Returns whether the head announces a body. A body may come without it, so the body itself is
/// checked, too.
pub(crate) fn announces_body(head: &Parts) -> bool {
    let length = head.headers.get(CONTENT_LENGTH);
    length.is_some_and(|length| length != "0") || head.headers.contains_key(TRANSFER_ENCODING)
}
