//! Where the layer can be placed, and which requests it protects there.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{Method, header};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::{get as on_get, post as on_post};
use axum::{Router, ServiceExt};
use mcp_auth_layer::layer::{ExactPath, Origin};
use mcp_auth_layer::{Bearer, McpAuthLayer, Principal};
use rmcp::ServerHandler;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use tokio::net::TcpListener;
use tower::{Layer, ServiceBuilder};
use tower_http::cors::CorsLayer;
use tower_http::limit::RequestBodyLimitLayer;

use crate::support::{get, request, send};

const TOKEN: (&str, &str) = ("authorization", "Bearer tok");

fn layer() -> McpAuthLayer<Bearer> {
    McpAuthLayer::bearer("tok")
}

async fn whoami(principal: Principal) -> String {
    principal.name().to_owned()
}

async fn status(app: &Router, method: Method, path: &str, fields: &[(&str, &str)]) -> u16 {
    send(app.clone(), request(method, path, fields)).await.status.as_u16()
}

#[tokio::test]
async fn router_layer_protects_existing_routes_and_the_fallback() {
    let app = Router::new().route("/sse", on_get(whoami)).layer(layer());
    assert_eq!(status(&app, Method::GET, "/sse", &[]).await, 401);
    assert_eq!(send(app.clone(), get("/sse", &[TOKEN])).await.body, "bearer");
    assert_eq!(status(&app, Method::POST, "/sse", &[]).await, 401);
    assert_eq!(status(&app, Method::POST, "/sse", &[TOKEN]).await, 405);
    assert_eq!(status(&app, Method::GET, "/nowhere", &[]).await, 401);
    assert_eq!(status(&app, Method::GET, "/nowhere", &[TOKEN]).await, 404);
}

#[tokio::test]
async fn routes_added_later_are_protected_by_wrapping_the_app() {
    let open = || async { "open" };
    let app = Router::new()
        .route("/sse", on_get(whoami))
        .layer(layer())
        .route("/messages/", on_post(open));
    assert_eq!(status(&app, Method::POST, "/messages/", &[]).await, 200);

    let protected = layer().layer(app);
    assert_eq!(send(protected.clone(), request(Method::POST, "/messages/", &[])).await.status, 401);
    let accepted = request(Method::POST, "/messages/", &[TOKEN]);
    assert_eq!(send(protected, accepted).await.body, "open");
}

#[tokio::test]
async fn route_layer_does_not_protect_the_fallback() {
    let app = Router::new().route("/mcp", on_get(whoami)).route_layer(layer());
    assert_eq!(status(&app, Method::GET, "/mcp", &[]).await, 401);
    assert_eq!(status(&app, Method::DELETE, "/mcp", &[]).await, 401);
    assert_eq!(status(&app, Method::GET, "/mcp", &[TOKEN]).await, 200);
    assert_eq!(status(&app, Method::GET, "/nowhere", &[]).await, 404);
}

#[tokio::test]
async fn single_method_can_be_protected() {
    let open = || async { "open" };
    let app = Router::new().route("/mcp", on_post(whoami).layer(layer()).get(open));
    assert_eq!(status(&app, Method::POST, "/mcp", &[]).await, 401);
    assert_eq!(status(&app, Method::POST, "/mcp", &[TOKEN]).await, 200);
    assert_eq!(status(&app, Method::GET, "/mcp", &[]).await, 200);
}

#[tokio::test]
async fn layer_works_inside_nested_routers() {
    let inner = Router::new().route("/messages/", on_post(whoami)).layer(layer());
    let app = Router::new().nest("/api", inner).route("/", on_get(|| async { "outside" }));
    assert_eq!(status(&app, Method::GET, "/", &[]).await, 200);
    assert_eq!(status(&app, Method::POST, "/api/messages/", &[]).await, 401);
    assert_eq!(status(&app, Method::POST, "/api/messages/", &[TOKEN]).await, 200);

    // The public path is matched against the path inside the nested router.
    let inner = Router::new().route("/health", on_get(|| async { "ok" }));
    let left = Router::new()
        .nest("/api", inner.clone().layer(layer().public_path(ExactPath::from_static("/health"))));
    assert_eq!(status(&left, Method::GET, "/api/health", &[]).await, 200);
    let whole = Router::new()
        .nest("/api", inner.layer(layer().public_path(ExactPath::from_static("/api/health"))));
    assert_eq!(status(&whole, Method::GET, "/api/health", &[]).await, 401);

    let service = Router::new().route("/", on_get(whoami));
    let app = Router::new().nest_service("/mcp", layer().layer(service));
    assert_eq!(status(&app, Method::GET, "/mcp", &[]).await, 401);
    assert_eq!(send(app, get("/mcp", &[TOKEN])).await.body, "bearer");
}

