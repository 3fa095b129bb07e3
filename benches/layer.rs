//! `McpAuthLayer` beside what a user would take instead: no layer; tower-http's
//! `ValidateRequestHeaderLayer` with `AddExtensionLayer` (alone it hands on no identity); and
//! `axum::middleware::from_fn` with a hand-written check. Each stands isolated around a service
//! that does nothing, in a `Router`, and as it is served: `axum::serve` applies the layers of a router
//! once (`with_state(())`), a bare `Router` for each request. Then one credential beside a million.
//!
//! ```sh
//! cargo bench --bench layer                  # without a recorder of metrics
//! cargo bench --bench layer -- --prometheus  # with the usual one
//! cargo bench --package mcp-auth-layer-without-metrics
//! ```
//!
//! Building the requests is not timed; dropping them and the responses is.

mod harness;
#[path = "harness/request.rs"]
mod request;

use std::cell::Cell;
use std::convert::Infallible;
use std::future::{Ready, ready};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use harness::{answer, measure, measuring, service};
use http::header::AUTHORIZATION;
use http::{HeaderValue, StatusCode};
use mcp_auth_layer::revocation::Revocations;
use mcp_auth_layer::stores::{MemoryRevocationStore, StoreKey};
use mcp_auth_layer::{Authenticator, Bearer, McpAuthLayer, Principal};
use request::request;
use tower::util::ServiceFn;
use tower::{Layer, service_fn};
use tower_http::add_extension::AddExtensionLayer;
use tower_http::validate_request::{ValidateRequest, ValidateRequestHeaderLayer};

const BASIC: &str = "Basic YWxpY2U6Y29ycmVjdCBob3JzZSBiYXR0ZXJ5IHN0YXBsZQ==";
const WRONG_BASIC: &str = "Basic YWxpY2U6aW5jb3JyZWN0IGhvcnNlIGJhdHRlcnkgc3Q=";
const BEARER: &str = "Bearer rD3m0NfE5Yc0mKq1bWv7XwZb9tQ0sJw2uLx4hVn6pRa";
const WRONG_BEARER: &str = "Bearer Hk7yGd1oTf8eMi5zCs3jUQZb9tQ0sJw2uLx4hVn6pRa";

fn main() {
    let (rounds, credentials) = if measuring() { (4000, 1_000_000) } else { (1, 1000) };
    install_recorder();

    let basic = || McpAuthLayer::basic("alice", "correct horse battery staple");
    let bearer = || McpAuthLayer::bearer(BEARER.trim_start_matches("Bearer "));
    #[expect(deprecated)]
    let (validate_basic, validate_bearer) = (
        || ValidateRequestHeaderLayer::basic("alice", "correct horse battery staple"),
        || ValidateRequestHeaderLayer::bearer(BEARER.trim_start_matches("Bearer ")),
    );
    for (case, sent) in [("Basic, accepted", Some(BASIC)), ("Basic, wrong", Some(WRONG_BASIC))] {
        compare(rounds, case, basic(), validate_basic(), BASIC, sent);
    }
    for (case, sent) in [
        ("bearer, accepted", Some(BEARER)),
        ("bearer, wrong", Some(WRONG_BEARER)),
        ("bearer, missing", None),
    ] {
        compare(rounds, case, bearer(), validate_bearer(), BEARER, sent);
    }
    session(rounds);
    one_of_many(rounds, credentials);
    revocable(rounds);
}

/// Installs the recorder of Prometheus, if it is asked for. A recorder is installed before the layers are used.
#[cfg(feature = "metrics")]
fn install_recorder() {
    if std::env::args().any(|argument| argument == "--prometheus") {
        let builder = metrics_exporter_prometheus::PrometheusBuilder::new();
        builder.install_recorder().expect("there is no other recorder");
    }
}

#[cfg(not(feature = "metrics"))]
fn install_recorder() {}

