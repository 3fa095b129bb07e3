//! The flags for OAuth of the example servers.

use std::fs;

use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::proxy::recorder;
use crate::support::access_token::{ISSUER, issuer_keys, with_claims};
use crate::support::example_server::{ALICE, CI, Server, USERS, example, execute, output, run};

/// The flags of a server that accepts tokens of the issuer, whose keys are in a file.
struct Keys {
    _folder: TempDir,
    flags: Vec<String>,
}

impl Keys {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("jwks.json");
        fs::write(&file, issuer_keys()).unwrap();
        let flags = ["--oauth-issuer", ISSUER, "--oauth-jwks", file.to_str().unwrap()];
        Self { flags: flags.map(str::to_owned).to_vec(), _folder: folder }
    }

    fn with<'k>(&'k self, more: &[&'k str]) -> Vec<&'k str> {
        self.flags.iter().map(String::as_str).chain(more.iter().copied()).collect()
    }
}

fn bearer(audience: &str) -> String {
    format!("Bearer {}", with_claims(|claims| claims["aud"] = json!(audience)))
}

/// The status of a request for a path that does not exist, or that only the upstream has.
async fn status(server: &Server, authorization: &str) -> u16 {
    server.status(Method::GET, "/nothing", Some(authorization)).await
}

#[tokio::test]
async fn servers_accept_access_tokens_for_their_url_only() {
    let keys = Keys::new();
    let upstream = recorder().await;
    let upstream = ["--upstream", &*upstream.0];
    for (name, path, more, accepted) in [
        ("streamable_server", "/mcp", &[][..], 404),
        ("sse_server", "/sse", &[], 404),
        ("proxy", "", &upstream, 200),
    ] {
        let server = Server::start(name, &keys.with(more)).await;
        assert_eq!(server.printed.len(), 1, "no password is generated: {:?}", server.printed);
        let resource = format!("{}{path}", server.url);
        assert_eq!(status(&server, &bearer(&resource)).await, accepted, "{name}");
        assert_eq!(status(&server, &bearer(&format!("{resource}/x"))).await, 401, "{name}");
        assert_eq!(status(&server, &bearer("http://127.0.0.1:1")).await, 401, "{name}");

        let metadata = format!("/.well-known/oauth-protected-resource{path}");
        let document = execute(server.request(Method::GET, &metadata)).await;
        let document: Value = document.json().await.unwrap();
        assert_eq!(document["resource"], resource, "{name}");
        assert_eq!(document["authorization_servers"], json!([ISSUER]), "{name}");
        let rejected = execute(server.request(Method::GET, "/nothing")).await;
        let challenge = rejected.headers()["www-authenticate"].to_str().unwrap();
        let named = format!("resource_metadata=\"{}{metadata}\"", server.url);
        assert!(challenge.contains(&named), "{name}: {challenge}");
    }
}

#[tokio::test]
async fn flags_replace_the_resource_and_the_audience() {
    let keys = Keys::new();
    let public = "https://tools.example.com/mcp";
    let resource = ["--oauth-resource", public];
    let server = Server::start("streamable_server", &keys.with(&resource)).await;
    assert_eq!(status(&server, &bearer(public)).await, 404);
    assert_eq!(status(&server, &bearer(&format!("{}/mcp", server.url))).await, 401);
    // Its host is a name of this server.
    for (host, expected) in [("tools.example.com", 404), ("tools.example.org", 403)] {
        let request = server.request(Method::GET, "/nothing").header("host", host);
        let request = request.header("authorization", bearer(public));
        assert_eq!(execute(request).await.status(), expected, "{host}");
    }

    let audiences = ["--oauth-audience", "api://1", "--oauth-audience", "api://2"];
    let server = Server::start("streamable_server", &keys.with(&audiences)).await;
    for audience in ["api://1", "api://2"] {
        assert_eq!(status(&server, &bearer(audience)).await, 404, "{audience}");
    }
    assert_eq!(status(&server, &bearer(&format!("{}/mcp", server.url))).await, 401);
}

#[tokio::test]
async fn access_tokens_are_accepted_beside_other_schemes() {
    let keys = Keys::new();
    let server = Server::start("sse_server", &keys.with(&USERS)).await;
    let token = bearer(&format!("{}/sse", server.url));
    for accepted in [ALICE, CI, &token] {
        assert_eq!(server.status(Method::GET, "/whoami", Some(accepted)).await, 200);
    }
    assert_eq!(server.status(Method::GET, "/whoami", Some(&bearer("other"))).await, 401);
}

