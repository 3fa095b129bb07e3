//! Failed attempts are limited once, by the layer, whatever scheme they are of.
//!
//! The kinds of fault: a limit that counts something else than it says (each wrong password as a
//! user of its own); a right credential that is counted as the failure of another scheme; a cached
//! password that is guessed at full speed from the user's own address; a limit that concerns all
//! clients of a proxy, and says nothing.

mod common;

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::extract::connect_info::MockConnectInfo;
use common::log::Log;
use common::{basic, get, recorder, send};
use http::request::Parts;
use mcp_auth_layer::{
    Authenticator, AuthenticatorExt, Basic, Bearer, Challenge, ClientIp, HttpSignature,
    McpAuthLayer, Principal, Quota, RateLimit, Rejection, Signer, any_of, authenticate_fn,
};
use tracing_subscriber::filter::LevelFilter;

const HOUR: Duration = Duration::from_secs(3600);

/// Alice's password is `a`, at a cost of 4.
const HTPASSWD: &str = "alice:$2y$04$eRSOaN6roE9KbenAUvK/cuvPuWKM69Y/vVrOcfjpGi2rnYKBWJixa";

fn by_header() -> RateLimit {
    RateLimit::by(ClientIp::from_fn(|head: &Parts| {
        head.headers.get("x-address")?.to_str().ok()?.parse().ok()
    }))
}

