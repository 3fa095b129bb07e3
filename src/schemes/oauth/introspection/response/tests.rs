use std::time::{Duration, UNIX_EPOCH};

use serde_json::{Value, json};

use super::*;
use crate::schemes::oauth::audience::Audience;
use crate::schemes::oauth::issuer::Issuer;

const ISSUER: &str = "https://id.example.com";
const RESOURCE: &str = "https://mcp.example.com/mcp";
const NOW: u64 = 1_800_000_000;

fn rules() -> ClaimRules {
    let issuer = Issuer::parse(ISSUER).unwrap();
    let mut rules = ClaimRules::new(issuer, Audience::from(RESOURCE)).unwrap();
    rules.may_not_expire = true;
    rules
}

fn verdict(response: impl AsRef<[u8]>) -> Result<Grant, Refusal> {
    evaluate(&rules(), response.as_ref(), UNIX_EPOCH + Duration::from_secs(NOW))
}

/// A response that is accepted, with these changes. `null` removes a member.
fn response(changes: Value) -> String {
    let mut response = json!({
        "active": true, "iss": ISSUER, "aud": RESOURCE, "sub": "alice", "client_id": "cli",
        "scope": "tools:read tools:write", "exp": NOW + 300, "iat": NOW, "token_type": "Bearer",
    });
    for (name, value) in changes.as_object().unwrap() {
        response[name] = value.clone();
    }
    response.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    response.to_string()
}

fn is_accepted(changes: Value) -> bool {
    let verdict = verdict(response(changes));
    assert!(!matches!(verdict, Err(Refusal::Unavailable(_))), "{:?}", verdict.err());
    verdict.is_ok()
}

#[test]
fn an_active_token_grants_what_its_claims_say() {
    let grant = verdict(response(json!({}))).ok().unwrap();
    let principal = &grant.principal;
    assert_eq!((principal.name(), principal.issuer()), ("alice", Some(ISSUER)));
    assert_eq!(principal.scopes().collect::<Vec<_>>(), ["tools:read", "tools:write"]);
    assert_eq!(principal.data::<TokenClaims>().unwrap().client_id(), Some("cli"));
    assert_eq!(grant.expires(), Some(UNIX_EPOCH + Duration::from_secs(NOW + 360)));
}

#[test]
fn only_the_boolean_true_is_active() {
    assert!(is_accepted(json!({"active": true})));
    assert!(!is_accepted(json!({"active": false})));
    for active in [json!("true"), json!(1), json!(null), json!([true])] {
        let verdict = verdict(response(json!({ "active": active })));
        assert!(matches!(verdict, Err(Refusal::Unavailable(_))), "{active}");
    }
}

#[test]
fn what_is_no_response_says_nothing_of_the_token() {
    for body in [
        "",
        "<html>",
        "[true]",
        "{}",
        r#"{"error":"invalid_client"}"#,
        r#"{"active":false,"active":true}"#,
        r#"{"active":true,"aud":"x","aud":"https://mcp.example.com/mcp"}"#,
        r#"{"active":true} x"#,
    ] {
        assert!(matches!(verdict(body), Err(Refusal::Unavailable(_))), "{body}");
    }
    assert!(matches!(verdict(b"{\"active\":\xff}"), Err(Refusal::Unavailable(_))));
}

#[test]
fn the_audience_is_required() {
    assert!(is_accepted(json!({"aud": ["other", RESOURCE]})));
    for aud in [json!(null), json!("https://mcp.example.com"), json!([]), json!(7), json!(["x", 7])]
    {
        assert!(!is_accepted(json!({ "aud": aud })), "{aud}");
    }
}

#[test]
fn the_issuer_is_verified_if_there_is_one() {
    assert!(is_accepted(json!({"iss": null})));
    assert!(!is_accepted(json!({"iss": "https://id.example.com/"})));
    assert!(!is_accepted(json!({"iss": [ISSUER]})));
}

#[test]
fn times_are_verified_if_there_are_any() {
    for changes in [
        json!({"exp": null}),
        json!({"exp": NOW - 59}),
        json!({"nbf": NOW + 59}),
        json!({"iat": NOW + 59}),
    ] {
        assert!(is_accepted(changes.clone()), "{changes}");
    }
    for changes in [
        json!({"exp": NOW - 60}),
        json!({"exp": (NOW + 300).to_string()}),
        json!({"nbf": NOW + 61}),
        json!({"iat": NOW + 61}),
    ] {
        assert!(!is_accepted(changes.clone()), "{changes}");
    }
    assert_eq!(verdict(response(json!({"exp": null}))).ok().unwrap().expires(), None);
}

#[test]
fn a_client_without_a_user_is_its_own_subject() {
    let grant = verdict(response(json!({"sub": null}))).ok().unwrap();
    assert_eq!(grant.principal.name(), "cli");
    assert!(!is_accepted(json!({"sub": null, "client_id": null})));
    assert!(!is_accepted(json!({"sub": ""})));
}

#[test]
fn tokens_of_other_kinds_are_refused() {
    for changes in [
        json!({"token_type": "bearer"}),
        json!({"token_type": null}),
        json!({"typ": "Bearer"}),
        json!({"token_use": "access_token"}),
    ] {
        assert!(is_accepted(changes.clone()), "{changes}");
    }
    for changes in [
        json!({"token_type": "DPoP"}),
        json!({"token_type": "refresh_token"}),
        json!({"typ": "Refresh"}),
        json!({"token_use": "refresh_token"}),
        json!({"cnf": {"jkt": "x"}}),
        json!({"at_hash": "x"}),
    ] {
        assert!(!is_accepted(changes.clone()), "{changes}");
    }
}
