//! Several resources of one layer: each has its document and its challenges. Case 81.

use mcp_auth_layer::{Bearer, McpAuthLayer};

use super::{WELL_KNOWN, challenge, document, resource};
use crate::support::{get, recorder, send};

fn layer(urls: &[&str]) -> McpAuthLayer<Bearer> {
    urls.iter().fold(McpAuthLayer::bearer("tok"), |layer, url| layer.resource(resource(url)))
}

#[tokio::test]
async fn each_endpoint_has_its_document_and_challenge() {
    let urls = ["https://a.example/mcp", "https://a.example/sse"];
    let app = recorder().0.layer(layer(&urls));
    for (index, path) in [(0, "/mcp"), (1, "/sse"), (1, "/sse/x"), (0, "/other")] {
        let response = send(app.clone(), get(path, &[("host", "a.example")])).await;
        let url = urls[index].replace("a.example/", &format!("a.example{WELL_KNOWN}/"));
        assert_eq!(response.challenges(), [challenge(&url)], "{path}");
        let document_path = url.strip_prefix("https://a.example").unwrap();
        assert_eq!(send(app.clone(), get(document_path, &[])).await.body, document(urls[index]));
    }
    // The copy at the root is that of the first.
    assert_eq!(send(app, get(WELL_KNOWN, &[])).await.body, document(urls[0]));
}

#[tokio::test]
async fn each_host_has_its_document_and_challenge() {
    let urls = ["https://a.example/mcp", "https://b.example/mcp"];
    let app = recorder().0.layer(layer(&urls));
    for (host, index) in [
        ("a.example", 0),
        ("b.example", 1),
        ("B.EXAMPLE:443", 1),
        ("evil.example", 0),
        ("b.example\", resource_metadata=\"https://evil.example", 0),
    ] {
        let fields = [("host", host), ("x-forwarded-host", "b.example")];
        let name = ["a.example", "b.example"][index];
        let response = send(app.clone(), get("/mcp", &fields)).await;
        assert_eq!(response.challenges(), [challenge(&format!("https://{name}{WELL_KNOWN}/mcp"))]);
        for path in [WELL_KNOWN.to_owned(), format!("{WELL_KNOWN}/mcp")] {
            let response = send(app.clone(), get(&path, &fields)).await;
            assert_eq!(response.body, document(urls[index]), "{host} {path}");
        }
    }
    // A target in absolute form counts before `Host`.
    let absolute = get("http://b.example/mcp", &[("host", "a.example")]);
    let expected = challenge(&format!("https://b.example{WELL_KNOWN}/mcp"));
    assert_eq!(send(app, absolute).await.challenges(), [expected]);
}

#[tokio::test]
async fn copy_at_the_root_is_of_a_resource_that_has_one() {
    let first = resource("https://a.example/mcp").only_at_its_path();
    let second = resource("https://a.example/sse");
    let app = recorder().0.layer(McpAuthLayer::bearer("tok").resource(first).resource(second));
    let response = send(app, get(WELL_KNOWN, &[])).await;
    assert_eq!(response.body, document("https://a.example/sse"));
}

#[tokio::test]
async fn the_origin_itself_precedes_copies_at_the_root() {
    let app = recorder().0.layer(layer(&["https://a.example/mcp", "https://a.example"]));
    let response = send(app.clone(), get(WELL_KNOWN, &[])).await;
    assert_eq!(response.body, document("https://a.example"));
    let response = send(app, get("/other", &[])).await;
    assert_eq!(response.challenges(), [challenge(&format!("https://a.example{WELL_KNOWN}"))]);
}

#[tokio::test]
async fn many_resources_are_told_apart() {
    let urls: Vec<_> = (0..2_000).map(|index| format!("https://a.example/mcp/{index}")).collect();
    let urls: Vec<_> = urls.iter().map(String::as_str).collect();
    let app = recorder().0.layer(layer(&urls));
    for index in [0, 1, 999, 1_999] {
        let path = format!("/mcp/{index}");
        let expected = challenge(&format!("https://a.example{WELL_KNOWN}{path}"));
        assert_eq!(send(app.clone(), get(&path, &[])).await.challenges(), [expected]);
        let response = send(app.clone(), get(&format!("{WELL_KNOWN}{path}"), &[])).await;
        assert_eq!(response.body, document(urls[index]));
    }
}