/// Three for one user, five in all, and none comes back soon.
fn three_and_five() -> RateLimit {
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

/// `Basic` whose answers are not there at once, as those of a database.
fn later() -> impl Authenticator {
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
async fn each_claimed_user_has_a_limit_and_each_address() {
    let app = app(users(), three_and_five());
    for wrong in ["1", "2", "3"] {
        assert_eq!(status(&app, "192.0.2.1", &basic("alice", wrong)).await, 401);
    }
    for n in 0..50 {
        assert_eq!(status(&app, "192.0.2.1", &basic("alice", &format!("no {n}"))).await, 429);
    }
    assert_eq!(status(&app, "192.0.2.1", &basic("alice", "a")).await, 429, "nor is it told");
    assert_eq!(status(&app, "192.0.2.1", &basic("bob", "b")).await, 200, "another user");
    for wrong in ["1", "2"] {
        assert_eq!(status(&app, "192.0.2.1", &basic("carol", wrong)).await, 401);
    }
    assert_eq!(status(&app, "192.0.2.1", &basic("dave", "1")).await, 429, "five in all");
    for (address, name, password) in [("192.0.2.2", "alice", "a"), ("192.0.2.1", "bob", "b")] {
        assert_eq!(status(&app, address, &basic(name, password)).await, 200, "{name}");
    }
}

#[tokio::test]
async fn the_limit_of_a_user_is_the_same_however_the_credential_is_verified() {
    let file = || Basic::from_htpasswd(HTPASSWD).unwrap();
    for app in [
        app(users(), three_and_five()),
        app(file(), three_and_five()),
        app(any_of(users(), file()), three_and_five()),
        app(any_of(file(), users()).boxed(), three_and_five()),
    ] {
        let mut failed = 0;
        for n in 0..50 {
            failed +=
                u32::from(status(&app, "192.0.2.1", &basic("alice", &n.to_string())).await == 401);
        }
        assert_eq!(failed, 3);
    }
    // A function claims no user: the address alone is limited.
    let app = app(later(), three_and_five());
    let mut failed = 0;
    for n in 0..50 {
        failed +=
            u32::from(status(&app, "192.0.2.1", &basic("alice", &n.to_string())).await == 401);
    }
    assert_eq!(failed, 5);
}

#[tokio::test]
async fn a_right_credential_is_no_failure_of_another_scheme() {
    let tokens = |token: &str| Bearer::new([("ci", token)]).unwrap();
    let file = || Basic::from_htpasswd(HTPASSWD).unwrap();
    let others = || Basic::new([("bob", "b")]).unwrap();
    for (app, right) in [
        (app(any_of(tokens("a"), tokens("b")), three_and_five()), "Bearer b".to_owned()),
        (app(any_of(others(), file()), three_and_five()), basic("alice", "a")),
        (app(any_of(file(), others()), three_and_five()), basic("bob", "b")),
        (app(any_of(tokens("a"), later()), three_and_five()), basic("bob", "b")),
        (app(later(), three_and_five()), basic("alice", "a")),
    ] {
        for n in 0..30 {
            assert_eq!(status(&app, "192.0.2.1", &right).await, 200, "{right} {n}");
        }
        let requests = (0..30).map(|_| status(&app, "192.0.2.9", &right));
        let together = futures::future::join_all(requests).await;
        assert!(together.iter().all(|status| *status == 200), "{right} {together:?}");
    }
}

#[tokio::test]
async fn a_wrong_credential_is_one_failure_of_all_schemes() {
    let tokens = |token: &str| Bearer::new([("ci", token)]).unwrap();
    let all = any_of(any_of(tokens("a"), tokens("b")), any_of(tokens("c"), users()));
    let app = app(all, three_and_five());
    for n in 0..5 {
        assert_eq!(status(&app, "192.0.2.1", &format!("Bearer wrong-{n}")).await, 401);
    }
    assert_eq!(status(&app, "192.0.2.1", "Bearer wrong-5").await, 429);
    assert_eq!(status(&app, "192.0.2.1", "Bearer b").await, 429, "a token that is new here");
    assert_eq!(status(&app, "192.0.2.2", "Bearer b").await, 200);
    // A request without a credential, or with one of no known scheme, attempts nothing.
    assert_eq!(send(app.clone(), get("/", &[("x-address", "192.0.2.1")])).await.status, 401);
    assert_eq!(status(&app, "192.0.2.1", "Digest x").await, 401);
}

/// From an address where nobody named the proxy in front, say, which all clients share.
#[tokio::test]
async fn a_cached_password_is_not_guessed_at_full_speed() {
    for app in
        [app(Basic::from_htpasswd(HTPASSWD).unwrap(), by_header()), app(users(), by_header())]
    {
        assert_eq!(status(&app, "192.0.2.1", &basic("alice", "a")).await, 200);
        let mut answers = [0; 3];
        for n in 0..150 {
            match status(&app, "192.0.2.1", &basic("alice", &format!("pass{n}"))).await {
                401 => answers[0] += 1,
                429 => answers[1] += 1,
                _ => answers[2] += 1,
            }
        }
        assert_eq!(answers, [10, 140, 0]);
        // At 100 wrong ones, and five a second, the right one is no longer told.
        let right = status(&app, "192.0.2.1", &basic("alice", "a")).await;
        assert_eq!(right, 429);
        assert_eq!(status(&app, "192.0.2.2", &basic("alice", "a")).await, 200, "elsewhere it is");
    }
}

#[tokio::test]
async fn a_known_client_goes_on_while_others_fail() {
    let tokens = Bearer::new([("ci", "right")]).unwrap();
    for (app, right, wrong) in [
        (app(users(), three_and_five()), basic("alice", "a"), "alice"),
        (app(tokens, three_and_five()), "Bearer right".to_owned(), ""),
    ] {
        assert_eq!(status(&app, "192.0.2.1", &right).await, 200);
        for n in 0..20 {
            let wrong = match wrong {
                "" => format!("Bearer wrong-{n}"),
                user => basic(user, &n.to_string()),
            };
            status(&app, "192.0.2.1", &wrong).await;
        }
        for _ in 0..20 {
            assert_eq!(status(&app, "192.0.2.1", &right).await, 200, "{right}");
        }
    }
}

#[tokio::test]
async fn signatures_count_for_the_key_they_claim() {
    let keys = HttpSignature::new([("ci", [1; 32]), ("alice", [2; 32])]).unwrap();
    let app = app(keys, three_and_five());
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
    let mut answers = Vec::new();
    for _ in 0..8 {
        answers.push(status("192.0.2.1", "ci", [9; 32]).await);
    }
    assert!(answers.contains(&401) && answers.last() == Some(&429), "{answers:?}");
    assert_eq!(status("192.0.2.3", "ci", [1; 32]).await, 200, "at another address");
}

#[tokio::test]
async fn without_an_address_it_is_503_unless_that_was_allowed() {
    let tokens = || Bearer::new([("ci", "right")]).unwrap();
    let limited = app(tokens(), three_and_five());
    assert_eq!(status(&limited, "none", "Bearer right").await, 503);
    assert_eq!(status(&limited, "192.0.2.1", "Bearer right").await, 200);
    let unlimited = app(tokens(), three_and_five().no_address_limit());
    for _ in 0..10 {
        assert_eq!(status(&unlimited, "none", "Bearer wrong").await, 401);
    }
    assert_eq!(status(&unlimited, "none", "Bearer right").await, 200);
}

#[tokio::test]
async fn only_password_files_are_limited_by_default() {
    let from = MockConnectInfo(SocketAddr::from(([192, 0, 2, 1], 4711)));
    let answers = async |authenticator: mcp_auth_layer::BoxAuthenticator,
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
    let file = || Basic::from_htpasswd(HTPASSWD).unwrap();
    assert!(!answers(users().boxed(), password).await);
    assert!(!answers(tokens().boxed(), token).await);
    assert!(answers(file().boxed(), password).await);
    assert!(answers(any_of(tokens(), file()).boxed(), token).await, "for all its schemes");
}

#[tokio::test]
async fn a_proxy_that_is_not_trusted_is_logged_once() {
    let (log, _guard) = Log::start(LevelFilter::WARN);
    let from = MockConnectInfo(SocketAddr::from(([127, 0, 0, 1], 4711)));
    let ask = async |limit: RateLimit, field: &str| {
        let app = app(users(), limit).layer(from);
        for _ in 0..3 {
            let right = basic("alice", "a");
            let fields = [("authorization", &*right), (field, "192.0.2.1")];
            assert_eq!(send(app.clone(), get("/", &fields)).await.status, 200);
        }
        log.lines()
    };
    for field in ["x-forwarded-for", "forwarded"] {
        let lines = ask(RateLimit::default(), field).await;
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].contains("WARN") && lines[0].contains("trusted_proxies"), "{lines:?}");
    }
    let trusted = ClientIp::peer().trusted_proxies(["127.0.0.1"]).unwrap();
    assert!(ask(RateLimit::by(trusted), "x-forwarded-for").await.is_empty());
    assert!(ask(RateLimit::default(), "x-other").await.is_empty());
}

