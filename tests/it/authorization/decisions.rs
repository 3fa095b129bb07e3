//! Whom rules are for, and which tools and methods they match.

use mcp_auth_layer::policy::{Policy, methods, principal, tools};
use serde_json::json;

use super::*;

/// Cases 1 and 2.
#[tokio::test]
async fn an_allowed_tool_is_called_and_another_one_is_refused() {
    let app = app();
    app.passes(tool("search")).await;
    app.refuses(tool("delete"), INVALID_PARAMS, "ci may not call the tool `delete`").await;
}

/// Cases 3 to 6.
#[tokio::test]
async fn names_match_in_the_same_case_and_as_a_whole() {
    let app = app();
    for name in ["search", "read_a", "read_", "read_a/b c"] {
        app.passes(tool(name)).await;
    }
    for name in
        ["Search", "searchx", "xsearch", "search ", "Read_a", "read", "xread_a", "ｓearch", "*", ""]
    {
        app.refuses(tool(name), INVALID_PARAMS, &may_not_call(name)).await;
    }
}

/// Cases 7 and 8.
#[tokio::test]
async fn deny_rules_win_over_rules_that_allow_everything() {
    let app = app();
    app.passes(sent(tool("delete")).by(ALICE)).await;
    let message = "alice may not call the tool `x_internal`";
    app.refuses(sent(tool("x_internal")).by(ALICE), INVALID_PARAMS, message).await;
    app.passes(sent(tool("x_internals")).by(ALICE)).await;
    app.refuses(tool("read_internal"), INVALID_PARAMS, &may_not_call("read_internal")).await;
}

#[tokio::test]
async fn the_order_of_rules_has_no_meaning() {
    let deny_first = Policy::new()
        .deny(anyone(), tools(["read_secret"]))
        .allow(principal("ci"), tools(["read_*"]));
    let app = App::with_policy(deny_first);
    app.passes(tool("read_a")).await;
    app.refuses(tool("read_secret"), INVALID_PARAMS, &may_not_call("read_secret")).await;
}

/// Cases 11 and 12.
#[tokio::test]
async fn users_without_a_rule_of_their_own_are_refused() {
    let app = app();
    app.passes(tool("search")).await;
    for (user, name) in [(BOB, "bob"), (CI_OF_ISSUER, "ci")] {
        let message = format!("{name} may not call the tool `search`");
        app.refuses(sent(tool("search")).by(user), INVALID_PARAMS, &message).await;
        let message = format!("{name} may not read the resource `docs://a`");
        app.refuses(sent(resource("docs://a")).by(user), INVALID_PARAMS, &message).await;
        app.passes(sent(call_without_params("ping")).by(user)).await;
    }
}

#[tokio::test]
async fn a_rule_for_the_user_of_an_issuer_is_for_no_namesake() {
    let rule = principal("ci").issued_by(ISSUER);
    let app = App::with_policy(Policy::new().allow(rule, tools(["search"])));
    app.passes(sent(tool("search")).by(CI_OF_ISSUER)).await;
    app.refuses(tool("search"), INVALID_PARAMS, &may_not_call("search")).await;
}

/// Cases 13 and 14.
#[tokio::test]
async fn scopes_of_the_credential_grant_what_their_rules_allow() {
    let app = app();
    app.passes(sent(tool("write_x")).by(BOB_WITH_W)).await;
    let refused = "bob may not call the tool `write_x`";
    app.refuses(sent(tool("write_x")).by(BOB), INVALID_PARAMS, refused).await;
    let refused = "bob may not call the tool `search`";
    app.refuses(sent(tool("search")).by(BOB_WITH_W), INVALID_PARAMS, refused).await;
}

#[tokio::test]
async fn deny_rules_for_an_implied_scope_win_over_everything() {
    let policy = Policy::new()
        .allow(principal("bob"), everything())
        .deny(scope("limited"), tools(["delete"]));
    let app = App::new(layer().scope_implies("w", "limited").authorize(policy));
    app.passes(sent(tool("delete")).by(BOB)).await;
    app.passes(sent(tool("search")).by(BOB_WITH_W)).await;
    let refused = "bob may not call the tool `delete`";
    app.refuses(sent(tool("delete")).by(BOB_WITH_W), INVALID_PARAMS, refused).await;
}

