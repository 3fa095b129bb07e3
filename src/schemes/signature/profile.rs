//! What a signature must cover and say to be worth something. A signature that leaves out the
//! path, say, is a good signature of something else.

use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::request::Parts;
use http::{HeaderMap, HeaderName};

use crate::auth::SignificantHeaders;

use super::wire::base::{AUTHORITY, METHOD, PATH, QUERY};
use super::wire::digest::CONTENT_DIGEST;

pub(crate) const CONTENT_TYPE: &str = "content-type";

/// The components that must be covered, for a request with these headers.
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

/// Whether one of these has several lines. They are signed as one, joined by commas, and servers
/// read the first: whoever stands in between could split a line.
pub(crate) fn has_several_lines(headers: &HeaderMap, components: &[&str]) -> bool {
    let has_two = |name: &&str| headers.get_all(*name).iter().nth(1).is_some();
    headers.len() > headers.keys_len() && components.iter().any(has_two)
}

/// Whether the head says that a body follows. It need not: the body itself is looked at, too.
pub(crate) fn announces_body(head: &Parts) -> bool {
    let length = head.headers.get(CONTENT_LENGTH);
    length.is_some_and(|length| length != "0") || head.headers.contains_key(TRANSFER_ENCODING)
}
