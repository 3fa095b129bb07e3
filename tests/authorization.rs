//! The rules of the `Authorization` header, for Basic and bearer. Each has a request that is let
//! in and one that differs in that point alone.

mod common;

use axum::Router;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use common::{Seen, basic, get, recorder, request, send, with_authorization};
use http::{HeaderValue, Method};
use mcp_auth_layer::{Basic, Bearer, CredentialError, CredentialErrorKind, McpAuthLayer, any_of};

fn basic_app() -> (Router, Seen) {
    let users = [("alice", "pass:word"), ("bob", "bob's"), ("jürgen", "übermut")];
    let (app, seen) = recorder();
    (app.layer(McpAuthLayer::new(Basic::new(users).unwrap())), seen)
}

fn bearer_app() -> (Router, Seen) {
    let tokens = [("ci", "tok"), ("deploy", "dG9r/e+n._~-=="), ("ci", "rotated")];
    let (app, seen) = recorder();
    (app.layer(McpAuthLayer::new(Bearer::new(tokens).unwrap())), seen)
}

async fn status((app, seen): &(Router, Seen), authorization: &str) -> u16 {
    let before = seen.count();
    let answer = send(app.clone(), with_authorization(authorization)).await;
    let passed = seen.count() - before;
    assert_eq!(passed, usize::from(answer.status == 200), "{authorization:?}");
    answer.status.as_u16()
}

#[tokio::test]
async fn basic_admits_each_user_by_name() {
    let (app, seen) = basic_app();
    for (user, password) in [("alice", "pass:word"), ("bob", "bob's"), ("jürgen", "übermut")] {
        let answer = send(app.clone(), with_authorization(&basic(user, password))).await;
        assert_eq!(answer.status, 200);
        assert_eq!(seen.principal(), user);
    }
}

#[tokio::test]
async fn basic_refuses_what_differs() {
    let app = basic_app();
    for (user, password) in [
        ("alice", "pass:wor"),
        ("alice", "pass:word "),
        ("alice", "pass:wordx"),
        ("alice", "Pass:word"),
        ("alice", ""),
        ("alice", "bob's"),
        ("Alice", "pass:word"),
        ("alice:pass", "word:"),
        ("", "pass:word"),
        ("jurgen", "übermut"),
    ] {
        assert_eq!(status(&app, &basic(user, password)).await, 401, "{user}:{password}");
    }
}

#[tokio::test]
async fn basic_refuses_other_encodings_of_a_good_credential() {
    let app = basic_app();
    let good = STANDARD.encode("bob:bob's");
    assert_eq!(status(&app, &format!("Basic {good}")).await, 200);

    let pair = "jürgen:übermut"; // 16 bytes: one letter at the end carries unused bits
    let good = STANDARD.encode(pair);
    assert_eq!(status(&app, &format!("Basic {good}")).await, 200);
    let unpadded = STANDARD_NO_PAD.encode(pair);
    assert_ne!(good, unpadded);
    assert_eq!(status(&app, &format!("Basic {unpadded}")).await, 401);
    let last = unpadded.chars().last().unwrap();
    let twin = char::from(last as u8 + 1);
    let bits = format!("{}{twin}==", unpadded.strip_suffix(last).unwrap());
    assert_eq!(status(&app, &format!("Basic {bits}")).await, 401);

    let latin1 = STANDARD.encode(b"j\xfcrgen:\xfcbermut");
    assert_eq!(status(&app, &format!("Basic {latin1}")).await, 401);
    for broken in ["YWxpY2U=", "!!!!", "YWxp Y2U6", "YWxpY2U6cGFzczp3b3Jk\\n"] {
        assert_eq!(status(&app, &format!("Basic {broken}")).await, 401, "{broken}");
    }
}

#[tokio::test]
async fn bearer_admits_each_token_by_its_owner() {
    let (app, seen) = bearer_app();
    for (token, owner) in [("tok", "ci"), ("rotated", "ci"), ("dG9r/e+n._~-==", "deploy")] {
        let answer = send(app.clone(), with_authorization(&format!("Bearer {token}"))).await;
        assert_eq!(answer.status, 200);
        assert_eq!(seen.principal(), owner);
    }
}

