//! The examples as child processes, and what talks to them.

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

/// How long anything may take. Nothing waits that long unless it hangs.
pub const DEADLINE: Duration = Duration::from_secs(60);

pub const USERS: [&str; 4] = ["--user", "alice:pass:word", "--token", "ci:dG9rZW4tb2YtdGhlLWNp"];
pub const ALICE: &str = "Basic YWxpY2U6cGFzczp3b3Jk";
pub const CI: &str = "Bearer dG9rZW4tb2YtdGhlLWNp";
/// What would admit nobody: alice with a wrong password, a wrong token, no scheme, and nothing.
pub const WRONG: [&str; 4] =
    ["Basic YWxpY2U6d3Jvbmc=", "Bearer dG9rZW4tb2Ytbm9ib2R5", "dG9rZW4tb2YtdGhlLWNp", "Bearer"];

pub async fn in_time<T>(what: &str, future: impl Future<Output = T>) -> T {
    let done = tokio::time::timeout(DEADLINE, future).await;
    done.unwrap_or_else(|_| panic!("{what}: not within {DEADLINE:?}"))
}

/// Asks again until it holds.
pub async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let started = Instant::now();
    while !holds().await {
        assert!(started.elapsed() < DEADLINE, "{what}: not within {DEADLINE:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// An example, with nothing from the environment of the tests that would change what it does.
pub fn example(name: &str) -> Command {
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    let path = super::build_examples::examples().join(file);
    let mut command = Command::new(path);
    for name in ["USERNAME", "PASSWORD", "TOKEN", "RUST_LOG", "HTTP_PROXY", "http_proxy"] {
        command.env_remove(name);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

/// Sends a signal, and says whether there is such a process. By the shell, as `kill` is no program of
/// its own on every machine.
pub fn kill(signal: &str, id: &str) -> bool {
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", "kill -s \"$0\" \"$1\" 2>/dev/null", signal, id]);
    shell.status().expect("there is a shell").success()
}

/// Writes to who may have ended already, or may not read to the end, which is theirs to decide: a test
/// that takes that for a failure fails now and then. What they answer is looked at afterwards.
pub async fn written(pipe: &mut (impl AsyncWrite + Unpin), input: &[u8]) {
    use std::io::ErrorKind::{BrokenPipe, ConnectionReset};
    if let Err(error) = pipe.write_all(input).await {
        assert!([BrokenPipe, ConnectionReset].contains(&error.kind()), "{error}");
    }
}

/// Runs an example to its end.
pub async fn run<A: AsRef<OsStr>>(name: &str, args: impl IntoIterator<Item = A>) -> Output {
    output(example(name).args(args)).await
}

pub async fn output(command: &mut Command) -> Output {
    in_time("the example ends", command.output()).await.expect("the example runs")
}

/// A server that is listening, and is killed when this is dropped.
pub struct Server {
    child: Child,
    /// Without a path and without a slash at the end.
    pub url: String,
    /// What it printed up to the line that says where it listens.
    pub printed: Vec<String>,
    said: Said,
    pipes: [JoinHandle<()>; 2],
}

/// What it logs, and prints after that line.
#[derive(Clone, Default)]
struct Said(Arc<Mutex<String>>);

impl Said {
    async fn collect(self, mut pipe: impl AsyncBufRead + Unpin) {
        let mut line = String::new();
        while pipe.read_line(&mut line).await.is_ok_and(|length| length > 0) {
            self.0.lock().unwrap().push_str(&std::mem::take(&mut line));
        }
    }
}

impl Server {
    /// On a free port.
    pub async fn start(name: &str, args: &[&str]) -> Self {
        Self::spawn(example(name).args(["--port", "0"]).args(args)).await
    }

    pub async fn spawn(command: &mut Command) -> Self {
        let mut child = command.spawn().expect("the example starts");
        let said = Said::default();
        let stderr = BufReader::new(child.stderr.take().expect("a pipe"));
        let stderr = tokio::spawn(said.clone().collect(stderr));
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let mut printed = Vec::new();
        let url = loop {
            let line = in_time("it listens", lines.next_line()).await.expect("lines of text");
            let Some(line) = line else {
                stderr.await.expect("it is read");
                panic!("the server ends: {}", said.0.lock().unwrap());
            };
            let url = line.strip_prefix("listening on ").map(str::to_owned);
            printed.push(line);
            if let Some(url) = url {
                break url;
            }
        };
        let path = url.match_indices('/').nth(2).map_or(url.len(), |(slash, _)| slash);
        let pipes = [stderr, tokio::spawn(said.clone().collect(lines.into_inner()))];
        Self { child, url: url[..path].to_owned(), printed, said, pipes }
    }

    /// What it has logged by now, and printed since it listens.
    pub fn said(&self) -> String {
        self.said.0.lock().unwrap().clone()
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        http().request(method, format!("{}{path}", self.url))
    }

    /// The status without a credential, or with one.
    pub async fn status(&self, method: Method, path: &str, authorization: Option<&str>) -> u16 {
        let request = self.request(method, path);
        let request = match authorization {
            Some(value) => request.header("authorization", value),
            None => request,
        };
        answer(request).await.status().as_u16()
    }

    /// What a request of exactly these bytes is answered, to the end of the connection.
    pub async fn raw(&self, request: &str) -> String {
        let address = self.url.strip_prefix("http://").expect("a URL");
        let mut stream = TcpStream::connect(address).await.expect("it listens");
        in_time("it reads", written(&mut stream, request.as_bytes())).await;
        let mut answer = Vec::new();
        let end = in_time("the connection ends", stream.read_to_end(&mut answer)).await;
        // A server that has not read all of the request resets the connection after its answer.
        assert!(end.is_ok() || !answer.is_empty(), "it answers: {end:?}");
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// Asks the process to stop, as a service manager does, and waits. Returns what it
    /// [said](Self::said).
    pub async fn terminate(mut self) -> (ExitStatus, String) {
        let id = self.child.id().expect("it runs").to_string();
        assert!(kill("TERM", &id), "it runs");
        let status = in_time("it stops", self.child.wait()).await.expect("its status");
        for pipe in &mut self.pipes {
            pipe.await.expect("it is read");
        }
        (status, self.said())
    }
}

/// A client that no proxy of the environment comes between.
pub fn http() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().expect("a client")
}

pub async fn answer(request: RequestBuilder) -> Response {
    in_time("an answer", request.send()).await.expect("an answer")
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

/// The second one.
pub const INITIALIZED: &str = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;

/// A stream of events.
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

    /// The next event's name and data; `None` where the stream ends.
    pub async fn next(&mut self) -> Option<(String, String)> {
        loop {
            while let Some((event, rest)) = self.unread.split_once("\n\n") {
                let field = |name| event.lines().find_map(|line| line.strip_prefix(name));
                let found = (field("event: ").unwrap_or("message"), field("data: "));
                let found = found.1.map(|data| (found.0.to_owned(), data.to_owned()));
                self.unread = rest.to_owned();
                if found.is_some() {
                    return found; // and no comment
                }
            }
            let chunk = in_time("an event", self.response.chunk()).await.ok()??;
            self.unread += str::from_utf8(&chunk).expect("UTF-8 in whole chunks");
        }
    }
}

/// A client's end of an HTTP+SSE session.
pub struct SseSession {
    pub events: Events,
    /// Where to post to.
    pub endpoint: String,
    authorization: String,
    id: u64,
}

impl SseSession {
    /// Opens the stream and shakes hands.
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
        let mut events = Events::of(answer(request).await);
        let (event, path) = events.next().await.expect("a first event");
        assert_eq!(event, "endpoint");
        let endpoint = format!("{base}{path}");
        Self { events, endpoint, authorization: authorization.to_owned(), id: 0 }
    }

    pub async fn post(&self, body: impl Into<reqwest::Body>) -> u16 {
        let request = http().post(&self.endpoint).header("authorization", &self.authorization);
        answer(request.body(body)).await.status().as_u16()
    }

    /// Posts a request.
    pub async fn ask(&mut self, method: &str, params: Value) {
        self.id += 1;
        let request =
            json!({ "jsonrpc": "2.0", "id": self.id, "method": method, "params": params });
        assert_eq!(self.post(request.to_string()).await, 202);
    }

    /// Posts a request, and waits for its answer.
    pub async fn call(&mut self, method: &str, params: Value) -> Value {
        self.ask(method, params).await;
        loop {
            let (_, data) = self.events.next().await.expect("the stream goes on");
            let message: Value = serde_json::from_str(&data).expect("JSON");
            if message["id"] == self.id {
                return message;
            }
        }
    }

    /// Calls a tool, and returns its texts, and whether it reports an error.
    pub async fn tool(&mut self, name: &str, arguments: Value) -> (String, bool) {
        let answer = self.call("tools/call", json!({ "name": name, "arguments": arguments })).await;
        let result = &answer["result"];
        let content = result["content"].as_array().unwrap_or_else(|| panic!("{answer}"));
        let texts: Vec<_> = content.iter().filter_map(|block| block["text"].as_str()).collect();
        (texts.join("\n"), result["isError"] == true)
    }
}
