//! How events are configured, and what the log says.

use mcp_auth_layer::schemes::OAuthConfigError;
use mcp_auth_layer::signals::LogoutTokens;
use serde_json::json;
use tracing_subscriber::filter::LevelFilter;

use super::*;
use crate::support::log::Log;

#[tokio::test]
async fn events_without_revocations_are_an_error() {
    let (log, guard) = Log::start(LevelFilter::INFO);
    let jwt = Jwt::with_keys(ISSUER, RESOURCE, issuer_keys()).unwrap();
    let layer = McpAuthLayer::new(jwt).security_events(EVENTS, transmitter());
    let app = layer.protect(recorder().0);
    let _another = layer.protect(recorder().0);
    let lines = log.lines();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(
        lines[0].contains("ERROR") && lines[0].contains("McpAuthLayer::revocations"),
        "{lines:?}"
    );
    let response = push(&app, good_set()).await;
    assert_eq!(response.status, 503);
    let lines = log.lines();
    assert!(
        lines[0].contains("ERROR") && lines[0].contains("McpAuthLayer::revocations"),
        "{lines:?}"
    );
    // The order of the options does not matter.
    let jwt = Jwt::with_keys(ISSUER, RESOURCE, issuer_keys()).unwrap();
    let layer = McpAuthLayer::new(jwt).security_events(EVENTS, transmitter());
    let layer = layer.revocations(revocations(MemoryRevocationStore::new()).await);
    let app = layer.protect(recorder().0);
    assert_eq!(log.lines(), [""; 0]);
    drop(guard);
    accepts(&app, good_set()).await;
}

#[tokio::test]
#[should_panic(expected = "security_events: signals are received at /events already")]
async fn two_transmitters_at_one_path_panic() {
    let _ =
        layer().await.security_events(EVENTS, transmitter()).security_events(EVENTS, transmitter());
}

#[tokio::test]
async fn two_transmitters_have_two_paths() {
    let other =
        Transmitter::with_keys("https://other.example.com", AUDIENCE, issuer_keys()).unwrap();
    let other_path = ExactPath::from_static("/other");
    let layer = layer().await.security_events(EVENTS, transmitter());
    let app = recorder().0.layer(layer.security_events(other_path, other));
    let mut request = push_request(good_set());
    *request.uri_mut() = "/other".parse().unwrap();
    assert_refused(&send(app.clone(), request).await, "invalid_issuer", "the other path");
    accepts(&app, good_set()).await;
}

