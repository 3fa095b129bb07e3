//! What open streams are told after a policy changed, and what of updates they show.

mod list_changed;
mod resource_updates;

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use http_body_util::BodyExt;
use mcp_auth_layer::policy::{
    Authorizer, Call, Changes, Decision, Policy, Refusal, Target, everything, principal, resources,
    tools,
};
use mcp_auth_layer::{Bearer, McpAuthLayer, Principal};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tower::ServiceExt;

/// An MCP server whose streams are written by the test: each GET and each POST that asks for a stream opens one.
#[derive(Clone, Default)]
struct Server {
    streams: Arc<Mutex<Vec<UnboundedSender<Bytes>>>>,
    /// What a POST is answered with, and by which media type.
    answer: Arc<Mutex<(&'static str, String)>>,
}

impl Server {
    fn answers(&self, media_type: &'static str, body: impl Into<String>) {
        *self.answer.lock().unwrap() = (media_type, body.into());
    }

    /// Sends bytes on the stream that was opened last.
    fn sends(&self, text: &str) {
        let streams = self.streams.lock().unwrap();
        streams.last().unwrap().send(Bytes::copy_from_slice(text.as_bytes())).unwrap();
    }

    fn router(&self) -> Router {
        let server = self.clone();
        Router::new().fallback(move |request: Request| {
            let server = server.clone();
            async move { server.respond(request).await }
        })
    }

    async fn respond(&self, request: Request) -> Response {
        let (head, body) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let is_listen = String::from_utf8_lossy(&body).contains("subscriptions/listen");
        if head.method == http::Method::GET || is_listen {
            let (sender, receiver) = unbounded_channel();
            self.streams.lock().unwrap().push(sender);
            let events = futures::stream::unfold(receiver, |mut receiver| async {
                let event = receiver.recv().await?;
                Some((Ok::<_, std::io::Error>(event), receiver))
            });
            let body = Body::from_stream(events.boxed());
            return ([("content-type", "text/event-stream")], body).into_response();
        }
        let (media_type, answer) = self.answer.lock().unwrap().clone();
        let mut response = ([("content-type", media_type)], answer).into_response();
        if !head.headers.contains_key("mcp-session-id") {
            response.headers_mut().insert("mcp-session-id", "s1".parse().unwrap());
        }
        response
    }
}

/// A policy that can be replaced.
#[derive(Clone)]
struct Replaceable {
    policy: Arc<Mutex<Policy>>,
    changes: Changes,
}

impl Replaceable {
    fn new(policy: Policy) -> Self {
        Self { policy: Arc::new(Mutex::new(policy)), changes: Changes::new() }
    }

    fn replace(&self, policy: Policy) {
        *self.policy.lock().unwrap() = policy;
        self.changes.announce();
    }

    fn current(&self) -> Policy {
        self.policy.lock().unwrap().clone()
    }
}

impl Authorizer for Replaceable {
    async fn authorize(&self, caller: &Principal, call: &Call<'_>) -> Decision {
        self.current().authorize(caller, call).await
    }

    async fn visible(
        &self,
        caller: &Principal,
        targets: &[Target<'_>],
    ) -> Result<Vec<bool>, Refusal> {
        self.current().visible(caller, targets).await
    }

    fn is_unrestricted(&self, caller: &Principal) -> bool {
        self.current().is_unrestricted(caller)
    }

    fn changes(&self) -> Vec<Changes> {
        vec![self.changes.clone()]
    }
}

/// `ci` may use one tool and some resources, `alice` everything.
fn policy() -> Policy {
    Policy::new()
        .allow(principal("ci"), tools(["search"]))
        .allow(principal("ci"), resources(["docs://*"]))
        .allow(principal("alice"), everything())
}

const CI: &str = "Bearer dG9rZW4tb2YtY2k";
const ALICE: &str = "Bearer dG9rZW4tb2YtYWxpY2U";

fn app(server: &Server, authorizer: impl Authorizer) -> Router {
    let tokens = [("ci", &CI["Bearer ".len()..]), ("alice", &ALICE["Bearer ".len()..])];
    let layer = McpAuthLayer::new(Bearer::new(tokens).unwrap()).authorize(authorizer);
    server.router().layer(layer)
}

async fn respond(
    app: &Router,
    authorization: &str,
    method: &str,
    target: &str,
    body: &str,
) -> Response {
    let request = http::Request::builder()
        .method(method)
        .uri(target)
        .header("authorization", authorization)
        .header("content-type", "application/json")
        .body(Body::from(body.to_owned()))
        .unwrap();
    let response = app.clone().oneshot(request).await.unwrap();
    assert_eq!(response.status(), 200);
    response
}

async fn post(app: &Router, authorization: &str, target: &str, body: &str) -> String {
    let response = respond(app, authorization, "POST", target, body).await;
    let body = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}

/// An event stream as a client reads it.
struct Stream(Body);

impl Stream {
    async fn open(app: &Router, authorization: &str, target: &str) -> Self {
        Self(respond(app, authorization, "GET", target, "").await.into_body())
    }

    async fn listen(app: &Router, authorization: &str, body: &str) -> Self {
        Self(respond(app, authorization, "POST", "/mcp", body).await.into_body())
    }

    /// Returns the next chunk.
    async fn next(&mut self) -> String {
        let frame = self.0.frame().await.expect("a frame").expect("no error");
        String::from_utf8(frame.into_data().unwrap().to_vec()).unwrap()
    }
}
