//! Paths that are exempt from authorization.

use mcp_auth_layer::layer::ExactPath;

use super::*;

fn app_with_upload() -> App {
    App::new(layer().authorize(policy()).not_mcp(ExactPath::from_static("/upload")))
}

#[tokio::test]
async fn bodies_to_an_exempt_path_pass_unread() {
    let app = app_with_upload();
    for target in ["/upload", "/upload?a=b"] {
        for body in [&b"\xff"[..], b"{", b"", tool("delete").as_bytes()] {
            let request = sent(Bytes::copy_from_slice(body)).to(target);
            app.passes(request.clone()).await;
            app.passes(request.without("content-type").with("content-encoding", "gzip")).await;
        }
    }
    for target in ["/upload/", "/Upload", "//upload", "/upload/x", "/%75pload", "/mcp?/upload"] {
        app.refuses(sent(tool("delete")).to(target), INVALID_PARAMS, &may_not_call("delete")).await;
        app.rejects(sent("{").to(target), 400, PARSE_ERROR).await;
    }
}

#[tokio::test]
async fn requests_to_an_exempt_path_need_a_credential() {
    let app = app_with_upload();
    let head = app.passes(sent("x").to("/upload")).await;
    assert_eq!(head.extensions.get::<Principal>().unwrap().name(), "ci");
    for request in [sent("x").without("authorization"), sent("x").by("Bearer wrong")] {
        assert_eq!(app.send(request.to("/upload")).await.status, 401);
    }
    assert_eq!(app.inner.take().len(), 0);
}

#[tokio::test]
async fn several_paths_can_be_exempt() {
    let layer = layer().not_mcp(ExactPath::from_static("/a")).authorize(policy());
    let app = App::new(layer.not_mcp(ExactPath::from_static("/b")));
    for target in ["/a", "/b"] {
        app.passes(sent("x").to(target)).await;
    }
    app.rejects(sent("x").to("/c"), 400, PARSE_ERROR).await;
}

#[tokio::test]
async fn lists_from_an_exempt_path_are_not_filtered() {
    let app = app_with_upload();
    let list = || sent(call_without_params("tools/list"));
    assert_eq!(app.send(list().to("/upload")).await.body, TOOL_LIST);
    let filtered = app.send(list()).await;
    assert_eq!(json_of(&filtered)["result"], json!({"tools": [{"name": "search"}]}));
}

/// Inside of a nested router the path is the one that is left, as for public paths.
#[tokio::test]
async fn an_exempt_path_is_compared_where_the_layer_stands() {
    let inner = Inner::default();
    let layer = layer().authorize(policy()).not_mcp(ExactPath::from_static("/upload"));
    let app = axum::Router::new().nest("/api", inner.router().layer(layer));
    let request = sent("x").to("/api/upload");
    assert_eq!(send(app.clone(), request.request()).await.status, 200);
    assert_eq!(inner.take().len(), 1);
    let request = sent("x").to("/api/mcp");
    assert_eq!(send(app, request.request()).await.status, 400);
    assert_eq!(inner.take().len(), 0);
}
