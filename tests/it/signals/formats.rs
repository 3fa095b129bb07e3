//! Case 52: each event and each format of a subject revokes what was issued before.

use serde_json::{Value, json};

use super::*;

const OTHER: &str = "https://other.example.com";

/// Asserts that the event revokes earlier tokens of alice, and nothing else.
async fn revokes(transmitter: Transmitter, set: String, what: &str) {
    let (app, seen) = app_with(transmitter).await;
    assert!(!is_revoked(&app, "alice").await);
    seen.only();
    accepts(&app, set).await;
    assert_eq!(seen.count(), 0, "the event does not reach the inner service");
    assert!(is_revoked(&app, "alice").await, "{what}");
    assert!(!is_revoked(&app, "bob").await, "{what}");
    assert_eq!(status(&app, &token_of("alice", 2)).await, 200, "{what}: a later token");
}

/// Asserts that the event is accepted, and that alice keeps her tokens.
async fn has_no_effect(set: String, what: &str) {
    let app = app().await;
    accepts(&app, set).await;
    assert!(!is_revoked(&app, "alice").await, "{what}");
}

fn about(subject: Value) -> String {
    set_with(|claims| claims["sub_id"] = subject)
}

fn with_event(event: String, payload: Value) -> String {
    set_with(|claims| claims["events"] = json!({event: payload}))
}

#[tokio::test]
async fn a_session_that_was_revoked_ends() {
    revokes(transmitter(), good_set(), "session-revoked").await;
    let no_time = with_event(format!("{CAEP}/session-revoked"), json!({}));
    revokes(transmitter(), no_time, "without event_timestamp").await;
}

#[tokio::test]
async fn subjects_of_each_format_are_known() {
    let iss_sub = json!({"format": "iss_sub", "iss": ISSUER, "sub": "alice"});
    let opaque = json!({"format": "opaque", "id": "alice"});
    let session = json!({"format": "opaque", "id": "s-1"});
    let complex = json!({"format": "complex", "user": iss_sub, "session": session});
    for subject in [iss_sub, opaque, complex] {
        revokes(transmitter(), about(subject.clone()), &subject.to_string()).await;
    }
}

#[tokio::test]
async fn the_subject_may_be_in_the_event() {
    for name in ["format", "subject_type"] {
        let subject = json!({name: "iss_sub", "iss": ISSUER, "sub": "alice"});
        let set = set_with(|claims| {
            claims.as_object_mut().unwrap().remove("sub_id");
            claims["events"] = json!({format!("{RISC}/account-disabled"): {"subject": subject}});
        });
        revokes(transmitter(), set, name).await;
    }
}

#[tokio::test]
async fn mapped_e_mail_addresses_are_known() {
    let set = || about(json!({"format": "email", "email": "Alice@example.com"}));
    let name = |email: &str| email.split('@').next().map(str::to_lowercase);
    let mapping = transmitter().email_subjects(ISSUER, name).unwrap();
    revokes(mapping, set(), "email").await;
    has_no_effect(set(), "an address that is not mapped").await;
}

#[tokio::test]
async fn disabled_accounts_and_changed_credentials_end_sessions() {
    for event in ["account-disabled", "account-purged", "sessions-revoked"] {
        revokes(transmitter(), with_event(format!("{RISC}/{event}"), json!({})), event).await;
    }
    let change = |kind: &str| {
        let payload = json!({"credential_type": "password", "change_type": kind});
        with_event(format!("{CAEP}/credential-change"), payload)
    };
    for kind in ["revoke", "delete", "update"] {
        revokes(transmitter(), change(kind), kind).await;
    }
    has_no_effect(change("create"), "a new credential").await;
}

#[tokio::test]
async fn what_is_unknown_is_accepted_and_has_no_effect() {
    let unknown_event = with_event(format!("{CAEP}/session-established"), json!({}));
    has_no_effect(unknown_event, "an unknown event").await;
    let phone = json!({"format": "phone_number", "phone_number": "+12065550100"});
    has_no_effect(about(phone), "an unknown format").await;
    let tenant = json!({"format": "complex", "tenant": {"format": "opaque", "id": "alice"}});
    has_no_effect(about(tenant), "no user").await;
}

#[tokio::test]
async fn verification_events_are_accepted() {
    let event = "https://schemas.openid.net/secevent/ssf/event-type/verification";
    let set = |state: &str| {
        set_with(|claims| {
            claims["sub_id"] = json!({"format": "opaque", "id": "stream-1"});
            claims["events"] = json!({event: {"state": state}});
        })
    };
    accepts(&app().await, set("any")).await;
    let (app, _) = app_with(transmitter().verification_state("s-42")).await;
    accepts(&app, set("s-42")).await;
    refuses(&app, set("s-43"), "invalid_state", "another state").await;
}

/// Case 56.
#[tokio::test]
async fn users_of_another_issuer_are_revoked_only_where_allowed() {
    let keys = issuer_keys();
    let set = || about(json!({"format": "iss_sub", "iss": OTHER, "sub": "alice"}));
    let (inner, _) = recorder();
    let with = |transmitter| {
        let (inner, keys) = (inner.clone(), keys.clone());
        async move {
            let jwt = Jwt::with_keys(OTHER, RESOURCE, keys).unwrap();
            let revocations = revocations(MemoryRevocationStore::new()).await;
            let layer = McpAuthLayer::new(jwt).revocations(revocations);
            inner.layer(layer.security_events(EVENTS, transmitter))
        }
    };
    let token = access_token::with_claims(|claims| claims["iss"] = json!(OTHER));
    let app = with(transmitter()).await;
    refuses(&app, set(), "access_denied", "no permission").await;
    assert_eq!(status(&app, &token).await, 200);
    let app = with(transmitter().subjects_of(OTHER).unwrap()).await;
    accepts(&app, set()).await;
    assert_eq!(status(&app, &token).await, 401);
}
