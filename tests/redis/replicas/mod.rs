//! Several replicas behind one address: example servers behind nginx, which gives each request to the next one.

mod one_limit;
mod revocation;
mod signed_requests;

use ::http::Request;
use ::http::request::Builder;
use futures::future::join_all;

use crate::support::example_server::{Server, execute, http, initialize};
use crate::support::{Nginx, RedisServer};

/// The key that the replicas share, in base64.
const SESSION_KEY: &str = "dGhlc2UgcmVwbGljYXMgaGF2ZSB0aGlzIGtleSwgYWxs";

/// Example servers with one Redis, behind nginx.
struct Replicas {
    redis: RedisServer,
    /// They end when they are dropped.
    _servers: Vec<Server>,
    nginx: Nginx,
}

impl Replicas {
    /// Starts as many servers of this kind, with these flags.
    async fn start(count: usize, name: &str, flags: &[&str]) -> Self {
        let redis = RedisServer::start(&[]).await;
        let url = redis.url();
        let common = ["--redis", &url, "--session-key", SESSION_KEY, "--hmac-skew", "2"];
        let flags = [&common, flags].concat();
        let servers = join_all((0..count).map(|_| Server::start(name, &flags))).await;
        let addresses: Vec<_> =
            servers.iter().map(|server| &server.url["http://".len()..]).collect();
        let nginx = Nginx::start(&addresses).await;
        Self { redis, _servers: servers, nginx }
    }

    fn url(&self, path: &str) -> String {
        self.nginx.url() + path
    }
}

/// A request that begins an MCP session.
fn first_request(url: &str) -> Builder {
    Request::post(url)
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream")
}

fn first_message() -> Vec<u8> {
    initialize("2025-06-18").to_string().into_bytes()
}

/// Sends a request, and returns its status.
async fn send(request: Request<Vec<u8>>) -> u16 {
    let (head, body) = request.into_parts();
    let request = http().request(head.method, head.uri.to_string()).headers(head.headers);
    execute(request.body(body)).await.status().as_u16()
}