#[tokio::test]
async fn bearer_refuses_what_differs() {
    let app = bearer_app();
    assert_eq!(status(&app, "Bearer tok").await, 200);
    for refused in [
        "Bearerish tok",
        "Bearerish x",
        "Bearer tok junk",
        "Bearer tok,",
        "Bearer ",
        "Bearer",
        "tok",
        "Bearertok",
        "Bearer\ttok",
        "Bearer Tok",
        "Bearer to",
        "Bearer tokk",
        "Bearer \"tok\"",
        "Bearer tok, Bearer tok",
        "Bearer Bearer tok",
        "Token tok",
        "Basic tok",
        " ",
        "",
    ] {
        assert_eq!(status(&app, refused).await, 401, "{refused:?}");
    }
}

#[tokio::test]
async fn the_scheme_is_case_insensitive_and_spaces_follow_it() {
    let basic_app = basic_app();
    let credential = basic("bob", "bob's");
    let credential = credential.strip_prefix("Basic ").unwrap();
    for scheme in ["Basic ", "basic ", "BASIC ", "bAsIc   "] {
        assert_eq!(status(&basic_app, &format!("{scheme}{credential}")).await, 200, "{scheme:?}");
    }
    let bearer_app = bearer_app();
    for scheme in ["Bearer ", "bearer ", "BEARER    "] {
        assert_eq!(status(&bearer_app, &format!("{scheme}tok")).await, 200, "{scheme:?}");
    }
}

#[tokio::test]
async fn two_authorization_headers_are_400_and_no_scheme_is_tried() {
    let (good, bad) = ("Bearer tok", "Bearer bad");
    for (first, second) in [(good, bad), (bad, good), (good, good), (good, "Basic x"), ("", good)] {
        let (app, seen) = bearer_app();
        let fields = [("authorization", first), ("Authorization", second)];
        let answer = send(app, get("/", &fields)).await;
        assert_eq!(answer.status, 400, "{first:?}, {second:?}");
        assert!(answer.challenges().is_empty());
        assert_eq!(seen.count(), 0);
    }
}

#[tokio::test]
async fn a_token_is_never_taken_from_the_query_or_a_cookie() {
    let (app, seen) = bearer_app();
    for target in ["/?access_token=tok", "/?token=tok", "/?authorization=Bearer%20tok"] {
        let elsewhere = [("cookie", "access_token=tok"), ("x-authorization", "Bearer tok")];
        assert_eq!(send(app.clone(), get(target, &elsewhere)).await.status, 401, "{target}");
    }
    assert_eq!(seen.count(), 0);
}

#[tokio::test]
async fn bytes_that_are_no_text_are_refused() {
    let (app, seen) = bearer_app();
    let mut odd = get("/", &[]);
    let value = HeaderValue::from_bytes(b"Bearer tok\xff").unwrap();
    odd.headers_mut().insert("authorization", value);
    assert_eq!(send(app, odd).await.status, 401);
    assert_eq!(seen.count(), 0);
}

#[tokio::test]
async fn an_empty_credential_asks_for_the_unset_variable() {
    let (app, _) = bearer_app();
    let answer = send(app, with_authorization("Bearer ")).await;
    assert_eq!(answer.status, 401);
    assert!(answer.message().contains("variable unset"), "{}", answer.message());
}

#[tokio::test]
async fn every_verb_is_guarded_on_every_path() {
    let (app, seen) = bearer_app();
    let token = [("authorization", "Bearer tok")];
    for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PURGE"] {
        for path in ["/", "/sse", "/messages/", "/messages/?a=x", "/mcp", "/nowhere"] {
            let method = || Method::from_bytes(method.as_bytes()).unwrap();
            let answer = send(app.clone(), request(method(), path, &[])).await;
            assert_eq!(answer.status, 401, "{} {path}", method());
            assert_eq!(seen.count(), 0, "{} {path}", method());

            let answer = send(app.clone(), request(method(), path, &token)).await;
            assert_eq!(answer.status, 200, "{} {path}", method());
            assert_eq!(seen.principal(), "ci");
        }
    }
}

#[tokio::test]
async fn authorization_is_taken_off_unless_it_is_kept() {
    let (app, seen) = bearer_app();
    send(app, with_authorization("Bearer tok")).await;
    assert!(!seen.only().headers.contains_key("authorization"));

    let (app, seen) = recorder();
    let layer = McpAuthLayer::bearer("tok").forward_authorization();
    send(app.layer(layer), with_authorization("Bearer tok")).await;
    let head = seen.only();
    assert_eq!(head.headers["authorization"], "Bearer tok");
    assert!(!format!("{head:?}").contains("tok"), "sensitive: {head:?}");
}

