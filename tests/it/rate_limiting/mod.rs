//! Rate limiting of failed authentication: the layer counts attempts once, across all schemes.

#[cfg(target_os = "linux")] // where all of 127.0.0.0/8 is loopback
mod attacks;
mod client_ips;
mod combined_schemes;
mod failing_authenticators;
mod shared_store;

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::extract::connect_info::MockConnectInfo;
use http::request::Parts;
use mcp_auth_layer::auth::AuthScheme;
use mcp_auth_layer::auth::{AuthenticatorExt, Challenge, authenticate_fn};
use mcp_auth_layer::rate_limit::{ClientIp, Quota, RateLimit};
use mcp_auth_layer::schemes::{HtpasswdFile, Signer};
use mcp_auth_layer::{
    Authenticator, Basic, Bearer, HttpSignature, McpAuthLayer, Principal, Rejection, any_of,
};
use tracing_subscriber::filter::LevelFilter;

use crate::support::log::Log;
use crate::support::{basic, get, recorder, send};

const HOUR: Duration = Duration::from_secs(3600);

/// Alice's password is `a`; the cost is 4.
const HTPASSWD: &str = "alice:$2y$04$eRSOaN6roE9KbenAUvK/cuvPuWKM69Y/vVrOcfjpGi2rnYKBWJixa";

fn by_header() -> RateLimit {
    RateLimit::by(ClientIp::from_fn(|head: &Parts| {
        head.headers.get("x-address")?.to_str().ok()?.parse().ok()
    }))
}

/// Three attempts per user, five per address, and no refill during the test.
fn small_limits() -> RateLimit {
    by_header().per_user(Quota::from_static(3, HOUR)).per_address(Quota::from_static(5, HOUR))
}

fn app(authenticator: impl Authenticator, limit: RateLimit) -> Router {
    recorder().0.layer(McpAuthLayer::new(authenticator).rate_limit(limit))
}

async fn status(app: &Router, address: &str, authorization: &str) -> u16 {
    let fields = [("x-address", address), ("authorization", authorization)];
    send(app.clone(), get("/", &fields)).await.status.as_u16()
}

fn users() -> Basic {
    Basic::new([("alice", "a"), ("bob", "b")]).unwrap()
}

/// `Basic` that decides asynchronously, like a database lookup.
fn asynchronous_users() -> impl Authenticator {
    let users = std::sync::Arc::new(users());
    authenticate_fn(move |head: &Parts| {
        let (users, verdict) = (users.clone(), users.authenticate_now(head));
        async move {
            tokio::task::yield_now().await;
            let _ = users;
            verdict.unwrap()
        }
    })
}

#[tokio::test]
async fn attempts_are_limited_per_user_and_per_address() {
    let app = app(users(), small_limits());
    for wrong in ["1", "2", "3"] {
        assert_eq!(status(&app, "192.0.2.1", &basic("alice", wrong)).await, 401);
    }
    for n in 0..50 {
        assert_eq!(status(&app, "192.0.2.1", &basic("alice", &format!("no {n}"))).await, 429);
    }
    assert_eq!(
        status(&app, "192.0.2.1", &basic("alice", "a")).await,
        429,
        "a correct password is not confirmed"
    );
    assert_eq!(status(&app, "192.0.2.1", &basic("bob", "b")).await, 200, "another user");
    for wrong in ["1", "2"] {
        assert_eq!(status(&app, "192.0.2.1", &basic("carol", wrong)).await, 401);
    }
    assert_eq!(
        status(&app, "192.0.2.1", &basic("dave", "1")).await,
        429,
        "the address has five attempts"
    );
    for (address, name, password) in [("192.0.2.2", "alice", "a"), ("192.0.2.1", "bob", "b")] {
        assert_eq!(status(&app, address, &basic(name, password)).await, 200, "{name}");
    }
}

#[tokio::test]
async fn per_user_limit_is_independent_of_the_authenticator() {
    let file = || HtpasswdFile::from_text(HTPASSWD).unwrap();
    for app in [
        app(users(), small_limits()),
        app(file(), small_limits()),
        app(any_of((users(), file())), small_limits()),
        app(any_of((file(), users())).boxed(), small_limits()),
    ] {
        let mut failed = 0;
        for n in 0..50 {
            failed +=
                u32::from(status(&app, "192.0.2.1", &basic("alice", &n.to_string())).await == 401);
        }
        assert_eq!(failed, 3);
    }
    // A function does not claim a user, so only the address is limited.
    let app = app(asynchronous_users(), small_limits());
    let mut failed = 0;
    for n in 0..50 {
        failed +=
            u32::from(status(&app, "192.0.2.1", &basic("alice", &n.to_string())).await == 401);
    }
    assert_eq!(failed, 5);
}

#[tokio::test]
async fn valid_credentials_are_not_failures_of_another_scheme() {
    let tokens = |token: &str| Bearer::new([("ci", token)]).unwrap();
    let file = || HtpasswdFile::from_text(HTPASSWD).unwrap();
    let others = || Basic::new([("bob", "b")]).unwrap();
    for (app, valid) in [
        (app(any_of((tokens("a"), tokens("b"))), small_limits()), "Bearer b".to_owned()),
        (app(any_of((others(), file())), small_limits()), basic("alice", "a")),
        (app(any_of((file(), others())), small_limits()), basic("bob", "b")),
        (app(any_of((tokens("a"), asynchronous_users())), small_limits()), basic("bob", "b")),
        (app(asynchronous_users(), small_limits()), basic("alice", "a")),
    ] {
        for n in 0..30 {
            assert_eq!(status(&app, "192.0.2.1", &valid).await, 200, "{valid} {n}");
        }
        let requests = (0..30).map(|_| status(&app, "192.0.2.9", &valid));
        let together = futures::future::join_all(requests).await;
        assert!(together.iter().all(|status| *status == 200), "{valid} {together:?}");
    }
}

