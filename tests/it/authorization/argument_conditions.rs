//! Rules with a condition on arguments.

use mcp_auth_layer::policy::{Call, Decision};
use mcp_auth_layer::policy::{Policy, Refusal, authorize_fn};

use super::*;

fn only_id() -> Policy {
    Policy::new().allow(
        principal("ci"),
        tools(["execute"]).when(|call| call.argument::<String>("command").as_deref() == Some("id")),
    )
}

/// The result of a tool that a model can read.
fn tool_error(message: &str) -> Value {
    let content = json!([{"type": "text", "text": message}]);
    json!({"jsonrpc": "2.0", "id": ID, "result": {"content": content, "isError": true}})
}

/// Case 102.
#[tokio::test]
async fn refused_arguments_of_a_tool_are_answered_with_a_result() {
    let app = App::with_policy(only_id());
    app.passes(tool_with("execute", r#"{"command":"id"}"#)).await;
    app.passes(tool_with("execute", r#"{"x":1,"x":2,"c\u006fmmand":"\u0069d"}"#)).await;
    for arguments in [
        r#"{"command":"rm"}"#,
        r#"{"command":["id"]}"#,
        r#"{"command":null}"#,
        r#"{"commands":"id"}"#,
        "{}",
        "null",
    ] {
        let response = app.not_forwarded(&sent(tool_with("execute", arguments)), 200).await;
        let message = "ci may not call the tool `execute` with these arguments";
        assert_eq!(json_of(&response), tool_error(message), "{arguments}");
    }
    let response = app.not_forwarded(&sent(tool("execute")), 200).await;
    assert_eq!(json_of(&response)["result"]["isError"], true);
    let other = tool_with("delete", r#"{"command":"id"}"#);
    app.refuses(other, INVALID_PARAMS, &may_not_call("delete")).await;
}

/// Case 103.
#[tokio::test]
async fn arguments_that_decide_must_have_one_reading() {
    let app = App::with_policy(only_id());
    for arguments in [
        r#"{"command":"id","command":"rm"}"#,
        r#"{"command":"rm","command":"id"}"#,
        r#"{"command":"id","command":"id"}"#,
        r#"{"command":"id","Command":"rm"}"#,
        r#"{"command":"id","com_mand":"rm"}"#,
        r#"{"Command":"id"}"#,
        r#"{"command":{"a":1,"a":2}}"#,
        r#"{"command":"\ud800"}"#,
        r#"["command"]"#,
    ] {
        let response = app.not_forwarded(&sent(tool_with("execute", arguments)), 400).await;
        let body = json_of(&response);
        assert_eq!(body["error"]["code"], INVALID_REQUEST, "{arguments}");
        assert_eq!(body["id"], ID, "{arguments}");
    }
}

/// The inner service could read the second `force`, of which the condition knows nothing.
#[tokio::test]
async fn ambiguous_arguments_are_400_even_if_the_condition_holds() {
    let never_by_force = Policy::new().allow(
        principal("ci"),
        tools(["push"]).when(|call| call.argument::<bool>("force").is_none()),
    );
    let app = App::with_policy(never_by_force);
    app.passes(tool_with("push", r#"{"a":1}"#)).await;
    for arguments in [r#"{"force":true,"force":false}"#, r#"{"Force":true}"#] {
        assert_eq!(
            app.not_forwarded(&sent(tool_with("push", arguments)), 400).await.status,
            400,
            "{arguments}"
        );
    }
}

#[tokio::test]
async fn another_rule_may_allow_what_a_condition_does_not() {
    let app = App::with_policy(only_id().allow(scope("w"), tools(["execute"])));
    let request = || sent(tool_with("execute", r#"{"command":"rm"}"#));
    app.passes(request().by(CI_WITH_W)).await;
    assert_eq!(app.not_forwarded(&request(), 200).await.status, 200);
}

#[tokio::test]
async fn refused_arguments_of_a_prompt_are_an_error() {
    let policy = Policy::new().allow(
        principal("ci"),
        prompts(["review"]).when(|call| call.argument::<String>("of").as_deref() == Some("main")),
    );
    let app = App::with_policy(policy);
    let review = |of: &str| call("prompts/get", json!({"name": "review", "arguments": {"of": of}}));
    app.passes(review("main")).await;
    let message = "ci may not get the prompt `review` with these arguments";
    app.refuses(review("secret"), INVALID_PARAMS, message).await;
}

#[tokio::test]
async fn refused_arguments_have_the_status_403_on_request() {
    let app = App::new(layer().authorize(only_id()).refuse_by_status());
    let request = sent(tool_with("execute", r#"{"command":"rm"}"#));
    let response = app.not_forwarded(&request, 403).await;
    let message = "ci may not call the tool `execute` with these arguments";
    assert_eq!(json_of(&response), tool_error(message));
}

#[tokio::test]
async fn refused_arguments_of_a_notification_are_403() {
    let app = App::with_policy(only_id());
    let notification = |command: &str| {
        let arguments = json!({"command": command}).to_string();
        tool_with("execute", &arguments).replace(r#""id":7,"#, "")
    };
    app.passes(notification("id")).await;
    app.rejects(notification("rm"), 403, INVALID_PARAMS).await;
}

#[tokio::test]
async fn an_authorizer_says_what_a_model_can_do_about_arguments() {
    let owners_only = |caller: &Principal, call: &Call<'_>| {
        let is_owner = call.argument::<String>("owner").as_deref() == Some(caller.name());
        async move {
            if is_owner {
                Decision::allowed()
            } else {
                Refusal::arguments_refused().with_message("`owner` must be yourself").into()
            }
        }
    };
    let app = App::with_policy(authorize_fn(owners_only));
    app.passes(tool_with("delete", r#"{"owner":"ci"}"#)).await;
    let refused = sent(tool_with("delete", r#"{"owner":"alice"}"#));
    let response = app.not_forwarded(&refused, 200).await;
    assert_eq!(json_of(&response), tool_error("`owner` must be yourself"));
}
