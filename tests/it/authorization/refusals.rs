//! The response to a refused message.

use super::*;

/// Cases 73 and 74, and 69 for a refused call.
#[tokio::test]
async fn the_id_of_a_refused_request_is_echoed_as_it_was_sent() {
    let app = app();
    let long = format!("{:0>1024}", 1).replace('0', "1");
    for id in ["7", "-1", "0", "1.50", "1e999", r#""a""#, r#""""#, r#""\u0061\ud800\n""#, &long] {
        let request = tool("delete").replace("7", id);
        let response = app.not_forwarded(&sent(request), 200).await;
        let prefix = format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":-32602,"#);
        assert!(response.body.starts_with(&prefix), "{}", response.body);
        let passing = tool("search").replace("7", id);
        app.passes(passing).await;
    }
}

#[tokio::test]
async fn ids_that_are_no_ids_are_answered_with_null() {
    let app = app();
    let too_long = "1".repeat(1025);
    for id in ["null", "true", "{}", "[1]", &too_long] {
        let response = app.not_forwarded(&sent(tool("delete").replace("7", id)), 200).await;
        assert_eq!(json_of(&response), error(Value::Null, INVALID_PARAMS, &may_not_call("delete")));
    }
}

/// Case 75.
#[tokio::test]
async fn a_refused_notification_is_403_without_an_id() {
    let app = app();
    let notification = |name: &str| tool(name).replace(r#""id":7,"#, "");
    app.passes(notification("search")).await;
    app.rejects(notification("delete"), 403, INVALID_PARAMS).await;
    let unknown = r#"{"jsonrpc":"2.0","method":"notifications/vendor"}"#;
    let response = app.rejects(unknown, 403, METHOD_NOT_FOUND).await;
    let message = "ci may not call the method `notifications/vendor`";
    assert_eq!(json_of(&response)["error"]["message"], message);
}

#[tokio::test]
async fn refusals_have_a_status_of_their_own_on_request() {
    let app = App::new(layer().authorize(policy()).refuse_by_status());
    app.passes(tool("search")).await;
    for (request, code, message) in [
        (tool("delete"), INVALID_PARAMS, "ci may not call the tool `delete`"),
        (
            call_without_params("vendor/x"),
            METHOD_NOT_FOUND,
            "ci may not call the method `vendor/x`",
        ),
    ] {
        let response = app.not_forwarded(&sent(request), 403).await;
        assert_eq!(json_of(&response), error(ID, code, message));
    }
    // What cannot be read is rejected as always.
    app.rejects("{", 400, PARSE_ERROR).await;
}

#[tokio::test]
async fn names_in_refusals_are_escaped_and_cut() {
    let app = app();
    let name = format!("a\r\n\u{1b}[31m\"`{}", "x".repeat(10_000));
    let response = app.not_forwarded(&sent(tool(&name)), 200).await;
    let body = json_of(&response);
    let message = body["error"]["message"].as_str().unwrap();
    assert!(message.starts_with(r"ci may not call the tool `a\r\n\u{1b}[31m"), "{message}");
    assert!(message.len() < 1000 && message.ends_with("… (10010 bytes)`"), "{message}");
}

/// Clients take these words, and codes of HTTP, for a failed login.
#[tokio::test]
async fn refusals_do_not_look_like_failed_logins() {
    let app = app();
    for request in [tool("delete"), prompt("secret"), call_without_params("vendor/x")] {
        let response = app.not_forwarded(&sent(request), 200).await;
        for word in ["Unauthorized", "OAuth", "invalid_token", "401", "403"] {
            assert!(!response.body.contains(word), "{}", response.body);
        }
    }
}

#[tokio::test]
async fn a_refused_call_leaves_the_session_open() {
    let app = app();
    let session = app.open_session(CI).await;
    for (name, passes) in [("search", true), ("delete", false), ("search", true)] {
        let request = sent(tool(name)).with("mcp-session-id", &session);
        if passes {
            assert_eq!(app.passes(request).await.headers[SESSION], "s1");
        } else {
            app.refuses(request, INVALID_PARAMS, &may_not_call(name)).await;
        }
    }
    // A refusal says nothing about sessions of others.
    let of_another = sent(tool("delete")).by(ALICE).with("mcp-session-id", &session);
    assert_eq!(app.not_forwarded(&of_another, 404).await.status, 404);
}

#[tokio::test]
async fn unauthenticated_requests_are_rejected_unread() {
    let app = app();
    for body in [tool("search"), tool("delete"), "{".to_owned()] {
        let request = sent(body).without("authorization");
        let response = app.send(request).await;
        assert_eq!((response.status.as_u16(), response.challenges().len()), (401, 2));
        assert!(json_of(&response)["id"].is_null());
    }
    assert_eq!(app.inner.take().len(), 0);
}

#[tokio::test]
async fn the_inner_service_sees_the_principal_of_an_allowed_message() {
    let app = app();
    let head = app.passes(tool("search")).await;
    assert_eq!(head.extensions.get::<Principal>().unwrap().name(), "ci");
    assert!(!head.headers.contains_key("authorization"));
}
