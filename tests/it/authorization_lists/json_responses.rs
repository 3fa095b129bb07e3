//! Lists in JSON responses.

use std::convert::Infallible;

use axum::body::{Body, Bytes};
use axum::response::IntoResponse;
use http_body::Body as _;
use tower::ServiceExt;

use super::{
    JSON, TOOLS_LIST, answering, call, element, json_for_ci, layer, policy, post, tools_answer,
    without_denials,
};
use crate::support::send;

#[tokio::test]
async fn hidden_elements_are_cut_and_all_other_bytes_stay() {
    for (tools, kept) in [
        (&["search", "read_a"][..], &["search", "read_a"][..]),
        (&["read_a", "search"], &["read_a", "search"]),
        (&["delete", "search", "read_a"], &["search", "read_a"]),
        (&["search", "delete", "read_a"], &["search", "read_a"]),
        (&["search", "read_a", "delete", "searchx"], &["search", "read_a"]),
        (
            &["delete", "read_internal", "search", "delete", "Read_a", "read_b"],
            &["search", "read_b"],
        ),
        (&["delete", "read_internal", "xsearch", "write_x"], &[]),
        (&[], &[]),
    ] {
        let response = json_for_ci(TOOLS_LIST, &tools_answer(tools)).await;
        assert_eq!(response.status, 200);
        assert_eq!(response.body, tools_answer(kept), "{tools:?}");
        let length = response.headers["content-length"].to_str().unwrap();
        assert_eq!(length, response.body.len().to_string(), "{tools:?}");
        assert_eq!(response.headers["content-type"], "application/json");
    }
}

