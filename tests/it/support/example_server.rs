//! The example programs as child processes, and MCP clients for them.

use std::ffi::OsStr;
use std::process::{ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};
use tokio::io::{
    AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader,
};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

/// The timeout for every wait. A test reaches it only if something hangs.
pub const DEADLINE: Duration = Duration::from_secs(60);
pub const USERS: [&str; 4] = ["--user", "alice:pass:word", "--token", "ci:dG9rZW4tb2YtdGhlLWNp"];
pub const ALICE: &str = "Basic YWxpY2U6cGFzczp3b3Jk";
pub const CI: &str = "Bearer dG9rZW4tb2YtdGhlLWNp";
/// Invalid credentials: a wrong password for alice, an unknown token, no scheme, and no token.
pub const INVALID: [&str; 4] =
    ["Basic YWxpY2U6d3Jvbmc=", "Bearer dG9rZW4tb2Ytbm9ib2R5", "dG9rZW4tb2YtdGhlLWNp", "Bearer"];

pub async fn in_time<T>(what: &str, future: impl Future<Output = T>) -> T {
    let done = tokio::time::timeout(DEADLINE, future).await;
    done.unwrap_or_else(|_| panic!("{what}: not within {DEADLINE:?}"))
}

/// Polls until the condition holds.
pub async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let started = Instant::now();
    while !holds().await {
        assert!(started.elapsed() < DEADLINE, "{what}: not within {DEADLINE:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// The environment variables that change what an example does.
const VARIABLES: [&str; 12] = [
    "USERNAME",
    "PASSWORD",
    "TOKEN",
    "HMAC_KEY",
    "OAUTH_CLIENT",
    "SESSION_KEY",
    "PREVIOUS_SESSION_KEY",
    "REDIS_URL",
    "REDIS_ATTEMPTS_URL",
    "RUST_LOG",
    "HTTP_PROXY",
    "http_proxy",
];

/// A command for an example, without environment variables that would change its behavior.
pub fn example(name: &str) -> Command {
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    let path = super::build_examples::examples().join(file);
    let mut command = Command::new(path);
    for name in VARIABLES {
        command.env_remove(name);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

/// Sends a signal, and returns whether the process exists. Uses the shell's `kill`, because not
/// every machine has it as a program.
pub fn kill(signal: &str, id: &str) -> bool {
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", "kill -s \"$0\" \"$1\" 2>/dev/null", signal, id]);
    shell.status().expect("there is a shell").success()
}

/// Writes to a peer that may have closed its end or may not read everything. Such errors are
/// ignored; the test checks the response instead.
pub async fn written(pipe: &mut (impl AsyncWrite + Unpin), input: &[u8]) {
    use std::io::ErrorKind::{BrokenPipe, ConnectionReset};
    if let Err(error) = pipe.write_all(input).await {
        assert!([BrokenPipe, ConnectionReset].contains(&error.kind()), "{error}");
    }
}

/// Runs an example until it exits.
pub async fn run<A: AsRef<OsStr>>(name: &str, args: impl IntoIterator<Item = A>) -> Output {
    output(example(name).args(args)).await
}

pub async fn output(command: &mut Command) -> Output {
    in_time("the example exits", command.output()).await.expect("the example runs")
}

/// A running server. It is killed when dropped.
pub struct Server {
    child: Child,
    /// Without a path and without a trailing slash.
    pub url: String,
    /// The lines printed before the server was listening, including that line.
    pub printed: Vec<String>,
    captured: Captured,
    pipes: [JoinHandle<()>; 2],
}

/// The log, and what is printed while the server is listening.
#[derive(Clone, Default)]
struct Captured(Arc<Mutex<String>>);

impl Captured {
    async fn collect(self, mut pipe: impl AsyncBufRead + Unpin) {
        let mut line = String::new();
        while pipe.read_line(&mut line).await.is_ok_and(|length| length > 0) {
            self.0.lock().unwrap().push_str(&std::mem::take(&mut line));
        }
    }
}

impl Server {
    /// Starts the server on a free port.
    pub async fn start(name: &str, args: &[&str]) -> Self {
        Self::spawn(example(name).args(["--port", "0"]).args(args)).await
    }

    pub async fn spawn(command: &mut Command) -> Self {
        let mut child = command.spawn().expect("the example starts");
        let captured = Captured::default();
        let stderr = BufReader::new(child.stderr.take().expect("a pipe"));
        let stderr = tokio::spawn(captured.clone().collect(stderr));
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let mut printed = Vec::new();
        let url = loop {
            let line =
                in_time("the server is listening", lines.next_line()).await.expect("lines of text");
            let Some(line) = line else {
                stderr.await.expect("stderr is read");
                panic!("the server exited: {}", captured.0.lock().unwrap());
            };
            let url = line.strip_prefix("listening on ").map(str::to_owned);
            printed.push(line);
            if let Some(url) = url {
                break url;
            }
        };
        let path = url.match_indices('/').nth(2).map_or(url.len(), |(slash, _)| slash);
        let pipes = [stderr, tokio::spawn(captured.clone().collect(lines.into_inner()))];
        Self { child, url: url[..path].to_owned(), printed, captured, pipes }
    }

    /// The log so far, and what was printed since the server is listening.
    pub fn log(&self) -> String {
        self.captured.0.lock().unwrap().clone()
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        http().request(method, format!("{}{path}", self.url))
    }

    /// The status of a request, with or without credentials.
    pub async fn status(&self, method: Method, path: &str, authorization: Option<&str>) -> u16 {
        let request = self.request(method, path);
        let request = match authorization {
            Some(value) => request.header("authorization", value),
            None => request,
        };
        execute(request).await.status().as_u16()
    }

    /// Sends exactly these bytes, and returns everything received until the connection is closed.
    pub async fn raw(&self, request: &str) -> String {
        let address = self.url.strip_prefix("http://").expect("a URL");
        let mut stream = TcpStream::connect(address).await.expect("the server is listening");
        in_time("the server reads", written(&mut stream, request.as_bytes())).await;
        let mut response = Vec::new();
        let end = in_time("the connection is closed", stream.read_to_end(&mut response)).await;
        // A server that has not read the whole request resets the connection after its response.
        assert!(end.is_ok() || !response.is_empty(), "the server responds: {end:?}");
        String::from_utf8_lossy(&response).into_owned()
    }

    /// Sends SIGTERM, as a service manager does, and waits. Returns the exit status and the
    /// [log](Self::log).
    pub async fn terminate(mut self) -> (ExitStatus, String) {
        let id = self.child.id().expect("the process is running").to_string();
        assert!(kill("TERM", &id), "the process is running");
        let status = in_time("the process exits", self.child.wait()).await.expect("an exit status");
        for pipe in &mut self.pipes {
            pipe.await.expect("the pipe is read");
        }
        (status, self.log())
    }
}

/// A client that ignores proxies of the environment.
pub fn http() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().expect("a client")
}

pub async fn execute(request: RequestBuilder) -> Response {
    in_time("a response", request.send()).await.expect("a response")
}

/// The first message of a session.
pub fn initialize(version: &str) -> Value {
    json!({
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": version,
            "capabilities": {},
            "clientInfo": { "name": "test", "version": "0" },
        },
    })
}