/// One credential, four ways to ask for it, isolated and in a `Router`.
fn compare<A, V>(
    rounds: usize,
    case: &str,
    guard: McpAuthLayer<A>,
    validate: ValidateRequestHeaderLayer<V>,
    right: &'static str,
    sent: Option<&'static str>,
) where
    A: Authenticator,
    V: ValidateRequest<Body, ResponseBody = Body> + Clone + Send + Sync + 'static,
{
    let alice = Principal::new("alice");
    let pair = (validate, AddExtensionLayer::new(alice.clone()));
    let check = from_fn(move |mut request: Request, next: Next| {
        let alice = alice.clone();
        async move {
            match request.headers().get(AUTHORIZATION) {
                Some(sent) if sent == right => {
                    request.extensions_mut().insert(alice);
                    next.run(request).await
                }
                _ => StatusCode::UNAUTHORIZED.into_response(),
            }
        }
    });
    let request = request(sent);
    let status = match sent {
        Some(sent) if sent == right => StatusCode::OK,
        _ => StatusCode::UNAUTHORIZED,
    };
    let request = || whole(&request);
    let isolated = vec![
        service("tower-http's pair", status, pair.layer(nothing()), request),
        service("no layer", StatusCode::OK, nothing(), request),
        service("from_fn", status, check.layer(nothing()), request),
        service("McpAuthLayer", status, guard.layer(nothing()), request),
    ];
    measure(&format!("{case}, isolated"), rounds, isolated);

    for (placement, placed) in PLACEMENTS {
        let (validate, identity) = pair.clone();
        let apart = route().layer(identity).layer(validate);
        let routed = vec![
            service("tower-http's pair", status, placed(route().layer(pair.clone())), request),
            service("the pair, one .layer() each", status, placed(apart), request),
            service("no layer", StatusCode::OK, placed(route()), request),
            service("from_fn", status, placed(route().layer(check.clone())), request),
            service("McpAuthLayer", status, placed(route().layer(guard.clone())), request),
            service("McpAuthLayer::protect", status, placed(guard.protect(route())), request),
        ];
        measure(&format!("{case}, {placement}"), rounds, routed);
    }
}

/// Where a layer is in a router, and what is done with that router before it is called.
type Placement = (&'static str, fn(Router) -> Router);

/// `axum::serve` applies the layers first.
const PLACEMENTS: [Placement; 2] =
    [("in a Router", |router| router), ("as served", |router| router.with_state(()))];

fn route() -> Router {
    Router::new().route("/mcp", post(async || ()))
}

/// A session ID, which is verified in the request and bound again in the response, beside a request without one.
fn session(rounds: usize) {
    let pair = || {
        #[expect(deprecated)]
        let validate = ValidateRequestHeaderLayer::bearer(BEARER.trim_start_matches("Bearer "));
        (validate, AddExtensionLayer::new(Principal::new("alice")))
    };
    let guard = McpAuthLayer::bearer(BEARER.trim_start_matches("Bearer "));
    let echo = || service_fn(|_: Request| ready(Ok::<_, Infallible>(with_session())));
    let bound = answer(&mut guard.layer(echo()), whole(&request(Some(BEARER))));
    let bound = bound.headers()["mcp-session-id"].clone();
    let (without, mut with) = (request(Some(BEARER)), request(Some(BEARER)));
    with.headers.insert("mcp-session-id", bound);
    let contenders = vec![
        service("tower-http's pair", StatusCode::OK, pair().layer(nothing()), || whole(&without)),
        service("without a session ID", StatusCode::OK, guard.layer(nothing()), || whole(&without)),
        service("with one, both ways", StatusCode::OK, guard.layer(echo()), || whole(&with)),
        service("the pair with one", StatusCode::OK, pair().layer(echo()), || whole(&with)),
    ];
    measure("session IDs, isolated", rounds, contenders);

    let echoing = || Router::new().route("/mcp", post(async || with_session()));
    for (placement, placed) in PLACEMENTS {
        let contender =
            |name, router, head| service(name, StatusCode::OK, placed(router), move || whole(head));
        let contenders = vec![
            contender("tower-http's pair", route().layer(pair()), &without),
            contender("without a session ID", route().layer(guard.clone()), &without),
            contender("with one, both ways", echoing().layer(guard.clone()), &with),
            contender("the pair with one", echoing().layer(pair()), &with),
        ];
        measure(&format!("session IDs, {placement}"), rounds, contenders);
    }
}

fn with_session() -> Response {
    let mut response = Response::default();
    let id = HeaderValue::from_static("6f1c4f0e-5a0b-4d3e-9a53-0d6a0b6a2a53");
    response.headers_mut().insert("mcp-session-id", id);
    response
}

/// One token that can be revoked on every replica, beside one that can be revoked here and one that cannot be revoked.
fn revocable(rounds: usize) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let start = Revocations::start(MemoryRevocationStore::new(), StoreKey::from([7; 32]));
    let revocations = runtime.block_on(start).expect("the log in memory can be read");
    let token = BEARER.trim_start_matches("Bearer ");
    let tokens = || McpAuthLayer::new(Bearer::new([("ci", token)]).expect("it is well-formed"));
    let request = request(Some(BEARER));
    let request = || whole(&request);
    let everywhere = tokens().revocations(revocations).layer(nothing());
    let services = vec![
        service(
            "not revocable",
            StatusCode::OK,
            McpAuthLayer::bearer(token).layer(nothing()),
            request,
        ),
        service("revocable here", StatusCode::OK, tokens().layer(nothing()), request),
        service("revocable everywhere", StatusCode::OK, everywhere, request),
    ];
    measure("bearer, and its revocation", rounds, services);
}

