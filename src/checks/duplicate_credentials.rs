//! Requests with two credentials in one field.

use http::header::{AUTHORIZATION, COOKIE};
use http::request::Parts;
use http::{HeaderName, Version};

use crate::auth::{Rejection, SIGNATURE, SIGNATURE_INPUT, is_spelling_of};

/// Rejects a request in which a credential header appears twice, in any spelling: implementations
/// differ in which of two they read.
///
/// Signatures are lists, whose lines are joined (RFC 9421 §4), and so are cookies over HTTP/2
/// (RFC 9113 §8.2.3).
pub(crate) fn check_duplicate_credentials(
    head: &Parts,
    credential_headers: &[HeaderName],
) -> Result<(), Rejection> {
    let has_two = head.headers.len() > head.headers.keys_len()
        && head.headers.get_all(AUTHORIZATION).iter().nth(1).is_some();
    if has_two {
        return Err(Rejection::bad_request("more than one Authorization header"));
    }
    let is_list = |name: &HeaderName| {
        *name == SIGNATURE
            || *name == SIGNATURE_INPUT
            || *name == COOKIE && head.version >= Version::HTTP_2
    };
    for name in credential_headers.iter().filter(|name| !is_list(name)) {
        let lines = head.headers.iter().filter(|(field, _)| is_spelling_of(field.as_str(), name));
        if lines.count() > 1 {
            return Err(Rejection::bad_request(format!("more than one {name} header")));
        }
    }
    Ok(())
}
