//! Keys: rotation, validation, and how several signatures and schemes combine.

use std::time::Duration;

use mcp_auth_layer::{AuthenticatorExt, Basic, Bearer, HttpSignature, KeyError, Rejection, any_of};

use super::{app, hmac, labeled, multi_signed, verify};
use crate::support::forged_request::{Forged, SECRET};
use crate::support::send;

#[tokio::test]
async fn key_may_have_two_secrets_for_rotation() {
    let rotating = || HttpSignature::new([("ci", [1; 32]), ("ci", SECRET)]).unwrap();
    let by = |secret: [u8; 32]| Forged { secret: secret.into(), ..Forged::get() };
    assert_eq!(verify(rotating(), by([1; 32]).request()).await.status, 200);
    assert_eq!(verify(rotating(), by(SECRET).request()).await.status, 200);
    assert_eq!(verify(rotating(), by([2; 32]).request()).await.status, 401);

    let error = |keys: &[(&str, &[u8])]| HttpSignature::new(keys.iter().copied()).unwrap_err();
    let (a, b, c) = (&[1; 32][..], &[2; 32][..], &[3; 40][..]);
    let position = 3;
    assert_eq!(error(&[("ci", a), ("ci", b), ("ci", c)]), KeyError::Rotation { position });
    assert_eq!(error(&[("ci", a), ("x", b), ("ci", a)]), KeyError::Rotation { position });
    let (position, length) = (1, 31);
    assert_eq!(error(&[("ci", &a[..31])]), KeyError::ShortSecret { position, length });
    for key_id in ["", "é", "a\n", &"x".repeat(257)] {
        assert_eq!(error(&[(key_id, a)]), KeyError::KeyId { position }, "{key_id}");
    }
    assert_eq!(error(&[]), KeyError::NoKeys);
}

#[tokio::test]
async fn one_signature_of_a_known_key_is_selected() {
    // A signature of a gateway with an unknown key is ignored, even if it is malformed for this
    // profile.
    let foreign = |label: &str| labeled(label, "gateway").covering(&["x-gateway;sf", "@scheme"]);
    let ours = labeled("ours", "ci");
    for all in [
        vec![foreign("a"), ours.clone()],
        vec![ours.clone(), foreign("a")],
        vec![foreign("a"), foreign("b"), ours.clone(), foreign("c")],
    ] {
        assert_eq!(verify(hmac(), multi_signed(&all)).await.status, 200);
    }
    let five = [foreign("a"), foreign("b"), foreign("c"), foreign("d"), ours.clone()];
    assert_eq!(verify(hmac(), multi_signed(&five)).await.status, 400, "more than four signatures");
    let two = [ours.clone(), labeled("again", "ci")];
    assert_eq!(verify(hmac(), multi_signed(&two)).await.status, 401, "two signatures of one key");
    let two = [ours, Forged { secret: vec![7; 32], ..labeled("other", "other") }];
    assert_eq!(verify(hmac(), multi_signed(&two)).await.status, 401, "signatures of two keys");
}

#[tokio::test]
async fn unknown_keys_and_wrong_secrets_get_the_same_response() {
    let wrong = || Forged { secret: vec![9; 32], ..Forged::get() };
    let unknown = || Forged::get().with("keyid", "\"nobody\"");
    let either = |forged: Forged| async move {
        let (app, _) = app(any_of(hmac(), Bearer::new([("b", "tok")]).unwrap()));
        let response = send(app, forged.request()).await;
        (response.status, response.headers, response.body)
    };
    for broken in [
        |forged: Forged| forged,
        |forged: Forged| forged.covering(&["date"]),
        |forged: Forged| forged.covering(&["@path"]),
        |forged: Forged| forged.not_covering("@path"),
        |forged: Forged| forged.without("nonce"),
    ] {
        assert_eq!(either(broken(wrong())).await, either(broken(unknown())).await);
    }

    // Two signatures of one key; and the key next to a scheme that is rate-limited.
    let signed_twice = |forged: Forged| {
        let again = Forged { label: "again".into(), ..forged.clone() };
        multi_signed(&[forged, again])
    };
    let busy = || {
        let wait = Duration::from_secs(1);
        mcp_auth_layer::authenticate_fn(move |_: &http::request::Parts| async move {
            Err::<mcp_auth_layer::Principal, _>(Rejection::too_many_requests(wait))
        })
    };
    let mut responses = Vec::new();
    for forged in [wrong(), unknown()] {
        let both = verify(hmac(), signed_twice(forged.clone())).await;
        let (app, _) = app(any_of(hmac(), busy()));
        let limited = send(app, forged.request()).await;
        responses.push((both.status, both.headers, both.body, limited.status, limited.body));
    }
    assert_eq!(responses[0], responses[1]);
    assert_eq!((responses[0].0.as_u16(), responses[0].3.as_u16()), (401, 429));
}

/// The status, and the name of the authenticated principal, of a request that also carries a valid
/// bearer token.
async fn with_bearer_token(forged: Forged) -> (u16, Option<String>) {
    let basic = Basic::new([("u", "p")]).unwrap();
    let bearer = Bearer::new([("b", "tok")]).unwrap();
    let (app, seen) = app(any_of(any_of(hmac(), basic).boxed(), bearer));
    let forged = forged.with_header("authorization", "Bearer tok").covering(&["authorization"]);
    let response = send(app, forged.request()).await;
    let principal = (response.status == 200).then(|| seen.principal());
    (response.status.as_u16(), principal)
}

#[tokio::test]
async fn invalid_signature_of_a_known_key_is_final() {
    assert_eq!(with_bearer_token(Forged::get()).await, (200, Some("ci".into())));
    let invalid = Forged { secret: vec![9; 32], ..Forged::get() };
    assert_eq!(with_bearer_token(invalid).await.0, 401);
    assert_eq!(with_bearer_token(Forged::get().not_covering("@path")).await.0, 401);
    let uncovered = Forged::get().covering(&["x-not-there"]);
    assert_eq!(with_bearer_token(uncovered).await.0, 400);

    let malformed = Forged::get().with_header("authorization", "Bearer tok");
    let mut malformed = malformed.covering(&["authorization"]).request();
    malformed.headers_mut().insert("signature", "?".parse().unwrap());
    let (app, _) = app(any_of(hmac(), Bearer::new([("b", "tok")]).unwrap()));
    assert_eq!(send(app, malformed).await.status, 400);
}

#[tokio::test]
async fn signature_of_an_unknown_key_falls_through() {
    let unknown = Forged::get().with("keyid", "\"gateway\"");
    assert_eq!(with_bearer_token(unknown.clone()).await, (200, Some("b".into())));
    let uncovered = unknown.covering(&["x-not-there"]);
    assert_eq!(with_bearer_token(uncovered).await, (200, Some("b".into())));
}
