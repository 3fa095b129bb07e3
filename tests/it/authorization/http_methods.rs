//! Bodies are read whatever the HTTP method is, and no other protocol takes the place of HTTP.

use axum::Router;
use http::StatusCode;

use super::*;

/// Cases 88 to 90.
#[tokio::test]
async fn bodies_are_read_whatever_the_http_method_is() {
    let app = app();
    for method in ["POST", "GET", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY"] {
        let method: Method = method.parse().unwrap();
        app.passes(sent(tool("search")).method(method.clone())).await;
        let refused = sent(tool("delete")).method(method.clone());
        app.refuses(refused, INVALID_PARAMS, &may_not_call("delete")).await;
        let form = sent("name=delete").method(method);
        let form = form.with("content-type", "application/x-www-form-urlencoded");
        app.rejects(form, 415, INVALID_REQUEST).await;
    }
    for field in ["x-http-method-override", "x-method-override", "x-http-method"] {
        for method in ["GET", "DELETE", "PUT"] {
            app.passes(sent(tool("search")).with(field, method)).await;
            let refused = sent(tool("delete")).with(field, method);
            app.refuses(refused, INVALID_PARAMS, &may_not_call("delete")).await;
        }
    }
}

/// Case 91.
#[tokio::test]
async fn requests_without_a_body_pass_by_methods_that_need_none() {
    let app = app();
    for method in [Method::GET, Method::HEAD, Method::DELETE, Method::OPTIONS] {
        app.passes(sent("").method(method.clone())).await;
        app.passes(sent("").method(method).without("content-type")).await;
    }
    for method in [Method::POST, Method::PUT, Method::PATCH] {
        app.rejects(sent("").method(method.clone()), 400, PARSE_ERROR).await;
        app.rejects(sent(" ").method(method), 400, PARSE_ERROR).await;
    }
}

#[tokio::test]
async fn bodies_are_read_whatever_the_path_is() {
    let app = app();
    for target in ["/mcp", "/", "/mcp/", "/upload", "/mcp?x=1", "//mcp", "/%6dcp"] {
        app.passes(sent(tool("search")).to(target)).await;
        let refused = sent(tool("delete")).to(target);
        app.refuses(refused, INVALID_PARAMS, &may_not_call("delete")).await;
    }
}

/// Responds 101 if it is asked to upgrade, and to `/anyway`.
fn upgrading(layer: McpAuthLayer<BoxAuthenticator>) -> Router {
    async fn upgrade(request: Request) -> Response {
        if request.headers().contains_key("upgrade") || request.uri().path() == "/anyway" {
            StatusCode::SWITCHING_PROTOCOLS.into_response()
        } else {
            "no upgrade".into_response()
        }
    }
    Router::new().fallback(upgrade).layer(layer)
}

fn websocket(user: &str, path: &str) -> Request {
    let request = sent("").method(Method::GET).by(user).to(path);
    request.with("upgrade", "websocket").with("connection", "upgrade").request()
}

/// Cases 92 and 93.
#[tokio::test]
async fn only_unrestricted_principals_upgrade_to_another_protocol() {
    let app = upgrading(layer().authorize(policy_without_deny()));
    let status = async |user, path| {
        let response = send(app.clone(), websocket(user, path)).await;
        (response.status.as_u16(), response.body)
    };
    assert_eq!(status(ALICE, "/mcp").await.0, 101);
    assert_eq!(status(ALICE, "/anyway").await.0, 101);
    assert_eq!(status(CI, "/mcp").await, (200, "no upgrade".to_owned()));
    assert_eq!(status(CI, "/anyway").await.0, 502);
    // A deny rule restricts everyone that it is for.
    let app = upgrading(layer().authorize(policy()));
    assert_eq!(send(app, websocket(ALICE, "/anyway")).await.status, 502);
    let app = upgrading(layer());
    assert_eq!(send(app, websocket(CI, "/mcp")).await.status, 101);
}

#[tokio::test]
async fn only_unrestricted_principals_may_connect() {
    let app = App::with_policy(policy_without_deny());
    let connect = |user| sent("").method(Method::CONNECT).by(user).to("http://localhost/mcp");
    app.passes(connect(ALICE)).await;
    assert_eq!(app.not_forwarded(&connect(CI), 400).await.status, 400);
}
