//! The table of answers: for each thing that happens the status, the challenges, and what every
//! refusal carries.

mod common;

use std::time::Duration;

use axum::body::Body;
use common::{Answer, basic, get, recorder, send, with_authorization};
use http::request::Parts;
use mcp_auth_layer::{
    Authenticator, Basic, Bearer, Challenge, McpAuthLayer, Principal, Rejection, RejectionKind,
    any_of, authenticate_fn,
};

/// What an app behind this layer answers to `request`, and that it does not see it.
async fn refusal(
    layer: McpAuthLayer<impl Authenticator>,
    request: axum::extract::Request,
) -> Answer {
    let (app, seen) = recorder();
    let answer = send(app.layer(layer), request).await;
    assert_eq!(seen.count(), 0, "the inner service saw a refused request");
    assert_eq!(answer.headers["cache-control"], "no-store");
    assert_eq!(answer.headers["content-type"], "application/json");
    let rejection = answer.extensions.get::<Rejection>().expect("a rejection in the extensions");
    assert_eq!(rejection.status(), answer.status);
    assert_eq!(rejection.to_string(), answer.message());
    answer
}

fn alice() -> Basic {
    Basic::new([("alice", "secret")]).unwrap()
}

fn ci() -> Bearer {
    Bearer::new([("ci", "token")]).unwrap()
}

/// A scheme whose answer is the same to everybody.
fn always(rejection: Rejection) -> impl Authenticator {
    authenticate_fn(move |_: &Parts| {
        let rejection = rejection.clone();
        async move { Err::<Principal, _>(rejection) }
    })
}

/// What a request without a credential is told.
const MISSING: &str =
    "authentication required: configure the credential in the client, as a header";

