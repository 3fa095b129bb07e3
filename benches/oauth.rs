//! A request with an access token through the layer, beside the bare verification of the token's signature, which
//! is the part that cannot be saved; and the memory that 100,000 requests with 1,000 tokens leave behind.
//!
//! ```sh
//! cargo bench --bench oauth
//! ```
//!
//! The bare verification is by the same verifier with the same key. Building the requests is not timed; dropping
//! them and the responses is.

#[path = "harness/access_tokens.rs"]
mod access_tokens;
mod harness;

use std::convert::Infallible;
use std::future::{Ready, ready};

use access_tokens::{AUDIENCE, ISSUER, SigningKey};
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use harness::{answer, contender, measure, measuring, median, service};
use http::StatusCode;
use http::header::AUTHORIZATION;
use jsonwebtoken::crypto::{JwtVerifier, aws_lc};
use jsonwebtoken::{Algorithm, DecodingKey};
use mcp_auth_layer::{Authenticator, Jwt, McpAuthLayer};
use tower::util::ServiceFn;
use tower::{Layer, service_fn};

fn main() {
    let (rounds, requests) = if measuring() { (1500, 100_000) } else { (1, 1000) };
    for key in [SigningKey::rs256(), SigningKey::es256(), SigningKey::eddsa()] {
        verify(rounds, &key);
    }
    memory(requests, requests / 100);
}

fn verify(rounds: usize, key: &SigningKey) {
    let token = key.token("5f0c1c9e-2b5e-4c5a-9c55-8f5a0a1d3c11");
    let (input, signature) = token.rsplit_once('.').expect("three parts");
    let (input, decode) = (input.as_bytes(), || BASE64.decode(signature).expect("base64url"));
    let decoded = decode();
    let verifier = verifier(key);
    let verify = |signature: &Vec<u8>| verifier.verify(input, signature).expect("it is right");

    let jwt = || Jwt::with_keys(ISSUER, AUDIENCE, key.jwks()).expect("it is valid");
    let decider = jwt();
    let decide = |request: Request| {
        let (head, _) = request.into_parts();
        decider.authenticate_now(&head).expect("the key is known").expect("the token is right")
    };
    let guarded = McpAuthLayer::new(jwt()).layer(nothing());
    let opaque = "rD3m0NfE5Yc0mKq1bWv7XwZb9tQ0sJw2uLx4hVn6pRa";
    let fixed = McpAuthLayer::bearer(opaque).layer(nothing());

    let request = || request(&token);
    let algorithm = key.algorithm();
    let times = measure(
        &format!("{algorithm}, accepted"),
        rounds,
        vec![
            contender("the bare signature", || (), |()| verify(&decoded)),
            contender("decoding and the signature", || (), |()| verify(&decode())),
            contender("Jwt, to decide", request, decide),
            service("McpAuthLayer with Jwt", StatusCode::OK, guarded, request),
            service("McpAuthLayer with Bearer", StatusCode::OK, fixed, || self::request(opaque)),
        ],
    );
    let share = |part: &dyn Fn(&[f64]) -> f64| {
        median(times.iter().map(|round| part(round) / round[0]).collect())
    };
    println!(
        "\n{algorithm}, in bare signatures: through the layer {:.3}; of it decoding the signature {:.3}, \
         the rest of the token {:.3}, the layer {:.3}",
        share(&|t| t[3]),
        share(&|t| t[1] - t[0]),
        share(&|t| t[2] - t[1]),
        share(&|t| t[3] - t[2]),
    );
}

/// The verifier of `jsonwebtoken` that the crate uses.
fn verifier(key: &SigningKey) -> Box<dyn JwtVerifier> {
    let public = key.public();
    let part = |name| {
        let (_, value) = public.iter().find(|(there, _)| *there == name).expect("it is there");
        value.as_str()
    };
    let (algorithm, key) = match key {
        SigningKey::Rs256(_) => {
            (Algorithm::RS256, DecodingKey::from_rsa_components(part("n"), part("e")))
        }
        SigningKey::Es256(_) => {
            (Algorithm::ES256, DecodingKey::from_ec_components(part("x"), part("y")))
        }
        SigningKey::EdDsa(_) => (Algorithm::EdDSA, DecodingKey::from_ed_components(part("x"))),
    };
    let key = key.expect("a public key");
    (aws_lc::DEFAULT_PROVIDER.verifier_factory)(&algorithm, &key).expect("they fit")
}

/// Checks that nothing of a token stays behind: there is no cache of tokens that could grow.
fn memory(requests: usize, tokens: usize) {
    let key = SigningKey::eddsa();
    let jwt = Jwt::with_keys(ISSUER, AUDIENCE, key.jwks()).expect("it is valid");
    let mut guarded = McpAuthLayer::new(jwt).layer(nothing());
    let tokens: Vec<_> = (0..tokens).map(|number| key.token(&format!("user-{number}"))).collect();
    let mut send = |token: &String| {
        assert_eq!(answer(&mut guarded, request(token)).status(), StatusCode::OK);
    };
    // What a process allocates once.
    send(&key.token("nobody"));

    let resident = resident();
    let allocated = allocation_counter::measure(|| {
        tokens.iter().cycle().take(requests).for_each(&mut send);
    });
    let more = self::resident() - resident;
    let kept = allocated.bytes_current;
    println!(
        "\n{requests} requests with {} tokens: {kept} bytes are still allocated, {more} bytes more are resident",
        tokens.len()
    );
    assert_eq!(kept, 0, "requests leave something behind");
    assert!(more < 4 << 20, "memory grows");
}

/// Returns the bytes of this process in memory, where Linux says it.
fn resident() -> i64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse().ok());
    1024 * kilobytes.unwrap_or(0_i64)
}

type Nothing = ServiceFn<fn(Request) -> Ready<Result<Response, Infallible>>>;

fn nothing() -> Nothing {
    service_fn(|_| ready(Ok(Response::default())))
}

fn request(token: &str) -> Request {
    let request = http::Request::post("/mcp")
        .header("host", "127.0.0.1:8000")
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream")
        .header("user-agent", "some-client/1.27.0")
        .header("mcp-protocol-version", "2025-11-25")
        .header(AUTHORIZATION, format!("Bearer {token}"));
    request.body(Body::empty()).expect("it is valid")
}
