//! Case 54: tokens of another kind are no SETs, and SETs are no tokens of another kind.

use http::header::AUTHORIZATION;
use serde_json::json;

use super::*;
use crate::support::get;

#[tokio::test]
async fn access_and_id_and_logout_tokens_are_no_events() {
    let id_token = json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "iat": now(), "exp": now() + 300,
        "nonce": "n-1", "at_hash": "MTIzNDU2Nzg5MDEyMzQ1Ng",
    });
    let logout = json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "iat": now(), "exp": now() + 120, "jti": "l-1",
        "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
    });
    let app = app().await;
    for (what, typ, claims) in [
        ("an access token", "at+jwt", access_token::claims()),
        ("an ID token", "JWT", id_token),
        ("a logout token", "logout+jwt", logout),
    ] {
        let token = |typ: &str| {
            let header = json!({"alg": "RS256", "kid": "k1", "typ": typ});
            access_token::signed(&header, &claims)
        };
        refuses(&app, token(typ), "invalid_request", what).await;
        // Even if its issuer gave it the type of a SET.
        let response = push(&app, token("secevent+jwt")).await;
        assert_eq!(response.status, 400, "{what}: {}", response.body);
    }
    assert!(!is_revoked(&app, "alice").await);
}

#[tokio::test]
async fn a_security_event_is_no_access_token() {
    let jwt = Jwt::with_keys(ISSUER, RESOURCE, issuer_keys()).unwrap().audience(AUDIENCE);
    let (app, seen) = crate::support::protected(jwt);
    // With the claims of an access token, it would be one but for its kind.
    let full = |typ: &str, is_event: bool| {
        let mut claims = access_token::claims();
        if is_event {
            claims["events"] = set_claims()["events"].clone();
        }
        access_token::signed(&json!({"alg": "RS256", "kid": "k1", "typ": typ}), &claims)
    };
    for token in [good_set(), full("secevent+jwt", false), full("at+jwt", true)] {
        let field = (AUTHORIZATION.as_str(), &*format!("Bearer {token}"));
        assert_eq!(send(app.clone(), get("/", &[field])).await.status, 401);
    }
    assert_eq!(seen.count(), 0);
    let field = (AUTHORIZATION.as_str(), &*format!("Bearer {}", full("at+jwt", false)));
    assert_eq!(send(app, get("/", &[field])).await.status, 200);
}
