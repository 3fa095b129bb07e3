//! Files of tokens and keys, made by `examples/credentials.rs` and by hand.

mod common;
#[path = "common/server.rs"]
mod server;

use std::io::{Seek, Write};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use axum::Router;
use axum::body::Body;
use common::{basic, recorder, send, with_authorization};
use http::Request;
use mcp_auth_layer::{
    Authenticator, Basic, Bearer, HttpSignature, McpAuthLayer, Principal, Signer,
};
use server::{Server, example, output, run};

const TOKEN: &str = "rD3m0NfE5Yc0mKq1bWv7Xw";
/// `printf %s rD3m0NfE5Yc0mKq1bWv7Xw | sha256sum`
const DIGEST: &str = "2358a45dae43d2a5a98346a6f7a98868a66de07c0b6c951e1550b554ffa29c7a";

/// A file that goes away; its owner alone can read it.
struct File(PathBuf);

impl File {
    fn new(name: &str, text: &str) -> Self {
        let name = format!("mcp-auth-layer-{}-{name}", std::process::id());
        let file = Self(std::env::temp_dir().join(name));
        std::fs::write(&file.0, text).unwrap();
        file.chmod(0o600);
        file
    }

    #[cfg(unix)]
    fn chmod(&self, mode: u32) {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(&self.0, PermissionsExt::from_mode(mode)).unwrap();
    }

