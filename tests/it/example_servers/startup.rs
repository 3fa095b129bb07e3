//! Starting and stopping the example programs: arguments, environment, listening addresses, signals.

use http::HeaderMap;
use http::header::AUTHORIZATION;
use reqwest::Method;
use serde_json::json;
use tokio::net::TcpListener;

use super::{connect, shell_words};
use crate::proxy::recorder;
use crate::support::example_server::{
    ALICE, Events, INITIALIZED, Server, SseSession, USERS, example, execute, initialize, output,
    run,
};

#[tokio::test]
async fn sigterm_ends_sse_streams_and_the_process() {
    let server = Server::start("sse_server", &USERS).await;
    let mut idle = SseSession::connect(&server.url, ALICE).await;
    let mut busy = SseSession::open(&server.url, ALICE).await;
    let sleep = json!({ "command": "sleep", "args": ["1000"] });
    let call = json!({ "name": "execute_command", "arguments": sleep });
    busy.start_request("tools/call", call).await;
    let (status, _) = server.terminate().await;
    assert_eq!(status.code(), Some(0));
    assert_eq!(idle.events.next().await, None);
    while busy.events.next().await.is_some() {} // the call may have been completed
}

#[tokio::test]
async fn sigterm_ends_streamable_http_streams_and_the_process() {
    let server = Server::start("streamable_server", &USERS).await;
    let mcp = |method| {
        let request = server.request(method, "/mcp").header(AUTHORIZATION, ALICE);
        request.header("accept", "application/json, text/event-stream")
    };
    let initialized = execute(mcp(Method::POST).json(&initialize("2025-06-18"))).await;
    let session = initialized.headers()["mcp-session-id"].clone();
    drop(initialized);
    let notification = mcp(Method::POST).header("mcp-session-id", &session);
    let notification = notification.header("content-type", "application/json").body(INITIALIZED);
    assert_eq!(execute(notification).await.status(), 202);
    let mut events = Events::of(execute(mcp(Method::GET).header("mcp-session-id", &session)).await);
    let (status, _) = server.terminate().await;
    assert_eq!(status.code(), Some(0));
    while events.next().await.is_some() {}
}

