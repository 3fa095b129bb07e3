//! Password files in the format of `htpasswd -B`, with lines that the real `htpasswd` wrote.

use std::num::NonZeroUsize;
use std::path::Path;
use std::task::Poll;

use axum::Router;
use futures::future::join_all;
use futures::poll;
use mcp_auth_layer::auth::AuthenticatorExt;
use mcp_auth_layer::layer::ExactPath;
use mcp_auth_layer::rate_limit::RateLimit;
use mcp_auth_layer::schemes::HtpasswdFile;
use mcp_auth_layer::{Authenticator, Bearer, CredentialFileError, McpAuthLayer, any_of};
use tokio::task::JoinSet;

use crate::support::credential_file::CredentialFile;
use crate::support::htpasswd::{all, htpasswd};
use crate::support::{basic, get, recorder, send, with_authorization};

/// A layer with this authenticator, without a rate limit.
fn layer<A: Authenticator>(authenticator: A) -> McpAuthLayer<A> {
    McpAuthLayer::new(authenticator).rate_limit(RateLimit::default().no_address_limit())
}

fn protected(users: impl Authenticator) -> Router {
    recorder().0.layer(layer(users).public_path(ExactPath::from_static("/health")))
}

async fn status(app: &Router, user: &str, password: &str) -> u16 {
    send(app.clone(), with_authorization(&basic(user, password))).await.status.as_u16()
}

