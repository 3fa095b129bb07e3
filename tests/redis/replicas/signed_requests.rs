//! A signed request is served once, by all replicas together.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mcp_auth_layer::schemes::Signer;

use super::{Replicas, first_message, first_request, send};
use crate::support::example_server::Server;
use crate::support::{Nginx, eventually};

const SECRET: [u8; 32] = *b"a signer's 32 bytes, kept secret";

fn signed(url: &str) -> http::Request<Vec<u8>> {
    let mut request = first_request(url).body(first_message()).unwrap();
    Signer::new("ci", SECRET).unwrap().sign(&mut request).unwrap();
    request
}

async fn are_served_once_by(count: usize) {
    let key = format!("ci:{}", STANDARD.encode(SECRET));
    let replicas = Replicas::start(count, "streamable_server", &["--hmac-key", &key]).await;
    let url = replicas.url("/mcp");
    eventually("requests are served", async || send(signed(&url)).await == 200).await;
    for _ in 0..10 {
        let request = signed(&url);
        assert_eq!(send(request.clone()).await, 200);
        for _ in 0..count {
            assert_eq!(send(request.clone()).await, 401);
        }
    }
    // All at the same time.
    let request = signed(&url);
    let statuses = futures::future::join_all((0..4 * count).map(|_| send(request.clone()))).await;
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| [200, 401].contains(status)), "{statuses:?}");
    // A restart of Redis stops signed requests for the skew.
    let request = signed(&url);
    assert_eq!(send(request.clone()).await, 200);
    replicas.redis.restart_empty().await;
    for _ in 0..count {
        assert_ne!(send(request.clone()).await, 200);
    }
    eventually("requests are served again", async || send(signed(&url)).await == 200).await;
    for _ in 0..count {
        assert_ne!(send(request.clone()).await, 200);
    }
}

#[tokio::test]
async fn signed_requests_are_served_once_by_two_servers() {
    are_served_once_by(2).await;
}

#[tokio::test]
async fn signed_requests_are_served_once_by_four_servers() {
    are_served_once_by(4).await;
}

/// The other side of it: without Redis, each replica serves a request.
#[tokio::test]
async fn servers_without_redis_serve_a_request_each() {
    let key = format!("ci:{}", STANDARD.encode(SECRET));
    let start = async || Server::start("streamable_server", &["--hmac-key", &key]).await;
    let (one, two) = tokio::join!(start(), start());
    let nginx = Nginx::start(&[&one.url[7..], &two.url[7..]]).await;
    let url = nginx.url() + "/mcp";
    // Servers do not accept what was signed before their start.
    eventually("requests are served", async || send(signed(&url)).await == 200).await;
    let request = signed(&url);
    let statuses = [send(request.clone()).await, send(request.clone()).await, send(request).await];
    assert_eq!(statuses, [200, 200, 401]);
}
