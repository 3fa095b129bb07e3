//! How session and event IDs are bound, computed once more.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderName, HeaderValue};
use percent_encoding::percent_decode;
use sha2::Sha256;

pub const KEY: [u8; 32] = [7; 32];
pub const SESSION: &str = "session";
pub const EVENT: &str = "event";

/// Returns the ID with its tag for the principal `bearer`, which has no issuer. A blank ID is none.
pub fn bound(kind: &str, id: &[u8]) -> Vec<u8> {
    if id.trim_ascii().is_empty() {
        return id.to_vec();
    }
    let tag = tag(kind, "bearer", id);
    [id, b".", tag.as_bytes()].concat()
}

/// Returns the tag of an ID for a principal with a short name and without an issuer.
pub fn tag(kind: &str, principal: &str, id: &[u8]) -> String {
    let hmac = |key: &[u8], message: &[u8]| {
        let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
        mac.update(message);
        mac.finalize().into_bytes()
    };
    let key = hmac(&KEY, format!("mcp-auth-layer/v2 {kind}").as_bytes());
    let name = [&[0, principal.len() as u8], principal.as_bytes()].concat();
    BASE64_URL_SAFE_NO_PAD.encode(&hmac(&key, &[&name, id].concat())[..16])
}

/// Returns whether this is a name of the session parameter: up to its end, a bracket or a NUL, of which
/// there may be several.
pub fn names_session(name: &[u8]) -> bool {
    let decoded: Vec<u8> = percent_decode(name).collect();
    let ends = (0..decoded.len()).filter(|&at| b"[]\0".contains(&decoded[at]));
    ends.chain([decoded.len()]).any(|end| {
        let letters = decoded[..end].iter().filter(|byte| byte.is_ascii_alphanumeric());
        letters.map(u8::to_ascii_lowercase).eq(*b"sessionid")
    })
}

/// Returns whether the value of a session parameter is none.
pub fn is_blank(value: &[u8]) -> bool {
    percent_decode(value).all(|byte| byte.is_ascii_whitespace() || byte == b'+')
}

/// The query and the fields of a request.
pub type Ids = (Option<String>, Vec<(HeaderName, HeaderValue)>);

/// Returns fields by their names.
pub fn sorted<'f>(
    fields: impl IntoIterator<Item = (&'f HeaderName, &'f HeaderValue)>,
) -> Vec<(HeaderName, HeaderValue)> {
    let mut fields: Vec<_> =
        fields.into_iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    fields.sort_by(|(a, _), (b, _)| a.as_str().cmp(b.as_str()));
    fields
}

/// Returns which IDs a field has.
pub fn kind(name: &HeaderName) -> Option<&'static str> {
    match name.as_str() {
        "mcp-session-id" | "mcp_session.id" => Some(SESSION),
        "last-event-id" | "last_event-id" => Some(EVENT),
        _ => None,
    }
}

/// Returns what the inner service should receive.
pub fn verified(query: &str, fields: &[(HeaderName, HeaderValue)]) -> Option<Ids> {
    let mut fields = sorted(fields.iter().map(|(name, value)| (name, value)));
    let mut has_session = false;
    for of in [SESSION, EVENT] {
        let mut own = fields.iter_mut().filter(|(name, _)| kind(name) == Some(of));
        let (Some((_, id)), None) = (own.next(), own.next()) else {
            if fields.iter().any(|(name, _)| kind(name) == Some(of)) {
                return None;
            }
            continue;
        };
        if !id.as_bytes().trim_ascii().is_empty() {
            *id = HeaderValue::from_bytes(unbound(of, id.as_bytes())?).unwrap();
            has_session |= of == SESSION;
        }
    }
    let mut pairs: Vec<String> = query.split_inclusive(['&', ';']).map(str::to_owned).collect();
    let name = |pair: &str| pair.trim_end_matches(['&', ';']).split('=').next().unwrap().len();
    let own: Vec<_> = (0..pairs.len())
        .filter(|&at| names_session(pairs[at][..name(&pairs[at])].as_bytes()))
        .collect();
    match own[..] {
        [] => {}
        [at] => {
            let (pair, name) = (pairs[at].clone(), name(&pairs[at]));
            let (text, end) = pair.split_at(pair.strip_suffix(['&', ';']).unwrap_or(&pair).len());
            let value = text.get(name + 1..).unwrap_or_default();
            if !is_blank(value.as_bytes()) {
                let id = unbound(SESSION, value.as_bytes()).filter(|_| !has_session)?;
                pairs[at] = format!("{}={}{end}", &text[..name], str::from_utf8(id).unwrap());
            }
        }
        _ => return None,
    }
    Some((Some(pairs.concat()), fields))
}

fn unbound<'i>(kind: &str, bound: &'i [u8]) -> Option<&'i [u8]> {
    let (id, presented) = bound.split_at(bound.len().checked_sub(23)?);
    let is_bound =
        !id.is_empty() && presented == format!(".{}", tag(kind, "bearer", id)).as_bytes();
    is_bound.then_some(id)
}