#[tokio::test]
async fn every_kind_of_list_is_filtered() {
    for (method, list, member, hidden, shown) in [
        ("tools/list", "tools", "name", "delete", "search"),
        ("prompts/list", "prompts", "name", "secret", "review"),
        ("resources/list", "resources", "uri", "file:///etc/passwd", "docs://a"),
        ("resources/list", "resources", "uri", "docs://a/../b", "docs://b"),
        (
            "resources/templates/list",
            "resourceTemplates",
            "uriTemplate",
            "file:///{p}",
            "docs://{p}",
        ),
    ] {
        let request = TOOLS_LIST.replace("tools/list", method);
        let answer = |names: &[&str]| {
            let elements: Vec<_> = names.iter().map(|name| element(member, name)).collect();
            format!(r#"{{"jsonrpc":"2.0","id":1,"result":{{"{list}":[{}]}}}}"#, elements.join(","))
        };
        for (before, after) in [
            (&[hidden, shown][..], &[shown][..]),
            (&[shown, hidden], &[shown]),
            (&[hidden], &[]),
            (&[shown], &[shown]),
        ] {
            let (inner, request) = (answer(before), request.clone());
            let app = answering(layer(policy()), move || ([JSON], inner.clone()));
            let response = send(app, post("ci", "/mcp", request)).await;
            assert_eq!((response.status.as_u16(), response.body), (200, answer(after)));
        }
    }
}

#[tokio::test]
async fn elements_without_a_clear_name_are_cut() {
    let answer =
        |tools: &str| format!(r#"{{"jsonrpc":"2.0","id":1,"result":{{"tools":[{tools}]}}}}"#);
    let search = r#"{"name":"search"}"#;
    for unclear in [
        r#"{"title":"search"}"#,
        r#"{"name":"search","name":"search"}"#,
        r#"{"name":"search","Name":"delete"}"#,
        r#"{"name":["search"]}"#,
        r#""search""#,
        "null",
    ] {
        let response = json_for_ci(TOOLS_LIST, &answer(&format!("{unclear},{search}"))).await;
        assert_eq!((response.status.as_u16(), response.body), (200, answer(search)), "{unclear}");
    }
    let clear = answer(r#"{"title":"x","n\u0061me":"search"}"#);
    assert_eq!(json_for_ci(TOOLS_LIST, &clear).await.body, clear);
}

#[tokio::test]
async fn a_page_that_becomes_empty_keeps_its_cursor() {
    for cursor in ["", "c2"] {
        let page = |tools: &str| {
            format!(
                r#"{{"jsonrpc":"2.0","id":1,"result":{{"tools":[{tools}],"nextCursor":"{cursor}"}}}}"#
            )
        };
        let response = json_for_ci(TOOLS_LIST, &page(r#"{"name":"delete"}"#)).await;
        assert_eq!((response.status.as_u16(), response.body), (200, page("")));
    }
}

#[tokio::test]
async fn every_answer_of_a_batch_is_filtered() {
    const BATCH: &str = r#"[{"jsonrpc":"2.0","id":1,"method":"tools/list"},{"jsonrpc":"2.0","id":2,"method":"prompts/list"},{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"search"}}]"#;
    let answer = |tool: &str, prompt: &str| {
        format!(
            r#"[ {{"id":1,"result":{{"tools":[{{"name":"search"}}{tool}]}}}}, {{"id":2,"result":{{"prompts":[{prompt}{{"name":"review"}}]}}}},{{"id":3,"result":{{"content":[{{"type":"text","text":"delete"}}]}}}} ]"#
        )
    };
    let both = answer(r#",{"name":"delete"}"#, r#"{"name":"secret"},"#);
    assert_eq!(json_for_ci(BATCH, &both).await.body, answer("", ""));
    assert_eq!(json_for_ci(BATCH, &answer("", "")).await.body, answer("", ""));
}

/// A filtered list is one principal's, and not the one that a server named by its tag.
#[tokio::test]
async fn a_filtered_list_may_not_be_stored_and_has_no_tag() {
    let answer = || {
        let fields = [JSON, ("cache-control", "public, max-age=60"), ("etag", "\"1\"")];
        (fields, tools_answer(&["search", "delete"]))
    };
    let app = answering(layer(without_denials()), answer);
    let response = send(app.clone(), post("ci", "/mcp", TOOLS_LIST)).await;
    assert_eq!(response.headers["cache-control"], "private, no-store");
    assert!(!response.headers.contains_key("etag"));
    // The response to a principal that is not restricted.
    let response = send(app, post("alice", "/mcp", TOOLS_LIST)).await;
    assert_eq!(response.headers["cache-control"], "public, max-age=60");
    assert_eq!(response.headers["etag"], "\"1\"");
    assert_eq!(response.body, tools_answer(&["search", "delete"]));
}

/// Servers find the response to write to by the ID of a request. A client that uses one twice gets the list as the
/// answer to its second request.
#[tokio::test]
async fn a_list_in_the_answer_to_another_request_is_filtered() {
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#.to_owned();
    for message in [call("search", 1), ping] {
        let fields = [JSON, ("cache-control", "public"), ("etag", "\"1\"")];
        let answer = move || (fields, tools_answer(&["search", "delete"]));
        let app = answering(layer(policy()), answer);
        let response = send(app, post("ci", "/mcp", message)).await;
        assert!(!response.body.contains(r#""name" : "delete""#), "{}", response.body);
        assert!(response.body.contains(r#""name" : "search""#));
        assert_eq!(response.headers["cache-control"], "private, no-store");
        assert!(!response.headers.contains_key("etag"));
    }
}

#[tokio::test]
async fn other_results_pass_as_they_come() {
    let fields = [JSON, ("cache-control", "public"), ("etag", "\"1\"")];
    for (kind, body) in [
        (JSON, format!(r#"{{"id":1,"result":{{"content":["{}"]}}}}"#, "x".repeat(5 << 20))),
        (JSON, r#"{"id":1,"result":{"capabilities":{},"protocolVersion":"1"}}"#.to_owned()),
        (JSON, format!(r#"{{"id":1,"result":{{"x":"{}"}}}}"#, "x".repeat(70_000))),
        (JSON, r#"[{"id":1,"result":{"content":[]}}]"#.to_owned()),
        (JSON, r#"{"id":1,"result":{"#.to_owned()),
        (("content-type", "text/html"), "<p>".to_owned()),
    ] {
        for chunk in [1000, body.len()] {
            let chunks: Vec<_> =
                body.as_bytes().chunks(chunk).map(Bytes::copy_from_slice).collect();
            let answer = move || {
                let chunks = chunks.clone().into_iter().map(Ok::<_, Infallible>);
                ([kind, fields[1], fields[2]], Body::from_stream(futures::stream::iter(chunks)))
            };
            let app = answering(layer(policy()), answer);
            let response = send(app, post("ci", "/mcp", call("search", 1))).await;
            assert!(response.body == body, "{}", response.body);
            assert_eq!(response.headers["etag"], "\"1\"");
            assert_eq!(response.headers["cache-control"], "public");
        }
    }
}

#[tokio::test]
async fn a_principal_that_may_do_everything_gets_the_answer_as_it_is() {
    for (fields, body) in [
        (vec![JSON], tools_answer(&["search", "read_internal"])),
        (vec![JSON], tools_answer(&["search"]).replace("\"id\"", "\"result\":{},\"id\"")),
        (vec![JSON, ("content-encoding", "gzip")], "no gzip".to_owned()),
        (vec![("content-type", "text/html")], "<p>".to_owned()),
        (vec![JSON], "x".repeat(5 * 1024 * 1024)),
    ] {
        let (inner, headers) = (body.clone(), fields.clone());
        let answer = move || {
            let mut response = Body::from(inner.clone()).into_response();
            for (name, value) in headers.clone() {
                response.headers_mut().insert(name, value.parse().unwrap());
            }
            response
        };
        let app = answering(layer(without_denials()), answer.clone());
        let response = send(app, post("alice", "/mcp", TOOLS_LIST)).await;
        assert_eq!(response.status, 200);
        for (name, value) in fields {
            assert_eq!(response.headers[name], value);
        }
        assert_eq!(response.headers["content-length"], body.len().to_string());
        assert!(response.body == body);
    }
    // A deny rule restricts every principal.
    let app = answering(layer(policy()), || ([JSON], tools_answer(&["delete", "read_internal"])));
    let response = send(app, post("alice", "/mcp", TOOLS_LIST)).await;
    assert_eq!(response.body, tools_answer(&["delete"]));
}

/// The length of a filtered body is known also to servers that frame it themselves.
#[tokio::test]
async fn the_length_of_a_filtered_list_is_exact() {
    let app = answering(layer(policy()), || {
        let text = tools_answer(&["search", "delete"]);
        let chunks: Vec<_> = text.as_bytes().chunks(7).map(<[u8]>::to_vec).collect();
        let chunks = chunks.into_iter().map(Ok::<_, std::convert::Infallible>);
        ([JSON], Body::from_stream(futures::stream::iter(chunks)))
    });
    let response = app.oneshot(post("ci", "/mcp", TOOLS_LIST)).await.unwrap();
    let expected = tools_answer(&["search"]);
    assert_eq!(response.body().size_hint().exact(), Some(expected.len() as u64));
    let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    assert_eq!(body, expected);
}

#[tokio::test]
async fn results_that_are_no_lists_pass_in_answers_to_list_requests() {
    for answer in [
        r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32603,"message":"no","data":{"tools":[{"name":"delete"}]}}}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"{\"tools\":[{\"name\":\"delete\"}]}"}]}}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{"x":{"tools":[{"name":"delete"}]}}}"#,
    ] {
        assert_eq!(json_for_ci(TOOLS_LIST, answer).await.body, answer);
    }
}