#[tokio::test]
async fn an_authenticator_that_panics_about_its_attempt_is_503() {
    struct Panics;
    impl Authenticator for Panics {
        async fn authenticate(
            &self,
            _: &Parts,
        ) -> Result<mcp_auth_layer::Authenticated, Rejection> {
            Ok(Principal::new("anybody").into())
        }

        fn attempt(&self, _: &Parts) -> Option<mcp_auth_layer::Attempt> {
            panic!("a bug")
        }
    }
    let app = app(Panics, by_header());
    assert_eq!(status(&app, "192.0.2.1", "Bearer x").await, 503);
}

/// A backend that is down makes nobody fail.
#[tokio::test]
async fn an_outage_is_no_failed_attempt() {
    let down = authenticate_fn(|head: &Parts| {
        let wrong = head.headers["authorization"] == "Bearer wrong";
        async move {
            match wrong {
                true => Err::<Principal, _>(Rejection::invalid(Challenge::new("Bearer"))),
                false => Err(Rejection::unavailable()),
            }
        }
    });
    let app = app(down, three_and_five());
    for _ in 0..20 {
        assert_eq!(status(&app, "192.0.2.1", "Bearer right").await, 503);
    }
    let mut answers = Vec::new();
    for _ in 0..6 {
        answers.push(status(&app, "192.0.2.1", "Bearer wrong").await);
    }
    assert_eq!(answers, [401, 401, 401, 401, 401, 429]);
}
