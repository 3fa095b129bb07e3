//! The login of the example `client`, without a browser.

use std::process::Output;

use tokio::io::{AsyncBufReadExt, BufReader};

use super::login_server::LoginServer;
use crate::support::example_server::{Server, example, execute, http, in_time, run};

/// Runs the client, and opens the URL that it prints. Returns its result, and what the browser shows.
async fn log_in(url: &str) -> (Output, String) {
    let mut client = example("client").arg(url).spawn().unwrap();
    let mut lines = BufReader::new(client.stderr.take().unwrap()).lines();
    let line = in_time("the client asks for a login", lines.next_line()).await.unwrap().unwrap();
    let login = line.strip_prefix("log in at ").unwrap_or_else(|| panic!("{line}"));
    let page = execute(http().get(login)).await.text().await.unwrap();
    (in_time("the client exits", client.wait_with_output()).await.unwrap(), page)
}

#[tokio::test]
async fn client_logs_in_where_the_server_asks_for_it() {
    let issuer = LoginServer::start().await;
    let flags = ["--oauth-issuer", &issuer.url, "--oauth-scope", "tools:call"];
    let server = Server::start("streamable_server", &flags).await;
    let url = format!("{}/mcp", server.url);
    let (output, page) = log_in(&url).await;
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && printed.ends_with("alice\n"), "{printed}");
    assert!(page.contains("You can close this page"), "{page}");
    let logins = issuer.logins();
    assert_eq!(logins.len(), 1);
    assert_eq!((&*logins[0]["resource"], &*logins[0]["scope"]), (&*url, "tools:call"));
}

#[tokio::test]
async fn client_with_a_credential_does_not_log_in() {
    let issuer = LoginServer::start().await;
    let server = Server::start("streamable_server", &["--oauth-issuer", &issuer.url]).await;
    let url = format!("{}/mcp", server.url);
    let output = run("client", [&*url, "--token", "wrong"]).await;
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.starts_with("error: ") && stderr.contains("401"), "{stderr}");
    assert_eq!((stderr.lines().count(), issuer.logins().len()), (1, 0), "{stderr}");
}

/// A challenge without `resource_metadata` leads to no login.
#[tokio::test]
async fn client_does_not_log_in_at_a_server_without_oauth() {
    let server = Server::start("streamable_server", &["--token", "ci:dG9rZW4tb2YtdGhlLWNp"]).await;
    let output = run("client", [format!("{}/mcp", server.url)]).await;
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.lines().count() == 1 && stderr.contains("401"), "{stderr}");
}