#[tokio::test]
async fn users_of_an_htpasswd_file_are_authenticated() {
    let lines = [
        htpasswd("-B", "alice", "correct horse"),
        htpasswd("-B -C 4", "bob", "pässwörd"),
        htpasswd("-B -C 10", "carol", "x"),
    ];
    let file = CredentialFile::new(&(lines.join("\n") + "\n"));
    let app = protected(HtpasswdFile::open(&file.path).unwrap());
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

/// Costs from 4 to 12, and passwords with characters that are special in shells, headers or files.
#[tokio::test]
async fn every_bcrypt_line_of_htpasswd_is_verified() {
    for (options, password) in all().filter(|(_, password)| !password.is_empty()) {
        let app =
            protected(HtpasswdFile::from_text(&htpasswd(options, "alice", password)).unwrap());
        assert_eq!(status(&app, "alice", password).await, 200, "{options} {password:?}");
        let wrong = format!("{}!", &password[..password.len() - 1]);
        assert_eq!(status(&app, "alice", &wrong).await, 401, "{options} {password:?}");
    }
}

#[tokio::test]
async fn principal_is_the_user_name() {
    let (app, seen) = recorder();
    let users = HtpasswdFile::from_text(&htpasswd("-B", "alice", "secret")).unwrap();
    let app = app.layer(layer(users));
    for _ in 0..2 {
        send(app.clone(), with_authorization(&basic("alice", "secret"))).await;
        assert_eq!(seen.principal(), "alice");
    }
}

#[test]
fn other_hash_formats_are_errors_with_a_line_number() {
    let valid = htpasswd("-B", "alice", "hunter2");
    for options in ["-m", "-2", "-5", "-d", "-s", "-p"] {
        let invalid = htpasswd(options, "bob", "hunter2");
        let error = HtpasswdFile::from_text(&format!("{valid}\n# bob\n{invalid}\n")).unwrap_err();
        assert_eq!(error.line(), Some(3), "{options}");
        let text = error.to_string();
        assert!(text.starts_with("line 3: ") && text.contains("htpasswd -nB USER"), "{text}");
        let (_, hash) = invalid.split_once(':').unwrap();
        assert!(!text.contains(hash) && !text.contains("bob"), "{text}");
    }
    assert!(HtpasswdFile::from_text(&format!("{valid}\n# bob\n")).is_ok());
}

#[test]
fn errors_name_file_and_line() {
    let file = CredentialFile::new("# no users\n");
    let error = HtpasswdFile::open(&file.path).unwrap_err();
    let text =
        format!("{}: the file contains no credentials: add at least one", file.path.display());
    assert_eq!(error.to_string(), text);
    file.replace("# no users\r\nbob:hunter2\r\n");
    let error: CredentialFileError = HtpasswdFile::open(&file.path).unwrap_err();
    assert!(error.to_string().starts_with(&format!("{}:2: the password is", file.path.display())));
    assert!(!error.to_string().contains('\n'));
    let missing = HtpasswdFile::open(Path::new("no/such/file")).unwrap_err();
    assert!(missing.to_string().starts_with("no/such/file: the file cannot be read: "));
}

#[tokio::test]
async fn passwords_are_not_truncated_to_72_bytes() {
    let longest = "0".repeat(72);
    let app = protected(HtpasswdFile::from_text(&htpasswd("-B", "alice", &longest)).unwrap());
    assert_eq!(status(&app, "alice", &format!("{longest}0")).await, 401);
    assert_eq!(status(&app, "alice", &longest).await, 200);
    assert_eq!(status(&app, "alice", &format!("{longest}0")).await, 401);
    assert_eq!(status(&app, "alice", &longest[1..]).await, 401);
}

#[tokio::test]
async fn empty_passwords_are_rejected_despite_a_matching_hash() {
    let users = htpasswd("-B", "alice", "") + "\n" + &htpasswd("-B", "bob", "x");
    let app = protected(HtpasswdFile::from_text(&users).unwrap());
    assert_eq!(status(&app, "alice", "").await, 401);
    assert_eq!(status(&app, "bob", "x").await, 200);
}

#[tokio::test]
async fn name_and_password_may_have_1024_bytes_in_total() {
    let argon2 = "$argon2id$v=19$m=4096,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8";
    let users = HtpasswdFile::from_text(&format!("alice:{argon2}")).unwrap();
    let reason = |length| {
        let head = with_authorization(&basic("alice", &"0".repeat(length))).into_parts().0;
        users.authenticate_now(&head).map(|decision| decision.unwrap_err().kind())
    };
    // Including the name and the colon, 1024 bytes are verified and 1025 are rejected at once.
    assert_eq!(reason(1018), None);
    assert_eq!(reason(1019), Some(mcp_auth_layer::auth::RejectionKind::Invalid));
}

#[tokio::test]
async fn responses_do_not_reveal_why_a_password_is_invalid() {
    let app = protected(HtpasswdFile::from_text(&htpasswd("-B", "alice", "secret")).unwrap());
    let response = |value: String| send(app.clone(), with_authorization(&value));
    let wrong = response(basic("alice", "wrong")).await;
    for other in [
        basic("nobody", "secret"),
        basic("", "secret"),
        basic("alice", ""),
        basic("alice", &"0".repeat(73)),
        basic("alice", &"0".repeat(2000)),
    ] {
        let other = response(other).await;
        assert_eq!((other.status, &*other.body), (wrong.status, &*wrong.body));
        assert_eq!(other.challenges(), wrong.challenges());
    }
    assert_eq!(wrong.challenges(), [r#"Basic realm="mcp", charset="UTF-8""#]);
    assert_eq!(wrong.message(), "the credential is wrong or has expired");

    for malformed in
        ["Basic !", "Basic YWxpY2U=", &basic("al\0ice", "x"), "Basic YTo=Yg==", "Basic"]
    {
        let response = response(malformed.to_owned()).await;
        assert_eq!(response.status, 401);
        assert_ne!(response.message(), wrong.message(), "{malformed}");
    }
    let missing = send(app.clone(), get("/", &[])).await.message();
    assert!(missing.starts_with("authentication required: "), "{missing}");
}

#[tokio::test]
async fn a_hundred_concurrent_first_logins_succeed() {
    let app = protected(HtpasswdFile::from_text(&htpasswd("-B", "alice", "secret")).unwrap());
    let requests = (0..100).map(|_| status(&app, "alice", "secret"));
    assert!(join_all(requests).await.into_iter().all(|status| status == 200));
}

/// The runtime has one thread, and hashing must not block it.
#[tokio::test]
async fn other_requests_are_served_during_a_hundred_logins() {
    let one = NonZeroUsize::new(1).unwrap();
    let users: Vec<_> = (0..100).map(|n| htpasswd("-B -C 6", &format!("user-{n}"), "x")).collect();
    let users = HtpasswdFile::from_text(&users.join("\n")).unwrap().max_concurrent_hashes(one);
    let app = protected(users);
    let mut logins = JoinSet::new();
    for number in 0..100 {
        let app = app.clone();
        logins.spawn(async move { status(&app, &format!("user-{number}"), "x").await });
    }
    tokio::task::yield_now().await; // every login has started
    assert_eq!(send(app.clone(), get("/health", &[])).await.status, 200);
    assert_eq!(send(app.clone(), get("/", &[])).await.status, 401);
    assert!(
        logins.try_join_next().is_none_or(|_| logins.len() > 90),
        "the logins are still running"
    );
    assert!(logins.join_all().await.into_iter().all(|status| status == 200));
}

#[tokio::test]
async fn a_thousand_abandoned_logins_do_not_block_users() {
    let one = NonZeroUsize::new(1).unwrap();
    let users = HtpasswdFile::from_text(&htpasswd("-B", "alice", "secret")).unwrap();
    let app = protected(users.max_concurrent_hashes(one));
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
async fn htpasswd_combines_with_other_schemes() {
    let users = HtpasswdFile::from_text(&htpasswd("-B", "alice", "secret")).unwrap();
    let both = any_of((Bearer::new([("ci", "rD3m0NfE5Yc0mKq1bWv7Xw")]).unwrap(), users)).boxed();
    let app = recorder().0.layer(layer(both));
    let token = with_authorization("Bearer rD3m0NfE5Yc0mKq1bWv7Xw");
    assert_eq!(send(app.clone(), token).await.status, 200);
    for _ in 0..2 {
        assert_eq!(status(&app, "alice", "secret").await, 200);
    }
    assert_eq!(status(&app, "alice", "wrong").await, 401);
}

#[test]
fn debug_shows_only_the_number_of_users() {
    let users = HtpasswdFile::from_text(&htpasswd("-B", "alice", "secret")).unwrap();
    let shown = format!("{users:?}");
    assert!(shown.contains("[1 users]") && !shown.contains("alice"), "{shown}");
}
