//! Prompts, resources, subscriptions and completions.

use mcp_auth_layer::policy::{Policy, Subject};
use serde_json::json;

use super::*;

fn ci() -> Subject {
    principal("ci")
}

fn may_not_read(uri: &str) -> String {
    format!("ci may not read the resource `{}`", uri.escape_debug())
}

/// Cases 23 and 24.
#[tokio::test]
async fn an_allowed_prompt_is_got_and_another_one_is_refused() {
    let app = app();
    app.passes(prompt("review")).await;
    app.refuses(prompt("secret"), INVALID_PARAMS, "ci may not get the prompt `secret`").await;
    // The name of a tool is not the name of a prompt.
    app.refuses(prompt("search"), INVALID_PARAMS, "ci may not get the prompt `search`").await;
    app.refuses(tool("review"), INVALID_PARAMS, &may_not_call("review")).await;
}

fn completion(reference: Value) -> String {
    let argument = json!({"name": "delete", "value": "a"});
    call("completion/complete", json!({"ref": reference, "argument": argument}))
}

/// Cases 25 and 26.
#[tokio::test]
async fn completions_of_an_allowed_prompt_pass() {
    let app = app();
    let of = |name: &str| completion(json!({"type": "ref/prompt", "name": name}));
    app.passes(of("review")).await;
    let refused = "ci may not complete arguments of the prompt `secret`";
    app.refuses(of("secret"), INVALID_PARAMS, refused).await;
}

/// Cases 27 and 28.
#[tokio::test]
async fn completions_of_an_allowed_template_pass() {
    let app = app();
    let of = |uri: &str| completion(json!({"type": "ref/resource", "uri": uri}));
    app.passes(of("docs://{x}")).await;
    let refused = "ci may not use the resource template `file:///{x}`";
    app.refuses(of("file:///{x}"), INVALID_PARAMS, refused).await;
}

/// Case 29.
#[tokio::test]
async fn references_of_no_known_kind_are_rejected() {
    let app = app();
    app.passes(completion(json!({"type": "ref/prompt", "name": "review", "title": "Review"})))
        .await;
    for reference in [
        json!({"type": "ref/tool", "name": "review"}),
        json!({"type": "ref/prompt"}),
        json!({"type": "ref/resource"}),
        json!({"type": "ref/prompt", "uri": "docs://a"}),
        json!({"type": "ref/prompt", "name": "review", "uri": "docs://a"}),
        json!({"type": "ref/prompt", "name": ["review"]}),
        json!({"type": "Ref/prompt", "name": "review"}),
        json!({"name": "review"}),
        json!("review"),
        json!(null),
    ] {
        app.rejects(completion(reference), 400, INVALID_REQUEST).await;
    }
    let without = call("completion/complete", json!({"argument": {}}));
    app.rejects(without, 400, INVALID_REQUEST).await;
}

/// Cases 30 and 31.
#[tokio::test]
async fn an_allowed_resource_is_read_and_another_one_is_refused() {
    let app = app();
    for uri in ["docs://a", "docs://a/b?c=d#e", "docs://", "docs://a%20b", "docs://ä"] {
        app.passes(resource(uri)).await;
    }
    for uri in ["file:///etc/passwd", "docs:/a", "xdocs://a", "https://x/docs://a"] {
        app.refuses(resource(uri), INVALID_PARAMS, &may_not_read(uri)).await;
    }
}

/// Cases 32 to 36.
#[tokio::test]
async fn uris_that_servers_read_differently_match_no_wildcard() {
    let app = app();
    for uri in ["docs://a/b", "docs://a/.b", "docs://a/b..c", "docs://a%41"] {
        app.passes(resource(uri)).await;
    }
    for uri in [
        "docs://a/../b",
        "docs://a/./b",
        "docs://a/..",
        "docs://%2e%2e/b",
        "docs://%2E./b",
        "docs://a/%252e%252e/b",
        "docs://a%2Fb",
        "docs://a%5cb",
        "docs://a%00b",
        r"docs://a\b",
        r"docs://a\..\b",
        "docs://a\nb",
        "docs://a b",
        "docs://a%zz",
        "DOCS://a",
        "Docs://a",
    ] {
        app.refuses(resource(uri), INVALID_PARAMS, &may_not_read(uri)).await;
    }
}

/// Case 37.
#[tokio::test]
async fn a_pattern_without_asterisk_matches_its_text_alone() {
    let app = App::with_policy(Policy::new().allow(ci(), resources(["docs://a/../b"])));
    app.passes(resource("docs://a/../b")).await;
    for uri in ["docs://b", "docs://a/../b/", "docs://a/%2e%2e/b"] {
        app.refuses(resource(uri), INVALID_PARAMS, &may_not_read(uri)).await;
    }
}

#[tokio::test]
async fn deny_rules_match_other_spellings_of_a_uri() {
    let policy = Policy::new().allow(ci(), everything()).deny(ci(), resources(["docs://secret/*"]));
    let app = App::with_policy(policy);
    app.passes(resource("docs://open/a")).await;
    for uri in
        ["docs://secret/a", "docs://%73ecret/a", "docs://open/../secret/a", "DOCS://secret/a"]
    {
        app.refuses(resource(uri), INVALID_PARAMS, &may_not_read(uri)).await;
    }
}

/// Cases 38 and 39.
#[tokio::test]
async fn subscriptions_are_decided_as_reading_is() {
    let app = app();
    for (method, verb) in
        [("resources/subscribe", "subscribe to"), ("resources/unsubscribe", "unsubscribe from")]
    {
        app.passes(call(method, json!({"uri": "docs://a"}))).await;
        let message = format!("ci may not {verb} the resource `file:///a`");
        app.refuses(call(method, json!({"uri": "file:///a"})), INVALID_PARAMS, &message).await;
    }
}

fn listen(notifications: Value) -> String {
    call("subscriptions/listen", json!({"notifications": notifications}))
}

/// Cases 40 and 41.
#[tokio::test]
async fn a_subscription_with_one_forbidden_uri_is_refused_as_a_whole() {
    let app = app();
    let mut uris: Vec<_> = (0..10).map(|number| format!("docs://{number}")).collect();
    app.passes(listen(json!({"resourceSubscriptions": uris, "toolsListChanged": true}))).await;
    app.passes(listen(json!({"resourceSubscriptions": []}))).await;
    app.passes(listen(json!({"toolsListChanged": true}))).await;
    for at in [0, 5, 9] {
        let allowed = std::mem::replace(&mut uris[at], "file:///a".to_owned());
        let message = "ci may not subscribe to the resource `file:///a`";
        let request = listen(json!({"resourceSubscriptions": uris}));
        app.refuses(request, INVALID_PARAMS, message).await;
        uris[at] = allowed;
    }
}

#[tokio::test]
async fn tasks_of_a_subscription_are_refused_without_a_rule() {
    let app = app();
    let request = listen(json!({"resourceSubscriptions": ["docs://a"], "taskIds": ["t-1"]}));
    app.passes(sent(request.clone()).by(ALICE)).await;
    app.refuses(request, INVALID_PARAMS, "ci may not follow the task `t-1`").await;
}

#[tokio::test]
async fn subscriptions_of_another_form_are_rejected() {
    let app = app();
    for notifications in [
        json!({"resourceSubscriptions": "docs://a"}),
        json!({"resourceSubscriptions": [1]}),
        json!({"resourceSubscriptions": [{"uri": "docs://a"}]}),
        json!({"resource_subscriptions": ["file:///a"]}),
        json!(["docs://a"]),
    ] {
        app.rejects(listen(notifications), 400, INVALID_REQUEST).await;
    }
}
