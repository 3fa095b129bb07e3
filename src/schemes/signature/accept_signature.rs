//! The 401 of signed requests, which lists what to sign.

use http::{HeaderName, HeaderValue};

use crate::auth::{AuthScheme, Challenge, Rejection};

const ACCEPT_SIGNATURE: HeaderName = HeaderName::from_static("accept-signature");

/// Creates a 401 whose `Accept-Signature` (RFC 9421 §5.1) lists these components.
pub(super) fn unauthorized<'c>(
    kind: fn(Challenge) -> Rejection,
    components: impl Iterator<Item = &'c str>,
    tag: Option<&str>,
) -> Rejection {
    let mut wanted = String::from("sig=(");
    for (index, component) in components.enumerate() {
        wanted.extend([if index == 0 { "\"" } else { " \"" }, component, "\""]);
    }
    wanted.push_str(");created;expires;nonce;keyid;alg=\"hmac-sha256\"");
    if let Some(tag) = tag {
        wanted.push_str(&format!(";tag={tag:?}"));
    }
    let rejection = kind(Challenge::new(AuthScheme::SIGNATURE));
    match HeaderValue::try_from(wanted) {
        Ok(wanted) => rejection.with_header(ACCEPT_SIGNATURE, wanted),
        Err(_) => rejection,
    }
}
