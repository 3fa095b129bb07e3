//! Examples of the specifications, whose shapes are kept: CAEP 1.0 §3, RISC 1.0 §2, RFC 8417 §2.1, and the
//! documentation of a transmitter that follows an earlier draft.

use serde_json::{Value, json};

use super::*;

const SUBJECT: &str = "99beb27c-c1c2-4955-882a-e0dc4996fcbc";

fn caep(sub_id: Value, event: &str, payload: Value) -> Value {
    json!({
        "iss": ISSUER, "jti": "24c63fb56e5a2d77a6b512616ca9fa24", "iat": ISSUED, "aud": AUDIENCE,
        "txn": "8675309", "sub_id": sub_id,
        "events": {format!("https://schemas.openid.net/secevent/caep/event-type/{event}"): payload},
    })
}

fn complex() -> Value {
    json!({
        "format": "complex",
        "session": {"format": "opaque", "id": "dMTlD|1600802906337.16|16008.16"},
        "user": {"format": "iss_sub", "iss": ISSUER, "sub": SUBJECT},
        "tenant": {"format": "opaque", "id": "123456789"},
    })
}

fn one(subject: &str) -> Vec<(String, String)> {
    vec![(ISSUER.to_owned(), subject.to_owned())]
}

#[test]
fn caep_session_revoked_with_a_simple_subject() {
    let subject = json!({"format": "opaque", "id": "dMTlD|1600802906337.16|16008.16"});
    let claims = caep(subject, "session-revoked", json!({"event_timestamp": 1615304991}));
    assert_eq!(
        revoked(&rules(), &claims),
        (one("dMTlD|1600802906337.16|16008.16"), at(1615304991))
    );
}

#[test]
fn caep_session_revoked_with_a_complex_subject() {
    let payload = json!({
        "initiating_entity": "policy",
        "reason_admin": {"en": "Landspeed Policy Violation: C076E82F"},
        "reason_user": {"en": "Access attempt from multiple regions."},
        "event_timestamp": 1615304991,
    });
    let claims = caep(complex(), "session-revoked", payload);
    assert_eq!(revoked(&rules(), &claims), (one(SUBJECT), at(1615304991)));
    let decision = decide(&rules(), &claims).unwrap();
    assert!(matches!(decision, Decision::Revoke { is_narrower: true, .. }), "{decision:?}");
}

#[test]
fn caep_credential_change() {
    let subject = json!({"format": "iss_sub", "iss": ISSUER, "sub": SUBJECT});
    let change = |change_type: &str| {
        let payload = json!({
            "credential_type": "fido2-roaming", "change_type": change_type,
            "fido2_aaguid": "accced6a-63f5-490a-9eea-e59bc1896cfc",
            "friendly_name": "Jane's USB authenticator", "initiating_entity": "user",
            "event_timestamp": 1615304991,
        });
        caep(subject.clone(), "credential-change", payload)
    };
    for change_type in ["revoke", "update", "delete"] {
        assert_eq!(revoked(&rules(), &change(change_type)).0, one(SUBJECT), "{change_type}");
    }
    for change_type in ["create", "renamed"] {
        let decision = decide(&rules(), &change(change_type)).unwrap();
        assert!(matches!(decision, Decision::Nothing(_)), "{change_type}: {decision:?}");
    }
}

#[test]
fn caep_events_that_end_no_session_have_no_effect() {
    let payload = json!({"event_timestamp": 1615304991, "claims": {"role": "ro-admin"}});
    for event in ["token-claims-change", "assurance-level-change", "device-compliance-change"] {
        let decision = decide(&rules(), &caep(complex(), event, payload.clone())).unwrap();
        assert_eq!(decision, Decision::Nothing("the event is unknown".into()), "{event}");
    }
}