#[tokio::test]
async fn invalid_arguments_exit_with_one_line_and_status_2() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let taken = taken.local_addr().unwrap().port().to_string();
    let both: &[&[&str]] = &[
        &["--port", "none"],
        &["--port", "65536"],
        &["--port", "-1"],
        &["--port"],
        &["--port", &taken],
        &["--port", "0", "--port", "0"],
        &["--host", ""],
        &["--host", "no such\nhost"],
        &["--user", "hunter2"],
        &["--user", ":hunter2"],
        &["--user", "alice:"],
        &["--user", "alice"],
        &["--user"],
        &["--user", "alice:hunter2\n"],
        &["--user", "alice\u{7}:hunter2"],
        &["--user", "alice:hunter2", "--user", "alice:hunter2"],
        &["--user", "alice:one", "hunter2"],
        &["--user=alice:hunter2", "--", "hunter2"],
        &["--token", "hunter2"],
        &["--token", "ci:hunter2 with spaces"],
        &["--token", "ci:hunter2:"],
        &["--token", "ci:="],
        &["--token", "ci:hunter2", "--token", "alice:hunter2"],
        &["--hmac-key", "hunter2"],
        &["--hmac-key", "ci:hunter2"],
        &["--hmac-key", "ci:aHVudGVyMg=="],
        &["--hmac-key", ":aHVudGVyMmh1bnRlcjJodW50ZXIyaHVudGVyMmh1bnRlcjI="],
        &["--users", "alice:hunter2"],
        &["--usr=alice:hunter2"],
        &["-u", "alice:hunter2"],
        &["-ualice:hunter2"],
        &["--hunter2"],
        &["--help=hunter2"],
    ];
    let proxy: &[&[&str]] = &[
        &[],
        &["--upstream"],
        &["--upstream", ""],
        &["--upstream", "127.0.0.1:9000"],
        &["--upstream", "/path"],
        &["--upstream", "http://"],
        &["--upstream", "http://:80"],
        &["--upstream", "http://host:99999"],
        &["--upstream", "ftp://host"],
        &["--upstream", "https://host"],
        &["--upstream", "http://alice:hunter2@host"],
        &["--upstream", "http://host/base"],
        &["--upstream", "http://host/?key=hunter2"],
        &["--upstream", "http://host", "--port", "none"],
    ];
    let client: &[&[&str]] = &[
        &[],
        &["hunter2"],
        &["https://host/mcp"],
        &["http://alice:hunter2@host/mcp"],
        &["http://host/mcp", "--args", "hunter2"],
        &["http://host/mcp", "--args", "[\"hunter2\"]"],
        &["http://host/mcp", "--user", "hunter2"],
        &["http://host/mcp", "--token", "hunter2\n"],
        &["http://host/mcp", "--user", "alice:one", "--token", "hunter2"],
    ];
    let keys: &[&[&str]] = &[&["--key", "hunter2"], &["--key", "alice:"], &["--port", "none"]];
    for (name, table) in [
        ("sse_server", both),
        ("streamable_server", both),
        ("proxy", proxy),
        ("client", client),
        ("custom_authenticator", keys),
    ] {
        for args in table {
            let output = run(name, *args).await;
            let stderr = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(2), "{name} {args:?}: {stderr}");
            assert_eq!(stderr.lines().count(), 1, "{name} {args:?}: {stderr}");
            assert!(stderr.starts_with("error: ") && !stderr.contains("hunter2"), "{stderr}");
            assert!(output.stdout.is_empty(), "{name} {args:?}");
        }
    }
    for (name, args) in [("sse_server", ["--help"]), ("proxy", ["--version"])] {
        let output = run(name, args).await;
        assert!(output.status.success() && !output.stdout.is_empty() && output.stderr.is_empty());
    }
}

#[tokio::test]
async fn invalid_environment_exits_with_one_line_and_status_2() {
    for (variables, word) in [
        ([("USERNAME", "al:ice"), ("PASSWORD", "hunter2")], "colon"),
        ([("USERNAME", "alice"), ("PASSWORD", "hunter2\n")], "control character"),
        ([("RUST_LOG", "hunter2=loud"), ("X", "")], "RUST_LOG"),
    ] {
        let output = output(example("sse_server").args(["--port", "0"]).envs(variables)).await;
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        assert!(stderr.lines().count() == 1 && stderr.contains(word), "{stderr}");
        assert!(!stderr.contains("hunter2"), "{stderr}");
    }
}

#[tokio::test]
async fn environment_defines_the_user_if_no_argument_does() {
    let basic = |pair: &str| {
        use base64::Engine as _;
        format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair))
    };
    let spawn = async |args: &[&str], user: &str, password: &str| {
        let mut command = example("sse_server");
        command.args(["--port", "0"]).args(args).env("USERNAME", user).env("PASSWORD", password);
        Server::spawn(&mut command).await
    };
    let bob = basic("bob:hunter2");
    let server = spawn(&[], "bob", "hunter2").await;
    assert_eq!(server.printed.len(), 1, "{:?}", server.printed);
    assert_eq!(server.status(Method::GET, "/sse", Some(&bob)).await, 200);
    assert_eq!(server.status(Method::GET, "/sse", Some(ALICE)).await, 401);
    let (_, logged) = server.terminate().await;
    assert!(logged.contains("rejected") && !logged.contains("hunter2"), "{logged}");

    let server = spawn(&["--user", "alice:pass:word"], "bob", "hunter2").await;
    assert_eq!(server.status(Method::GET, "/sse", Some(&bob)).await, 401);
    assert_eq!(server.status(Method::GET, "/sse", Some(ALICE)).await, 200);

    for (user, password) in [("bob", ""), ("", "hunter2")] {
        let server = spawn(&[], user, password).await;
        assert_eq!(server.status(Method::GET, "/sse", Some(&bob)).await, 401);
        assert_eq!(server.status(Method::GET, "/sse", Some(&basic("bob:"))).await, 401);
        assert_eq!(server.printed.len(), 3, "a password was generated: {:?}", server.printed);
    }
}