    #[cfg(not(unix))]
    fn chmod(&self, _: u32) {}
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn guarded<A: Authenticator>(authenticator: A) -> Router {
    recorder().0.layer(McpAuthLayer::new(authenticator))
}

async fn status(app: &Router, token: &str) -> u16 {
    let request = with_authorization(&format!("Bearer {token}"));
    send(app.clone(), request).await.status.as_u16()
}

#[tokio::test]
async fn a_token_of_a_file_is_let_in_until_it_expires() {
    for (rest, expected) in [
        ("", 200),
        (" expires=2999-12-31T23:59:59Z", 200),
        (" expires=2000-01-01T00:00:00Z", 401),
        (" scopes=a expires=2000-01-01T00:00:00Z", 401),
    ] {
        let file = File::new("expiry", &format!("# a team\nci sha256:{DIGEST}{rest}\n"));
        let app = guarded(Bearer::from_file(&file.0).unwrap());
        assert_eq!(status(&app, TOKEN).await, expected, "{rest}");
        for wrong in [DIGEST, &format!("sha256:{DIGEST}"), &TOKEN[1..], &format!("{TOKEN}=")] {
            assert_eq!(status(&app, wrong).await, 401, "{wrong}");
        }
    }
}

#[tokio::test]
async fn its_principal_has_the_scopes() {
    let file = File::new("scopes", &format!("ci sha256:{DIGEST} scopes=tools:read,a"));
    let (app, seen) = recorder();
    let app = app.layer(McpAuthLayer::new(Bearer::from_file(&file.0).unwrap()));
    assert_eq!(status(&app, TOKEN).await, 200);
    let head = seen.only();
    let who = head.extensions.get::<Principal>().unwrap();
    assert_eq!((who.name(), who.scopes().collect::<Vec<_>>()), ("ci", vec!["tools:read", "a"]));
}

#[tokio::test]
async fn a_handle_adds_and_revokes_plain_tokens() {
    let file = File::new("handle", &format!("ci sha256:{DIGEST}"));
    let tokens = Bearer::from_file(&file.0).unwrap();
    let handle = tokens.handle();
    let app = guarded(tokens);
    let other = "Hk7yGd1oTf8eMi5zCs3jUQ";
    assert_eq!((status(&app, TOKEN).await, status(&app, other).await), (200, 401));
    assert!(handle.add("ci", TOKEN).is_err(), "it is there");
    handle.add("alice", other).unwrap();
    assert!(handle.revoke(TOKEN) && !handle.revoke(DIGEST));
    assert_eq!((status(&app, TOKEN).await, status(&app, other).await), (401, 200));
}

#[tokio::test]
async fn a_key_of_a_file_verifies() {
    let file = File::new("keys", "ci base64:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\n");
    let app = guarded(HttpSignature::from_file(&file.0).unwrap());
    for (secret, expected) in [([1; 32], 200), ([2; 32], 401)] {
        let mut request = Request::get("http://localhost/mcp").body(Vec::new()).unwrap();
        Signer::new("ci", secret).unwrap().sign(&mut request).unwrap();
        assert_eq!(send(app.clone(), request.map(Body::from)).await.status, expected);
    }
}

#[cfg(unix)]
#[test]
fn a_key_file_is_its_owners_alone() {
    let file = File::new("modes", "ci base64:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\n");
    assert!(HttpSignature::from_file(&file.0).is_ok());
    for mode in [0o620, 0o602] {
        file.chmod(mode);
        let error = HttpSignature::from_file(&file.0).unwrap_err().to_string();
        assert!(
            error.starts_with(&file.0.display().to_string()) && error.ends_with("`chmod go-w` it")
        );
    }
    // What is hashed may be read by the group of a server.
    let file = File::new("tokens", &format!("ci sha256:{DIGEST}"));
    file.chmod(0o640);
    assert!(Bearer::from_file(&file.0).is_ok());
}

#[test]
fn an_error_names_file_and_line_and_no_secret() {
    let file = File::new("plain", &format!("# a team\nci {TOKEN}\n"));
    let errors = [
        Bearer::from_file(&file.0).unwrap_err().to_string(),
        HttpSignature::from_file(&file.0).unwrap_err().to_string(),
    ];
    for error in errors {
        assert!(error.starts_with(&format!("{}:2: ", file.0.display())), "{error}");
        assert!(!error.contains(TOKEN) && !error.contains('\n'), "{error}");
        assert!(error.contains("cargo run --example credentials"), "{error}");
    }
    let missing = Path::new("no/such/file");
    assert!(Bearer::from_file(missing).unwrap_err().to_string().starts_with("no/such/file: "));
}

#[cfg(unix)]
#[tokio::test]
async fn a_bad_file_ends_the_servers_with_one_line_and_status_2() {
    let key = "ci base64:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\n";
    let hash = "$2y$04$dWMy1NGi9Q.Qvr56bmQ17OCTo9OhyqY99xLhQw6Ycw8GZTSd6Yr6G";
    let (user, token) = (format!("alice:{hash}\n"), format!("ci sha256:{DIGEST}\n"));
    for (option, good, bad, reason) in [
        ("--htpasswd", &*user, "bob:hunter2\n", "the password is not hashed"),
        ("--htpasswd", &user, &user, "duplicate user (first on line 1)"),
        ("--token-file", &token, "hunter2 hunter2\n", "expected `sha256:`"),
        ("--token-file", &token, &token, "duplicate token (first on line 1)"),
        ("--hmac-key-file", key, "ci base64:aHVudGVyMg==\n", "the secret has 7 bytes"),
        ("--hmac-key-file", key, key, "a key ID may have two secrets for rotation"),
    ] {
        let refused = async |name: &str, path: &Path| {
            let output = run(name, [option, path.to_str().unwrap(), "--port", "0"]).await;
            let said = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(2), "{name} {option}: {said}");
            assert!(output.stdout.is_empty() && said.lines().count() == 1, "{said}");
            let prefix = format!("error: {option}: {}", path.display());
            let rest = said.strip_prefix(&prefix).unwrap_or_else(|| panic!("{said}"));
            for secret in ["hunter2", "aHVudGVyMg", "AQEBAQ", &hash[7..], DIGEST] {
                assert!(!said.contains(secret), "{said}");
            }
            rest.trim_end().to_owned()
        };
        for name in ["sse_server", "streamable_server"] {
            let file = File::new("start", good);
            let started = Server::start(name, &[option, file.0.to_str().unwrap()]).await;
            drop(started);

            std::fs::write(&file.0, [good, bad].concat()).unwrap();
            let rest = refused(name, &file.0).await;
            assert!(rest.starts_with(":2: ") && rest.contains(reason), "{rest}");
            std::fs::write(&file.0, "# nobody\n").unwrap();
            let rest = refused(name, &file.0).await;
            assert_eq!(rest, ": the file contains no credentials: add at least one");
            let rest = refused(name, Path::new("no/such/file")).await;
            assert!(rest.starts_with(": the file cannot be read: "), "{rest}");
            if option == "--hmac-key-file" {
                std::fs::write(&file.0, good).unwrap();
                file.chmod(0o620);
                let rest = refused(name, &file.0).await;
                assert!(rest.ends_with("(mode 620): `chmod go-w` it"), "{rest}");
            }
        }
    }
}

/// As a name with white space around it could not be told from the one that was meant.
#[tokio::test]
async fn names_on_the_command_line_have_no_white_space_around_them() {
    for (option, value) in
        [("--user", " al:hunter2"), ("--user", "al :hunter2"), ("--token", " ci:hunter2")]
    {
        let output = run("sse_server", [option, value, "--port", "0"]).await;
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{value}: {said}");
        assert!(said.starts_with(&format!("error: {option}: ")), "{said}");
        assert!(said.contains("the name begins or ends with white space"), "{said}");
        assert!(said.lines().count() == 1 && !said.contains("hunter2"), "{said}");
    }
    drop(Server::start("sse_server", &["--user", "al:hunter2", "--token", "c i:hunter2"]).await);
}

