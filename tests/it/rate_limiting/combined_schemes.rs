//! Two credentials in one request: a wrong one of one scheme counts, whatever the other scheme does
//! with its own.
//!
//! The kind of fault: the verdict about the request is taken for the outcome of each credential in
//! it.

use axum::Router;
use axum::extract::Request;
use http::request::Parts;
use mcp_auth_layer::auth::{
    AuthScheme, AuthenticatorExt, BoxAuthenticator, Challenge, authenticate_fn,
};
use mcp_auth_layer::schemes::Signer;
use mcp_auth_layer::{Bearer, HttpSignature, Principal, Rejection, any_of};

use super::{app, small_limits, users};
use crate::support::{basic, get, send};

const ADDRESS: (&str, &str) = ("x-address", "192.0.2.1");
/// The user `alice` may fail three times, see [`small_limits`].
const WRONG: usize = 8;

fn tokens() -> Bearer {
    Bearer::new([("ci", "tok")]).unwrap()
}

fn keys() -> HttpSignature {
    HttpSignature::new([("hm", [7; 32])]).unwrap()
}

/// Responds to each request that has this header with this rejection.
fn rejecting(header: &'static str, rejection: fn() -> Rejection) -> BoxAuthenticator {
    let missing = || Rejection::missing(Challenge::new(AuthScheme::from_static("Other")));
    authenticate_fn(move |head: &Parts| {
        let rejection = if head.headers.contains_key(header) { rejection() } else { missing() };
        async move { Err::<Principal, _>(rejection) }
    })
    .boxed()
}

/// Returns the statuses of wrong passwords, each with these further fields, and that of the right one
/// with the same fields.
async fn guess(app: &Router, fields: &[(&str, &str)]) -> (Vec<u16>, u16) {
    let status = async |password: &str| {
        let authorization = basic("alice", password);
        let all = [&[ADDRESS, ("authorization", &authorization)], fields].concat();
        send(app.clone(), get("/", &all)).await.status.as_u16()
    };
    let mut statuses = Vec::new();
    for n in 0..WRONG {
        statuses.push(status(&format!("wrong-{n}")).await);
    }
    (statuses, status("a").await)
}

/// Asserts that three attempts had this status, and that all later ones are rate-limited.
fn assert_limited((wrong, right): (Vec<u16>, u16), status: u16) {
    assert_eq!(wrong[..3], [status; 3], "{wrong:?}");
    assert!(wrong[3..].iter().all(|status| *status == 429), "{wrong:?}");
    assert_eq!(right, 429, "the right password is not looked at either");
}

#[tokio::test]
async fn malformed_signature_does_not_hide_a_wrong_password() {
    for fields in [
        &[("signature-input", "x")][..],
        &[("signature-input", "("), ("signature", "(")],
        &[("signature-input", "s=(\"@foo\");keyid=\"nokey\""), ("signature", "s=:AA==:")],
    ] {
        let app = app(any_of((tokens(), users(), keys())), small_limits());
        assert_limited(guess(&app, fields).await, 400);
    }
}

#[tokio::test]
async fn rejection_of_another_scheme_does_not_hide_a_wrong_password() {
    for (rejection, status) in [
        (Rejection::unavailable as fn() -> Rejection, 503),
        (|| Rejection::forbidden("suspended"), 403),
        (|| Rejection::bad_request("ambiguous"), 400),
    ] {
        let other = rejecting("x-other", rejection);
        let app = app(any_of(vec![users().boxed(), other]), small_limits());
        assert_limited(guess(&app, &[("x-other", "1")]).await, status);
    }
}

fn signed(password: &str) -> Request {
    let request = http::Request::get("http://localhost/")
        .header("x-address", ADDRESS.1)
        .header("authorization", basic("alice", password));
    let mut request = request.body(Vec::new()).unwrap();
    Signer::new("hm", [7; 32]).unwrap().sign(&mut request).unwrap();
    request.map(axum::body::Body::from)
}

#[tokio::test]
async fn valid_signature_does_not_make_wrong_passwords_free() {
    for schemes in [
        any_of((users(), keys())).boxed(),
        any_of((tokens(), users(), keys())).boxed(),
        any_of((any_of((tokens(), users())), keys())).boxed(),
    ] {
        let app = app(schemes, small_limits());
        let status = async |password: &str| send(app.clone(), signed(password)).await.status;
        let mut statuses = Vec::new();
        for n in 0..WRONG {
            statuses.push(status(&format!("wrong-{n}")).await.as_u16());
        }
        assert_limited((statuses, status("a").await.as_u16()), 200);
        // Nor does it make the address a known client of the user.
        let right = [ADDRESS, ("authorization", &basic("alice", "a"))];
        assert_eq!(send(app.clone(), get("/", &right)).await.status, 429);
    }
}

#[tokio::test]
async fn two_valid_credentials_are_not_a_failure() {
    let app = app(any_of((users(), keys())), small_limits());
    for n in 0..30 {
        assert_eq!(send(app.clone(), signed("a")).await.status, 200, "{n}");
    }
}
