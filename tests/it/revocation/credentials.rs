//! Credentials of every scheme.

use axum::body::Body;
use http::Request;
use mcp_auth_layer::auth::{AuthenticatorExt, RejectionKind, any_of};
use mcp_auth_layer::schemes::Signer;
use mcp_auth_layer::{Basic, Bearer, HttpSignature, Principal, Rejection};
use sha2::Digest as _;

use super::{ended, eventually, is_open, two};
use crate::support::{basic, send, with_authorization};

fn bearer(token: &str) -> Request<Body> {
    with_authorization(&format!("Bearer {token}"))
}

fn tokens() -> Bearer {
    Bearer::new([("ci", "one"), ("ci", "two"), ("alice", "three")]).unwrap()
}

#[tokio::test]
async fn revoked_token_ends_its_streams_on_all_replicas() {
    let [here, there] = two(tokens).await;
    let revoked = [here.open(bearer("one")).await, there.open(bearer("one")).await];
    let others = [here.open(bearer("two")).await, there.open(bearer("two")).await];
    here.revocations.revoke_token("one").await.unwrap();
    assert_eq!(here.status(bearer("one")).await, 401);
    for body in revoked {
        ended(body).await;
    }
    assert_eq!(there.status(bearer("one")).await, 401);
    for mut body in others {
        assert!(is_open(&mut body).await);
    }
    assert_eq!(there.status(bearer("two")).await, 200);
}

/// The scheme in any case and with more spaces is the same credential.
#[tokio::test]
async fn spelling_of_the_header_does_not_hide_a_revoked_token() {
    let [here, _] = two(tokens).await;
    here.revocations.revoke_token("one").await.unwrap();
    for value in ["Bearer one", "bearer one", "BEARER   one"] {
        assert_eq!(here.status(with_authorization(value)).await, 401, "{value}");
    }
    assert_eq!(here.status(with_authorization("bearer   two")).await, 200);
}

#[tokio::test]
async fn revoked_and_expired_tokens_have_the_same_response() {
    let [here, _] = two(tokens).await;
    here.revocations.revoke_token("one").await.unwrap();
    let revoked = send(here.app.clone(), bearer("one")).await;
    let wrong = send(here.app.clone(), bearer("four")).await;
    assert_eq!((revoked.status, &revoked.body), (wrong.status, &wrong.body));
    assert_eq!(revoked.challenges(), wrong.challenges());
    let kind = revoked.extensions.get::<Rejection>().unwrap().kind();
    assert_eq!(kind, RejectionKind::Invalid);
}

#[tokio::test]
async fn line_of_a_token_file_revokes_its_token() {
    let [here, there] = two(tokens).await;
    let digest: [u8; 32] = sha2::Sha256::digest("one").into();
    here.revocations.revoke_token_sha256(digest).await.unwrap();
    eventually(|| async { there.status(bearer("one")).await == 401 }).await;
    assert_eq!(there.status(bearer("two")).await, 200);
}

#[tokio::test]
async fn revoked_principal_loses_all_its_tokens() {
    let [here, there] = two(tokens).await;
    let streams = [there.open(bearer("one")).await, there.open(bearer("two")).await];
    let mut other = there.open(bearer("three")).await;
    here.revocations.revoke_principal(&Principal::new("ci")).await.unwrap();
    for body in streams {
        ended(body).await;
    }
    assert_eq!(
        (there.status(bearer("one")).await, there.status(bearer("three")).await),
        (401, 200)
    );
    assert!(is_open(&mut other).await);
}

#[tokio::test]
async fn revoked_user_is_rejected_with_the_right_password() {
    let [here, there] =
        two(|| Basic::new([("alice", "a secret"), ("bob", "another")]).unwrap()).await;
    let alice = || with_authorization(&basic("alice", "a secret"));
    let bob = || with_authorization(&basic("bob", "another"));
    let (open, mut other) = (there.open(alice()).await, there.open(bob()).await);
    here.revocations.revoke_principal(&Principal::new("alice")).await.unwrap();
    ended(open).await;
    assert_eq!((there.status(alice()).await, there.status(bob()).await), (401, 200));
    assert!(is_open(&mut other).await);
}

#[tokio::test]
async fn revoked_signing_key_is_rejected() {
    let keys = || HttpSignature::new([("ci", [1; 32]), ("nightly", [2; 32])]).unwrap();
    let [here, there] = two(keys).await;
    let signed = |key_id: &str, secret: [u8; 32]| {
        let mut request = Request::get("http://localhost/").body(Vec::new()).unwrap();
        Signer::new(key_id, secret).unwrap().sign(&mut request).unwrap();
        request.map(Body::from)
    };
    let open = there.open(signed("ci", [1; 32])).await;
    let mut other = there.open(signed("nightly", [2; 32])).await;
    here.revocations.revoke_principal(&Principal::new("ci")).await.unwrap();
    ended(open).await;
    assert_eq!(there.status(signed("ci", [1; 32])).await, 401);
    assert_eq!(there.status(signed("nightly", [2; 32])).await, 200);
    assert!(is_open(&mut other).await);
}

#[tokio::test]
async fn same_name_of_another_scheme_is_not_revoked() {
    let people = || Basic::new([("ci", "a person called ci")]).unwrap().issued_by("people");
    let [here, there] = two(|| any_of((tokens(), people()))).await;
    let person = || with_authorization(&basic("ci", "a person called ci"));
    let mut open = there.open(person()).await;
    let machine = there.open(bearer("one")).await;
    here.revocations.revoke_principal(&Principal::new("ci")).await.unwrap();
    ended(machine).await;
    assert!(is_open(&mut open).await);
    assert_eq!((there.status(person()).await, there.status(bearer("one")).await), (200, 401));
    here.revocations.revoke_principal(&Principal::new("ci").issued_by("people")).await.unwrap();
    ended(open).await;
}

/// A token in another field is not seen, but its principal is.
#[tokio::test]
async fn principal_of_any_authenticator_can_be_revoked() {
    let [here, there] = two(|| mcp_auth_layer::testing::always("alice")).await;
    let request = || Request::get("/").header("x-api-key", "k").body(Body::empty()).unwrap();
    let open = there.open(request()).await;
    here.revocations.revoke_principal(&Principal::new("alice")).await.unwrap();
    ended(open).await;
    assert_eq!(there.status(request()).await, 401);
}
