//! `Mcp-Method` and `Mcp-Name`, which repeat what the body says.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::*;

/// Asserts that a request is rejected because a field says something else than its body.
async fn assert_mismatch(app: &App, request: Sent, id: Value) {
    let response = app.not_forwarded(&request, 400).await;
    let body = json_of(&response);
    assert_eq!(
        (&body["error"]["code"], &body["id"]),
        (&json!(HEADER_MISMATCH), &id),
        "{request:?}"
    );
}

fn encoded(name: impl AsRef<[u8]>) -> String {
    format!("=?base64?{}?=", STANDARD.encode(name))
}

fn named(body: String, name: &str) -> Sent {
    sent(body).with("mcp-name", name)
}

/// Cases 94 to 97.
#[tokio::test]
async fn the_name_in_the_header_is_that_of_the_body() {
    let app = app();
    app.passes(named(tool("search"), "search")).await;
    app.passes(named(tool("search"), &encoded("search"))).await;
    app.passes(named(tool("read_é"), &encoded("read_é"))).await;
    app.passes(named(prompt("review"), "review")).await;
    app.passes(named(resource("docs://a"), "docs://a")).await;
    let different = encoded("delete");
    let of_latin_1 = encoded(b"search\xe9");
    for name in [
        "delete",
        "Search",
        "search2",
        "",
        &different,
        &of_latin_1,
        "=?base64?c2VhcmNo",
        "=?base64?c2VhcmN?=",
        "=?base64?c2VhcmNo=?=",
        "=?BASE64?c2VhcmNo?=",
        "search, search",
    ] {
        assert_mismatch(&app, named(tool("search"), name), json!(ID)).await;
    }
    let twice = named(tool("search"), "search").and("mcp-name", "search");
    assert_mismatch(&app, twice, json!(ID)).await;
    // The header of a refused call helps nothing.
    let refused = named(tool("delete"), "delete");
    app.refuses(refused, INVALID_PARAMS, &may_not_call("delete")).await;
    assert_mismatch(&app, named(tool("delete"), "search"), json!(ID)).await;
}

/// Case 98.
#[tokio::test]
async fn the_method_in_the_header_is_that_of_the_body() {
    let app = app();
    app.passes(sent(tool("search")).with("mcp-method", "tools/call")).await;
    app.passes(sent(call_without_params("ping")).with("mcp-method", "ping")).await;
    for method in ["ping", "Tools/Call", "tools/call ping", ""] {
        assert_mismatch(&app, sent(tool("search")).with("mcp-method", method), json!(ID)).await;
    }
    let twice = sent(tool("search")).with("mcp-method", "tools/call");
    assert_mismatch(&app, twice.and("mcp-method", "ping"), json!(ID)).await;
}

/// Case 99.
#[tokio::test]
async fn the_fields_are_compared_whatever_the_version_is() {
    let app = app();
    for version in ["2024-11-05", "2025-06-18", "2025-11-25", "2026-07-28"] {
        let in_version = |name| named(tool("search"), name).with("mcp-protocol-version", version);
        app.passes(in_version("search")).await;
        assert_mismatch(&app, in_version("delete"), json!(ID)).await;
        // Whether they must be there is the inner service's matter.
        app.passes(in_version("search").without("mcp-name")).await;
    }
}

#[tokio::test]
async fn bodies_without_one_name_have_no_name_in_the_header() {
    let app = app();
    assert_mismatch(&app, named(call_without_params("tools/list"), "search"), json!(ID)).await;
    let batch = format!("[{}]", tool("search"));
    app.passes(batch.clone()).await;
    assert_mismatch(&app, named(batch.clone(), "search"), Value::Null).await;
    assert_mismatch(&app, sent(batch).with("mcp-method", "tools/call"), Value::Null).await;
    let response = r#"{"jsonrpc":"2.0","id":1,"result":{}}"#.to_owned();
    assert_mismatch(&app, named(response, "search"), Value::Null).await;
}