#[tokio::test]
async fn required_scopes_apply_to_every_scheme() {
    let keys = Keys::new();
    for (scope, expected) in [("tools:read", 200), ("tools:write", 403)] {
        let flags = [&["--oauth-scope", scope][..], &USERS].concat();
        let server = Server::start("sse_server", &keys.with(&flags)).await;
        let token = bearer(&format!("{}/sse", server.url));
        let status = server.status(Method::GET, "/whoami", Some(&token)).await;
        assert_eq!(status, expected, "{scope}: the token has tools:read");
        let alice = server.status(Method::GET, "/whoami", Some(ALICE)).await;
        assert_eq!(alice, 403, "{scope}: a user has no scopes");
    }
}

#[tokio::test]
async fn invalid_oauth_flags_exit_with_one_line_and_status_2() {
    let keys = Keys::new();
    let jwks = keys.flags[3].as_str();
    let issuer = ["--oauth-issuer", ISSUER];
    let endpoint = ["--oauth-introspect", "https://id.example.com/introspect"];
    let unusable = tempfile::NamedTempFile::new().unwrap();
    fs::write(unusable.path(), r#"{"keys":[]}"#).unwrap();
    let unusable = unusable.path().to_str().unwrap();
    let table: &[(&[&str], &str)] = &[
        (&["--oauth-issuer", "id.example.com"], "--oauth-issuer"),
        (&["--oauth-issuer", "http://id.example.com"], "--oauth-issuer"),
        (&["--oauth-issuer", "https://alice:hunter2@id.example.com"], "--oauth-issuer"),
        (&["--oauth-resource", "https://mcp.example.com/mcp"], "--oauth-issuer"),
        (&["--oauth-scope", "tools:read"], "--oauth-issuer"),
        (&[&issuer[..], &["--oauth-resource", ""]].concat(), "--oauth-resource"),
        (&[&issuer[..], &["--oauth-resource", "mcp"]].concat(), "--oauth-resource"),
        (
            &[&issuer[..], &["--oauth-resource", "http://mcp.example.com"]].concat(),
            "--oauth-resource",
        ),
        (&[&issuer[..], &["--oauth-audience", ""]].concat(), "--oauth-audience"),
        (&[&issuer[..], &["--oauth-scope", "two words"]].concat(), "--oauth-scope"),
        (&[&issuer[..], &["--oauth-scope", "offline_access"]].concat(), "--oauth-scope"),
        (&[&issuer[..], &["--oauth-jwks", "no/such/file"]].concat(), "--oauth-jwks"),
        (&[&issuer[..], &["--oauth-jwks", unusable]].concat(), "--oauth-jwks"),
        (&[&issuer[..], &issuer, &["--oauth-jwks", jwks]].concat(), "--oauth-jwks"),
        (&[&issuer[..], &endpoint].concat(), "--oauth-client"),
        (&[&issuer[..], &endpoint, &["--oauth-client", "hunter2"]].concat(), "--oauth-client"),
        (&[&issuer[..], &["--oauth-client", "rs:hunter2"]].concat(), "--oauth-introspect"),
        (
            &[&issuer[..], &["--oauth-introspect", "id", "--oauth-client", "rs:hunter2"]].concat(),
            "--oauth-introspect",
        ),
    ];
    let upstream = ["--upstream", "http://127.0.0.1:9"];
    for (name, more) in [("sse_server", &[][..]), ("streamable_server", &[]), ("proxy", &upstream)]
    {
        for (flags, named) in table {
            let args = [&["--port", "0"], more, flags].concat();
            let output = run(name, &args).await;
            let stderr = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(2), "{name} {flags:?}: {stderr}");
            assert_eq!(stderr.lines().count(), 1, "{name} {flags:?}: {stderr}");
            assert!(stderr.starts_with("error: ") && stderr.contains(named), "{flags:?}: {stderr}");
            assert!(!stderr.contains("hunter2") && output.stdout.is_empty(), "{stderr}");
        }
    }
}

/// A server on all addresses has no URL that clients could be told.
#[tokio::test]
async fn a_server_on_every_address_needs_a_resource() {
    let keys = Keys::new();
    let any = ["--host", "0.0.0.0", "--port", "0"];
    let output = run("streamable_server", keys.with(&any)).await;
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.lines().any(|line| line.starts_with("error: --oauth-resource: ")), "{stderr}");
    let named = ["--host", "0.0.0.0", "--oauth-resource", "https://tools.example.com/mcp"];
    drop(Server::start("streamable_server", &keys.with(&named)).await);
}

#[tokio::test]
async fn the_client_of_introspection_may_be_in_the_environment() {
    let flags = ["--oauth-issuer", ISSUER, "--oauth-introspect", "https://id.example.com/token"];
    let start = |client| {
        let mut command = example("streamable_server");
        command.args(["--port", "0"]).args(flags).env("OAUTH_CLIENT", client);
        command
    };
    drop(Server::spawn(&mut start("rs:hunter2")).await);
    let output = output(&mut start("hunter2")).await;
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.starts_with("error: OAUTH_CLIENT: ") && !stderr.contains("hunter2"), "{stderr}");
}
