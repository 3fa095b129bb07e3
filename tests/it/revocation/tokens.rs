//! Access tokens that are JWTs.

use axum::body::Body;
use http::Request;
use mcp_auth_layer::{Jwt, Principal};
use serde_json::json;

use super::{ended, is_open, two};
use crate::support::access_token::{EC, ISSUER, RESOURCE, claims, issuer_keys, now, with_claims};
use crate::support::with_authorization;

fn jwt() -> Jwt {
    Jwt::with_keys(ISSUER, RESOURCE, issuer_keys()).unwrap()
}

fn with(token: &str) -> Request<Body> {
    with_authorization(&format!("Bearer {token}"))
}

/// A token of this subject and this ID, issued at this time.
fn token(subject: &str, id: &str, issued_at: u64) -> String {
    with_claims(|claims| {
        (claims["sub"], claims["jti"], claims["iat"]) =
            (json!(subject), json!(id), json!(issued_at));
    })
}

#[tokio::test]
async fn access_token_can_be_revoked_by_its_id() {
    let [here, there] = two(jwt).await;
    let (one, two) = (token("alice", "t-1", now()), token("alice", "t-2", now()));
    let (open, mut other) = (there.open(with(&one)).await, there.open(with(&two)).await);
    here.revocations.revoke_jti(ISSUER, "t-1").await.unwrap();
    ended(open).await;
    assert_eq!((there.status(with(&one)).await, there.status(with(&two)).await), (401, 200));
    assert!(is_open(&mut other).await);
}

/// Case 50.
#[tokio::test]
async fn subject_loses_tokens_that_were_issued_before() {
    let [here, there] = two(jwt).await;
    let (earlier, bob) = (token("alice", "t-1", now() - 1), token("bob", "t-2", now() - 1));
    let (open, mut other) = (there.open(with(&earlier)).await, there.open(with(&bob)).await);
    let same_second = token("alice", "t-3", now());
    here.revocations.revoke_subject(ISSUER, "alice").await.unwrap();
    let next_second = token("alice", "t-4", now() + 1);
    ended(open).await;
    for replica in [here, there] {
        assert_eq!(replica.status(with(&earlier)).await, 401);
        assert_eq!(replica.status(with(&same_second)).await, 401);
        assert_eq!(replica.status(with(&next_second)).await, 200);
        assert_eq!(replica.status(with(&bob)).await, 200);
    }
    assert!(is_open(&mut other).await);
}

#[tokio::test]
async fn subject_of_another_issuer_is_not_concerned() {
    let [here, _] = two(jwt).await;
    let alice = token("alice", "t-1", now() - 1);
    here.revocations.revoke_subject("https://other.example.com", "alice").await.unwrap();
    here.revocations.revoke_jti("https://other.example.com", "t-1").await.unwrap();
    here.revocations.revoke_principal(&Principal::new("alice")).await.unwrap();
    assert_eq!(here.status(with(&alice)).await, 200);
    here.revocations.revoke_principal(&Principal::new("alice").issued_by(ISSUER)).await.unwrap();
    assert_eq!(here.status(with(&alice)).await, 401);
}

/// A signature of ECDSA can be changed into another valid one without the key.
#[tokio::test]
async fn revoked_jwt_stays_revoked_with_another_signature() {
    let [here, _] = two(jwt).await;
    let header = json!({"alg": "ES256", "kid": "ec", "typ": "at+jwt"}).to_string();
    let claims = claims().to_string();
    // Two signatures of the same token: each has a random number in it.
    let [one, two] = std::array::from_fn(|_| EC.token("ES256", &header, &claims));
    assert_ne!(one, two);
    let open = here.open(with(&two)).await;
    here.revocations.revoke_token(&one).await.unwrap();
    ended(open).await;
    assert_eq!((here.status(with(&one)).await, here.status(with(&two)).await), (401, 401));
    let other = EC.token("ES256", &header, &claims.replace("t-1", "t-2"));
    assert_eq!(here.status(with(&other)).await, 200);
}
