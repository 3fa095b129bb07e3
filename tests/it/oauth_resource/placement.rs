//! Resources below nested routers and behind proxies that remove a prefix. Case 80.

use axum::Router;
use http::Method;
use mcp_auth_layer::McpAuthLayer;
use mcp_auth_layer::layer::Resource;

use super::{TOKEN, WELL_KNOWN, challenge, document, resource};
use crate::support::{get, recorder, request, send};

const URL: &str = "https://a.example/api/mcp";

fn nested(resource: Resource) -> Router {
    let guarded = recorder().0.layer(McpAuthLayer::bearer("tok").resource(resource));
    Router::new().nest("/api", guarded)
}

#[tokio::test]
async fn nested_layer_names_the_public_url() {
    let app = nested(resource(URL));
    let response = send(app.clone(), get("/api/mcp", &[])).await;
    assert_eq!(
        response.challenges(),
        [challenge(&format!("https://a.example{WELL_KNOWN}/api/mcp"))]
    );
    assert_eq!(send(app, get("/api/mcp", &[TOKEN])).await.status, 200);
}

#[tokio::test]
async fn nested_layers_choose_by_the_path_of_the_client() {
    let layer = ["https://a.example/b/mcp", URL]
        .into_iter()
        .fold(McpAuthLayer::bearer("tok"), |layer, url| layer.resource(resource(url)));
    let app = Router::new().nest("/api", recorder().0.layer(layer));
    let response = send(app, get("/api/mcp", &[])).await;
    assert_eq!(
        response.challenges(),
        [challenge(&format!("https://a.example{WELL_KNOWN}/api/mcp"))]
    );
}

#[tokio::test]
async fn routes_serve_the_document_of_a_nested_layer() {
    let path = format!("{WELL_KNOWN}/api/mcp");
    let app = nested(resource(URL));
    assert_eq!(send(app.clone(), get(&path, &[])).await.status, 404);

    let app = app.merge(resource(URL).routes());
    for path in [&*path, &format!("{path}/"), WELL_KNOWN, &format!("{WELL_KNOWN}/")] {
        let response = send(app.clone(), get(path, &[])).await;
        assert_eq!((response.status.as_u16(), response.body), (200, document(URL)), "{path}");
        assert_eq!(send(app.clone(), request(Method::POST, path, &[])).await.status, 405);
        assert_eq!(send(app.clone(), request(Method::OPTIONS, path, &[])).await.status, 204);
    }
    assert_eq!(send(app, get(&format!("{WELL_KNOWN}/other"), &[])).await.status, 404);
}

#[tokio::test]
async fn routes_of_several_resources_can_be_merged() {
    let (first, second) = (resource(URL), resource("https://a.example/{x}/y").only_at_its_path());
    let app = nested(first.clone()).merge(first.routes()).merge(second.routes());
    assert_eq!(send(app.clone(), get(WELL_KNOWN, &[])).await.body, document(URL));
    let response = send(app.clone(), get(&format!("{WELL_KNOWN}/{{x}}/y"), &[])).await;
    assert_eq!(response.body, document("https://a.example/{x}/y"));
    assert_eq!(send(app, get(&format!("{WELL_KNOWN}/1/y"), &[])).await.status, 404);
}

#[tokio::test]
async fn service_serves_one_document_and_404() {
    let service = resource(URL).service();
    let get = |path: &str| {
        let request = http::Request::get(path).body(axum::body::Body::empty()).unwrap();
        send(service.clone(), request)
    };
    assert_eq!(get(WELL_KNOWN).await.body, document(URL));
    assert_eq!(get(&format!("{WELL_KNOWN}/api/mcp")).await.status, 200);
    assert_eq!(get(&format!("{WELL_KNOWN}/mcp")).await.status, 404);
    assert_eq!(get("/mcp").await.status, 404);
}

#[tokio::test]
async fn documents_are_at_the_public_path_behind_a_proxy() {
    // The proxy removes `/api`, but from the path of the document.
    let app = recorder().0.layer(McpAuthLayer::bearer("tok").resource(resource(URL)));
    let response = send(app.clone(), get("/mcp", &[])).await;
    assert_eq!(
        response.challenges(),
        [challenge(&format!("https://a.example{WELL_KNOWN}/api/mcp"))]
    );
    assert_eq!(send(app.clone(), get(&format!("{WELL_KNOWN}/api/mcp"), &[])).await.status, 200);
    assert_eq!(send(app, get(&format!("{WELL_KNOWN}/mcp"), &[])).await.status, 404);
}