#[tokio::test]
async fn invalid_credentials_count_once_across_all_schemes() {
    let tokens = |token: &str| Bearer::new([("ci", token)]).unwrap();
    let all = any_of((any_of((tokens("a"), tokens("b"))), any_of((tokens("c"), users()))));
    let app = app(all, small_limits());
    for n in 0..5 {
        assert_eq!(status(&app, "192.0.2.1", &format!("Bearer wrong-{n}")).await, 401);
    }
    assert_eq!(status(&app, "192.0.2.1", "Bearer wrong-5").await, 429);
    assert_eq!(
        status(&app, "192.0.2.1", "Bearer b").await,
        429,
        "the client is not known at this address"
    );
    assert_eq!(status(&app, "192.0.2.2", "Bearer b").await, 200);
    // Requests without credentials, or with an unknown scheme, are no attempts.
    assert_eq!(send(app.clone(), get("/", &[("x-address", "192.0.2.1")])).await.status, 401);
    assert_eq!(status(&app, "192.0.2.1", "Digest x").await, 401);
}

/// All clients share an address, for example behind a proxy that is not declared as trusted.
#[tokio::test]
async fn cached_passwords_are_still_rate_limited() {
    for app in
        [app(HtpasswdFile::from_text(HTPASSWD).unwrap(), by_header()), app(users(), by_header())]
    {
        assert_eq!(status(&app, "192.0.2.1", &basic("alice", "a")).await, 200);
        let mut statuses = [0; 3];
        for n in 0..150 {
            match status(&app, "192.0.2.1", &basic("alice", &format!("pass{n}"))).await {
                401 => statuses[0] += 1,
                429 => statuses[1] += 1,
                _ => statuses[2] += 1,
            }
        }
        assert_eq!(statuses, [10, 140, 0]);
        // After 100 failures the correct password is rate-limited too.
        let valid = status(&app, "192.0.2.1", &basic("alice", "a")).await;
        assert_eq!(valid, 429);
        assert_eq!(
            status(&app, "192.0.2.2", &basic("alice", "a")).await,
            200,
            "the limit is per address"
        );
    }
}

#[tokio::test]
async fn known_client_keeps_access_while_attempts_fail() {
    let tokens = Bearer::new([("ci", "right")]).unwrap();
    for (app, valid, wrong) in [
        (app(users(), small_limits()), basic("alice", "a"), "alice"),
        (app(tokens, small_limits()), "Bearer right".to_owned(), ""),
    ] {
        assert_eq!(status(&app, "192.0.2.1", &valid).await, 200);
        for n in 0..20 {
            let wrong = match wrong {
                "" => format!("Bearer wrong-{n}"),
                user => basic(user, &n.to_string()),
            };
            status(&app, "192.0.2.1", &wrong).await;
        }
        for _ in 0..20 {
            assert_eq!(status(&app, "192.0.2.1", &valid).await, 200, "{valid}");
        }
    }
}

#[tokio::test]
async fn signature_failures_count_per_key_id() {
    let keys = HttpSignature::new([("ci", [1; 32]), ("alice", [2; 32])]).unwrap();
    let app = app(keys, small_limits());
    let status = async |address: &str, id: &str, secret: [u8; 32]| {
        let mut request = http::Request::get("http://localhost/").body(Vec::new()).unwrap();
        Signer::new(id, secret).unwrap().sign(&mut request).unwrap();
        request.headers_mut().insert("x-address", address.parse().unwrap());
        let request: Request = request.map(axum::body::Body::from);
        send(app.clone(), request).await.status.as_u16()
    };
    for _ in 0..20 {
        assert_eq!(status("192.0.2.2", "ci", [1; 32]).await, 200, "right ones are not counted");
    }
    let mut statuses = Vec::new();
    for _ in 0..8 {
        statuses.push(status("192.0.2.1", "ci", [9; 32]).await);
    }
    assert!(statuses.contains(&401) && statuses.last() == Some(&429), "{statuses:?}");
    assert_eq!(status("192.0.2.3", "ci", [1; 32]).await, 200, "at another address");
}

#[tokio::test]
async fn only_password_files_are_rate_limited_by_default() {
    let from = MockConnectInfo(SocketAddr::from(([192, 0, 2, 1], 4711)));
    let statuses = async |authenticator: mcp_auth_layer::auth::BoxAuthenticator,
                          wrong: fn(usize) -> String| {
        let app = recorder().0.layer(McpAuthLayer::new(authenticator)).layer(from);
        let mut limited = 0;
        for n in 0..30 {
            limited += u32::from(status(&app, "", &wrong(n)).await == 429);
        }
        limited > 0
    };
    let password = |n: usize| basic("alice", &n.to_string());
    let token = |n: usize| format!("Bearer {n}");
    let tokens = || Bearer::new([("ci", "right")]).unwrap();
    let file = || HtpasswdFile::from_text(HTPASSWD).unwrap();
    assert!(!statuses(users().boxed(), password).await);
    assert!(!statuses(tokens().boxed(), token).await);
    assert!(statuses(file().boxed(), password).await);
    assert!(
        statuses(any_of((tokens(), file())).boxed(), token).await,
        "for all schemes of `any_of`"
    );
}