/// What an example printed, to stdout and to stderr.
async fn made(args: &[&str]) -> (String, String) {
    let output = run("credentials", args).await;
    assert!(output.status.success(), "{output:?}");
    let [stdout, stderr] =
        [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    assert_eq!(stdout.lines().count(), 1, "{stdout}");
    (stdout, stderr)
}

#[tokio::test]
async fn the_example_makes_tokens() {
    let rest = ["--expires", "2999-12-31T23:59:59+01:00", "--scopes", "a,b:c"];
    for rest in [&rest[..], &[]] {
        let (line, said) = made(&[&["token", "ci"], rest].concat()).await;
        let token = said.trim().rsplit(' ').next().unwrap();
        assert!(token.len() == 43 && !line.contains(token), "{line}{said}");
        let file = File::new("made", &line);
        let (app, seen) = recorder();
        let app = app.layer(McpAuthLayer::new(Bearer::from_file(&file.0).unwrap()));
        assert_eq!(status(&app, token).await, 200);
        let head = seen.only();
        let who = head.extensions.get::<Principal>().unwrap();
        assert_eq!(
            (who.has_scope("b:c"), who.expiry().is_some()),
            (!rest.is_empty(), !rest.is_empty())
        );
        assert_ne!(made(&["token", "ci"]).await.1, said, "it is random");
    }
}

#[tokio::test]
async fn the_example_makes_keys() {
    let (line, said) = made(&["key", "ci"]).await;
    let secret = line.trim().strip_prefix("ci base64:").unwrap();
    assert!(secret.len() == 44 && !said.contains(secret));
    assert!(HttpSignature::from_file(&File::new("key", &line).0).is_ok());
}

/// The line of a password that comes through a pipe, or what is said instead.
async fn piped(args: &[&str], input: &str) -> Result<String, String> {
    let mut command = example("credentials");
    // From a file: a pipe breaks where the program ends before it has read everything.
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

/// The kind: one way of giving a token takes what another one does not.
#[tokio::test]
async fn tokens_in_code_and_in_files_are_the_same() {
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
        let file = File::new("same", &format!("ci sha256:{digest}"));
        let app = guarded(Bearer::from_file(&file.0).unwrap());
        let mut request = with_authorization("");
        let value = http::HeaderValue::from_bytes(format!("Bearer {token}").as_bytes()).unwrap();
        request.headers_mut().insert("authorization", value);
        let status = send(app, request).await.status.as_u16();
        assert_eq!(status, if is_token { 200 } else { 401 }, "{token}");
    }
}

#[tokio::test]
async fn the_example_hashes_passwords() {
    for (args, begins, input) in [
        (&["alice"][..], "alice:$2y$12$", "correct horse\n"),
        (&["alice", "--argon2id"], "alice:$argon2id$v=19$m=19456,t=2,p=1$", "correct horse\r\nx"),
    ] {
        let line = piped(args, input).await.unwrap();
        assert!(line.starts_with(begins), "{line}");
        let anybody = mcp_auth_layer::RateLimit::default().no_address_limit();
        let layer = McpAuthLayer::new(Basic::from_htpasswd(&line).unwrap()).rate_limit(anybody);
        let app = recorder().0.layer(layer);
        for (password, expected) in [("correct horse", 200), ("correct horse\r", 401), ("x", 401)] {
            let request = with_authorization(&basic("alice", password));
            assert_eq!(send(app.clone(), request).await.status, expected);
        }
    }
}

#[tokio::test]
async fn the_example_refuses_what_could_not_be_used() {
    let long = "0".repeat(73);
    for (args, input) in [
        (&["alice"][..], "\n"),
        (&["alice"], "a\tb\n"),
        (&["alice"], &long),
        (&["al:ice"], "secret\n"),
        (&[""], "secret\n"),
        (&["#alice"], "secret\n"),
    ] {
        let said = piped(args, input).await.unwrap_err();
        assert!(said.starts_with("error: ") && said.lines().count() == 1, "{args:?}: {said}");
        assert!(!said.contains(input.trim()) || input == "\n", "{said}");
    }
    assert!(piped(&["alice"], &long[1..]).await.is_ok());
    assert!(piped(&["alice", "--argon2id"], &long).await.is_ok());

    for args in [
        &["token", "c i"][..],
        &["token", ""],
        &["token", "#ci"],
        &["token", "ci", "--expires", "tomorrow"],
        &["token", "ci", "--scopes", "a,,b"],
        &["key", "c i"],
        &["key", "cï"],
        &["password"],
        &[],
    ] {
        let said = output(example("credentials").args(args)).await;
        assert_eq!(said.status.code(), Some(2), "{args:?}: {said:?}");
        assert!(said.stdout.is_empty() && said.stderr.starts_with(b"error: "), "{said:?}");
    }
}
