//! The response to every kind of rejection: status, challenges, headers and message.

use std::time::Duration;

use axum::body::Body;
use http::request::Parts;
use mcp_auth_layer::auth::{AuthParam, AuthScheme, Realm};
use mcp_auth_layer::auth::{Challenge, RejectionKind, authenticate_fn};
use mcp_auth_layer::{Authenticator, Basic, Bearer, McpAuthLayer, Principal, Rejection, any_of};
use tracing_subscriber::filter::LevelFilter;

use crate::support::log::Log;
use crate::support::{TestResponse, basic, get, recorder, send, with_authorization};

/// The rejection of this request. The inner service must not see the request.
async fn rejection_of(
    layer: McpAuthLayer<impl Authenticator>,
    request: axum::extract::Request,
) -> TestResponse {
    let (app, seen) = recorder();
    let response = send(app.layer(layer), request).await;
    assert_eq!(seen.count(), 0, "the inner service received a rejected request");
    assert_eq!(response.headers["cache-control"], "no-store");
    assert_eq!(response.headers["content-type"], "application/json");
    let rejection =
        response.extensions.get::<Rejection>().expect("the extensions contain the rejection");
    assert_eq!(rejection.status(), response.status);
    assert_eq!(rejection.to_string(), response.message());
    response
}

fn alice() -> Basic {
    Basic::new([("alice", "secret")]).unwrap()
}

fn ci() -> Bearer {
    Bearer::new([("ci", "token")]).unwrap()
}

/// An authenticator that rejects every request in the same way.
fn always(rejection: Rejection) -> impl Authenticator {
    authenticate_fn(move |_: &Parts| {
        let rejection = rejection.clone();
        async move { Err::<Principal, _>(rejection) }
    })
}

/// The message for requests without credentials.
const MISSING: &str =
    "authentication required: configure the credential in the client, as a header";

