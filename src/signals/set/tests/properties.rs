//! Any combination of right and wrong claims is decided as each claim for itself.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;

const EVENTS: &str = "https://schemas.openid.net/secevent";

/// What a plain reading says of one claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Reading {
    /// It allows a revocation.
    Good,
    /// The SET has no effect, unless another claim is wrong.
    NoEffect,
    /// The SET is refused.
    Wrong,
}

use Reading::{Good, NoEffect, Wrong};

/// The values that a claim may have here, and their readings. `None` leaves it out.
type Values = Vec<(Option<Value>, Reading)>;

fn values() -> Vec<(&'static str, Values)> {
    let event = |name: &str, payload: Value| Some(json!({format!("{EVENTS}/{name}"): payload}));
    let two = json!({
        format!("{EVENTS}/caep/event-type/session-revoked"): {},
        format!("{EVENTS}/risc/event-type/account-disabled"): {},
    });
    let iss_sub = json!({"format": "iss_sub", "iss": ISSUER, "sub": "alice"});
    vec![
        (
            "aud",
            vec![
                (Some(json!(AUDIENCE)), Good),
                (Some(json!(["other", AUDIENCE])), Good),
                (Some(json!("other")), Wrong),
                (None, Wrong),
            ],
        ),
        ("exp", vec![(None, Good), (None, Good), (Some(json!(ISSUED + 60)), Wrong)]),
        ("sub", vec![(None, Good), (None, Good), (Some(json!("alice")), Wrong)]),
        ("jti", vec![(Some(json!("j-1")), Good), (Some(json!("")), Wrong), (None, Wrong)]),
        (
            "iat",
            vec![
                (Some(json!(ISSUED)), Good),
                (Some(json!(ISSUED - 6 * 24 * 3600)), Good),
                (Some(json!(ISSUED + 3600)), Wrong),
                (Some(json!(1)), Wrong),
                (Some(json!("now")), Wrong),
            ],
        ),
        (
            "events",
            vec![
                (event("caep/event-type/session-revoked", json!({})), Good),
                (event("risc/event-type/account-disabled", json!({"reason": "hijacking"})), Good),
                (
                    event("caep/event-type/credential-change", json!({"change_type": "update"})),
                    Good,
                ),
                (event("caep/event-type/session-revoked", json!({"event_timestamp": []})), Wrong),
                (event("caep/event-type/credential-change", json!({})), Wrong),
                (Some(two), Wrong),
                (None, Wrong),
            ],
        ),
        (
            "sub_id",
            vec![
                (Some(iss_sub.clone()), Good),
                (Some(json!({"format": "complex", "user": iss_sub})), Good),
                (Some(json!({"format": "opaque", "id": "alice"})), Good),
                (Some(json!({"format": "email", "email": "alice@example.com"})), NoEffect),
                (Some(json!({"format": "did", "url": "did:example:1"})), NoEffect),
                (
                    Some(json!({"format": "iss_sub", "iss": "https://b.example", "sub": "alice"})),
                    Wrong,
                ),
                (Some(json!({"format": "opaque"})), Wrong),
                (None, Wrong),
            ],
        ),
    ]
}

proptest! {
    #[test]
    fn claims_are_decided_as_each_of_them(choices in proptest::collection::vec(0usize..64, 7)) {
        let (mut claims, mut expected) = (Map::new(), Good);
        claims.insert("iss".to_owned(), json!(ISSUER));
        for ((name, values), choice) in values().into_iter().zip(choices) {
            // The first value, which is good, is half of them.
            let at = if choice < 32 { 0 } else { choice % values.len() };
            let (value, reading) = values[at].clone();
            claims.extend(value.map(|value| (name.to_owned(), value)));
            expected = expected.max(reading);
        }
        let claims = Value::Object(claims);
        let found = match decide(&rules(), &claims) {
            Ok(Decision::Revoke { users, .. }) => {
                prop_assert_eq!(&*users[0].subject, "alice");
                Good
            }
            Ok(_) => NoEffect,
            Err(_) => Wrong,
        };
        prop_assert_eq!(found, expected, "{}", claims);
    }
}