#[test]
fn a_broken_configuration_is_an_error() {
    let with =
        |issuer: &str, audience: &str| Transmitter::with_keys(issuer, audience, issuer_keys());
    assert!(with(ISSUER, AUDIENCE).is_ok());
    assert!(matches!(with("id.example.com", AUDIENCE), Err(OAuthConfigError::InvalidUrl { .. })));
    assert!(matches!(
        with("http://id.example.com", AUDIENCE),
        Err(OAuthConfigError::InvalidUrl { .. })
    ));
    assert!(matches!(with(ISSUER, ""), Err(OAuthConfigError::EmptyAudience)));
    let no_keys = Transmitter::with_keys(ISSUER, AUDIENCE, r#"{"keys":[]}"#);
    assert!(matches!(no_keys, Err(OAuthConfigError::Keys(_))));
    for secret in ["", " ", "two words", "line\n"] {
        let error = transmitter().bearer(secret).unwrap_err();
        assert!(matches!(error, OAuthConfigError::InvalidSecret), "{error}");
        assert!(!error.to_string().contains("words"));
    }
    for issuer in ["", "other", "http://other.example.com", "https://other.example.com?x"] {
        assert!(transmitter().subjects_of(issuer).is_err(), "{issuer}");
        assert!(transmitter().email_subjects(issuer, |_| None).is_err(), "{issuer}");
    }
    let no_client = LogoutTokens::with_keys(ISSUER, "", issuer_keys()).unwrap_err();
    assert!(matches!(no_client, OAuthConfigError::EmptyClient { .. }));
}

#[tokio::test]
async fn debug_shows_no_secret() {
    let transmitter = transmitter().bearer("jW3vD8Rk2nQ5").unwrap().verification_state("s-42");
    let shown =
        format!("{transmitter:?} {:?}", layer().await.security_events(EVENTS, transmitter.clone()));
    assert!(shown.contains(ISSUER) && shown.contains("has_bearer: true"), "{shown}");
    for secret in ["jW3vD8Rk2nQ5", "s-42"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

/// What one push writes to the log.
async fn logged(set: String) -> String {
    let app = app().await;
    let (log, guard) = Log::start(LevelFilter::INFO);
    push(&app, set.clone()).await;
    let lines = log.lines();
    drop(guard);
    assert_eq!(lines.len(), 1, "{lines:?}");
    let signature = set.rsplit('.').next().unwrap();
    assert!(!lines[0].contains(signature) && lines[0].len() < 2_000, "{}", lines[0]);
    lines.into_iter().next().unwrap()
}

#[tokio::test]
async fn the_log_says_what_became_of_an_event() {
    let line = logged(good_set()).await;
    assert!(line.contains(" INFO ") && line.contains("revoked by a security event"), "{line}");
    assert!(line.contains("alice") && line.contains("session-revoked"), "{line}");
    let session = json!({
        "format": "complex", "user": set_claims()["sub_id"], "session": {"format": "opaque", "id": "s-1"},
    });
    let line = logged(set_with(|claims| claims["sub_id"] = session)).await;
    assert!(line.contains("all_sessions=true"), "{line}");
    let email = json!({"format": "email", "email": "alice@example.com"});
    let line = logged(set_with(|claims| claims["sub_id"] = email)).await;
    assert!(line.contains(" WARN ") && line.contains("not mapped"), "{line}");
    let line = logged(set_with(|claims| claims["events"] = json!({"urn:x\n": {}}))).await;
    assert!(line.contains(" WARN ") && line.contains(r"urn:x\n"), "{line}");
}

#[tokio::test]
async fn the_log_says_why_an_event_was_refused() {
    // Its sender is authentic, and something is configured wrongly at one of the two ends.
    let line = logged(set_with(|claims| claims["aud"] = json!("other\n"))).await;
    assert!(
        line.contains(" WARN ") && line.contains("invalid_audience") && line.contains("other"),
        "{line}"
    );
    let line = logged(set_with_header(|header| header["kid"] = json!("k2"))).await;
    assert!(
        line.contains(" INFO ") && line.contains("invalid_key") && line.contains("k2"),
        "{line}"
    );
}

#[tokio::test]
async fn the_secret_and_the_tokens_are_not_logged() {
    const SECRET: &str = "jW3vD8Rk2nQ5";
    let (app, _) = app_with(transmitter().bearer(SECRET).unwrap()).await;
    let (log, guard) = Log::start(LevelFilter::TRACE);
    let right = format!("Bearer {SECRET}");
    let mut signatures = Vec::new();
    for (authorization, set) in [
        (&*right, good_set()),
        (&*right, set_with(|claims| claims["aud"] = json!("other"))),
        (&*right, set_with_header(|header| header["typ"] = json!("JWT"))),
        ("Bearer jW3vD8Rk2nQ5x", good_set()),
    ] {
        signatures.push(set.rsplit('.').next().unwrap().to_owned());
        let mut request = push_request(set);
        request.headers_mut().insert("authorization", authorization.parse().unwrap());
        let response = send(app.clone(), request).await;
        assert!(
            !response.body.contains(SECRET) && !format!("{:?}", response.headers).contains(SECRET)
        );
    }
    let lines = log.lines().join("\n");
    drop(guard);
    assert!(lines.contains("authentication_failed") && lines.contains("revoked by"), "{lines}");
    assert!(!lines.contains(SECRET), "{lines}");
    assert!(signatures.iter().all(|signature| !lines.contains(&**signature)), "{lines}");
}
