//! Token and key files: content, permissions, and errors.

use std::path::Path;

use axum::Router;
use axum::body::Body;
use http::Request;
use mcp_auth_layer::{Authenticator, Bearer, HttpSignature, McpAuthLayer, Principal, Signer};

use crate::support::credential_file::CredentialFile;
use crate::support::{recorder, send, with_authorization};

const TOKEN: &str = "rD3m0NfE5Yc0mKq1bWv7Xw";

/// `printf %s rD3m0NfE5Yc0mKq1bWv7Xw | sha256sum`
const DIGEST: &str = "2358a45dae43d2a5a98346a6f7a98868a66de07c0b6c951e1550b554ffa29c7a";

fn protected<A: Authenticator>(authenticator: A) -> Router {
    recorder().0.layer(McpAuthLayer::new(authenticator))
}

async fn status(app: &Router, token: &str) -> u16 {
    let request = with_authorization(&format!("Bearer {token}"));
    send(app.clone(), request).await.status.as_u16()
}

#[tokio::test]
async fn file_tokens_are_accepted_until_they_expire() {
    for (rest, expected) in [
        ("", 200),
        (" expires=2999-12-31T23:59:59Z", 200),
        (" expires=2000-01-01T00:00:00Z", 401),
        (" scopes=a expires=2000-01-01T00:00:00Z", 401),
    ] {
        let file = CredentialFile::new(&format!("# a team\nci sha256:{DIGEST}{rest}\n"));
        let app = protected(Bearer::from_file(&file.path).unwrap());
        assert_eq!(status(&app, TOKEN).await, expected, "{rest}");
        for wrong in [DIGEST, &format!("sha256:{DIGEST}"), &TOKEN[1..], &format!("{TOKEN}=")] {
            assert_eq!(status(&app, wrong).await, 401, "{wrong}");
        }
    }
}

#[tokio::test]
async fn file_tokens_carry_scopes() {
    let file = CredentialFile::new(&format!("ci sha256:{DIGEST} scopes=tools:read,a"));
    let (app, seen) = recorder();
    let app = app.layer(McpAuthLayer::new(Bearer::from_file(&file.path).unwrap()));
    assert_eq!(status(&app, TOKEN).await, 200);
    let head = seen.only();
    let principal = head.extensions.get::<Principal>().unwrap();
    assert_eq!(
        (principal.name(), principal.scopes().collect::<Vec<_>>()),
        ("ci", vec!["tools:read", "a"])
    );
}

#[tokio::test]
async fn handle_adds_and_revokes_tokens_of_a_file() {
    let file = CredentialFile::new(&format!("ci sha256:{DIGEST}"));
    let mut tokens = Bearer::from_file(&file.path).unwrap();
    let handle = tokens.handle();
    let app = protected(tokens);
    let other = "Hk7yGd1oTf8eMi5zCs3jUQ";
    assert_eq!((status(&app, TOKEN).await, status(&app, other).await), (200, 401));
    assert!(handle.add("ci", TOKEN).is_err(), "the token exists");
    handle.add("alice", other).unwrap();
    assert!(handle.revoke(TOKEN) && !handle.revoke(DIGEST));
    assert_eq!((status(&app, TOKEN).await, status(&app, other).await), (401, 200));
}

#[tokio::test]
async fn signatures_are_verified_with_keys_of_a_file() {
    let file = CredentialFile::new("ci base64:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\n");
    let app = protected(HttpSignature::from_file(&file.path).unwrap());
    for (secret, expected) in [([1; 32], 200), ([2; 32], 401)] {
        let mut request = Request::get("http://localhost/mcp").body(Vec::new()).unwrap();
        Signer::new("ci", secret).unwrap().sign(&mut request).unwrap();
        assert_eq!(send(app.clone(), request.map(Body::from)).await.status, expected);
    }
}

#[cfg(unix)]
#[test]
fn files_writable_by_others_are_rejected() {
    let file = CredentialFile::new("ci base64:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\n");
    assert!(HttpSignature::from_file(&file.path).is_ok());
    for mode in [0o620, 0o602] {
        file.set_mode(mode);
        let error = HttpSignature::from_file(&file.path).unwrap_err().to_string();
        assert!(
            error.starts_with(&file.path.display().to_string())
                && error.ends_with("`chmod go-w` it")
        );
    }
    // Files with hashes only may be readable by a group.
    let file = CredentialFile::new(&format!("ci sha256:{DIGEST}"));
    file.set_mode(0o640);
    assert!(Bearer::from_file(&file.path).is_ok());
}

#[test]
fn errors_name_file_and_line_without_secrets() {
    let file = CredentialFile::new(&format!("# a team\nci {TOKEN}\n"));
    let errors = [
        Bearer::from_file(&file.path).unwrap_err().to_string(),
        HttpSignature::from_file(&file.path).unwrap_err().to_string(),
    ];
    for error in errors {
        assert!(error.starts_with(&format!("{}:2: ", file.path.display())), "{error}");
        assert!(!error.contains(TOKEN) && !error.contains('\n'), "{error}");
        assert!(error.contains("cargo run --example credentials"), "{error}");
    }
    let missing = Path::new("no/such/file");
    assert!(Bearer::from_file(missing).unwrap_err().to_string().starts_with("no/such/file: "));
}

/// A token has the same syntax in code and in a file.
#[tokio::test]
async fn tokens_in_code_and_in_files_have_the_same_syntax() {
    for (token, is_token) in [
        ("rD3m0NfE5Yc0mKq1bWv7Xw", true),
        ("a-._~+/9==", true),
        ("a b", false),
        ("a,b", false),
        ("=a", false),
        ("tök", false),
        ("a:b", false),
    ] {
        assert_eq!(Bearer::new([("ci", token)]).is_ok(), is_token, "{token}");
        let digest: String = <sha2::Sha256 as sha2::Digest>::digest(token)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let file = CredentialFile::new(&format!("ci sha256:{digest}"));
        let app = protected(Bearer::from_file(&file.path).unwrap());
        let mut request = with_authorization("");
        let value = http::HeaderValue::from_bytes(format!("Bearer {token}").as_bytes()).unwrap();
        request.headers_mut().insert("authorization", value);
        let status = send(app, request).await.status.as_u16();
        assert_eq!(status, if is_token { 200 } else { 401 }, "{token}");
    }
}
