//! No security event and no logout token panics. Without the signature of the issuer none is accepted, and with it only
//! what a plain reading of its claims allows.

#![no_main]

use std::convert::Infallible;
use std::sync::LazyLock;

use axum::body::Body;
use http::{Request, Response};
use libfuzzer_sys::fuzz_target;
use mcp_auth_layer::McpAuthLayer;
use mcp_auth_layer::layer::ExactPath;
use mcp_auth_layer::revocation::Revocations;
use mcp_auth_layer::signals::{LogoutTokens, Transmitter};
use mcp_auth_layer::stores::{MemoryRevocationStore, StoreKey};
use mcp_auth_layer_fuzz::fragments;
use mcp_auth_layer_fuzz::plain_signals::{HEADERS, claims, may_be_accepted};
use mcp_auth_layer_fuzz::runtime::block_on;
use mcp_auth_layer_fuzz::tokens::{AUDIENCE, FOREIGN_KEY, ISSUER, KEY, key_set, object, signed};
use tower::util::BoxCloneSyncService;
use tower::{Layer, ServiceExt, service_fn};

/// Each byte from 0x80 on stands for one of these.
const FRAGMENTS: &[&str] = &[
    r#","typ":"JWT""#,
    r#","typ":"#,
    r#","alg":"none""#,
    r#","kid":"k2""#,
    r#","crit":["exp"]"#,
    r#","iss":"https://id.example.com""#,
    r#","iss":"#,
    r#","aud":"https://mcp.example.com/mcp""#,
    r#","aud":["#,
    r#","aud":"x""#,
    r#","jti":"2""#,
    r#","jti":"#,
    r#","iat":0"#,
    r#","iat":1e300"#,
    r#","iat":"#,
    r#","exp":4102444800"#,
    r#","exp":0"#,
    r#","sub":"alice""#,
    r#","sub":"#,
    r#","sid":"1""#,
    r#","nonce":"1""#,
    r#","sub_id":{"format":"opaque","id":"alice"}"#,
    r#","sub_id":{"format":"email","email":"a@example.com"}"#,
    r#","sub_id":{"format":"iss_sub","iss":"https://id.example.com","sub":"alice"}"#,
    r#","sub_id":{"format":"complex","user":"#,
    r#","sub_id":"#,
    r#""subject_type":"opaque""#,
    r#""session":{}"#,
    r#","events":{"https://schemas.openid.net/secevent/caep/event-type/session-revoked":{}}"#,
    r#","events":{"https://schemas.openid.net/secevent/caep/event-type/credential-change":{"change_type":"revoke"}}"#,
    r#","events":{"https://schemas.openid.net/secevent/ssf/event-type/verification":{"state":"x"}}"#,
    r#","events":{"http://schemas.openid.net/event/backchannel-logout":{}}"#,
    r#","events":{"x":{}}"#,
    r#","events":{"#,
    r#""event_timestamp":1615304991643"#,
    r#""event_timestamp":"#,
    "{",
    "}",
    "[",
    "]",
    "\"",
    "null",
    "1e999",
    "\\ud800",
];

type App = BoxCloneSyncService<Request<Body>, Response<Body>, Infallible>;

static APP: LazyLock<App> = LazyLock::new(|| {
    // No signal reaches it: this status is none of those that are expected.
    let inner = service_fn(|_: Request<Body>| async {
        let response = Response::builder().status(418).body(Body::empty());
        Ok::<_, Infallible>(response.unwrap())
    });
    let revocations = Revocations::start(MemoryRevocationStore::new(), StoreKey::from([7; 32]));
    let events = Transmitter::with_keys(ISSUER, AUDIENCE, key_set()).unwrap();
    let logouts = LogoutTokens::with_keys(ISSUER, AUDIENCE, key_set()).unwrap();
    let layer = McpAuthLayer::bearer("token")
        .revocations(block_on(revocations).unwrap())
        .security_events(ExactPath::from_static("/events"), events)
        .logout_tokens(ExactPath::from_static("/logout"), logouts);
    BoxCloneSyncService::new(layer.layer(inner))
});

fuzz_target!(|data: (bool, u8, u8, &[u8], &[u8], &[u8])| {
    let (is_logout, left_out_of_header, left_out_of_claims, header, payload, raw) = data;
    let text = |data| fragments::text(data, 128, FRAGMENTS);
    let header = object(HEADERS[usize::from(is_logout)], left_out_of_header, &text(header));
    let claims = claims(is_logout);
    let claims: Vec<_> = claims.iter().map(String::as_str).collect();
    let payload = object(&claims, left_out_of_claims, &text(payload));
    let shown = || format!("{} {}", header.escape_ascii(), payload.escape_ascii());

    let is_accepted = accepts(is_logout, signed(&KEY, &header, &payload).into_bytes());
    let expected = may_be_accepted(is_logout, &header, &payload);
    assert!(!is_accepted || expected, "{}", shown());
    assert!(
        !accepts(is_logout, signed(&FOREIGN_KEY, &header, &payload).into_bytes()),
        "{}",
        shown()
    );
    assert!(!accepts(is_logout, raw.to_vec()), "{}", raw.escape_ascii());
});

fn accepts(is_logout: bool, token: Vec<u8>) -> bool {
    let (path, media_type, body) = if is_logout {
        ("/logout", "application/x-www-form-urlencoded", [b"logout_token=", &token[..]].concat())
    } else {
        ("/events", "application/secevent+jwt", token)
    };
    let request = Request::post(path).header("content-type", media_type).body(body.into()).unwrap();
    let status = block_on(APP.clone().oneshot(request)).unwrap().status();
    assert!([200, 202, 400, 401, 403].contains(&status.as_u16()), "{status}");
    status.is_success()
}