#[tokio::test]
async fn missing_credentials_are_401_with_all_challenges() {
    let layer = McpAuthLayer::new(any_of((alice(), ci())));
    let response = rejection_of(layer, get("/", &[])).await;
    assert_eq!(response.status, 401);
    assert_eq!(
        response.challenges(),
        [r#"Bearer realm="mcp""#, r#"Basic realm="mcp", charset="UTF-8""#]
    );
    assert_eq!(response.message(), MISSING);
}

#[tokio::test]
async fn invalid_token_is_401_with_an_invalid_token_error() {
    let layer = McpAuthLayer::new(any_of((alice(), ci())));
    let response = rejection_of(layer, with_authorization("Bearer wrong")).await;
    assert_eq!(response.status, 401);
    assert_eq!(
        response.challenges(),
        [r#"Bearer realm="mcp", error="invalid_token""#, r#"Basic realm="mcp", charset="UTF-8""#]
    );
}

#[tokio::test]
async fn wrong_password_and_unknown_user_get_the_same_response() {
    let mut responses = Vec::new();
    for credential in [basic("alice", "wrong"), basic("mallory", "secret")] {
        let response =
            rejection_of(McpAuthLayer::new(alice()), with_authorization(&credential)).await;
        assert_eq!(response.status, 401);
        assert_eq!(response.challenges(), [r#"Basic realm="mcp", charset="UTF-8""#]);
        responses.push((response.headers, response.body));
    }
    assert_eq!(responses[0], responses[1]);
}

#[tokio::test]
async fn reasons_distinguish_unrecognized_malformed_and_invalid() {
    for (credential, reason) in [
        ("", RejectionKind::Unrecognized),
        ("Digest abc", RejectionKind::Unrecognized),
        ("wrong", RejectionKind::Unrecognized),
        ("\"Bearer wrong\"", RejectionKind::Unrecognized),
        ("Bearer: wrong", RejectionKind::Unrecognized),
        ("Basic YTpi", RejectionKind::Unrecognized),
        ("Bearer", RejectionKind::Malformed),
        ("Bearer a b", RejectionKind::Malformed),
        ("Bearer wrong", RejectionKind::Invalid),
    ] {
        let response = rejection_of(McpAuthLayer::new(ci()), with_authorization(credential)).await;
        let rejection = response.extensions.get::<Rejection>().unwrap();
        assert_eq!(rejection.kind(), reason, "{credential:?}");
        let scheme = (reason != RejectionKind::Unrecognized).then_some("Bearer");
        assert_eq!(rejection.scheme().map(AuthScheme::as_str), scheme, "{credential:?}");
    }
}

#[tokio::test]
async fn too_many_requests_is_429_with_rounded_up_retry_after() {
    for (wait, seconds) in [
        (Duration::ZERO, "1"),
        (Duration::from_millis(2_001), "3"),
        (Duration::from_secs(60), "60"),
        (Duration::MAX, "18446744073709551615"),
    ] {
        let layer = McpAuthLayer::new(always(Rejection::too_many_requests(wait)));
        let response = rejection_of(layer, get("/", &[])).await;
        assert_eq!(response.status, 429);
        assert_eq!(response.headers["retry-after"], seconds);
        assert!(response.challenges().is_empty());
    }
}

#[tokio::test]
async fn unavailable_is_503_without_the_cause() {
    let down = Rejection::unavailable().caused_by("connection to 10.0.0.7 refused");
    let response = rejection_of(McpAuthLayer::new(always(down)), get("/", &[])).await;
    assert_eq!(response.status, 503);
    assert!(response.challenges().is_empty());
    assert!(!response.body.contains("10.0.0.7"), "{}", response.body);
}

#[tokio::test]
async fn custom_challenges_and_messages_are_sent() {
    let rejection = Rejection::missing(
        Challenge::new(AuthScheme::from_static("ApiKey"))
            .param(AuthParam::from_static("header"), "x-api-key"),
    )
    .with_message("ask \"ops\" for a key\n");
    let layer = McpAuthLayer::new(always(rejection)).realm(Realm::from_static("tools"));
    let response = rejection_of(layer, get("/", &[])).await;
    assert_eq!(response.status, 401);
    assert_eq!(response.challenges(), [r#"ApiKey realm="tools", header="x-api-key""#]);
    assert_eq!(response.message(), "ask \"ops\" for a key\n");
}

#[tokio::test]
async fn every_challenge_contains_the_realm_escaped() {
    let layer =
        McpAuthLayer::new(any_of((alice(), ci()))).realm(r#"the "tools" \ here"#.parse().unwrap());
    let response = rejection_of(layer, get("/", &[])).await;
    assert_eq!(
        response.challenges(),
        [
            r#"Bearer realm="the \"tools\" \\ here""#,
            r#"Basic realm="the \"tools\" \\ here", charset="UTF-8""#
        ]
    );
}

#[tokio::test]
async fn rejections_can_be_rendered_by_the_application() {
    let layer = McpAuthLayer::new(ci()).with_rejection_response(|rejection, response| {
        response.map(|_| Body::from(format!("no: {rejection}")))
    });
    let (app, seen) = recorder();
    let response = send(app.layer(layer), get("/", &[])).await;
    assert_eq!((response.status.as_u16(), seen.count()), (401, 0));
    assert_eq!(response.body, format!("no: {MISSING}"));
    assert_eq!(response.challenges(), [r#"Bearer realm="mcp""#]);
    assert!(response.extensions.get::<Rejection>().is_some());
}

#[tokio::test]
async fn panicking_renderer_still_rejects_the_request() {
    let layer = McpAuthLayer::new(ci()).with_rejection_response(|_, _| panic!("no template"));
    let response = rejection_of(layer, get("/", &[])).await;
    assert_eq!(response.status, 401);
    assert_eq!(response.message(), MISSING);
}

#[tokio::test]
async fn principal_extractor_without_the_layer_is_401() {
    let whoami = |principal: Principal| async move { principal.name().to_owned() };
    let maybe = |principal: Option<Principal>| async move { principal.is_none().to_string() };
    let app = axum::Router::new()
        .route("/whoami", axum::routing::get(whoami))
        .route("/maybe", axum::routing::get(maybe));

    let response = send(app.clone(), get("/whoami", &[])).await;
    assert_eq!(response.status, 401);
    assert_eq!(response.challenges().len(), 1);
    assert_eq!(response.message(), MISSING);
    assert_eq!(send(app.clone(), get("/maybe", &[])).await.body, "true");

    let protected = app.layer(McpAuthLayer::new(ci()));
    let credential = [("authorization", "Bearer token")];
    assert_eq!(send(protected.clone(), get("/whoami", &credential)).await.body, "ci");
    assert_eq!(send(protected, get("/maybe", &credential)).await.body, "false");
}

#[tokio::test]
async fn unrecognized_credentials_differ_from_missing_ones() {
    let (log, _guard) = Log::start(LevelFilter::INFO);
    let both = any_of((
        Bearer::new([("ci", "tok")]).unwrap(),
        mcp_auth_layer::Basic::new([("a", "b")]).unwrap(),
    ));
    let app = recorder().0.layer(McpAuthLayer::new(both));
    for credential in ["tok", "Token tok", "\"Bearer tok\"", "Bearer: tok", "Digest x"] {
        let response = send(app.clone(), get("/", &[("authorization", credential)])).await;
        let rejection = response.extensions.get::<Rejection>().unwrap();
        assert_eq!(
            (response.status.as_u16(), rejection.kind()),
            (401, RejectionKind::Unrecognized)
        );
        assert!(response.message().contains("Bearer, Basic"), "{}", response.message());
        assert!(!response.body.contains("tok"), "the credential is not quoted");
        let lines = log.lines();
        assert!(lines[0].contains("unrecognized") && !lines[0].contains("tok"), "{lines:?}");
    }
    let response = send(app, get("/", &[])).await;
    assert_eq!(response.extensions.get::<Rejection>().unwrap().kind(), RejectionKind::Missing);
    assert!(log.lines()[0].contains("missing"));
}
