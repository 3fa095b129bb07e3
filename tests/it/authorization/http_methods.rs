//! Bodies are read whatever the HTTP method is, and no other protocol takes the place of HTTP.

use axum::Router;
use http::StatusCode;
use mcp_auth_layer::testing;

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

/// A layer for one user, whose credential does not expire: others cannot upgrade anyway.
fn layer_of(name: &str) -> McpAuthLayer<BoxAuthenticator> {
    McpAuthLayer::new(testing::always(name).boxed())
}

fn websocket(path: &str) -> Request {
    let request = sent("").method(Method::GET).to(path);
    request.with("upgrade", "websocket").with("connection", "upgrade").request()
}

/// Cases 92 and 93.
#[tokio::test]
async fn only_unrestricted_principals_upgrade_to_another_protocol() {
    for (name, policy, statuses) in [
        ("alice", policy_without_deny(), [101, 101]),
        ("ci", policy_without_deny(), [200, 502]),
        ("alice", policy(), [200, 502]), // a deny rule restricts everyone that it is for
    ] {
        let app = upgrading(layer_of(name).authorize(policy));
        for (path, status) in ["/mcp", "/anyway"].into_iter().zip(statuses) {
            let response = send(app.clone(), websocket(path)).await;
            assert_eq!(response.status, status, "{name} {path}");
        }
    }
    for path in ["/mcp", "/anyway"] {
        assert_eq!(send(upgrading(layer_of("ci")), websocket(path)).await.status, 101);
    }
}

#[tokio::test]
async fn only_unrestricted_principals_may_connect() {
    let connect = sent("").method(Method::CONNECT).to("http://localhost/mcp");
    App::new(layer_of("alice").authorize(policy_without_deny())).passes(connect.clone()).await;
    let of_ci = App::new(layer_of("ci").authorize(policy_without_deny()));
    of_ci.not_forwarded(&connect, 400).await;
}
