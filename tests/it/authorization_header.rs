//! The `Authorization` header with Basic and bearer credentials. Each rule has a request that is
//! authenticated and one that differs only in that point and is rejected.

use axum::Router;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use http::{HeaderValue, Method};
use mcp_auth_layer::{Basic, Bearer, McpAuthLayer};

use crate::support::{Seen, basic, get, recorder, request, send, with_authorization};

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
    let response = send(app.clone(), with_authorization(authorization)).await;
    let passed = seen.count() - before;
    assert_eq!(passed, usize::from(response.status == 200), "{authorization:?}");
    response.status.as_u16()
}

#[tokio::test]
async fn basic_users_are_authenticated_by_name() {
    let (app, seen) = basic_app();
    for (user, password) in [("alice", "pass:word"), ("bob", "bob's"), ("jürgen", "übermut")] {
        let response = send(app.clone(), with_authorization(&basic(user, password))).await;
        assert_eq!(response.status, 200);
        assert_eq!(seen.principal(), user);
    }
}

#[tokio::test]
async fn basic_credentials_must_match_exactly() {
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
async fn basic_credentials_must_be_canonical_base64_of_utf8() {
    let app = basic_app();
    let valid = STANDARD.encode("bob:bob's");
    assert_eq!(status(&app, &format!("Basic {valid}")).await, 200);

    let pair = "jürgen:übermut"; // 16 bytes: the last character carries unused bits
    let valid = STANDARD.encode(pair);
    assert_eq!(status(&app, &format!("Basic {valid}")).await, 200);
    let unpadded = STANDARD_NO_PAD.encode(pair);
    assert_ne!(valid, unpadded);
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
async fn bearer_tokens_are_authenticated_by_owner() {
    let (app, seen) = bearer_app();
    for (token, owner) in [("tok", "ci"), ("rotated", "ci"), ("dG9r/e+n._~-==", "deploy")] {
        let response = send(app.clone(), with_authorization(&format!("Bearer {token}"))).await;
        assert_eq!(response.status, 200);
        assert_eq!(seen.principal(), owner);
    }
}

#[tokio::test]
async fn bearer_tokens_must_match_exactly() {
    let app = bearer_app();
    assert_eq!(status(&app, "Bearer tok").await, 200);
    for rejected in [
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
        assert_eq!(status(&app, rejected).await, 401, "{rejected:?}");
    }
}

#[tokio::test]
async fn scheme_is_case_insensitive_and_may_be_followed_by_spaces() {
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
async fn duplicate_authorization_headers_are_400() {
    let (valid, invalid) = ("Bearer tok", "Bearer bad");
    for (first, second) in
        [(valid, invalid), (invalid, valid), (valid, valid), (valid, "Basic x"), ("", valid)]
    {
        let (app, seen) = bearer_app();
        let fields = [("authorization", first), ("Authorization", second)];
        let response = send(app, get("/", &fields)).await;
        assert_eq!(response.status, 400, "{first:?}, {second:?}");
        assert!(response.challenges().is_empty());
        assert_eq!(seen.count(), 0);
    }
}

#[tokio::test]
async fn tokens_in_the_query_or_in_cookies_are_ignored() {
    let (app, seen) = bearer_app();
    for target in ["/?access_token=tok", "/?token=tok", "/?authorization=Bearer%20tok"] {
        let elsewhere = [("cookie", "access_token=tok"), ("x-authorization", "Bearer tok")];
        assert_eq!(send(app.clone(), get(target, &elsewhere)).await.status, 401, "{target}");
    }
    assert_eq!(seen.count(), 0);
}

#[tokio::test]
async fn non_ascii_authorization_is_rejected() {
    let (app, seen) = bearer_app();
    let mut odd = get("/", &[]);
    let value = HeaderValue::from_bytes(b"Bearer tok\xff").unwrap();
    odd.headers_mut().insert("authorization", value);
    assert_eq!(send(app, odd).await.status, 401);
    assert_eq!(seen.count(), 0);
}

#[tokio::test]
async fn empty_token_message_mentions_an_unset_variable() {
    let (app, _) = bearer_app();
    let response = send(app, with_authorization("Bearer ")).await;
    assert_eq!(response.status, 401);
    assert!(response.message().contains("variable unset"), "{}", response.message());
}

#[tokio::test]
async fn every_method_on_every_path_requires_authentication() {
    let (app, seen) = bearer_app();
    let token = [("authorization", "Bearer tok")];
    for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PURGE"] {
        for path in ["/", "/sse", "/messages/", "/messages/?a=x", "/mcp", "/nowhere"] {
            let method = || Method::from_bytes(method.as_bytes()).unwrap();
            let response = send(app.clone(), request(method(), path, &[])).await;
            assert_eq!(response.status, 401, "{} {path}", method());
            assert_eq!(seen.count(), 0, "{} {path}", method());

            let response = send(app.clone(), request(method(), path, &token)).await;
            assert_eq!(response.status, 200, "{} {path}", method());
            assert_eq!(seen.principal(), "ci");
        }
    }
}

#[tokio::test]
async fn authorization_is_stripped_unless_it_is_forwarded() {
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
async fn stacked_layers_need_authorization_to_be_forwarded() {
    let (app, seen) = recorder();
    let inner = app.layer(McpAuthLayer::bearer("tok"));
    let stacked = inner.clone().layer(McpAuthLayer::bearer("tok").forward_authorization());
    assert_eq!(send(stacked, with_authorization("Bearer tok")).await.status, 200);
    assert_eq!(seen.principal(), "bearer");
    let stacked = inner.layer(McpAuthLayer::bearer("tok"));
    assert_eq!(send(stacked, with_authorization("Bearer tok")).await.status, 401);
}
