//! Members of a message that decide: each is there once, in one spelling and of one type.

use mcp_auth_layer::policy::methods;

use super::*;

/// Case 42.
#[tokio::test]
async fn responses_of_clients_pass() {
    let app = app();
    for response in [
        r#"{"jsonrpc":"2.0","id":1,"result":{"role":"assistant","name":"delete"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"error":{"code":-1,"message":"no"}}"#,
        r#"{"id":"a","result":null,"jsonrpc":"2.0"}"#,
    ] {
        app.passes(response).await;
    }
}

/// Case 43.
#[tokio::test]
async fn a_message_with_method_and_result_is_rejected() {
    let app = app();
    for member in [r#""result":{}"#, r#""error":{}"#, r#""result":null"#] {
        let request = tool("search").replacen('{', &format!("{{{member},"), 1);
        app.rejects(request, 400, INVALID_REQUEST).await;
    }
    for neither in ["{}", r#"{"jsonrpc":"2.0","id":7}"#, r#"{"params":{"name":"search"}}"#] {
        app.rejects(neither, 400, INVALID_REQUEST).await;
    }
}

/// Cases 44 to 47.
#[tokio::test]
async fn members_that_decide_may_not_be_there_twice() {
    let app = app();
    for (allowed, duplicate) in [
        (r#""method":"tools/call""#, r#""method":"tools/call","method":"tools/call""#),
        (r#""method":"tools/call""#, r#""method":"ping","method":"tools/call""#),
        (r#""params":{"#, r#""params":{"name":"search"},"params":{"#),
        (r#""params":{"#, r#""params":null,"params":{"#),
        (r#""name":"search""#, r#""name":"search","name":"search""#),
        (r#""name":"search""#, r#""name":"delete","name":"search""#),
        (r#""name":"search""#, r#""n\u0061me":"delete","name":"search""#),
        (r#""id":7"#, r#""id":7,"id":8"#),
        (r#""jsonrpc":"2.0""#, r#""jsonrpc":"2.0","jsonrpc":"2.0""#),
    ] {
        let request = tool("search");
        app.passes(request.clone()).await;
        assert!(request.contains(allowed), "{request}");
        app.rejects(request.replace(allowed, duplicate), 400, INVALID_REQUEST).await;
    }
    let completion =
        call("completion/complete", json!({"ref": {"type": "ref/prompt", "name": "review"}}));
    app.passes(completion.clone()).await;
    for duplicate in [r#""name":"secret","name":"review""#, r#""name":"review","name":"review""#] {
        let request = completion.replace(r#""name":"review""#, duplicate);
        app.rejects(request, 400, INVALID_REQUEST).await;
    }
    let arguments = tool_with("search", "{}");
    app.passes(arguments.clone()).await;
    let twice = arguments.replace(r#""arguments":{}"#, r#""arguments":{},"arguments":{}"#);
    app.rejects(twice, 400, INVALID_REQUEST).await;
}

/// Case 48.
#[tokio::test]
async fn members_of_arguments_without_a_rule_may_be_there_twice() {
    let app = app();
    app.passes(tool_with("search", r#"{"q":1,"q":2,"Q":3,"name":"delete","name":"x"}"#)).await;
    app.refuses(
        tool_with("delete", r#"{"q":1,"q":2,"name":"search"}"#),
        INVALID_PARAMS,
        &may_not_call("delete"),
    )
    .await;
}

/// Cases 49 to 52.
#[tokio::test]
async fn members_with_almost_the_name_of_one_that_decides_are_rejected() {
    let app = App::with_policy(policy().allow(principal("ci"), methods(["tasks/get", "vendor/*"])));
    for alike in ["Name", "NAME", "na_me", " name", "name\\u0000", "n\\u0061Me"] {
        let request = tool("search")
            .replace(r#""name":"search""#, &format!(r#""name":"search","{alike}":"delete""#));
        app.rejects(request, 400, INVALID_REQUEST).await;
        let alone = tool("search").replace(r#""name""#, &format!(r#""{alike}""#));
        app.rejects(alone, 400, INVALID_REQUEST).await;
    }
    for alike in ["Method", "METHOD", "jsonRpc", "ID", "Result", "paramſ", "PARAMS", "ERROR"] {
        let request = tool("search").replacen('{', &format!(r#"{{"{alike}":"x","#), 1);
        app.rejects(request, 400, INVALID_REQUEST).await;
    }
    let task = call("tasks/get", json!({"taskId": "1"}));
    app.passes(task.clone()).await;
    for alike in ["task_id", "TaskID", "taskid", "tasKId"] {
        let request = task.replace(r#""taskId""#, &format!(r#""{alike}":"2","taskId""#));
        app.rejects(request, 400, INVALID_REQUEST).await;
    }
    // Only the members that decide about the method of the message count.
    app.passes(call("vendor/x", json!({"Name": 1, "task_id": 2, "URI": 3}))).await;
    app.passes(call("tasks/get", json!({"taskId": "1", "Name": 1}))).await;
}

/// Case 53.
#[tokio::test]
async fn other_members_are_free() {
    let app = app();
    app.passes(tool("search").replacen('{', r#"{"x-foo":{"a":1,"a":2},"x-foo":3,"#, 1)).await;
    app.passes(call(
        "tools/call",
        json!({"name": "search", "_meta": {"name": "delete", "Name": [], "method": null}, "x": 1}),
    ))
    .await;
    app.passes(r#"{"params":{"arguments":null,"name":"search"},"method":"tools/call","id":7}"#)
        .await;
}

/// Cases 70 to 72.
#[tokio::test]
async fn params_are_an_object_if_the_method_needs_them() {
    let app = app();
    for params in [r#","params":null"#, r#","params":{}"#, ""] {
        app.passes(format!(r#"{{"jsonrpc":"2.0","id":7,"method":"ping"{params}}}"#)).await;
        let request = format!(r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call"{params}}}"#);
        app.rejects(request, 400, INVALID_REQUEST).await;
    }
    for params in [json!([]), json!(["search"]), json!("search"), json!(1), json!(true)] {
        app.rejects(call("ping", params.clone()), 400, INVALID_REQUEST).await;
        app.rejects(call("tools/call", params), 400, INVALID_REQUEST).await;
    }
}

#[tokio::test]
async fn names_must_be_strings() {
    let app = app();
    for name in [json!(null), json!(1), json!(["search"]), json!({"name": "search"})] {
        app.rejects(call("tools/call", json!({"name": name})), 400, INVALID_REQUEST).await;
        app.rejects(call("prompts/get", json!({"name": name})), 400, INVALID_REQUEST).await;
        app.rejects(call("resources/read", json!({"uri": name})), 400, INVALID_REQUEST).await;
        let message = json!({"jsonrpc": "2.0", "id": ID, "method": name}).to_string();
        app.rejects(message, 400, INVALID_REQUEST).await;
    }
    app.rejects(call("tools/call", json!({"uri": "search"})), 400, INVALID_REQUEST).await;
    app.rejects(call("resources/read", json!({"name": "docs://a"})), 400, INVALID_REQUEST).await;
}

#[tokio::test]
async fn a_body_that_is_no_object_is_rejected() {
    let app = app();
    for body in ["1", "null", "true", r#""tools/call""#] {
        app.rejects(body, 400, INVALID_REQUEST).await;
    }
}