#[tokio::test]
async fn an_implied_scope_may_allow_everything() {
    let policy = Policy::new().allow(scope("admin"), everything());
    let app = App::new(layer().scope_implies("w", "admin").authorize(policy));
    app.passes(sent("not JSON").by(BOB_WITH_W)).await;
    app.rejects(sent("not JSON").by(BOB), 400, PARSE_ERROR).await;
}

/// Case 18.
#[tokio::test]
async fn each_request_of_a_session_is_decided_by_its_own_credential() {
    let app = app();
    for opened_by in [CI, CI_WITH_W] {
        let session = app.open_session(opened_by).await;
        let write = |user| sent(tool("write_x")).by(user).with("mcp-session-id", &session);
        assert_eq!(app.passes(write(CI_WITH_W)).await.headers[SESSION], "s1");
        app.refuses(write(CI), INVALID_PARAMS, &may_not_call("write_x")).await;
        app.passes(write(CI_WITH_W)).await;
    }
}

/// Case 19.
#[tokio::test]
async fn methods_of_the_protocol_that_need_no_rule_pass() {
    let app = app();
    for user in [CI, BOB, ALICE] {
        for method in ["initialize", "ping", "server/discover", "logging/setLevel"] {
            app.passes(sent(call(method, json!({}))).by(user)).await;
        }
        for method in ["tools", "prompts", "resources", "resources/templates"] {
            app.passes(sent(call_without_params(&format!("{method}/list"))).by(user)).await;
        }
        for method in ["initialized", "roots/list_changed", "cancelled", "progress", "tasks/status"]
        {
            let method = format!("notifications/{method}");
            let notification = json!({"jsonrpc": "2.0", "method": method}).to_string();
            app.passes(sent(notification).by(user)).await;
        }
    }
}

/// Cases 20 and 22.
#[tokio::test]
async fn other_methods_are_refused_without_a_rule() {
    let app = app();
    for method in ["vendor/x", "resources/directory/read", "Ping", "tasks/list", "tools/call2", ""]
    {
        let message = format!("ci may not call the method `{method}`");
        app.refuses(call(method, json!({"name": "search"})), METHOD_NOT_FOUND, &message).await;
    }
    for method in ["tasks/get", "tasks/result", "tasks/cancel", "tasks/update"] {
        let message = format!("ci may not call the method `{method}`");
        app.refuses(call(method, json!({"taskId": "1"})), METHOD_NOT_FOUND, &message).await;
    }
    app.passes(sent(call("vendor/x", json!({}))).by(ALICE)).await;
}

/// Case 21.
#[tokio::test]
async fn methods_that_a_rule_allows_pass() {
    let app = App::with_policy(policy().allow(principal("ci"), methods(["vendor/*", "tasks/get"])));
    app.passes(call("vendor/x", json!({"Name": 1, "name": "delete"}))).await;
    app.passes(call("tasks/get", json!({"taskId": "1"}))).await;
    let refused = "ci may not call the method `vendors/x`";
    app.refuses(call("vendors/x", json!({})), METHOD_NOT_FOUND, refused).await;
    let refused = "ci may not call the method `tasks/cancel`";
    app.refuses(call("tasks/cancel", json!({"taskId": "1"})), METHOD_NOT_FOUND, refused).await;
}

#[tokio::test]
async fn methods_that_need_no_rule_can_be_denied() {
    let denied = methods(["logging/setLevel", "tools/list", "tools/call"]);
    let app = App::with_policy(policy().deny(principal("ci"), denied));
    app.passes(call_without_params("ping")).await;
    for (body, method) in [
        (call("logging/setLevel", json!({"level": "debug"})), "logging/setLevel"),
        (call_without_params("tools/list"), "tools/list"),
    ] {
        let message = format!("ci may not call the method `{method}`");
        app.refuses(body.clone(), METHOD_NOT_FOUND, &message).await;
        app.passes(sent(body).by(BOB)).await;
    }
    app.refuses(tool("search"), INVALID_PARAMS, &may_not_call("search")).await;
}

#[tokio::test]
async fn a_policy_without_rules_refuses_what_needs_one() {
    let app = App::with_policy(Policy::new());
    app.passes(call_without_params("ping")).await;
    for user in [CI, ALICE, BOB_WITH_W] {
        let response = app.send(sent(tool("search")).by(user)).await;
        assert_eq!(json_of(&response)["error"]["code"], INVALID_PARAMS);
    }
    assert_eq!(app.inner.take().len(), 0);
}
