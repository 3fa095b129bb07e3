//! Users in a file that the real `htpasswd` wrote (Debian: `apt-get install apache2-utils`).

mod common;
#[path = "common/htpasswd.rs"]
mod htpasswd;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::task::Poll;

use axum::Router;
use common::{basic, get, recorder, send, with_authorization};
use futures::future::join_all;
use futures::poll;
use htpasswd::htpasswd;
use mcp_auth_layer::{
    Authenticator, AuthenticatorExt, Basic, Bearer, CredentialFileError, McpAuthLayer, RateLimit,
    any_of,
};
use tokio::task::JoinSet;

/// A file that goes away.
struct File(PathBuf);

impl File {
    fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("mcp-auth-layer-{}-{name}", std::process::id())))
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// A layer of this authenticator, without a rate limit.
fn layer<A: Authenticator>(authenticator: A) -> McpAuthLayer<A> {
    McpAuthLayer::new(authenticator).rate_limit(RateLimit::default().no_address_limit())
}

fn guarded(users: Basic) -> Router {
    recorder().0.layer(layer(users).public_path("/health"))
}

async fn status(app: &Router, user: &str, password: &str) -> u16 {
    send(app.clone(), with_authorization(&basic(user, password))).await.status.as_u16()
}

#[tokio::test]
async fn a_file_of_htpasswd() {
    let file = File::new("team");
    let lines = [
        htpasswd("-B", "alice", "correct horse"),
        htpasswd("-B -C 4", "bob", "pässwörd"),
        htpasswd("-B -C 10", "carol", "x"),
    ];
    common::write_credentials(&file.0, lines.join("\n") + "\n");
    let app = guarded(Basic::from_htpasswd_file(&file.0).unwrap());
    for (user, password, expected) in [
        ("alice", "correct horse", 200),
        ("alice", "correct hors", 401),
        ("bob", "pässwörd", 200),
        ("bob", "passwörd", 401),
        ("carol", "x", 200),
        ("carol", "correct horse", 401),
        ("mallory", "x", 401),
    ] {
        for time in ["first", "remembered"] {
            assert_eq!(status(&app, user, password).await, expected, "{user}, {time}");
        }
    }
}

/// At every cost from 4 to 12, and with passwords that shells, headers and files treat oddly.
#[tokio::test]
async fn every_line_of_the_real_htpasswd_is_verified() {
    for (options, password) in htpasswd::all().filter(|(_, password)| !password.is_empty()) {
        let app = guarded(Basic::from_htpasswd(&htpasswd(options, "alice", password)).unwrap());
        assert_eq!(status(&app, "alice", password).await, 200, "{options} {password:?}");
        let wrong = format!("{}!", &password[..password.len() - 1]);
        assert_eq!(status(&app, "alice", &wrong).await, 401, "{options} {password:?}");
    }
}

#[tokio::test]
async fn the_principal_is_the_user() {
    let (app, seen) = recorder();
    let users = Basic::from_htpasswd(&htpasswd("-B", "alice", "secret")).unwrap();
    let app = app.layer(layer(users));
    for _ in 0..2 {
        send(app.clone(), with_authorization(&basic("alice", "secret"))).await;
        assert_eq!(seen.principal(), "alice");
    }
}

#[test]
fn what_else_htpasswd_writes_is_refused_by_its_line() {
    let good = htpasswd("-B", "alice", "hunter2");
    for options in ["-m", "-2", "-5", "-d", "-s", "-p"] {
        let bad = htpasswd(options, "bob", "hunter2");
        let error = Basic::from_htpasswd(&format!("{good}\n# bob\n{bad}\n")).unwrap_err();
        assert_eq!(error.line(), Some(3), "{options}");
        let text = error.to_string();
        assert!(text.starts_with("line 3: ") && text.contains("htpasswd -nB USER"), "{text}");
        let (_, hash) = bad.split_once(':').unwrap();
        assert!(!text.contains(hash) && !text.contains("bob"), "{text}");
    }
    assert!(Basic::from_htpasswd(&format!("{good}\n# bob\n")).is_ok());
}

#[test]
fn an_error_names_file_and_line() {
    let file = File::new("errors");
    common::write_credentials(&file.0, "# nobody\n");
    let error = Basic::from_htpasswd_file(&file.0).unwrap_err();
    let text = format!("{}: the file contains no credentials: add at least one", file.0.display());
    assert_eq!(error.to_string(), text);
    std::fs::write(&file.0, "# nobody\r\nbob:hunter2\r\n").unwrap();
    let error: CredentialFileError = Basic::from_htpasswd_file(&file.0).unwrap_err();
    assert!(error.to_string().starts_with(&format!("{}:2: the password is", file.0.display())));
    assert!(!error.to_string().contains('\n'));
    let missing = Basic::from_htpasswd_file(Path::new("no/such/file")).unwrap_err();
    assert!(missing.to_string().starts_with("no/such/file: the file cannot be read: "));
}

#[tokio::test]
async fn no_password_is_cut_short() {
    let longest = "0".repeat(72);
    let app = guarded(Basic::from_htpasswd(&htpasswd("-B", "alice", &longest)).unwrap());
    assert_eq!(status(&app, "alice", &format!("{longest}0")).await, 401);
    assert_eq!(status(&app, "alice", &longest).await, 200);
    assert_eq!(status(&app, "alice", &format!("{longest}0")).await, 401);
    assert_eq!(status(&app, "alice", &longest[1..]).await, 401);
}

