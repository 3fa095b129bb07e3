//! The times of a SET.

use serde_json::{Value, json};

use super::*;

const DAY: u64 = 24 * 3600;

fn claims(iat: Value, event_timestamp: Option<Value>) -> Value {
    let event = "https://schemas.openid.net/secevent/caep/event-type/session-revoked";
    let payload = event_timestamp.map_or_else(|| json!({}), |at| json!({"event_timestamp": at}));
    json!({
        "iss": ISSUER, "jti": "j-1", "iat": iat, "aud": AUDIENCE,
        "sub_id": {"format": "opaque", "id": "alice"}, "events": {event: payload},
    })
}

fn before(event_timestamp: Option<Value>) -> SystemTime {
    revoked(&rules(), &claims(json!(ISSUED), event_timestamp)).1
}

#[test]
fn a_set_is_from_the_last_seven_days() {
    let accepts = |now: u64| decide_at(&rules(), &claims(json!(ISSUED), None), now).is_ok();
    assert!(accepts(ISSUED - 60) && !accepts(ISSUED - 61));
    assert!(accepts(ISSUED + 7 * DAY + 60) && !accepts(ISSUED + 7 * DAY + 61));
    let mut exact = rules();
    exact.skew = Duration::ZERO;
    let accepts = |now: u64| decide_at(&exact, &claims(json!(ISSUED), None), now).is_ok();
    assert!(accepts(ISSUED) && !accepts(ISSUED - 1));
    assert!(accepts(ISSUED + 7 * DAY) && !accepts(ISSUED + 7 * DAY + 1));
}

#[test]
fn the_time_of_issue_is_a_number() {
    for iat in [json!(ISSUED.to_string()), json!(null), json!(-1), json!(ISSUED * 1_000)] {
        let refusal = decide(&rules(), &claims(iat, None)).unwrap_err();
        assert_eq!(refusal.cause(), "invalid_request: `iat` is not a time");
    }
}

#[test]
fn tokens_from_before_the_event_are_revoked() {
    assert_eq!(before(None), at(ISSUED));
    assert_eq!(before(Some(json!(ISSUED - 3_000))), at(ISSUED - 3_000));
    assert_eq!(before(Some(json!((ISSUED - 3_000) * 1_000))), at(ISSUED - 3_000), "milliseconds");
    assert_eq!(before(Some(json!(ISSUED + 5))), at(ISSUED + 5));
}

#[test]
fn no_event_revokes_what_is_issued_in_the_future() {
    let latest = at(ISSUED + 10 + 60);
    assert_eq!(before(Some(json!(ISSUED + 70))), latest);
    assert_eq!(before(Some(json!(ISSUED + 71))), latest);
    assert_eq!(before(Some(json!(99_999_999_999u64))), latest);
}

#[test]
fn a_time_of_an_event_that_is_no_time_is_refused() {
    for time in [json!("1615304991"), json!(null), json!(-1), json!(1e300)] {
        let refusal = decide(&rules(), &claims(json!(ISSUED), Some(time))).unwrap_err();
        assert_eq!(refusal.cause(), "invalid_request: `event_timestamp` is not a time");
    }
}

#[test]
fn nothing_is_accepted_before_1970() {
    let claims = claims(json!(0), None);
    let object = claims.as_object().unwrap();
    assert!(rules().decide(ISSUER, object, UNIX_EPOCH).is_ok());
    assert!(rules().decide(ISSUER, object, UNIX_EPOCH - Duration::from_secs(1)).is_err());
}
