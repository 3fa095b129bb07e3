//! A plain reading of security events (RFC 8417) and logout tokens (OpenID Connect Back-Channel Logout 1.0).

use serde_json::Value;

use crate::tokens::{AUDIENCE, ISSUER, Members, now};

/// Members of valid headers and claims: of a security event and of a logout token.
pub const HEADERS: [&[&str]; 2] = [
    &[r#""alg":"EdDSA""#, r#""kid":"k1""#, r#""typ":"secevent+jwt""#],
    &[r#""alg":"EdDSA""#, r#""kid":"k1""#, r#""typ":"logout+jwt""#],
];
const LOGOUT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// Returns valid claims.
pub fn claims(is_logout: bool) -> Vec<String> {
    let now = now() as u64;
    let own = if is_logout {
        vec![
            format!(r#""events":{{"{LOGOUT}":{{}}}}"#),
            r#""sub":"alice""#.to_owned(),
            format!(r#""exp":{}"#, now + 60),
        ]
    } else {
        vec![
            r#""events":{"https://schemas.openid.net/secevent/caep/event-type/session-revoked":{}}"#.to_owned(),
            r#""sub_id":{"format":"opaque","id":"alice"}"#.to_owned(),
        ]
    };
    let common = [
        format!(r#""iss":"{ISSUER}""#),
        format!(r#""aud":"{AUDIENCE}""#),
        format!(r#""iat":{now}"#),
    ];
    own.into_iter().chain(common).chain([format!(r#""jti":"{now}""#)]).collect()
}

/// Returns whether a token with these parts may be accepted, by a plain reading of them.
pub fn may_be_accepted(is_logout: bool, header: &[u8], payload: &[u8]) -> bool {
    let (Some(header), Some(claims)) = (Members::read(header), Members::read(payload)) else {
        return false;
    };
    let typ = header.text("typ").unwrap_or_default().to_ascii_lowercase();
    let typ = typ.strip_prefix("application/").unwrap_or(&typ).to_owned();
    let now = now();
    let events = claims.value("events");
    let events = events.as_ref().and_then(Value::as_object);
    let is_kind = if is_logout {
        let is_empty = |event: &Value| event.as_object().is_some_and(|event| event.is_empty());
        typ == "logout+jwt"
            && events.and_then(|events| events.get(LOGOUT)).is_some_and(is_empty)
            && claims.number("exp").is_some_and(|time| time > now - 61.0)
            && claims.text("sub").is_some_and(|sub| !sub.is_empty())
            && !claims.has("nonce")
    } else {
        typ == "secevent+jwt"
            && events
                .is_some_and(|events| events.len() == 1 && events.values().all(Value::is_object))
            && claims.number("iat").is_some_and(|time| time > now - 7.0 * 86_400.0 - 61.0)
            && !claims.has("exp")
            && !claims.has("sub")
    };
    is_kind
        && header.names_key()
        && claims.text("iss").as_deref() == Some(ISSUER)
        && claims.is_for(AUDIENCE)
        && claims.number("iat").is_some_and(|time| (0.0..=now + 61.0).contains(&time))
        && claims.text("jti").is_some_and(|id| !id.is_empty())
}