#[tokio::test]
async fn two_layers_stack_with_keep_authorization_on_the_outer() {
    let (app, seen) = recorder();
    let inner = app.layer(McpAuthLayer::bearer("tok"));
    let stacked = inner.clone().layer(McpAuthLayer::bearer("tok").forward_authorization());
    assert_eq!(send(stacked, with_authorization("Bearer tok")).await.status, 200);
    assert_eq!(seen.principal(), "bearer");
    let stacked = inner.layer(McpAuthLayer::bearer("tok"));
    assert_eq!(send(stacked, with_authorization("Bearer tok")).await.status, 401);
}

#[tokio::test]
async fn any_of_admits_by_either_scheme() {
    let (app, seen) = recorder();
    let either =
        any_of(Basic::new([("alice", "secret")]).unwrap(), Bearer::new([("ci", "tok")]).unwrap());
    let app = app.layer(McpAuthLayer::new(either));
    for (credential, who) in [(basic("alice", "secret"), "alice"), ("Bearer tok".into(), "ci")] {
        assert_eq!(send(app.clone(), with_authorization(&credential)).await.status, 200);
        assert_eq!(seen.principal(), who);
    }
    for credential in [basic("alice", "tok"), "Bearer secret".into(), "Basic tok".into()] {
        assert_eq!(send(app.clone(), with_authorization(&credential)).await.status, 401);
    }
}

#[test]
fn credentials_that_cannot_be_are_errors() {
    let basic = |user, password| Basic::new([("first", "one"), (user, password)]).unwrap_err();
    let is = |error: &CredentialError, kind| (error.kind(), error.position()) == (kind, Some(2));
    for (user, password) in [("a:b", "x"), ("", "x"), ("a\nb", "x"), ("a\u{85}b", "x")] {
        let error = basic(user, password);
        assert!(is(&error, CredentialErrorKind::InvalidName), "{error}");
    }
    for (user, password) in [("a", ""), ("a", "x\0"), ("a", "x\r\ny"), ("a", "x\u{7f}")] {
        let error = basic(user, password);
        assert!(is(&error, CredentialErrorKind::InvalidSecret), "{error}");
    }
    let error = basic("first", "two");
    assert!(is(&error, CredentialErrorKind::Duplicate), "{error}");
    assert!(Basic::new([("a", "päss:word"), ("b", "päss:word")]).is_ok());

    let bearer = |name, token| Bearer::new([("first", "one"), (name, token)]).unwrap_err();
    for (name, token) in
        [("a", ""), ("a", "="), ("a", "a b"), ("a", "a=b"), ("a", "tök"), ("a", "a\n")]
    {
        let error = bearer(name, token);
        assert!(is(&error, CredentialErrorKind::InvalidSecret), "{token:?}: {error}");
    }
    for name in ["", "a\0"] {
        let error = bearer(name, "two");
        assert!(is(&error, CredentialErrorKind::InvalidName), "{error}");
    }
    let error = bearer("second", "one");
    assert!(is(&error, CredentialErrorKind::Duplicate), "{error}");
    assert!(Bearer::new([("a", "one"), ("a", "two=="), ("b:c", "-._~+/")]).is_ok());

    let nobody: [(&str, &str); 0] = [];
    assert_eq!(Basic::new(nobody).unwrap_err().kind(), CredentialErrorKind::NoCredentials);
    assert_eq!(Bearer::new(nobody).unwrap_err().kind(), CredentialErrorKind::NoCredentials);
}

#[test]
fn names_with_white_space_around_them_are_refused() {
    use mcp_auth_layer::Basic;
    for name in [" al", "al ", "\u{a0}al", " "] {
        let error = Basic::new([(name, "pw")]).unwrap_err().to_string();
        assert!(error.contains("white space"), "{name:?}: {error}");
    }
    assert!(Basic::new([("al ice", " pw ")]).is_ok(), "inside it is part of the name");
    for name in [" ci", "ci ", "\u{a0}ci"] {
        let error = Bearer::new([(name, "token")]).unwrap_err().to_string();
        assert!(error.contains("white space"), "{name:?}: {error}");
    }
    assert!(Bearer::new([("c i", "token")]).is_ok());
}
