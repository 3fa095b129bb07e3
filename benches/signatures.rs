//! Measures the verification of a signed request against its unavoidable part, which is the SHA-256 of
//! the body and one HMAC of the base; and claiming a nonce among a million that are remembered.
//!
//! ```sh
//! cargo bench --bench signatures
//! ```
//!
//! Verifying is the time that the layer takes for a signed request, less that of a layer which collects
//! the body and accepts every request; removing the signature is part of it. Parsing is the time that
//! `sfv` takes to parse the three structured fields and drop them: keeping them, and serializing them
//! strictly for the base, counts as verifying. Every contender has bodies of its own, which are not in
//! the processor's caches.

mod harness;

use std::cell::Cell;
use std::convert::Infallible;
use std::future::ready;
use std::hint::black_box;
use std::time::Duration;

use axum::BoxError;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use harness::{contender, measure, measuring, median, now, service};
use hmac::{KeyInit, Mac};
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use mcp_auth_layer::auth::Authenticated;
use mcp_auth_layer::schemes::Signer;
use mcp_auth_layer::stores::{MemoryReplayStore, NonceClaim, NonceStatus, ReplayStore};
use mcp_auth_layer::{Authenticator, HttpSignature, McpAuthLayer, Principal, Rejection};
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

/// Accepts every request, optionally after its body was collected.
struct Open {
    collects: bool,
}

impl Authenticator for Open {
    async fn authenticate(&self, _: &Parts) -> Result<Authenticated, Rejection> {
        Ok(Authenticated::new(Principal::new("ci")).verify_body(|_| ready(Ok(()))))
    }

    fn authenticate_now(&self, _: &Parts) -> Option<Result<Authenticated, Rejection>> {
        (!self.collects).then(|| Ok(Principal::new("ci").into()))
    }
}

/// Remembers no nonces.
struct NoStore;

impl ReplayStore for NoStore {
    async fn claim(&self, _: &NonceClaim<'_>) -> Result<NonceStatus, BoxError> {
        Ok(NonceStatus::Fresh)
    }
}

fn verify(rounds: usize, case: &str, size: usize) {
    let signer = Signer::new("ci", SECRET).expect("a valid key");
    let keys = || HttpSignature::new([("ci", SECRET)]).expect("a valid key");
    let store = || MemoryReplayStore::with_capacity(1 << 24, 1 << 24);
    let hmac = keys().replay_store(store());
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
    let sent = || signed().map(Body::from);

    let base = base_of(&signed());
    let keyed = hmac::Hmac::<Sha256>::new_from_slice(&SECRET).expect("any length will do");
    let floor = |body: Vec<u8>| {
        black_box(Sha256::digest(&body));
        black_box(keyed.clone().chain_update(&base).finalize());
    };
    let fields = || {
        let request = signed();
        ["signature-input", "signature", "content-digest"]
            .map(|n| request.headers().get(n).cloned())
    };
    let parse = |fields: [Option<HeaderValue>; 3]| {
        for field in fields.iter().flatten() {
            let parsed = Parser::new(field.as_bytes()).parse_dictionary_with_visitor(Ignored);
            parsed.expect("the signer made it");
        }
    };
    let head = |request: http::Request<Vec<u8>>| {
        let (head, _) = request.into_parts();
        now(hmac.authenticate(&head)).expect("it is authenticated")
    };
    // Sessions are measured by the benchmark `session_binding`.
    let open = McpAuthLayer::new(Open { collects: false }).danger_disable_session_binding();
    let collecting = McpAuthLayer::new(Open { collects: true }).danger_disable_session_binding();
    let unclaimed =
        McpAuthLayer::new(keys().replay_store(NoStore)).danger_disable_session_binding();
    let claimed = McpAuthLayer::new(keys().replay_store(store())).danger_disable_session_binding();
    let (open, collecting) = (open.layer(inner()), collecting.layer(inner()));
    let (unclaimed, claimed) = (unclaimed.layer(inner()), claimed.layer(inner()));
    let times = measure(
        case,
        rounds,
        vec![
            contender("SHA-256 of the body, HMAC of base", || body.clone(), floor),
            contender("parsing three fields, by sfv", fields, parse),
            contender("verifying the head", signed, head),
            service("the layer, accepting everything", StatusCode::OK, open, sent),
            service("the same, collecting the body", StatusCode::OK, collecting, sent),
            service("the same, verifying", StatusCode::OK, unclaimed, sent),
            service("the same, claiming the nonce", StatusCode::OK, claimed, sent),
        ],
    );
    let over_floor = |verifying: usize| {
        let ratio = |t: &Vec<f64>| (t[verifying] - t[4] - t[1]) / t[0];
        median(times.iter().map(ratio).collect())
    };
    println!(
        "\nverifying without parsing, to the floor: {:.2}; {:.2} with the nonce",
        over_floor(5),
        over_floor(6)
    );
}

/// Returns the base of a signed request, and checks that its signature is of this base.
fn base_of(request: &http::Request<Vec<u8>>) -> String {
    let text = |name: &str| request.headers()[name].to_str().expect("ASCII");
    let parameters = text("signature-input").strip_prefix("sig=").expect("a label");
    let (components, _) = parameters[1..].split_once(')').expect("an inner list");
    let lines = components.split(' ').map(|component| {
        let value = match component.trim_matches('"') {
            "@method" => request.method().as_str(),
            "@authority" => text("host"),
            "@path" => request.uri().path(),
            "@query" => "?",
            name => text(name),
        };
        format!("{component}: {value}\n")
    });
    let base = lines.collect::<String>() + "\"@signature-params\": " + parameters;
    let mac = hmac::Hmac::<Sha256>::new_from_slice(&SECRET).expect("any length will do");
    let mac = STANDARD.encode(mac.chain_update(&base).finalize().into_bytes());
    assert_eq!(text("signature"), format!("sig=:{mac}:"));
    base
}

fn claim(rounds: usize, nonces: usize) {
    let skew = Duration::from_secs(60);
    let store = MemoryReplayStore::with_capacity(1 << 24, 1 << 24);
    let number = Cell::new(0_u64);
    let nonce = || {
        number.set(number.get() + 1);
        format!("{:022}", number.get())
    };
    let filled = allocation_counter::measure(|| {
        for _ in 0..nonces {
            now(store.claim(&NonceClaim::new("ci", &nonce(), 0, 300, skew)))
                .expect("there is room");
        }
    });
    let claim = |nonce: String| {
        now(store.claim(&NonceClaim::new("ci", &nonce, 0, 300, skew))).expect("there is room")
    };
    measure("one more nonce", rounds, vec![contender("among a million", nonce, claim)]);
    println!("\n{} bytes a nonce, {nonces} of them", filled.bytes_current / nonces as i64);
}
