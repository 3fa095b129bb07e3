//! MACs: of session IDs and of signed requests.

use std::cell::Cell;
use std::convert::Infallible;
use std::future::ready;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use mcp_auth_layer::schemes::Signer;
use mcp_auth_layer::{HttpSignature, McpAuthLayer};
use tower::{Layer, Service, service_fn};

use super::case::Case;
use super::harness::{answer, now};
use super::measure::{Random, compare, half_right};
use super::request::request;
use super::statistics::Class;
use super::tokens::{USERS, half_of};

const TOKEN: &str = "rD3m0NfE5Yc0mKq1bWv7Xw";
const SECRET: [u8; 32] = [7; 32];
/// The base64 of 128 bits.
const TAG: usize = 22;
/// A signature is valid for a minute.
const RENEWED: Duration = Duration::from_secs(20);

pub fn cases() -> Vec<Case> {
    let mut signed = Signed::new();
    let wrong_mac = move |class, random: &mut Random| {
        let (head, mac) = signed.request();
        with_signature(head, &half_right(class, &mac, &random.bytes::<32>()))
    };
    let mut signed = Signed::new();
    let unknown_key = move |class, random: &mut Random| {
        let (mut head, _) = signed.request();
        let (known, unknown) = (USERS[random.below(USERS.len())], random.name(USERS[0].len()));
        let key_id = if class == Class::First { known } else { &unknown };
        let input = head.headers["signature-input"].to_str().expect("it is ASCII");
        let input = input.replace(USERS[0], key_id);
        head.headers.insert("signature-input", HeaderValue::try_from(input).expect("valid"));
        with_signature(head, &random.bytes::<32>())
    };
    vec![
        session_ids(),
        Case::of_heads("MAC of a signed request", keys(), wrong_mac),
        Case::of_heads("key ID: known, unknown", keys(), unknown_key),
    ]
}

/// Session IDs whose tag is wrong, through the layer.
fn session_ids() -> Case {
    let echo = |_: Request| {
        let mut response = Response::new(Body::empty());
        let id = HeaderValue::from_static("6f1c4f0e-5a0b-4d3e-9a53-0d6a0b6a2a53");
        response.headers_mut().insert("mcp-session-id", id);
        ready(Ok::<_, Infallible>(response))
    };
    let mut service = McpAuthLayer::bearer(TOKEN).layer(service_fn(echo));
    let authorization = format!("Bearer {TOKEN}");
    let head = request(Some(&authorization));
    let response = now(service.call(Request::from_parts(head, Body::empty())));
    let bound = response.expect("it cannot fail").headers()["mcp-session-id"].clone();
    let prepare = move |class, random: &mut Random| {
        let (id, tag) = bound.to_str().expect("it is ASCII").split_at(bound.len() - TAG);
        let id = id.to_owned() + &half_of(tag, class, random);
        let mut head = request(Some(&authorization));
        head.headers.insert("mcp-session-id", HeaderValue::try_from(id).expect("valid"));
        Cell::new(Some(Request::from_parts(head, Body::empty())))
    };
    Case::new("MAC of a session ID, through the layer", move |count| {
        compare(count, prepare, move |request| {
            let response = answer(&mut service, request.take().expect("each is used once"));
            assert_eq!(response.status(), StatusCode::NOT_FOUND);
            response
        })
    })
}

fn keys() -> HttpSignature {
    HttpSignature::new(USERS.map(|name| (name, SECRET))).expect("valid keys")
}

/// A signed request, which is signed anew before it expires.
struct Signed {
    signer: Signer,
    head: Parts,
    at: Instant,
}

impl Signed {
    fn new() -> Self {
        let signer = Signer::new(USERS[0], SECRET).expect("a valid key");
        Self { head: signed(&signer), signer, at: Instant::now() }
    }

    /// Returns a copy of the request, and its MAC.
    fn request(&mut self) -> (Parts, Vec<u8>) {
        if self.at.elapsed() > RENEWED {
            (self.head, self.at) = (signed(&self.signer), Instant::now());
        }
        let signature = self.head.headers["signature"].to_str().expect("it is ASCII");
        let mac = signature.strip_prefix("sig=:").and_then(|rest| rest.strip_suffix(':'));
        let mac = STANDARD.decode(mac.expect("one signature")).expect("it is base64");
        (self.head.clone(), mac)
    }
}

fn signed(signer: &Signer) -> Parts {
    let mut request = http::Request::from_parts(request(None), "");
    signer.sign(&mut request).expect("it can be signed");
    request.into_parts().0
}

fn with_signature(mut head: Parts, mac: &[u8]) -> Parts {
    let signature = format!("sig=:{}:", STANDARD.encode(mac));
    head.headers.insert("signature", HeaderValue::try_from(signature).expect("valid"));
    head
}
