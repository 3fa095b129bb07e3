//! The challenges of a layer with a resource: one of Bearer, the first, with the URL of the metadata and the
//! required scopes. Cases 2, 6, 7, 78, 81, 89, 91 and the layer's part of 92.

use std::time::{Duration, SystemTime};

use axum::body::Body;
use axum::response::IntoResponse;
use http::request::Parts;
use mcp_auth_layer::auth::{
    AuthParam, AuthScheme, Authenticated, Challenge, Realm, RejectionKind, Revocation,
    authenticate_fn,
};
use mcp_auth_layer::{
    Authenticator, Basic, Bearer, McpAuthLayer, Principal, Rejection, any_of, testing,
};
use tower_http::cors::CorsLayer;
use tracing_subscriber::filter::LevelFilter;

use super::{TOKEN, WELL_KNOWN, challenge, layer, mcp, resource};
use crate::support::log::Log;
use crate::support::{TestResponse, get, recorder, send, with_authorization};

const METADATA: &str = "https://mcp.example.com/.well-known/oauth-protected-resource/mcp";

/// The parameters that the layer adds if it requires the scopes `a b`.
fn added() -> String {
    format!(r#"resource_metadata="{METADATA}", scope="a b""#)
}

fn complete<A: Authenticator>(authenticator: A) -> McpAuthLayer<A> {
    McpAuthLayer::new(authenticator).resource(mcp()).require_scopes(["a", "b"])
}

/// An authenticator that rejects every request in the same way.
fn always(rejection: Rejection) -> impl Authenticator {
    authenticate_fn(move |_: &Parts| std::future::ready(Err::<Principal, _>(rejection.clone())))
}

async fn response(layer: McpAuthLayer<impl Authenticator>, authorization: &str) -> TestResponse {
    let (app, seen) = recorder();
    let response = send(app.layer(layer), with_authorization(authorization)).await;
    assert_eq!(seen.count(), 0);
    response
}

fn ci() -> Bearer {
    Bearer::new([("ci", "tok")]).unwrap()
}

fn bearer() -> Challenge {
    Challenge::new(AuthScheme::BEARER)
}

#[tokio::test]
async fn missing_token_is_challenged_without_an_error() {
    let app = recorder().0.layer(complete(ci()));
    let response = send(app, get("/mcp", &[])).await;
    assert_eq!(response.status, 401);
    assert_eq!(response.challenges(), [format!(r#"Bearer realm="mcp", {}"#, added())]);
    assert!(response.message().contains("log in with a client that supports OAuth"));
    assert_eq!(response.headers["access-control-expose-headers"], "WWW-Authenticate");
    // The rejection that stays in the extensions is the one that was sent.
    let rejection = response.extensions.get::<Rejection>().unwrap();
    assert_eq!(rejection.challenges().len(), 1);
    assert!(format!("{rejection:?}").contains(METADATA));
}

#[tokio::test]
async fn wrong_token_is_challenged_with_the_error_first() {
    let response = response(complete(ci()), "Bearer wrong").await;
    assert_eq!(response.status, 401);
    let expected = format!(r#"Bearer realm="mcp", error="invalid_token", {}"#, added());
    assert_eq!(response.challenges(), [expected]);
}

#[tokio::test]
async fn layer_without_a_resource_has_the_same_challenges() {
    let both = || any_of((ci(), Basic::new([("alice", "secret")]).unwrap()));
    let response = response(McpAuthLayer::new(both()), "Bearer wrong").await;
    assert_eq!(
        response.challenges(),
        [r#"Bearer realm="mcp", error="invalid_token""#, r#"Basic realm="mcp", charset="UTF-8""#]
    );
    assert!(!response.headers.contains_key("access-control-expose-headers"));
}

#[tokio::test]
async fn bearer_is_first_beside_basic() {
    let both = any_of((Basic::new([("alice", "secret")]).unwrap(), ci()));
    let response = response(complete(both), "Basic eDp5").await;
    assert_eq!(response.status, 401);
    assert_eq!(
        response.challenges(),
        [&*format!(r#"Bearer realm="mcp", {}"#, added()), r#"Basic realm="mcp", charset="UTF-8""#]
    );
}

#[tokio::test]
async fn scheme_without_bearer_gets_a_bearer_challenge() {
    let basic = || Basic::new([("alice", "secret")]).unwrap();
    let own = r#"Basic realm="mcp", charset="UTF-8""#;
    for wrong in ["", "Basic eDp5", "Basic !", "Bearer x"] {
        let response = response(McpAuthLayer::new(basic()).resource(mcp()), wrong).await;
        assert_eq!(response.challenges(), [&*challenge(METADATA), own], "{wrong}");
    }
    // Required scopes alone do not: a client could not find out who issues tokens.
    let without = response(McpAuthLayer::new(basic()).require_scopes(["a"]), "").await;
    assert_eq!(without.challenges(), [own]);
    let never = response(McpAuthLayer::new(testing::never()).resource(mcp()), "").await;
    assert_eq!(never.challenges(), [&*challenge(METADATA), r#"Test realm="mcp""#]);
}

#[tokio::test]
async fn two_bearer_schemes_have_one_challenge() {
    let param = |name, value| bearer().param(AuthParam::from_static(name), value);
    let verifier = |error: Rejection| any_of((ci(), always(error)));
    for (rejection, expected) in [
        (Rejection::missing(bearer()), r#"Bearer realm="mcp", error="invalid_token""#),
        (
            Rejection::invalid(param("error", "invalid_token")),
            r#"Bearer realm="mcp", error="invalid_token""#,
        ),
        (
            Rejection::invalid(param("error_description", "expired")),
            r#"Bearer realm="mcp", error="invalid_token", error_description="expired""#,
        ),
    ] {
        let plain = response(McpAuthLayer::new(verifier(rejection.clone())), "Bearer x").await;
        assert_eq!(plain.challenges(), [expected]);
        let completed = response(complete(verifier(rejection)), "Bearer x").await;
        assert_eq!(completed.challenges(), [format!("{expected}, {}", added())]);
    }
    // Without a token there is no error, whatever a scheme sends.
    let missing = Rejection::missing(param("error", "invalid_token"));
    let response = response(complete(always(missing)), "").await;
    assert_eq!(response.challenges(), [format!(r#"Bearer realm="mcp", {}"#, added())]);
}

#[tokio::test]
async fn each_parameter_is_sent_once_without_escapes() {
    let own = bearer()
        .param(AuthParam::RESOURCE_METADATA, "https://old.example")
        .param(AuthParam::from_static("Scope"), "own")
        .param(AuthParam::SCOPE, "second")
        .param(AuthParam::ERROR, "invalid_token")
        .param(AuthParam::ERROR_DESCRIPTION, r#"say "no" \ "#);
    let rejection = Rejection::invalid(own.clone()).with_challenge(own);
    let response = response(complete(always(rejection)), "Bearer x").await;
    assert_eq!(
        response.challenges(),
        [format!(
            "Bearer realm=\"mcp\", error=\"invalid_token\", error_description=\"say no  \", \
             resource_metadata=\"{METADATA}\", scope=\"own\""
        )]
    );
}

#[tokio::test]
async fn realm_precedes_what_the_layer_adds() {
    let layer = layer().realm(Realm::from_static("tools"));
    let response = response(layer, "Bearer x").await;
    assert_eq!(
        response.challenges(),
        [format!(r#"Bearer realm="tools", error="invalid_token", resource_metadata="{METADATA}""#)]
    );
}

#[tokio::test]
async fn challenge_contains_nothing_of_the_request() {
    let app = recorder().0.layer(complete(ci()));
    for fields in [
        &[("host", "evil\", scope=\"x")][..],
        &[("x-forwarded-host", "evil\", scope=\"x"), ("x-forwarded-proto", "http")],
        &[("forwarded", "host=evil;proto=http"), ("x-original-url", "/evil")],
        &[("host", "mcp.example.com"), ("host", "evil")],
    ] {
        for path in ["/mcp", "/evil\"x", "http://evil.example/mcp"] {
            let response = send(app.clone(), get(path, fields)).await;
            let expected = format!(r#"Bearer realm="mcp", {}"#, added());
            assert_eq!(response.challenges(), [expected], "{path} {fields:?}");
            assert!(!format!("{:?}{}", response.headers, response.body).contains("evil"));
        }
    }
}

#[tokio::test]
async fn tokens_in_the_query_or_in_two_fields_are_rejected() {
    let app = recorder().0.layer(layer());
    let response = send(app.clone(), get("/mcp?access_token=tok", &[])).await;
    assert_eq!(
        (response.status.as_u16(), response.challenges()),
        (401, vec![&*challenge(METADATA)])
    );
    let response = send(app.clone(), get("/mcp", &[TOKEN, TOKEN])).await;
    assert_eq!((response.status.as_u16(), response.challenges().len()), (400, 0));
    assert_eq!(send(app, get("/mcp", &[TOKEN])).await.status, 200);
}

#[tokio::test]
async fn other_rejections_have_no_challenge() {
    let missing_scope = Rejection::insufficient_scope(["tools:call"]);
    let forbidden = Rejection::forbidden("suspended");
    let limited = Rejection::too_many_requests(Duration::from_secs(1));
    for (rejection, expected) in [
        (missing_scope, 1),
        (forbidden, 0),
        (limited, 0),
        (Rejection::unavailable(), 0),
        (Rejection::bad_request("x"), 0),
    ] {
        let response = response(complete(always(rejection)), "Bearer x").await;
        assert_eq!(response.challenges().len(), expected, "{:?}", response.status);
    }
}

#[tokio::test]
async fn missing_scope_keeps_the_scopes_of_the_operation() {
    let rejection = Rejection::insufficient_scope(["tools:call", "tools:read"]);
    let expected = format!(
        "Bearer realm=\"mcp\", error=\"insufficient_scope\", resource_metadata=\"{METADATA}\", \
         scope=\"tools:call tools:read\""
    );
    let refused = response(complete(always(rejection.clone())), "Bearer x").await;
    assert_eq!((refused.status.as_u16(), refused.challenges()), (403, vec![&*expected]));

    // So does that of a handler, whose other header fields stay.
    let handler = move || async move { ([("x-handler", "1")], rejection).into_response() };
    let app = axum::Router::new().fallback(handler);
    let scoped = testing::always(Principal::new("ci").with_scopes(["a", "b"]));
    let response = send(app.clone().layer(complete(scoped)), get("/mcp", &[])).await;
    assert_eq!((response.status.as_u16(), response.challenges()), (403, vec![&*expected]));
    assert_eq!(response.headers["x-handler"], "1");
    assert_eq!(response.headers["access-control-expose-headers"], "WWW-Authenticate");
    let plain = app.layer(McpAuthLayer::new(testing::always("ci")));
    assert_eq!(
        send(plain, get("/mcp", &[])).await.challenges(),
        [r#"Bearer realm="mcp", error="insufficient_scope", scope="tools:call tools:read""#]
    );
}

#[tokio::test]
async fn challenges_of_other_responses_are_left_alone() {
    let upstream =
        || async { (http::StatusCode::UNAUTHORIZED, [("www-authenticate", "Negotiate")]) };
    let app = axum::Router::new().fallback(upstream).layer(layer());
    let response = send(app, get("/mcp", &[TOKEN])).await;
    assert_eq!((response.status.as_u16(), response.challenges()), (401, vec!["Negotiate"]));
}

#[tokio::test]
async fn rendered_rejections_keep_the_challenge() {
    let layer = layer().with_rejection_response(|rejection, response| {
        let challenge = &rejection.challenges()[0];
        assert!(format!("{challenge:?}").contains(METADATA));
        response.map(|_| Body::from("rendered"))
    });
    let response = response(layer, "").await;
    assert_eq!(response.body, "rendered");
    assert_eq!(response.challenges(), [challenge(METADATA)]);
}

#[tokio::test]
async fn web_pages_can_read_the_challenge() {
    let origin = [("origin", "https://mcp.example.com"), ("host", "mcp.example.com")];
    let app = recorder().0.layer(layer()).layer(CorsLayer::permissive());
    let response = send(app, get("/mcp", &origin)).await;
    assert_eq!(response.status, 401);
    assert!(response.headers.get_all("access-control-expose-headers").iter().count() == 1);
}

/// Authenticates every request by a Bearer token that can be revoked or expires.
fn expiring(revocation: Revocation, expires_at: Option<SystemTime>) -> impl Authenticator {
    struct Expiring(Revocation, Option<SystemTime>);
    impl Authenticator for Expiring {
        async fn authenticate(&self, _: &Parts) -> Result<Authenticated, Rejection> {
            let principal = Principal::new("alice").with_scopes(["a", "b"]);
            let authenticated =
                Authenticated::new(principal).scheme(AuthScheme::BEARER).revoked_by(self.0.clone());
            Ok(match self.1 {
                Some(time) => authenticated.expires_at(time),
                None => authenticated,
            })
        }

        fn challenges(&self) -> Vec<Challenge> {
            vec![bearer().param(AuthParam::from_static("hint"), "own")]
        }
    }
    Expiring(revocation, expires_at)
}

#[tokio::test]
async fn expired_token_is_challenged_with_the_metadata() {
    let expected = format!(r#"Bearer realm="mcp", error="invalid_token", hint="own", {}"#, added());
    // It has expired before the request.
    let past = SystemTime::now() - Duration::from_secs(1);
    let expired = response(complete(expiring(Revocation::new(), Some(past))), "Bearer x").await;
    assert_eq!((expired.status.as_u16(), expired.challenges()), (401, vec![&*expected]));

    // It is revoked while the inner service works.
    let revocation = Revocation::new();
    let revoke = revocation.clone();
    let handler = move || {
        revoke.revoke();
        std::future::pending::<String>()
    };
    let layer =
        complete(expiring(revocation, None)).resource(resource("https://mcp.example.com/sse"));
    let app = axum::Router::new().fallback(handler).layer(layer);
    let response = send(app, get("/sse", &[])).await;
    let expected = expected.replace("resource/mcp", "resource/sse");
    assert_eq!((response.status.as_u16(), response.challenges()), (401, vec![&*expected]));
    assert!(expected.contains(&format!("{WELL_KNOWN}/sse")));
}

#[tokio::test]
async fn cause_of_a_verifier_is_logged_beside_a_table() {
    let (log, _guard) = Log::start(LevelFilter::INFO);
    let expired = || Rejection::invalid(bearer()).caused_by("expired 61 s ago");
    for reversed in [false, true] {
        let response = if reversed {
            response(McpAuthLayer::new(any_of((always(expired()), ci()))), "Bearer x").await
        } else {
            response(McpAuthLayer::new(any_of((ci(), always(expired())))), "Bearer x").await
        };
        let rejection = response.extensions.get::<Rejection>().unwrap();
        assert_eq!(rejection.kind(), RejectionKind::Invalid);
        assert!(!response.body.contains("61"));
        let lines = log.lines();
        assert!(lines[0].contains("expired 61 s ago"), "{lines:?}");
    }
}