#[tokio::test]
async fn no_credential_is_401_with_every_scheme_bearer_first_and_no_error() {
    let layer = McpAuthLayer::new(any_of(alice(), ci()));
    let answer = refusal(layer, get("/", &[])).await;
    assert_eq!(answer.status, 401);
    assert_eq!(
        answer.challenges(),
        [r#"Bearer realm="mcp""#, r#"Basic realm="mcp", charset="UTF-8""#]
    );
    assert_eq!(answer.message(), MISSING);
}

#[tokio::test]
async fn a_wrong_token_is_401_with_invalid_token() {
    let layer = McpAuthLayer::new(any_of(alice(), ci()));
    let answer = refusal(layer, with_authorization("Bearer wrong")).await;
    assert_eq!(answer.status, 401);
    assert_eq!(
        answer.challenges(),
        [r#"Bearer realm="mcp", error="invalid_token""#, r#"Basic realm="mcp", charset="UTF-8""#]
    );
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_user_get_the_same_answer() {
    let mut answers = Vec::new();
    for credential in [basic("alice", "wrong"), basic("mallory", "secret")] {
        let answer = refusal(McpAuthLayer::new(alice()), with_authorization(&credential)).await;
        assert_eq!(answer.status, 401);
        assert_eq!(answer.challenges(), [r#"Basic realm="mcp", charset="UTF-8""#]);
        answers.push((answer.headers, answer.body));
    }
    assert_eq!(answers[0], answers[1]);
}

#[tokio::test]
async fn missing_malformed_and_wrong_are_told_apart_by_reason() {
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
        let answer = refusal(McpAuthLayer::new(ci()), with_authorization(credential)).await;
        let rejection = answer.extensions.get::<Rejection>().unwrap();
        assert_eq!(rejection.kind(), reason, "{credential:?}");
        let judged = (reason != RejectionKind::Unrecognized).then_some("Bearer");
        assert_eq!(rejection.scheme(), judged, "{credential:?}");
    }
}

#[tokio::test]
async fn too_many_failures_are_429_with_retry_after_rounded_up() {
    for (wait, seconds) in [
        (Duration::ZERO, "1"),
        (Duration::from_millis(2_001), "3"),
        (Duration::from_secs(60), "60"),
        (Duration::MAX, "18446744073709551615"),
    ] {
        let layer = McpAuthLayer::new(always(Rejection::too_many_requests(wait)));
        let answer = refusal(layer, get("/", &[])).await;
        assert_eq!(answer.status, 429);
        assert_eq!(answer.headers["retry-after"], seconds);
        assert!(answer.challenges().is_empty());
    }
}

#[tokio::test]
async fn unavailable_is_503_and_does_not_say_why() {
    let down = Rejection::unavailable().caused_by("connection to 10.0.0.7 refused");
    let answer = refusal(McpAuthLayer::new(always(down)), get("/", &[])).await;
    assert_eq!(answer.status, 503);
    assert!(answer.challenges().is_empty());
    assert!(!answer.body.contains("10.0.0.7"), "{}", answer.body);
}

#[tokio::test]
async fn an_authors_challenge_and_message_are_sent() {
    let rejection = Rejection::missing(Challenge::new("ApiKey").param("header", "x-api-key"))
        .with_message("ask \"ops\" for a key\n");
    let layer = McpAuthLayer::new(always(rejection)).realm("tools");
    let answer = refusal(layer, get("/", &[])).await;
    assert_eq!(answer.status, 401);
    assert_eq!(answer.challenges(), [r#"ApiKey realm="tools", header="x-api-key""#]);
    assert_eq!(answer.message(), "ask \"ops\" for a key\n");
}

#[tokio::test]
async fn the_realm_stands_in_every_challenge_quotes_escaped() {
    let layer = McpAuthLayer::new(any_of(alice(), ci())).realm(r#"the "tools" \ here"#);
    let answer = refusal(layer, get("/", &[])).await;
    assert_eq!(
        answer.challenges(),
        [
            r#"Bearer realm="the \"tools\" \\ here""#,
            r#"Basic realm="the \"tools\" \\ here", charset="UTF-8""#
        ]
    );
}

#[tokio::test]
async fn refusals_can_be_rendered_otherwise() {
    let layer = McpAuthLayer::new(ci())
        .render(|rejection, response| response.map(|_| Body::from(format!("no: {rejection}"))));
    let (app, seen) = recorder();
    let answer = send(app.layer(layer), get("/", &[])).await;
    assert_eq!((answer.status.as_u16(), seen.count()), (401, 0));
    assert_eq!(answer.body, format!("no: {MISSING}"));
    assert_eq!(answer.challenges(), [r#"Bearer realm="mcp""#]);
    assert!(answer.extensions.get::<Rejection>().is_some());
}

#[tokio::test]
async fn a_renderer_that_panics_refuses_all_the_same() {
    let layer = McpAuthLayer::new(ci()).render(|_, _| panic!("no template"));
    let answer = refusal(layer, get("/", &[])).await;
    assert_eq!(answer.status, 401);
    assert_eq!(answer.message(), MISSING);
}

#[tokio::test]
async fn the_extractor_outside_of_the_layer_answers_401() {
    let whoami = |who: Principal| async move { who.name().to_owned() };
    let maybe = |who: Option<Principal>| async move { who.is_none().to_string() };
    let app = axum::Router::new()
        .route("/whoami", axum::routing::get(whoami))
        .route("/maybe", axum::routing::get(maybe));

    let answer = send(app.clone(), get("/whoami", &[])).await;
    assert_eq!(answer.status, 401);
    assert_eq!(answer.challenges().len(), 1);
    assert_eq!(answer.message(), MISSING);
    assert_eq!(send(app.clone(), get("/maybe", &[])).await.body, "true");

    let guarded = app.layer(McpAuthLayer::new(ci()));
    let credential = [("authorization", "Bearer token")];
    assert_eq!(send(guarded.clone(), get("/whoami", &credential)).await.body, "ci");
    assert_eq!(send(guarded, get("/maybe", &credential)).await.body, "false");
}