#[test]
fn risc_account_disabled() {
    let event = |name: &str| format!("https://schemas.openid.net/secevent/risc/event-type/{name}");
    for name in ["account-disabled", "account-purged", "sessions-revoked"] {
        let claims = json!({
            "iss": ISSUER, "jti": "756E69717565206964656E746966696572", "iat": ISSUED, "aud": AUDIENCE,
            "sub_id": {"format": "iss_sub", "iss": ISSUER, "sub": "7375626A656374"},
            "events": {event(name): {"reason": "hijacking"}},
        });
        assert_eq!(revoked(&rules(), &claims), (one("7375626A656374"), at(ISSUED)), "{name}");
    }
}

/// The subject is in the event, with a name of an earlier draft, and in the SET as well.
#[test]
fn subjects_of_earlier_drafts_are_read() {
    let subject = json!({"subject_type": "iss-sub", "iss": ISSUER, "sub": "7375626A656374"});
    let event = "https://schemas.openid.net/secevent/risc/event-type/account-disabled";
    let mut claims = json!({
        "iss": ISSUER, "jti": "756E69717565206964656E746966696572", "iat": ISSUED,
        "aud": ["123456789-abcedfgh.apps.example.com", AUDIENCE],
        "events": {event: {"subject": subject, "reason": "hijacking"}},
    });
    assert_eq!(revoked(&rules(), &claims), (one("7375626A656374"), at(ISSUED)));
    claims["sub_id"] = json!({"format": "iss_sub", "iss": ISSUER, "sub": "7375626A656374"});
    assert_eq!(revoked(&rules(), &claims), (one("7375626A656374"), at(ISSUED)));
    claims["sub_id"]["sub"] = json!("another user");
    assert_eq!(
        decide(&rules(), &claims).unwrap_err().cause(),
        "invalid_request: `sub_id` and `subject` are different"
    );
}

/// Of RFC 8417 §2.1.1: provisioning is no signal, and has `sub`.
#[test]
fn scim_events_are_not_signals() {
    let claims = json!({
        "iss": ISSUER, "iat": ISSUED, "jti": "4d3559ec67504aaba65d40b0363faad8", "aud": [AUDIENCE],
        "events": {
            "urn:ietf:params:scim:event:create": {
                "ref": "https://scim.example.com/Users/44f6142df96bd6ab61e7521d9",
                "attributes": ["id", "name", "userName", "password", "emails"],
            },
        },
    });
    assert_eq!(
        decide(&rules(), &claims).unwrap(),
        Decision::Nothing("the event is unknown".into())
    );
}

/// Of the Shared Signals Framework 1.0 §8.1.4.1.
#[test]
fn verification_events_are_accepted_with_the_expected_state() {
    let state = "VGhpcyBpcyBhbiBleGFtcGxlIHN0YXRlIHZhbHVlLgo=";
    let event = "https://schemas.openid.net/secevent/ssf/event-type/verification";
    let with = |payload: Value| {
        json!({
            "jti": "123456", "iss": ISSUER, "aud": AUDIENCE, "iat": ISSUED,
            "sub_id": {"format": "opaque", "id": "f67e39a0a4d34d56b3aa1bc4cff0069f"},
            "events": {event: payload},
        })
    };
    let any = rules();
    let mut configured = rules();
    configured.state = Some(crate::signals::set::rules::State(state.to_owned()));
    let good = with(json!({"state": state}));
    assert_eq!(decide(&any, &good).unwrap(), Decision::Verified);
    assert_eq!(decide(&configured, &good).unwrap(), Decision::Verified);
    for other in [json!({"state": "other"}), json!({})] {
        assert_eq!(decide(&any, &with(other.clone())).unwrap(), Decision::Verified);
        let refusal = decide(&configured, &with(other)).unwrap_err();
        assert!(refusal.cause().starts_with("invalid_state"), "{refusal:?}");
    }
    let refusal = decide(&any, &with(json!({"state": 7}))).unwrap_err();
    assert!(refusal.cause().starts_with("invalid_state"), "{refusal:?}");
}