#[tokio::test]
async fn generated_password_is_printed_with_a_working_curl_line() {
    let upstream = recorder().await;
    let upstream = format!("--upstream={}", upstream.0);
    let mut passwords = Vec::new();
    for (name, args) in
        [("sse_server", None), ("streamable_server", None), ("proxy", Some(&*upstream))]
    {
        let server = Server::start(name, args.as_slice()).await;
        let words = shell_words(server.printed.iter().find(|line| line.contains("curl")).unwrap());
        let mut words = words.iter().map(String::as_str);
        assert_eq!(words.next(), Some("curl"));
        let (mut url, mut method, mut body) = ("", Method::GET, String::new());
        let (mut headers, mut user, mut password) = (HeaderMap::new(), "", "");
        while let Some(word) = words.next() {
            match word {
                "-N" | "-i" => {}
                "-u" => (user, password) = words.next().unwrap().split_once(':').unwrap(),
                "-d" => (method, body) = (Method::POST, words.next().unwrap().to_owned()),
                "-H" => {
                    let (name, value) = words.next().unwrap().split_once(": ").unwrap();
                    let name: http::HeaderName = name.parse().unwrap();
                    headers.append(name, value.parse().unwrap());
                }
                other => url = other,
            }
        }
        assert_eq!(user, "admin");
        assert!(password.len() >= 22, "{password}");
        passwords.push(password.to_owned());
        let path = url.strip_prefix(&server.url).expect("the URL of the server");
        let request = server.request(method, path).headers(headers).body(body);
        let wrong = request.try_clone().unwrap().basic_auth(user, Some("admin"));
        assert_eq!(execute(wrong).await.status(), 401, "{name}");
        let right = request.basic_auth(user, Some(password));
        assert_eq!(execute(right).await.status(), 200, "{name}");
    }
    passwords.sort_unstable();
    passwords.dedup();
    assert_eq!(passwords.len(), 3, "passwords are different");
}

#[tokio::test]
async fn servers_listen_on_the_given_host() {
    for (host, shown) in [("localhost", "http://"), ("0.0.0.0", "http://0.0.0.0:")] {
        for name in ["sse_server", "streamable_server"] {
            let args = [&["--host", host][..], &USERS].concat();
            let server = Server::start(name, &args).await;
            assert!(server.url.starts_with(shown), "{}", server.url);
            assert_eq!(server.status(Method::GET, "/health", None).await, 200);
        }
    }
    if std::net::TcpListener::bind("[::1]:0").is_err() {
        return; // IPv6 is not available
    }
    for host in ["::1", "[::1]"] {
        let args = [&["--host", host][..], &USERS].concat();
        let server = Server::start("streamable_server", &args).await;
        assert!(server.url.starts_with("http://[::1]:"), "{}", server.url);
        assert!(connect(format!("{}/mcp", server.url), ALICE).await.is_ok());
    }
}

#[tokio::test]
async fn quoted_password_in_the_environment_gets_a_hint() {
    for (password, hinted) in [
        ("'secret'", true),
        ("\"secret\"", true),
        ("secret", false),
        ("'secret", false),
        ("'", false),
    ] {
        let mut command = example("sse_server");
        command.args(["--host", "no such host"]).env("USERNAME", "alice").env("PASSWORD", password);
        let stderr = String::from_utf8(output(&mut command).await.stderr).unwrap();
        assert_eq!(stderr.contains("hint: PASSWORD"), hinted, "{stderr}");
        assert!(!stderr.contains("secret"), "{stderr}");
    }
}