#[tokio::test]
async fn an_empty_password_is_wrong_even_if_its_hash_is_right() {
    let users = htpasswd("-B", "alice", "") + "\n" + &htpasswd("-B", "bob", "x");
    let app = guarded(Basic::from_htpasswd(&users).unwrap());
    assert_eq!(status(&app, "alice", "").await, 401);
    assert_eq!(status(&app, "bob", "x").await, 200);
}

#[tokio::test]
async fn name_and_password_have_room() {
    let argon2 = "$argon2id$v=19$m=4096,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8";
    let users = Basic::from_htpasswd(&format!("alice:{argon2}")).unwrap();
    let judged = |length| {
        let head = with_authorization(&basic("alice", &"0".repeat(length))).into_parts().0;
        users.authenticate_now(&head).map(|judged| judged.unwrap_err().kind())
    };
    // With the name and the colon: 1024 bytes are verified, 1025 are wrong at once.
    assert_eq!(judged(1018), None);
    assert_eq!(judged(1019), Some(mcp_auth_layer::RejectionKind::Invalid));
}

#[tokio::test]
async fn answers_do_not_say_what_was_wrong() {
    let app = guarded(Basic::from_htpasswd(&htpasswd("-B", "alice", "secret")).unwrap());
    let answer = |value: String| send(app.clone(), with_authorization(&value));
    let wrong = answer(basic("alice", "wrong")).await;
    for other in [
        basic("nobody", "secret"),
        basic("", "secret"),
        basic("alice", ""),
        basic("alice", &"0".repeat(73)),
        basic("alice", &"0".repeat(2000)),
    ] {
        let other = answer(other).await;
        assert_eq!((other.status, &*other.body), (wrong.status, &*wrong.body));
        assert_eq!(other.challenges(), wrong.challenges());
    }
    assert_eq!(wrong.challenges(), [r#"Basic realm="mcp", charset="UTF-8""#]);
    assert_eq!(wrong.message(), "the credential is wrong or has expired");

    for malformed in
        ["Basic !", "Basic YWxpY2U=", &basic("al\0ice", "x"), "Basic YTo=Yg==", "Basic"]
    {
        let answer = answer(malformed.to_owned()).await;
        assert_eq!(answer.status, 401);
        assert_ne!(answer.message(), wrong.message(), "{malformed}");
    }
    let missing = send(app.clone(), get("/", &[])).await.message();
    assert!(missing.starts_with("authentication required: "), "{missing}");
}

#[tokio::test]
async fn a_hundred_first_requests_with_one_credential_are_let_in() {
    let app = guarded(Basic::from_htpasswd(&htpasswd("-B", "alice", "secret")).unwrap());
    let requests = (0..100).map(|_| status(&app, "alice", "secret"));
    assert!(join_all(requests).await.into_iter().all(|status| status == 200));
}

/// On a runtime of one thread, which hashes nothing itself.
#[tokio::test]
async fn others_are_answered_while_a_hundred_log_in() {
    let one = NonZeroUsize::new(1).unwrap();
    let users: Vec<_> = (0..100).map(|n| htpasswd("-B -C 6", &format!("user-{n}"), "x")).collect();
    let users = Basic::from_htpasswd(&users.join("\n")).unwrap().verify_at_once(one);
    let app = guarded(users);
    let mut logins = JoinSet::new();
    for number in 0..100 {
        let app = app.clone();
        logins.spawn(async move { status(&app, &format!("user-{number}"), "x").await });
    }
    tokio::task::yield_now().await; // each of them has begun
    assert_eq!(send(app.clone(), get("/health", &[])).await.status, 200);
    assert_eq!(send(app.clone(), get("/", &[])).await.status, 401);
    assert!(logins.try_join_next().is_none_or(|_| logins.len() > 90), "they go on");
    assert!(logins.join_all().await.into_iter().all(|status| status == 200));
}

#[tokio::test]
async fn a_thousand_clients_that_connect_and_drop_keep_nobody_out() {
    let one = NonZeroUsize::new(1).unwrap();
    let users = Basic::from_htpasswd(&htpasswd("-B", "alice", "secret")).unwrap();
    let app = guarded(users.verify_at_once(one));
    for number in 0..1000 {
        let name = format!("user-{number}");
        let mut request = Box::pin(status(&app, &name, "x"));
        match poll!(&mut request) {
            Poll::Pending => {}
            Poll::Ready(early) => assert_eq!(early, 401),
        }
    }
    assert_eq!(send(app.clone(), get("/health", &[])).await.status, 200);
    assert_eq!(status(&app, "alice", "secret").await, 200);
}

#[tokio::test]
async fn it_is_one_scheme_among_others() {
    let users = Basic::from_htpasswd(&htpasswd("-B", "alice", "secret")).unwrap();
    let both = any_of(Bearer::new([("ci", "rD3m0NfE5Yc0mKq1bWv7Xw")]).unwrap(), users).boxed();
    let app = recorder().0.layer(layer(both));
    let token = with_authorization("Bearer rD3m0NfE5Yc0mKq1bWv7Xw");
    assert_eq!(send(app.clone(), token).await.status, 200);
    for _ in 0..2 {
        assert_eq!(status(&app, "alice", "secret").await, 200);
    }
    assert_eq!(status(&app, "alice", "wrong").await, 401);
}

#[test]
fn debug_shows_how_many() {
    let users = Basic::from_htpasswd(&htpasswd("-B", "alice", "secret")).unwrap();
    let shown = format!("{users:?}");
    assert!(shown.contains("[1 users]") && !shown.contains("alice"), "{shown}");
}
