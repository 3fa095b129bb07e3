//! The rules for the claims of a logout token (OpenID Connect Back-Channel Logout 1.0 §2.4 and §2.6).

use std::time::{Duration, SystemTime};

use serde_json::{Map, Value};

use crate::signals::refusal::{Code, Refusal};
use crate::signals::seconds::Seconds;

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// How much the clocks of provider and server may differ.
const SKEW: Duration = Duration::from_secs(60);

/// A logout token that conforms to the rules.
#[derive(Debug, PartialEq)]
pub(super) struct Logout<'c> {
    pub(super) id: &'c str,
    pub(super) subject: &'c str,
    pub(super) before: SystemTime,
    /// Whether it names one session of the user.
    pub(super) has_session: bool,
}

/// Applies the rules to claims whose signature is verified. The token is for one of these clients.
///
/// # Errors
///
/// If one of the rules is violated.
pub(super) fn decide<'c>(
    clients: &[String],
    claims: &'c Map<String, Value>,
    now: SystemTime,
) -> Result<Logout<'c>, Refusal> {
    check_audience(clients, claims)?;
    if claims.contains_key("nonce") {
        return refused("a logout token must not have `nonce`");
    }
    let now = Seconds::of(now)
        .ok_or_else(|| Code::InvalidRequest.because("the clock of this server is before 1970"))?;
    let latest = now.plus(SKEW);
    let (iat, exp) = (time(claims, "iat"), time(claims, "exp"));
    let (Some(iat), Some(exp)) = (iat, exp) else {
        return refused("`iat` or `exp` is not a time");
    };
    if iat > latest {
        return refused("the token was issued in the future");
    }
    if exp.plus(SKEW) <= now {
        return refused("the token has expired");
    }
    check_event(claims)?;
    let (id, subject) = (text(claims, "jti")?, text(claims, "sub")?);
    let has_session = text(claims, "sid")?.is_some();
    let Some(id) = id else { return refused("`jti` is missing") };
    let Some(subject) = subject else {
        return refused(if has_session {
            "the token names a session alone, which access tokens do not name: `sub` is required here"
        } else {
            "`sub` is missing"
        });
    };
    Ok(Logout { id, subject, before: iat.time(), has_session })
}

fn check_audience(clients: &[String], claims: &Map<String, Value>) -> Result<(), Refusal> {
    let is_ours = |client: &Value| {
        client.as_str().is_some_and(|client| clients.iter().any(|own| own == client))
    };
    let is_accepted = match claims.get("aud") {
        Some(Value::Array(all)) => all.iter().all(Value::is_string) && all.iter().any(is_ours),
        Some(client) => is_ours(client),
        None => false,
    };
    if is_accepted {
        Ok(())
    } else {
        Err(Code::InvalidAudience.because("the token is for another client"))
    }
}

/// Checks that the event is a logout, whose payload is an empty object.
fn check_event(claims: &Map<String, Value>) -> Result<(), Refusal> {
    let event = claims.get("events").and_then(Value::as_object).and_then(|all| all.get(EVENT));
    match event.and_then(Value::as_object) {
        Some(payload) if payload.is_empty() => Ok(()),
        _ => refused("`events` does not have the event of a logout, with an empty object"),
    }
}

fn time(claims: &Map<String, Value>, name: &str) -> Option<Seconds> {
    claims.get(name).and_then(Seconds::read)
}

fn text<'c>(claims: &'c Map<String, Value>, name: &str) -> Result<Option<&'c str>, Refusal> {
    match claims.get(name) {
        None => Ok(None),
        Some(Value::String(text)) if !text.is_empty() => Ok(Some(text)),
        Some(_) => refused("`jti`, `sub` or `sid` is empty or no text"),
    }
}

fn refused<T>(description: &'static str) -> Result<T, Refusal> {
    Err(Code::InvalidRequest.because(description))
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use serde_json::json;

    use super::*;
    use crate::signals::refusal::Code;

    const ISSUED: u64 = 1_471_566_154;

    /// The example of OpenID Connect Back-Channel Logout 1.0 §2.4.
    fn example() -> Value {
        json!({
            "iss": "https://server.example.com", "sub": "248289761001", "aud": "s6BhdRkqt3",
            "iat": ISSUED, "exp": ISSUED + 120, "jti": "bWJq", "sid": "08a5019c-17e1-4977-8f42-65a12843ea02",
            "events": {EVENT: {}},
        })
    }

    fn decide_at(claims: &Value, now: u64) -> Result<(String, bool), Refusal> {
        let clients = ["s6BhdRkqt3".to_owned()];
        let now = UNIX_EPOCH + Duration::from_secs(now);
        decide(&clients, claims.as_object().unwrap(), now)
            .map(|logout| (logout.subject.to_owned(), logout.has_session))
    }

    fn with(name: &str, value: Option<Value>) -> Result<(String, bool), Refusal> {
        let mut claims = example();
        match value {
            Some(value) => claims[name] = value,
            None => drop(claims.as_object_mut().unwrap().remove(name)),
        }
        decide_at(&claims, ISSUED + 10)
    }

    #[test]
    fn the_example_of_the_specification_is_accepted() {
        assert_eq!(with("sid", Some(json!("s-1"))), Ok(("248289761001".to_owned(), true)));
        assert_eq!(with("sid", None), Ok(("248289761001".to_owned(), false)));
        assert!(with("aud", Some(json!(["other", "s6BhdRkqt3"]))).is_ok());
    }

    #[test]
    fn each_claim_of_a_logout_token_is_checked() {
        let broken = [
            ("aud", Some(json!("other"))),
            ("aud", Some(json!([]))),
            ("aud", None),
            ("nonce", Some(json!("n-0S6_WzA2Mj"))),
            ("nonce", Some(json!(null))),
            ("iat", Some(json!(ISSUED + 71))),
            ("iat", Some(json!("1471566154"))),
            ("iat", None),
            ("exp", Some(json!(ISSUED - 50))),
            ("exp", None),
            ("jti", Some(json!(""))),
            ("jti", None),
            ("sub", Some(json!(7))),
            ("sub", Some(json!(""))),
            ("sid", Some(json!(7))),
            ("events", Some(json!({}))),
            ("events", Some(json!({EVENT: null}))),
            ("events", Some(json!({EVENT: {"sid": "s-1"}}))),
            (
                "events",
                Some(
                    json!({"https://schemas.openid.net/secevent/caep/event-type/session-revoked": {}}),
                ),
            ),
            ("events", Some(json!(EVENT))),
            ("events", None),
        ];
        for (name, value) in broken {
            let refusal = with(name, value.clone()).unwrap_err();
            let expected = if name == "aud" { Code::InvalidAudience } else { Code::InvalidRequest };
            assert_eq!(refusal.code, expected, "{name} {value:?}");
        }
    }

    #[test]
    fn a_token_that_names_a_session_alone_is_refused() {
        let refusal = with("sub", None).unwrap_err();
        assert!(refusal.description.contains("a session alone"), "{refusal:?}");
    }

    #[test]
    fn a_logout_token_expires() {
        assert!(decide_at(&example(), ISSUED + 179).is_ok());
        assert!(decide_at(&example(), ISSUED + 180).is_err());
        assert!(decide_at(&example(), ISSUED - 60).is_ok());
        assert!(decide_at(&example(), ISSUED - 61).is_err());
    }
}
