//! Verifying a signed request beside what cannot be saved: the SHA-256 of its body and one HMAC of
//! its base. And claiming a nonce among a million that are remembered.
//!
//! ```sh
//! cargo bench --bench hmac
//! ```

mod harness;

use std::cell::Cell;
use std::convert::Infallible;
use std::future::ready;
use std::hint::black_box;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use harness::{contender, measure, measuring, now, service};
use hmac::{KeyInit, Mac};
use http::StatusCode;
use mcp_auth_layer::{Authenticator, Hmac, McpAuthLayer, MemoryReplayStore, ReplayStore, Signer};
use sfv::Parser;
use sfv::visitor::Ignored;
use sha2::{Digest, Sha256};
use tower::{Layer, service_fn};

const SECRET: [u8; 32] = [7; 32];

fn main() {
    let (rounds, nonces) = if measuring() { (4000, 1_000_000) } else { (1, 1000) };
    // Bodies are read within a time limit, which needs a runtime's clock.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let runtime = runtime.expect("a runtime");
    let _guard = runtime.enter();
    for (case, size) in [("POST of 4 KiB", 4096), ("POST of 200 bytes", 200), ("GET", 0)] {
        verify(rounds, case, size);
    }
    claim(rounds, nonces);
}

fn verify(rounds: usize, case: &str, size: usize) {
    let signer = Signer::new("ci", SECRET).expect("a good key");
    let guard = || {
        let store = MemoryReplayStore::with_capacity(1 << 24, 1 << 24).expect("random bytes");
        Hmac::new([("ci", SECRET)]).expect("a good key").replay_store(store)
    };
    let (verifier, hmac) = (McpAuthLayer::new(guard()), guard());
    let bearer = McpAuthLayer::bearer("rD3m0NfE5Yc0mKq1bWv7Xw");
    let inner =
        || service_fn(|_: Request| ready(Ok::<_, Infallible>(Response::new(Body::empty()))));
    let body = vec![b'x'; size];
    let signed = || {
        let request =
            if size > 0 { http::Request::post("/mcp") } else { http::Request::get("/mcp") };
        let mut request = request
            .header("host", "127.0.0.1:8000")
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream")
            .header("user-agent", "some-client/1.27.0")
            .header("mcp-session-id", "6f1c4f0e-5a0b-4d3e-9a53-0d6a0b6a2a53")
            .header("mcp-protocol-version", "2025-11-25")
            .body(body.clone())
            .expect("these are valid");
        signer.sign(&mut request).expect("it can be signed");
        request
    };
    let plain = || {
        let mut request = signed();
        let token = "Bearer rD3m0NfE5Yc0mKq1bWv7Xw".parse().expect("ASCII");
        request.headers_mut().insert("authorization", token);
        request.map(Body::from)
    };

    // As long as the base of this request is.
    let base = signed().headers()["signature-input"].as_bytes().repeat(2);
    let keyed = hmac::Hmac::<Sha256>::new_from_slice(&SECRET).expect("any length will do");
    let floor = || {
        black_box(Sha256::digest(&body));
        black_box(keyed.clone().chain_update(&base).finalize())
    };
    let parse = |request: http::Request<Vec<u8>>| {
        for name in ["signature-input", "signature", "content-digest"] {
            if let Some(field) = request.headers().get(name) {
                let parsed = Parser::new(field.as_bytes()).parse_dictionary_with_visitor(Ignored);
                parsed.expect("it was made by the signer");
            }
        }
    };
    let head = |request: http::Request<Vec<u8>>| {
        let (head, _) = request.into_parts();
        now(hmac.authenticate(&head)).expect("it is admitted")
    };
    let contenders = vec![
        contender("SHA-256 of the body, HMAC of base", || (), |()| floor()),
        contender("parsing three fields, by sfv", signed, parse),
        contender("all that the head decides", signed, head),
        service("McpAuthLayer, bearer", StatusCode::OK, bearer.layer(inner()), plain),
        service("McpAuthLayer, signed", StatusCode::OK, verifier.layer(inner()), || {
            signed().map(Body::from)
        }),
    ];
    measure(case, rounds, contenders);
}

fn claim(rounds: usize, nonces: usize) {
    let keep = Duration::from_secs(420);
    let store = MemoryReplayStore::with_capacity(1 << 24, 1 << 24).expect("random bytes");
    let number = Cell::new(0_u64);
    let nonce = || {
        number.set(number.get() + 1);
        format!("{:022}", number.get())
    };
    let filled = allocation_counter::measure(|| {
        for _ in 0..nonces {
            now(store.claim("ci", &nonce(), keep)).expect("there is room");
        }
    });
    let claim = |nonce: String| now(store.claim("ci", &nonce, keep)).expect("there is room");
    measure("one more nonce", rounds, vec![contender("among a million", nonce, claim)]);
    println!("\n{} bytes a nonce, {nonces} of them", filled.bytes_current / nonces as i64);
}
