//! Who may keep a list in a cache: it is one principal's, whatever the server says.

use super::{
    End, JSON, TOOLS_LIST, answering, json_for_ci, layer, policy, post, streamed, without_denials,
};
use crate::support::send;

fn page(tools: &str, more: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":1,"result":{{"tools":[{tools}],"ttlMs":500{more}}}}}"#)
}

const PAGES: [(&str, &str); 4] = [
    (r#"{"name":"search"},{"name":"delete"}"#, r#"{"name":"search"}"#),
    (r#"{"name":"delete"}"#, ""),
    // Nothing is cut.
    (r#"{"name":"search"}"#, r#"{"name":"search"}"#),
    ("", ""),
];

#[tokio::test]
async fn every_page_is_private() {
    for (all, shown) in PAGES {
        let private = page(shown, r#","cacheScope": "private","nextCursor":"c""#);
        for scope in ["\"public\"", "\"private\"", "\"shared\"", "null", "\"\\u0070ublic\""] {
            let before = page(all, &format!(r#","cacheScope": {scope},"nextCursor":"c""#));
            assert_eq!(json_for_ci(TOOLS_LIST, &before).await.body, private, "{scope}");
        }
    }
}

#[tokio::test]
async fn every_page_is_private_in_event_streams_too() {
    for (all, shown) in PAGES {
        let event = |tools, scope| format!("data: {}\n\n", page(tools, scope));
        let before = event(all, r#","cacheScope":"public""#);
        let request = post("ci", "/mcp", TOOLS_LIST);
        let after = streamed(layer(policy()), request, [before.as_bytes()]).await;
        assert_eq!(after, (event(shown, r#","cacheScope":"private""#), End::Complete));
    }
}

/// A list that may be cached is public by default.
#[tokio::test]
async fn a_list_with_a_lifetime_and_no_scope_becomes_private() {
    let after = json_for_ci(TOOLS_LIST, &page("", "")).await.body;
    assert_eq!(after, page("", r#","cacheScope":"private""#));
    let without = page("", "").replace(r#","ttlMs":500"#, "");
    assert_eq!(json_for_ci(TOOLS_LIST, &without).await.body, without);
}

#[tokio::test]
async fn other_results_and_principals_keep_the_scope() {
    let other =
        r#"{"jsonrpc":"2.0","id":1,"result":{"contents":[],"ttlMs":500,"cacheScope":"public"}}"#;
    assert_eq!(json_for_ci(TOOLS_LIST, other).await.body, other);
    let public = page("", r#","cacheScope":"public""#);
    let answer = public.clone();
    let app = answering(layer(without_denials()), move || ([JSON], answer.clone()));
    assert_eq!(send(app, post("alice", "/mcp", TOOLS_LIST)).await.body, public);
}