/// The second message of a session.
pub const INITIALIZED: &str = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;

/// A stream of server-sent events.
pub struct Events {
    response: Response,
    unread: String,
}

impl Events {
    pub fn of(response: Response) -> Self {
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { response, unread: String::new() }
    }

    /// The name and data of the next event, or `None` at the end of the stream.
    pub async fn next(&mut self) -> Option<(String, String)> {
        loop {
            while let Some((event, rest)) = self.unread.split_once("\n\n") {
                let field = |name| event.lines().find_map(|line| line.strip_prefix(name));
                let found = (field("event: ").unwrap_or("message"), field("data: "));
                let found = found.1.map(|data| (found.0.to_owned(), data.to_owned()));
                self.unread = rest.to_owned();
                if found.is_some() {
                    return found; // not a comment
                }
            }
            let chunk = in_time("an event", self.response.chunk()).await.ok()??;
            self.unread += str::from_utf8(&chunk).expect("UTF-8 in whole chunks");
        }
    }
}

/// The client side of an HTTP+SSE session.
pub struct SseSession {
    pub events: Events,
    /// The URL for messages.
    pub endpoint: String,
    authorization: String,
    id: u64,
}

impl SseSession {
    /// Opens the stream and initializes the session.
    pub async fn open(base: &str, authorization: &str) -> Self {
        let mut session = Self::connect(base, authorization).await;
        let params = initialize("2024-11-05")["params"].take();
        let result = session.call("initialize", params).await;
        assert_eq!(result["result"]["protocolVersion"], "2024-11-05", "{result}");
        assert_eq!(session.post(INITIALIZED).await, 202);
        session
    }

    /// Opens the stream.
    pub async fn connect(base: &str, authorization: &str) -> Self {
        let request = http().get(format!("{base}/sse")).header("authorization", authorization);
        let mut events = Events::of(execute(request).await);
        let (event, path) = events.next().await.expect("a first event");
        assert_eq!(event, "endpoint");
        let endpoint = format!("{base}{path}");
        Self { events, endpoint, authorization: authorization.to_owned(), id: 0 }
    }

    pub async fn post(&self, body: impl Into<reqwest::Body>) -> u16 {
        let request = http().post(&self.endpoint).header("authorization", &self.authorization);
        execute(request.body(body)).await.status().as_u16()
    }

    /// Posts a request.
    pub async fn start_request(&mut self, method: &str, params: Value) {
        self.id += 1;
        let request =
            json!({ "jsonrpc": "2.0", "id": self.id, "method": method, "params": params });
        assert_eq!(self.post(request.to_string()).await, 202);
    }

    /// Posts a request, and waits for its response.
    pub async fn call(&mut self, method: &str, params: Value) -> Value {
        self.start_request(method, params).await;
        loop {
            let (_, data) = self.events.next().await.expect("the stream is open");
            let message: Value = serde_json::from_str(&data).expect("JSON");
            if message["id"] == self.id {
                return message;
            }
        }
    }

    /// Calls a tool. Returns its text, and whether it reports an error.
    pub async fn tool(&mut self, name: &str, arguments: Value) -> (String, bool) {
        let response =
            self.call("tools/call", json!({ "name": name, "arguments": arguments })).await;
        let result = &response["result"];
        let content = result["content"].as_array().unwrap_or_else(|| panic!("{response}"));
        let texts: Vec<_> = content.iter().filter_map(|block| block["text"].as_str()).collect();
        (texts.join("\n"), result["isError"] == true)
    }
}
