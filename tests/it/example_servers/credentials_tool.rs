//! The `credentials` example: it creates tokens, keys and password hashes that the library accepts.

use std::io::{Seek, Write};
use std::process::Stdio;

use axum::Router;
use mcp_auth_layer::auth::Lifetime;
use mcp_auth_layer::schemes::HtpasswdFile;
use mcp_auth_layer::{Bearer, HttpSignature, McpAuthLayer, Principal};

use crate::support::credential_file::CredentialFile;
use crate::support::example_server::{example, output, run};
use crate::support::{basic, recorder, send, with_authorization};

async fn status(app: &Router, token: &str) -> u16 {
    let request = with_authorization(&format!("Bearer {token}"));
    send(app.clone(), request).await.status.as_u16()
}

/// What the tool printed to stdout and to stderr.
async fn create(args: &[&str]) -> (String, String) {
    let output = run("credentials", args).await;
    assert!(output.status.success(), "{output:?}");
    let [stdout, stderr] =
        [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    assert_eq!(stdout.lines().count(), 1, "{stdout}");
    (stdout, stderr)
}

/// The line for this password, given on stdin, or the error message.
async fn hash_password(args: &[&str], input: &str) -> Result<String, String> {
    let mut command = example("credentials");
    // stdin is a file: a pipe would break if the program exits before reading all of it.
    let mut stdin = tempfile::tempfile().unwrap();
    stdin.write_all(input.as_bytes()).unwrap();
    stdin.rewind().unwrap();
    let output = output(command.arg("password").args(args).stdin(Stdio::from(stdin))).await;
    let [stdout, stderr] =
        [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    match output.status.code() {
        Some(0) => Ok(stdout),
        Some(2) => Err(stderr),
        _ => panic!("{stderr}"),
    }
}

#[tokio::test]
async fn credentials_tool_creates_tokens() {
    let rest =
        ["--expires", "2999-12-31T23:59:59+01:00", "--scopes", "a,b:c", "--roles", "ops,staff"];
    for rest in [&rest[..], &[]] {
        let (line, stderr) = create(&[&["token", "ci"], rest].concat()).await;
        let token = stderr.trim().rsplit(' ').next().unwrap();
        assert!(token.len() == 43 && !line.contains(token), "{line}{stderr}");
        let file = CredentialFile::new(&line);
        let (app, seen) = recorder();
        let app = app.layer(McpAuthLayer::new(Bearer::from_file(&file.path).unwrap()));
        assert_eq!(status(&app, token).await, 200);
        let head = seen.only();
        let principal = head.extensions.get::<Principal>().unwrap();
        let lifetime = head.extensions.get::<Lifetime>().unwrap();
        assert_eq!(principal.has_role("staff"), !rest.is_empty());
        assert_eq!(
            (principal.has_scope("b:c"), lifetime.expires_at().is_some()),
            (!rest.is_empty(), !rest.is_empty())
        );
        assert_ne!(create(&["token", "ci"]).await.1, stderr, "tokens are random");
    }
}

#[tokio::test]
async fn credentials_tool_creates_keys() {
    let (line, stderr) = create(&["key", "ci"]).await;
    let secret = line.trim().strip_prefix("ci base64:").unwrap();
    assert!(secret.len() == 44 && !stderr.contains(secret));
    assert!(HttpSignature::from_file(&CredentialFile::new(&line).path).is_ok());
}

#[tokio::test]
async fn credentials_tool_hashes_passwords() {
    for (args, begins, input) in [
        (&["alice"][..], "alice:$2y$12$", "correct horse\n"),
        (&["alice", "--argon2id"], "alice:$argon2id$v=19$m=19456,t=2,p=1$", "correct horse\r\nx"),
    ] {
        let line = hash_password(args, input).await.unwrap();
        assert!(line.starts_with(begins), "{line}");
        let unlimited = mcp_auth_layer::rate_limit::RateLimit::default().no_address_limit();
        let layer =
            McpAuthLayer::new(HtpasswdFile::from_text(&line).unwrap()).rate_limit(unlimited);
        let app = recorder().0.layer(layer);
        for (password, expected) in [("correct horse", 200), ("correct horse\r", 401), ("x", 401)] {
            let request = with_authorization(&basic("alice", password));
            assert_eq!(send(app.clone(), request).await.status, expected);
        }
    }
}

#[tokio::test]
async fn credentials_tool_rejects_unusable_input() {
    let long = "0".repeat(73);
    for (args, input) in [
        (&["alice"][..], "\n"),
        (&["alice"], "a\tb\n"),
        (&["alice"], &long),
        (&["al:ice"], "secret\n"),
        (&[""], "secret\n"),
        (&["#alice"], "secret\n"),
    ] {
        let stderr = hash_password(args, input).await.unwrap_err();
        assert!(stderr.starts_with("error: ") && stderr.lines().count() == 1, "{args:?}: {stderr}");
        assert!(!stderr.contains(input.trim()) || input == "\n", "{stderr}");
    }
    assert!(hash_password(&["alice"], &long[1..]).await.is_ok());
    assert!(hash_password(&["alice", "--argon2id"], &long).await.is_ok());

    for args in [
        &["token", "c i"][..],
        &["token", ""],
        &["token", "#ci"],
        &["token", "ci", "--expires", "tomorrow"],
        &["token", "ci", "--scopes", "a,,b"],
        &["token", "ci", "--roles", "a,,b"],
        &["token", "ci", "--roles", "a b"],
        &["key", "c i"],
        &["key", "cï"],
        &["password"],
        &[],
    ] {
        let stderr = output(example("credentials").args(args)).await;
        assert_eq!(stderr.status.code(), Some(2), "{args:?}: {stderr:?}");
        assert!(stderr.stdout.is_empty() && stderr.stderr.starts_with(b"error: "), "{stderr:?}");
    }
}
