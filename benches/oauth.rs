//! A request with an access token through the layer, beside the bare verification of the token's signature, which
//! is the part that cannot be saved; and the memory that 100,000 requests with 1,000 tokens leave behind.
//!
//! ```sh
//! cargo bench --bench oauth
//! ```
//!
//! The bare verification is by `jsonwebtoken`, which parses the key each time, and also by a key that `aws-lc-rs`
//! parsed before, as the crate has it. Building the requests is not timed; dropping them and the responses is.

#[allow(dead_code, reason = "the tests use the rest")]
#[path = "../tests/it/support/access_token.rs"]
mod access_token;
mod harness;

use std::convert::Infallible;
use std::future::{Ready, ready};

use access_token::{ISSUER, RESOURCE, SigningKey, claims, jwks};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, KeyPair, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
};
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
    for (algorithm, key) in [
        ("RS256", SigningKey::rsa()),
        ("ES256", SigningKey::p256()),
        ("EdDSA", SigningKey::ed25519()),
    ] {
        verify(rounds, algorithm, &key);
    }
    memory(requests, requests / 100);
}

/// A token such as authorization servers issue it.
fn token(key: &SigningKey, algorithm: &str, subject: &str) -> String {
    let mut claims = claims();
    claims["sub"] = subject.into();
    let header = format!(r#"{{"alg":"{algorithm}","typ":"at+jwt","kid":"k1"}}"#);
    key.token(algorithm, &header, &claims.to_string())
}

fn verifier_of(key: &SigningKey) -> Jwt {
    Jwt::with_keys(ISSUER, RESOURCE, jwks([key.jwk("k1")])).expect("it is valid")
}

fn verify(rounds: usize, algorithm: &str, key: &SigningKey) {
    let token = token(key, algorithm, "5f0c1c9e-2b5e-4c5a-9c55-8f5a0a1d3c11");
    let (input, signature) = token.rsplit_once('.').expect("three parts");
    let (input, decode) = (input.as_bytes(), || BASE64.decode(signature).expect("base64url"));
    let decoded = decode();
    let (bare, parsed) = (bare_verifier(key), parsed_key(key));
    let verify = |signature: &Vec<u8>| bare.verify(input, signature).expect("it is right");
    let verify_parsed = |()| parsed.verify_sig(input, &decoded).expect("it is right");

    let decider = verifier_of(key);
    let decide = |request: Request| {
        let (head, _) = request.into_parts();
        decider.authenticate_now(&head).expect("the key is known").expect("the token is right")
    };
    let guarded = McpAuthLayer::new(verifier_of(key)).layer(nothing());
    let opaque = "rD3m0NfE5Yc0mKq1bWv7XwZb9tQ0sJw2uLx4hVn6pRa";
    let fixed = McpAuthLayer::bearer(opaque).layer(nothing());

    let request = || request(&token);
    let times = measure(
        &format!("{algorithm}, accepted"),
        rounds,
        vec![
            contender("the bare signature", || (), |()| verify(&decoded)),
            contender("the same, with a parsed key", || (), verify_parsed),
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
        share(&|t| t[4]),
        share(&|t| t[2] - t[0]),
        share(&|t| t[3] - t[2]),
        share(&|t| t[4] - t[3]),
    );
}

/// The verifier of `jsonwebtoken`, which parses the key at each verification.
fn bare_verifier(key: &SigningKey) -> Box<dyn JwtVerifier> {
    let jwk = key.jwk("k1");
    let part = |name: &str| jwk[name].as_str().expect("it is there");
    let (algorithm, key) = match key {
        SigningKey::Rsa(_) => {
            (Algorithm::RS256, DecodingKey::from_rsa_components(part("n"), part("e")))
        }
        SigningKey::Ec(_) => {
            (Algorithm::ES256, DecodingKey::from_ec_components(part("x"), part("y")))
        }
        SigningKey::Ed(_) => (Algorithm::EdDSA, DecodingKey::from_ed_components(part("x"))),
    };
    let key = key.expect("a public key");
    (aws_lc::DEFAULT_PROVIDER.verifier_factory)(&algorithm, &key).expect("they fit")
}

fn parsed_key(key: &SigningKey) -> ParsedPublicKey {
    let parsed = match key {
        SigningKey::Rsa(key) => {
            ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.public_key().as_ref())
        }
        SigningKey::Ec(key) => {
            ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key.public_key().as_ref())
        }
        SigningKey::Ed(key) => ParsedPublicKey::new(&ED25519, key.public_key().as_ref()),
    };
    parsed.expect("a public key")
}

/// Checks that nothing of a token stays behind: there is no cache of tokens that could grow.
fn memory(requests: usize, tokens: usize) {
    let key = SigningKey::ed25519();
    let mut guarded = McpAuthLayer::new(verifier_of(&key)).layer(nothing());
    let of = |subject: &str| token(&key, "EdDSA", subject);
    let tokens: Vec<_> = (0..tokens).map(|number| of(&format!("user-{number}"))).collect();
    let mut send = |token: &String| {
        assert_eq!(answer(&mut guarded, request(token)).status(), StatusCode::OK);
    };
    // What a process allocates once.
    send(&of("nobody"));

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
