//! Challenges that make a client ask for more scopes.

use mcp_auth_layer::Rejection;
use mcp_auth_layer::auth::RejectionKind;
use mcp_auth_layer::layer::Resource;
use mcp_auth_layer::policy::{Policy, scopes};

use super::*;

const METADATA: &str = "https://mcp.example.com/.well-known/oauth-protected-resource/mcp";

fn oauth_layer() -> McpAuthLayer<BoxAuthenticator> {
    layer().resource(Resource::new("https://mcp.example.com/mcp", ISSUER).unwrap())
}

fn oauth_app(policy: Policy) -> App {
    App::new(oauth_layer().authorize(policy))
}

/// Asserts that the response to a call of `write_x` is a challenge for these scopes.
async fn assert_challenge(app: &App, request: Sent, scope: &str) {
    let response = app.not_forwarded(&request, 403).await;
    let challenge = format!(
        r#"Bearer realm="mcp", error="insufficient_scope", resource_metadata="{METADATA}", scope="{scope}""#
    );
    assert_eq!(response.challenges(), [challenge]);
    assert_eq!(json_of(&response), error(ID, INVALID_PARAMS, &may_not_call("write_x")));
    let rejection = response.extensions.get::<Rejection>().unwrap();
    assert_eq!(rejection.kind(), RejectionKind::InsufficientScope);
}

/// Cases 13 to 15.
#[tokio::test]
async fn a_lacking_scope_is_challenged_if_the_layer_is_a_resource() {
    let app = oauth_app(policy());
    app.passes(sent(tool("write_x")).by(CI_WITH_W)).await;
    assert_challenge(&app, sent(tool("write_x")), "w").await;
    let without_resource = super::app();
    without_resource.refuses(tool("write_x"), INVALID_PARAMS, &may_not_call("write_x")).await;
}

/// Case 16.
#[tokio::test]
async fn callers_without_a_token_are_not_challenged() {
    let app = oauth_app(policy());
    let by_password = sent(tool("write_x")).by(CI_BY_PASSWORD);
    app.refuses(by_password, INVALID_PARAMS, &may_not_call("write_x")).await;
    app.passes(sent(tool("search")).by(CI_BY_PASSWORD)).await;
}

/// Case 17.
#[tokio::test]
async fn refusals_that_no_scope_would_lift_are_not_challenges() {
    let app = oauth_app(
        policy()
            .allow(principal("alice").and(scope("w")), tools(["deploy"]))
            .deny(anyone(), tools(["write_denied"])),
    );
    for name in ["write_x_internal", "write_denied", "deploy", "delete"] {
        app.refuses(tool(name), INVALID_PARAMS, &may_not_call(name)).await;
    }
    assert_challenge(&app, sent(tool("write_x")), "w").await;
}

#[tokio::test]
async fn the_challenge_has_all_scopes_of_the_smallest_set_that_helps() {
    let policy = Policy::new()
        .allow(scopes(["z", "w", "a"]), tools(["write_x"]))
        .allow(scopes(["w", "c"]), tools(["write_*"]))
        .allow(scopes(["admin", "b", "c", "d"]), everything());
    let app = oauth_app(policy);
    assert_challenge(&app, sent(tool("write_x")), "c w").await;
    // Also the scope that the credential has, as clients ask for what the challenge lists.
    assert_challenge(&app, sent(tool("write_x")).by(CI_WITH_W), "c w").await;
}

/// A client that asks for the scopes of the challenge alone would otherwise lose the required ones.
#[tokio::test]
async fn the_challenge_has_the_scopes_that_the_layer_requires() {
    let policy = Policy::new()
        .allow(scope("v"), tools(["write_x"]))
        .allow(principal("ci"), tools(["search"]));
    let app = App::new(oauth_layer().require_scopes(["w"]).authorize(policy));
    app.passes(sent(tool("search")).by(CI_WITH_W)).await;
    assert_challenge(&app, sent(tool("write_x")).by(CI_WITH_W), "v w").await;
}

#[tokio::test]
async fn implied_scopes_are_not_lacking() {
    let policy = Policy::new().allow(scope("read"), tools(["write_x"]));
    let app = App::new(oauth_layer().scope_implies("w", "read").authorize(policy));
    app.passes(sent(tool("write_x")).by(CI_WITH_W)).await;
    assert_challenge(&app, sent(tool("write_x")), "read").await;
}

#[tokio::test]
async fn batches_and_notifications_are_not_challenged() {
    let app = oauth_app(policy());
    let batch = format!("[{}]", tool("write_x"));
    let response = app.not_forwarded(&sent(batch), 200).await;
    assert_eq!(json_of(&response), json!([error(ID, INVALID_PARAMS, &may_not_call("write_x"))]));
    let notification = r#"{"jsonrpc":"2.0","method":"tools/call","params":{"name":"write_x"}}"#;
    let response = app.rejects(notification, 403, INVALID_PARAMS).await;
    assert!(response.challenges().is_empty());
}

#[tokio::test]
async fn refusal_by_status_keeps_the_challenge() {
    let app = App::new(oauth_layer().authorize(policy()).refuse_by_status());
    assert_challenge(&app, sent(tool("write_x")), "w").await;
    let response = app.not_forwarded(&sent(tool("delete")), 403).await;
    assert!(response.challenges().is_empty());
}
