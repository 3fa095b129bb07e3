//! Each claim, right and wrong.

use serde_json::{Value, json};

use super::*;
use crate::signals::refusal::Code;

const REVOKED: &str = "https://schemas.openid.net/secevent/caep/event-type/session-revoked";
const CHANGED: &str = "https://schemas.openid.net/secevent/caep/event-type/credential-change";

fn good() -> Value {
    json!({
        "iss": ISSUER, "jti": "j-1", "iat": ISSUED, "aud": AUDIENCE,
        "sub_id": {"format": "iss_sub", "iss": ISSUER, "sub": "alice"},
        "events": {REVOKED: {}},
    })
}

fn with(edit: impl FnOnce(&mut Value)) -> Value {
    let mut claims = good();
    edit(&mut claims);
    claims
}

fn without(name: &str) -> Value {
    with(|claims| drop(claims.as_object_mut().unwrap().remove(name)))
}

#[test]
fn the_good_set_revokes() {
    let alice = vec![(ISSUER.to_owned(), "alice".to_owned())];
    assert_eq!(revoked(&rules(), &good()), (alice, at(ISSUED)));
    let event = decide_at(&rules(), good_static(), ISSUED).map(|event| (event.id, event.uri));
    assert_eq!(event, Ok(("j-1", REVOKED)));
}

fn good_static() -> &'static Value {
    Box::leak(Box::new(good()))
}

#[test]
fn the_audience_must_be_ours() {
    for aud in [json!(AUDIENCE), json!([AUDIENCE]), json!(["other", AUDIENCE])] {
        revoked(&rules(), &with(|claims| claims["aud"] = aud));
    }
    for aud in [
        json!("https://sp.example.com/caep/"),
        json!("https://SP.example.com/caep"),
        json!(["other"]),
        json!([]),
        json!([AUDIENCE, 7]),
        json!({AUDIENCE: 1}),
        json!(null),
    ] {
        let refusal = decide(&rules(), &with(|claims| claims["aud"] = aud)).unwrap_err();
        assert_eq!(refusal.code, Code::InvalidAudience, "{refusal:?}");
    }
    assert_eq!(decide(&rules(), &without("aud")).unwrap_err().code, Code::InvalidAudience);
}

#[test]
fn claims_of_other_kinds_of_jwts_are_refused() {
    for (name, value) in
        [("exp", json!(ISSUED + 60)), ("sub", json!("alice")), ("sub", json!(null))]
    {
        let refusal = decide(&rules(), &with(|claims| claims[name] = value)).unwrap_err();
        assert_eq!(refusal.code, Code::InvalidRequest);
        assert!(refusal.cause().contains(&format!("`{name}`")), "{refusal:?}");
    }
}

#[test]
fn a_set_has_an_id() {
    for jti in [json!(""), json!(7), json!(null)] {
        let refusal = decide(&rules(), &with(|claims| claims["jti"] = jti)).unwrap_err();
        assert_eq!(refusal.code, Code::InvalidRequest);
    }
    assert!(decide(&rules(), &without("jti")).unwrap_err().cause().contains("`jti`"));
}

#[test]
fn a_set_has_exactly_one_event_that_is_an_object() {
    for events in [
        json!({}),
        json!({REVOKED: {}, CHANGED: {"change_type": "update"}}),
        json!({REVOKED: "now"}),
        json!({REVOKED: null}),
        json!([REVOKED]),
        json!(REVOKED),
        json!({CHANGED: {}}),
        json!({CHANGED: {"change_type": 7}}),
    ] {
        let refusal = decide(&rules(), &with(|claims| claims["events"] = events)).unwrap_err();
        assert_eq!(refusal.code, Code::InvalidRequest, "{refusal:?}");
    }
    assert_eq!(decide(&rules(), &without("events")).unwrap_err().code, Code::InvalidRequest);
}

#[test]
fn events_in_another_spelling_are_unknown() {
    for event in [
        format!("{REVOKED}/"),
        REVOKED.to_uppercase(),
        REVOKED.replace("https", "http"),
        REVOKED.replace("caep", "risc"),
        "session-revoked".to_owned(),
        String::new(),
    ] {
        let decision =
            decide(&rules(), &with(|claims| claims["events"] = json!({event: {}}))).unwrap();
        assert_eq!(decision, Decision::Nothing("the event is unknown".into()));
    }
}

#[test]
fn a_subject_is_required() {
    assert!(
        decide(&rules(), &without("sub_id")).unwrap_err().cause().contains("`sub_id` is missing")
    );
    let refusal = decide(&rules(), &with(|claims| claims["sub_id"] = json!("alice"))).unwrap_err();
    assert_eq!(refusal.code, Code::InvalidRequest);
}

#[test]
fn subjects_of_another_issuer_need_permission() {
    let other = "https://other.example.com";
    let claims = with(|claims| claims["sub_id"]["iss"] = json!(other));
    let refusal = decide(&rules(), &claims).unwrap_err();
    assert_eq!(refusal.code, Code::AccessDenied);
    let mut allowing = rules();
    allowing.subjects.issuers.push(other.to_owned());
    assert_eq!(revoked(&allowing, &claims).0, [(other.to_owned(), "alice".to_owned())]);
    let similar = with(|claims| claims["sub_id"]["iss"] = json!("https://other.example.com/"));
    assert_eq!(decide(&allowing, &similar).unwrap_err().code, Code::AccessDenied);
}

#[test]
fn e_mail_addresses_have_an_effect_where_they_are_mapped() {
    let email = |address: &str| {
        let subject = json!({"format": "email", "email": address});
        with(|claims| claims["sub_id"] = subject)
    };
    let decision = decide(&rules(), &email("alice@example.com")).unwrap();
    assert!(matches!(decision, Decision::Nothing(_)), "{decision:?}");
    let mut mapping = rules();
    let map = |email: &str| email.strip_suffix("@example.com").map(str::to_owned);
    for issuer in ["https://a.example", "https://b.example"] {
        mapping.subjects.emails.push((issuer.to_owned(), std::sync::Arc::new(map)));
    }
    let both =
        ["https://a.example", "https://b.example"].map(|i| (i.to_owned(), "alice".to_owned()));
    assert_eq!(revoked(&mapping, &email("alice@example.com")).0, both);
    for unknown in ["alice@example.net", "@example.com"] {
        let decision = decide(&mapping, &email(unknown)).unwrap();
        assert!(matches!(decision, Decision::Nothing(_)), "{unknown}: {decision:?}");
    }
}

#[test]
fn formats_that_are_unknown_have_no_effect() {
    for subject in [
        json!({"format": "phone_number", "phone_number": "+12065550100"}),
        json!({"format": "account", "uri": "acct:example.user@service.example.com"}),
        json!({"format": "did", "url": "did:example:123456"}),
        json!({"format": "aliases", "identifiers": [{"format": "email", "email": "a@example.com"}]}),
        json!({"format": "complex", "tenant": {"format": "opaque", "id": "1"}}),
    ] {
        let decision = decide(&rules(), &with(|claims| claims["sub_id"] = subject)).unwrap();
        let Decision::Nothing(reason) = decision else { panic!("{decision:?}") };
        assert!(reason.starts_with("the format of the subject is not supported"), "{reason}");
    }
}