/// How many users may call in turn.
const USERS: u64 = 1_000;

/// A single token beside those of users who call in turn, and beside one of many: always the same, and another one each
/// time.
fn one_of_many(rounds: usize, tokens: u64) {
    let token = |number: u64| format!("{number:043}");
    let guard = |tokens| {
        let owned = (0..tokens).map(|number| (format!("user-{number}"), token(number)));
        McpAuthLayer::new(Bearer::new(owned).expect("these are well-formed")).layer(nothing())
    };
    let (one, several, many) = (guard(1), guard(USERS), guard(tokens));

    let head = request(None);
    let request = |number| {
        let sent = HeaderValue::try_from(format!("Bearer {}", token(number)));
        let mut head = head.clone();
        head.headers.insert(AUTHORIZATION, sent.expect("it is well-formed"));
        whole(&head)
    };
    let random = Cell::new(1_u64);
    let drawn = || {
        // Knuth's generator, whose upper bits are the good ones.
        let next = random.get().wrapping_mul(6364136223846793005);
        random.set(next.wrapping_add(1442695040888963407));
        request((random.get() >> 32) % tokens)
    };
    let turn = Cell::new(0);
    let in_turn = || {
        turn.set((turn.get() + 1) % USERS);
        request(turn.get())
    };
    let (first, wrong) = (|| request(0), || request(tokens));
    let accepted = vec![
        service("of one", StatusCode::OK, one.clone(), first),
        service("of a thousand, in turn", StatusCode::OK, several, in_turn),
        service("of many, always the same", StatusCode::OK, many.clone(), first),
        service("of many, at random", StatusCode::OK, many.clone(), drawn),
    ];
    measure(&format!("{tokens} tokens, accepted"), rounds, accepted);

    let refused = vec![
        service("of one", StatusCode::UNAUTHORIZED, one, wrong),
        service("of many", StatusCode::UNAUTHORIZED, many, wrong),
    ];
    measure(&format!("{tokens} tokens, refused"), rounds, refused);
}

type Nothing = ServiceFn<fn(Request) -> Ready<Result<Response, Infallible>>>;

fn nothing() -> Nothing {
    service_fn(|_| ready(Ok(Response::default())))
}

fn whole(head: &http::request::Parts) -> Request {
    Request::from_parts(head.clone(), Body::empty())
}