#[tokio::test]
async fn layer_combines_with_others_in_a_service_builder() {
    // `axum::middleware::from_fn` accepts only `Request<axum::body::Body>`.
    async fn inside(request: Request, next: Next) -> Response {
        assert!(request.extensions().get::<Principal>().is_some());
        assert!(!request.headers().contains_key(header::AUTHORIZATION));
        next.run(request).await
    }
    let stack = ServiceBuilder::new()
        .layer(RequestBodyLimitLayer::new(5))
        .layer(layer())
        .layer(from_fn(inside));
    let echo = |body: String| async { body };
    let app = Router::new().route("/mcp", on_post(echo)).layer(stack);

    let post = |body: &'static str, fields: &[(&str, &str)]| {
        request(Method::POST, "/mcp", fields).map(|_| Body::from(body))
    };
    assert_eq!(send(app.clone(), post("12345", &[TOKEN])).await.body, "12345");
    assert_eq!(send(app.clone(), post("123456", &[TOKEN])).await.status, 413);
    assert_eq!(send(app, post("12345", &[])).await.status, 401);
}

#[tokio::test]
async fn outer_cors_layer_lets_pages_read_responses() {
    let name = header::HeaderName::from_static;
    let cors = CorsLayer::new()
        .allow_origin(["http://localhost:6274".parse().unwrap()])
        .allow_methods([Method::GET, Method::POST, Method::DELETE])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            name("mcp-session-id"),
            name("mcp-protocol-version"),
            name("last-event-id"),
        ])
        .expose_headers([name("mcp-session-id"), header::WWW_AUTHENTICATE]);
    let app = Router::new().route("/mcp", on_post(whoami));
    let app =
        app.layer(layer().allow_origin(Origin::from_static("http://localhost:6274"))).layer(cors);

    let origin = ("origin", "http://localhost:6274");
    let requested_method = ("access-control-request-method", "POST");
    let host = ("host", "localhost:8000");
    let preflight =
        send(app.clone(), request(Method::OPTIONS, "/mcp", &[origin, requested_method])).await;
    assert_eq!(preflight.status, 200);
    assert_eq!(preflight.headers["access-control-allow-origin"], origin.1);
    let allowed = preflight.headers["access-control-allow-headers"].to_str().unwrap();
    assert!(allowed.contains("authorization") && allowed.contains("mcp-session-id"));

    for (fields, status) in [(vec![host, origin], 401), (vec![host, origin, TOKEN], 200)] {
        let response = send(app.clone(), request(Method::POST, "/mcp", &fields)).await;
        assert_eq!(response.status, status);
        assert_eq!(response.headers["access-control-allow-origin"], origin.1);
        let exposed = response.headers["access-control-expose-headers"].to_str().unwrap();
        assert!(exposed.contains("www-authenticate") && exposed.contains("mcp-session-id"));
    }
    let foreign = request(Method::POST, "/mcp", &[("origin", "http://evil.example"), TOKEN]);
    let response = send(app, foreign).await;
    assert_eq!(response.status, 403);
    assert!(!response.headers.contains_key("access-control-allow-origin"));
}

#[derive(Clone)]
struct Handler;

impl ServerHandler for Handler {}

const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"t","version":"0"}}}"#;

#[tokio::test]
async fn rmcp_service_under_hyper_is_protected_with_http_1_and_2() {
    let mcp = StreamableHttpService::new(
        || Ok(Handler),
        Arc::new(LocalSessionManager::default()),
        StreamableHttpServerConfig::default(),
    );
    let service = hyper_util::service::TowerToHyperService::new(layer().layer(mcp));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let service = service.clone();
            tokio::spawn(async move {
                let executor = hyper_util::rt::TokioExecutor::new();
                hyper_util::server::conn::auto::Builder::new(executor)
                    .serve_connection(hyper_util::rt::TokioIo::new(socket), service)
                    .await
            });
        }
    });

    for (version, client) in [
        (http::Version::HTTP_11, reqwest::Client::builder().http1_only()),
        (http::Version::HTTP_2, reqwest::Client::builder().http2_prior_knowledge()),
    ] {
        let client = client.build().unwrap();
        for (authorization, expected) in
            [(None, 401), (Some("Bearer no"), 401), (Some("Bearer tok"), 200)]
        {
            let mut post = client
                .post(&url)
                .header("accept", "application/json, text/event-stream")
                .header("content-type", "application/json")
                .body(INITIALIZE);
            if let Some(value) = authorization {
                post = post.header("authorization", value);
            }
            let response = post.send().await.unwrap();
            assert_eq!((response.version(), response.status().as_u16()), (version, expected));
            assert_eq!(response.headers().contains_key("mcp-session-id"), expected == 200);
        }
    }
}

#[tokio::test]
async fn wrapped_app_can_be_served_by_axum() {
    let app = layer().layer(Router::new().route("/", on_get(whoami)));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        axum::serve(listener, ServiceExt::<Request>::into_make_service(app)).await
    });
    assert_eq!(reqwest::get(&url).await.unwrap().status(), 401);
    let accepted = reqwest::Client::new().get(&url).header(TOKEN.0, TOKEN.1).send().await.unwrap();
    assert_eq!(accepted.text().await.unwrap(), "bearer");
}
