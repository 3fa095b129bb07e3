//! The session and event IDs of a request, in header fields and in the query, reach the inner service if each is bound to
//! the principal and there is only one of its kind; and none of them passes a public path.

#![no_main]

use std::convert::Infallible;
use std::sync::LazyLock;

use axum::body::Body;
use http::{HeaderName, HeaderValue, Request, Response, Uri};
use libfuzzer_sys::fuzz_target;
use mcp_auth_layer::McpAuthLayer;
use mcp_auth_layer::layer::{ExactPath, SessionKey};
use mcp_auth_layer_fuzz::fragments;
use mcp_auth_layer_fuzz::runtime::block_on;
use mcp_auth_layer_fuzz::session::{
    EVENT, Ids, KEY, SESSION, kind, names_session, sorted, tag, verified,
};
use tower::util::BoxCloneSyncService;
use tower::{Layer, ServiceExt, service_fn};

/// Names of fields: the first byte of a line chooses one.
const NAMES: [&str; 6] = [
    "mcp-session-id",
    "last-event-id",
    "mcp_session.id",
    "last_event-id",
    "session-id",
    "mcp-session-idx",
];

/// Each byte from 0x80 on stands for one of these.
static FRAGMENTS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let bound = |kind, principal, id: &str| format!("{id}.{}", tag(kind, principal, id.as_bytes()));
    let ids = [
        bound(SESSION, "bearer", "1"),
        bound(SESSION, "bearer", "a%20b."),
        bound(EVENT, "bearer", "1"),
        bound(SESSION, "alice", "1"),
        format!(".{}", tag(SESSION, "bearer", b"")),
    ];
    let text = [
        "session_id=",
        "sessionId=",
        "&",
        ";",
        "=",
        "%53ESSION-id",
        "[0]",
        "%00",
        "%2B",
        "%",
        "+",
        ".",
        "\n",
    ];
    ids.into_iter().map(String::into_bytes).chain(text.map(|text| text.into())).collect()
});

fuzz_target!(|data: &[u8]| {
    let text = fragments::text(data, 256, &FRAGMENTS);
    // The first line is the query, and each other one is a field.
    let mut lines = text.split(|byte| *byte == b'\n');
    let Ok(query) = str::from_utf8(lines.next().unwrap_or_default()) else { return };
    let Ok(uri) = format!("/mcp?{query}").parse::<Uri>() else { return };
    let query = uri.query().unwrap_or_default().to_owned();
    let mut fields = Vec::new();
    for line in lines {
        let Some((which, value)) = line.split_first() else { continue };
        let Ok(value) = HeaderValue::from_bytes(value) else { continue };
        let name = HeaderName::from_static(NAMES[usize::from(*which) % NAMES.len()]);
        fields.push((name, value));
    }

    assert_eq!(received(uri, &fields), verified(&query, &fields), "{}", text.escape_ascii());
    let public = format!("/public?{query}").parse::<Uri>().unwrap();
    let (left, fields) = received(public, &fields).expect("a public path needs no credential");
    let is_session = |pair: &str| names_session(pair.split('=').next().unwrap().as_bytes());
    assert!(!left.iter().flat_map(|query| query.split(['&', ';'])).any(is_session), "{left:?}");
    assert!(fields.iter().all(|(name, _)| kind(name).is_none()), "{fields:?}");
});

/// The layer, around a service that returns what it receives.
static APP: LazyLock<BoxCloneSyncService<Request<Body>, Response<Body>, Infallible>> =
    LazyLock::new(|| {
        let inner = service_fn(|request: Request<Body>| async move {
            let ids: Ids = (request.uri().query().map(str::to_owned), sorted(request.headers()));
            let mut response = Response::new(Body::empty());
            response.extensions_mut().insert(ids);
            Ok::<_, Infallible>(response)
        });
        let key = SessionKey::try_from(&KEY[..]).unwrap();
        let layer = McpAuthLayer::bearer("token").session_key(key);
        BoxCloneSyncService::new(layer.public_path(ExactPath::from_static("/public")).layer(inner))
    });

/// Returns what the inner service receives of a request; `None` if it is rejected as of an unknown session.
fn received(uri: Uri, fields: &[(HeaderName, HeaderValue)]) -> Option<Ids> {
    let mut request = Request::post(uri).body(Body::empty()).unwrap();
    for (name, value) in fields {
        request.headers_mut().append(name, value.clone());
    }
    request.headers_mut().insert("authorization", HeaderValue::from_static("Bearer token"));
    let mut response = block_on(APP.clone().oneshot(request)).unwrap();
    let status = response.status();
    assert!(status == 200 || status == 404, "{status}");
    (status == 200).then(|| response.extensions_mut().remove().unwrap())
}
