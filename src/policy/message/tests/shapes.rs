//! What is found in messages of each shape.

use super::*;

#[test]
fn each_method_names_what_it_wants_to_use() {
    for (method, params, kind, name) in [
        ("tools/call", r#"{"name":"search"}"#, Tool, "search"),
        ("prompts/get", r#"{"name":"review"}"#, Prompt, "review"),
        ("resources/read", r#"{"uri":"docs://a"}"#, Resource, "docs://a"),
        ("resources/subscribe", r#"{"uri":"docs://a"}"#, Resource, "docs://a"),
        ("resources/unsubscribe", r#"{"uri":"docs://a/../b"}"#, Resource, "docs://a/../b"),
        ("tasks/get", r#"{"taskId":"7"}"#, Task, "7"),
        ("tasks/update", r#"{"taskId":"7"}"#, Task, "7"),
        (
            "completion/complete",
            r#"{"ref":{"type":"ref/prompt","name":"review","title":"R"},"argument":{"name":"x","value":""}}"#,
            Prompt,
            "review",
        ),
        (
            "completion/complete",
            r#"{"ref":{"type":"ref/resource","uri":"docs://{x}"}}"#,
            ResourceTemplate,
            "docs://{x}",
        ),
    ] {
        let expected = one(method, &[(kind, name)]);
        let method = format!(r#""method":"{method}""#);
        assert_eq!(read(format!(r#"{{"id":1,{method},"params":{params}}}"#)), expected);
        // Which members of `params` decide is known at the end only.
        assert_eq!(read(format!(r#"{{"id":1,"params":{params},{method}}}"#)), expected);
        // Without them it is refused, as it is with another type.
        assert_refused(format!(r#"{{"id":1,{method}}}"#), INVALID);
        assert_refused(format!(r#"{{"id":1,{method},"params":{{}}}}"#), INVALID);
        assert_refused(
            format!(r#"{{"id":1,{method},"params":{{"name":1,"uri":[],"ref":2}}}}"#),
            INVALID,
        );
    }
}

#[test]
fn other_methods_name_nothing() {
    for method in
        ["ping", "tools/list", "initialize", "vendor/x", "notifications/initialized", "tasks/list"]
    {
        let body = format!(
            r#"{{"id":1,"method":"{method}","params":{{"name":1,"Name":2,"uri":3,"uri":4}}}}"#
        );
        assert_eq!(read(body), one(method, &[]));
    }
}

#[test]
fn references_to_complete_are_of_one_known_type() {
    let complete = |reference: &str| {
        read(format!(r#"{{"id":1,"method":"completion/complete","params":{{"ref":{reference}}}}}"#))
    };
    let prompt = one("completion/complete", &[(Prompt, "a")]);
    assert_eq!(complete(r#"{"name":"a","type":"ref/prompt"}"#), prompt);
    for reference in [
        r#"{"type":"ref/tool","name":"a"}"#,
        r#"{"type":"ref/prompt"}"#,
        r#"{"type":"ref/prompt","uri":"a"}"#,
        r#"{"type":"ref/resource","name":"a"}"#,
        r#"{"name":"a"}"#,
        r#"{"type":"ref/prompt","name":"a","name":"b"}"#,
        r#"{"type":"ref/prompt","type":"ref/resource","name":"a"}"#,
        r#"{"type":"ref/prompt","name":"a","Type":"ref/resource"}"#,
        // A parser may go by which members are there.
        r#"{"type":"ref/prompt","name":"a","uri":"docs://b"}"#,
        r#"{"type":"ref/resource","uri":"docs://b","name":"a"}"#,
        r#"["ref/prompt","a"]"#,
        "null",
    ] {
        assert_eq!(complete(reference), Err((400, INVALID, "null".to_owned())), "{reference}");
    }
}

#[test]
fn subscriptions_name_every_resource_and_task() {
    let listen = |notifications: &str| {
        let params = format!(r#"{{"notifications":{notifications}}}"#);
        read(format!(r#"{{"id":1,"method":"subscriptions/listen","params":{params}}}"#))
    };
    let some = r#"{"taskIds":["7"],"toolsListChanged":true,"resourceSubscriptions":["a:1","a:2"]}"#;
    let expected = [(Resource, "a:1"), (Resource, "a:2"), (Task, "7")];
    assert_eq!(listen(some), one("subscriptions/listen", &expected));
    for none in
        ["{}", "null", r#"{"toolsListChanged":true}"#, r#"{"taskIds":null}"#, r#"{"taskIds":[]}"#]
    {
        assert_eq!(listen(none), one("subscriptions/listen", &[]), "{none}");
    }
    for notifications in [
        r#"{"resourceSubscriptions":"a:1"}"#,
        r#"{"resourceSubscriptions":["a:1",2]}"#,
        r#"{"resourceSubscriptions":[["a:1"]]}"#,
        r#"{"resourceSubscriptions":["a:1"],"resourceSubscriptions":["a:2"]}"#,
        r#"{"resource_subscriptions":["a:1"]}"#,
        r#"{"taskIds":["\ud800"]}"#,
        "[]",
        "7",
    ] {
        assert_eq!(
            listen(notifications),
            Err((400, INVALID, "null".to_owned())),
            "{notifications}"
        );
    }
}

#[test]
fn one_message_may_name_up_to_1000_things() {
    let listen = |count| {
        let uris = vec![r#""a:1""#; count].join(",");
        let notifications = format!(r#"{{"resourceSubscriptions":[{uris}],"taskIds":["1"]}}"#);
        let params = format!(r#"{{"notifications":{notifications}}}"#);
        read(format!(r#"{{"id":1,"method":"subscriptions/listen","params":{params}}}"#))
    };
    assert_eq!(listen(999).expect("it passes")[0].1.len(), 1000);
    assert_eq!(listen(1000), Err((400, INVALID, "null".to_owned())));
}

#[test]
fn responses_of_clients_name_nothing() {
    for response in [
        r#"{"jsonrpc":"2.0","id":1,"result":{"model":"m","content":{}}}"#,
        r#"{"jsonrpc":"2.0","id":1,"error":{"code":-1,"message":"no"}}"#,
        r#"{"id":1,"result":null,"error":null}"#,
    ] {
        assert_eq!(read(response), Ok(vec![(None, Vec::new())]), "{response}");
    }
}

#[test]
fn a_message_is_a_request_or_a_response() {
    for result in ["result", "error"] {
        let body = format!(r#"{{"id":1,"method":"ping","{result}":null}}"#);
        assert_refused(body, INVALID);
    }
    assert_refused(r#"{"id":1}"#, INVALID);
    assert_refused("{}", INVALID);
    assert_refused(r#"{"id":1,"method":null,"result":1}"#, INVALID);
    assert_refused(r#"{"id":1,"method":["ping"]}"#, INVALID);
}

#[test]
fn params_are_an_object_or_null_or_absent() {
    for params in ["null", "{}"] {
        assert_eq!(
            read(format!(r#"{{"id":1,"method":"ping","params":{params}}}"#)),
            one("ping", &[])
        );
    }
    for params in ["[]", "[{\"a\":1}]", "1", "-1", "1.5", "true", r#""a""#] {
        assert_refused(format!(r#"{{"id":1,"method":"ping","params":{params}}}"#), INVALID);
    }
}

/// Reads a single message and calls `check` with it.
fn with_single(body: &str, check: impl FnOnce(&Message<'_>)) {
    match read_messages(&head(post()), "/mcp", body.as_bytes()) {
        Ok(Some(Messages::Single(message))) => check(&message),
        other => panic!("{other:?}"),
    }
}

#[test]
fn requests_have_an_id_and_notifications_have_none() {
    for id in ["7", r#""a\u0062""#, "1e999", "null", "-0.50", "123456789012345678901234567890"] {
        with_single(&format!(r#"{{"id": {id} ,"method":"ping"}}"#), |message| {
            let expected = if id == "null" { "null" } else { id };
            assert_eq!(message.id().expect("it is a request").echoed(), expected);
        });
    }
    with_single(r#"{"method":"tools/call","params":{"name":"a"}}"#, |message| {
        assert!(matches!(message, Message::Notification(_)) && message.id().is_none());
    });
}

#[test]
fn arguments_are_the_text_that_was_sent() {
    let arguments = r#"{ "a" : 1e999, "a":"\ud800", "Name":[] }"#;
    let call = |arguments: &str| {
        let params = format!(r#"{{"arguments":{arguments},"name":"a"}}"#);
        format!(r#"{{"id":1,"method":"tools/call","params":{params}}}"#)
    };
    with_single(&call(arguments), |message| {
        let call = message.call().expect("it is a request");
        assert_eq!((call.arguments(), call.path()), (Some(arguments), "/mcp"));
        assert!(!call.has_ambiguous_argument());
    });
    with_single(&call("null"), |message| {
        assert_eq!(message.call().and_then(|call| call.arguments()), None);
    });
}

#[test]
fn only_list_requests_ask_for_a_list() {
    let asks = |body: &str| {
        let head = head(post());
        let messages = read_messages(&head, "/", body.as_bytes());
        messages.expect("it passes").expect("it has a body").ask_for_list()
    };
    assert!(asks(r#"{"id":1,"method":"tools/list"}"#));
    assert!(asks(r#"[{"id":1,"method":"ping"},{"id":2,"method":"prompts/list"}]"#));
    assert!(!asks(r#"{"id":1,"method":"tools/call","params":{"name":"tools/list"}}"#));
    assert!(!asks(r#"{"id":1,"result":{}}"#));
}
