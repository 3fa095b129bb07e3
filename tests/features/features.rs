//! Each feature alone serves a request: `cargo hack test --each-feature` runs these tests with one feature
//! after the other, with none and with all.

#![allow(dead_code, unused_imports, reason = "what a test needs is here without it, too")]

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use mcp_auth_layer::rate_limit::{ClientIp, RateLimit};
use mcp_auth_layer::{Authenticator, Basic, Bearer, McpAuthLayer, any_of};
use tower::{Layer, ServiceExt, service_fn};

type Body = Full<Bytes>;

const ALICE: (&str, &str) = ("authorization", "Basic YWxpY2U6Y29ycmVjdCBob3JzZQ=="); // alice:correct horse
const WRONG: (&str, &str) = ("authorization", "Basic YWxpY2U6d3Jvbmc="); // alice:wrong
const TOKEN: (&str, &str) = ("authorization", "Bearer token-of-the-ci");

fn request(header: Option<(&str, &str)>) -> Request<Body> {
    let mut request = Request::post("/mcp").header("host", "localhost");
    request = request.header("content-type", "application/json");
    if let Some((name, value)) = header {
        request = request.header(name, value);
    }
    request.body(Body::from("{}")).unwrap()
}

/// The status of the response, where the inner service answers 200 to every request.
async fn status<A: Authenticator>(layer: &McpAuthLayer<A>, request: Request<Body>) -> StatusCode {
    let inner = service_fn(|_| async { Ok::<_, Infallible>(Response::new(Body::default())) });
    layer.layer(inner).oneshot(request).await.unwrap().status()
}

/// Creates a file of credentials that only its owner may read.
fn file(content: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&file, content).unwrap();
    file
}

#[test]
fn every_feature_has_a_test() {
    let features = |manifest: &str| {
        let lines = manifest.split("[features]\n").nth(1).unwrap().lines();
        let lines = lines.take_while(|line| !line.starts_with('['));
        lines
            .filter(|line| line.contains('=') && !line.starts_with('#'))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let here = features(include_str!("Cargo.toml")).concat();
    for feature in features(include_str!("../../Cargo.toml")) {
        let name = feature.split(' ').next().unwrap();
        let is_tested = here.contains(&format!("\"mcp-auth-layer/{name}\""));
        assert!(name == "default" || is_tested, "feature `{name}` has no test");
    }
}

#[tokio::test]
async fn no_feature() {
    let basic = Basic::new([("alice", "correct horse")]).unwrap();
    let bearer = Bearer::new([("ci", "token-of-the-ci")]).unwrap();
    let layer = McpAuthLayer::new(any_of((basic, bearer)));
    assert_eq!(status(&layer, request(Some(ALICE))).await, 200);
    assert_eq!(status(&layer, request(Some(TOKEN))).await, 200);
    assert_eq!(status(&layer, request(Some(WRONG))).await, 401);
    assert_eq!(status(&layer, request(None)).await, 401);
}

#[cfg(feature = "axum")]
#[tokio::test]
async fn axum_provides_the_peer_address() {
    let layer = McpAuthLayer::basic("alice", "correct horse").rate_limit(RateLimit::default());
    assert_eq!(status(&layer, request(Some(ALICE))).await, 503, "the address is unknown");
    let peer = axum::extract::ConnectInfo(SocketAddr::from(([192, 0, 2, 1], 1024)));
    let with_peer = |header| {
        let mut request = request(Some(header));
        request.extensions_mut().insert(peer);
        request
    };
    assert_eq!(status(&layer, with_peer(ALICE)).await, 200);
    assert_eq!(status(&layer, with_peer(WRONG)).await, 401);
}

#[cfg(feature = "files")]
#[tokio::test]
async fn files_hold_tokens() {
    const SHA256: &str = "fa96babb7e75c98696194e2dd669f989af55cace189929249f62015558d6088a";
    let file = file(&format!("ci sha256:{SHA256}\n"));
    let layer = McpAuthLayer::new(Bearer::from_file(&file).unwrap());
    assert_eq!(status(&layer, request(Some(TOKEN))).await, 200);
    assert_eq!(status(&layer, request(None)).await, 401);
}

#[cfg(all(feature = "files", feature = "hmac"))]
#[tokio::test]
async fn files_and_hmac_hold_keys() {
    use mcp_auth_layer::HttpSignature;
    let file = file("ci base64:BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n");
    let layer = McpAuthLayer::new(HttpSignature::from_file(&file).unwrap());
    assert_eq!(status(&layer, signed()).await, 200);
    assert_eq!(status(&layer, request(None)).await, 401);
}

#[cfg(feature = "htpasswd")]
#[tokio::test]
async fn htpasswd_file_holds_users() {
    let file = file("alice:$2y$04$EX2MffrdQhSopd.EarAwA.DLXcx3T/YxLrAnsmMAn7.lXuTtepprO\n");
    let client = ClientIp::from_fn(|_| Some(IpAddr::V4(Ipv4Addr::LOCALHOST)));
    let users = mcp_auth_layer::schemes::HtpasswdFile::open(&file).unwrap();
    let layer = McpAuthLayer::new(users).rate_limit(RateLimit::by(client));
    assert_eq!(status(&layer, request(Some(ALICE))).await, 200);
    assert_eq!(status(&layer, request(Some(WRONG))).await, 401);
}

/// A request that the key `ci` signed.
#[cfg(feature = "hmac")]
fn signed() -> Request<Body> {
    let mut request = request(None).map(|_| "{}");
    mcp_auth_layer::schemes::Signer::new("ci", [7; 32]).unwrap().sign(&mut request).unwrap();
    request.map(Body::from)
}

#[cfg(feature = "hmac")]
#[tokio::test]
async fn hmac_accepts_a_signed_request_once() {
    let layer = McpAuthLayer::hmac("ci", [7; 32]);
    let signed = signed();
    assert_eq!(status(&layer, signed.clone()).await, 200);
    assert_eq!(status(&layer, signed).await, 401);
}

/// A key, and a token that it signed, which is valid until the year 2100.
const JWKS: &str =
    r#"{"keys":[{"crv":"Ed25519","x":"lcfAdthjwLUre0mtMzb2bDboF45175aj1luzI1DwRms","kty":"OKP"}]}"#;
const ACCESS_TOKEN: &str = concat!(
    "Bearer ",
    "eyJhbGciOiJFZERTQSIsInR5cCI6ImF0K2p3dCJ9.",
    "eyJpc3MiOiJodHRwczovL2lkLmV4YW1wbGUuY29tIiwiYXVkIjoiaHR0cHM6Ly9tY3AuZXhhbXBsZS5jb20vbWNwIiwic3ViIjoiYWxpY2UiLCJleHAiOjQxMDI0NDQ4MDB9.",
    "PkEXn6tmDdeTYUbvG0zuK9F5wZ708toZHxC2q1xGw9oRV8F9eU-94V4H_nPQlmi5nQyoxRKqmiK5_bmXlLCbDg",
);

#[cfg(feature = "oauth")]
#[tokio::test]
async fn oauth_accepts_a_token_for_its_audience() {
    use mcp_auth_layer::Jwt;
    for (audience, expected) in [
        ("https://mcp.example.com/mcp", StatusCode::OK),
        ("https://b.example", StatusCode::UNAUTHORIZED),
    ] {
        let tokens = Jwt::with_keys("https://id.example.com", audience, JWKS).unwrap();
        let layer = McpAuthLayer::new(tokens);
        assert_eq!(status(&layer, request(Some(("authorization", ACCESS_TOKEN)))).await, expected);
    }
}

#[cfg(feature = "oauth")]
#[tokio::test]
async fn oauth_receives_signals_with_revocations_alone() {
    use mcp_auth_layer::Jwt;
    use mcp_auth_layer::layer::ExactPath;
    use mcp_auth_layer::revocation::Revocations;
    use mcp_auth_layer::signals::Transmitter;
    use mcp_auth_layer::stores::{MemoryRevocationStore, StoreKey};
    let (issuer, audience) = ("https://id.example.com", "https://mcp.example.com/mcp");
    let event = || {
        let mut request = request(None);
        *request.uri_mut() = "/events".parse().unwrap();
        let event = http::HeaderValue::from_static("application/secevent+jwt");
        request.headers_mut().insert("content-type", event);
        request
    };
    let transmitter = Transmitter::with_keys(issuer, audience, JWKS).unwrap();
    let layer = McpAuthLayer::new(Jwt::with_keys(issuer, audience, JWKS).unwrap())
        .security_events(ExactPath::from_static("/events"), transmitter);
    assert_eq!(status(&layer, event()).await, 503);
    let store = MemoryRevocationStore::new();
    let revocations = Revocations::start(store, StoreKey::from([7; 32])).await.unwrap();
    assert_eq!(status(&layer.revocations(revocations), event()).await, 400);
}

#[cfg(all(feature = "oauth", feature = "files"))]
#[tokio::test]
async fn oauth_and_files_hold_keys() {
    use mcp_auth_layer::Jwt;
    let file = file(JWKS);
    let tokens = Jwt::with_key_file("https://id.example.com", "https://mcp.example.com/mcp", &file);
    let layer = McpAuthLayer::new(tokens.unwrap());
    assert_eq!(status(&layer, request(Some(("authorization", ACCESS_TOKEN)))).await, 200);
}

#[cfg(feature = "oauth-http")]
#[tokio::test]
async fn oauth_http_is_unavailable_without_its_issuer() {
    // The port is bound and does not listen.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let issuer = format!("http://{}", socket.local_addr().unwrap());
    let layer = McpAuthLayer::oauth("https://mcp.example.com/mcp", &*issuer);
    assert_eq!(status(&layer, request(None)).await, 401);
    assert_eq!(status(&layer, request(Some(("authorization", ACCESS_TOKEN)))).await, 401);
    let tokens = mcp_auth_layer::Jwt::with_jwks_url(
        "https://id.example.com",
        "https://mcp.example.com/mcp",
        format!("https://{}/keys", socket.local_addr().unwrap()),
    );
    let layer = McpAuthLayer::new(tokens.unwrap());
    assert_eq!(status(&layer, request(Some(("authorization", ACCESS_TOKEN)))).await, 503);
}

#[cfg(feature = "policy")]
#[tokio::test]
async fn policy_files_say_who_may_do_what() {
    use mcp_auth_layer::policy::{Authorizer, Call, PolicyFile, Target};
    let file = file("[[allow]]\nprincipals = ['ci']\ntools = ['search']\n");
    let policy = PolicyFile::open(&file).unwrap();
    for (name, expected) in [("ci", true), ("alice", false)] {
        let call = Call::new("tools/call").with_target(Target::tool("search"));
        let decision = policy.authorize(&mcp_auth_layer::Principal::new(name), &call).await;
        assert_eq!(decision.is_allowed(), expected, "{name}");
    }
}

#[cfg(feature = "metrics")]
#[tokio::test]
async fn metrics_count_requests() {
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let metrics = recorder.handle();
    let _guard = metrics::set_default_local_recorder(&recorder);
    let layer = McpAuthLayer::basic("alice", "correct horse");
    assert_eq!(status(&layer, request(Some(ALICE))).await, 200);
    for line in ["# HELP mcp_auth_requests_total ", "mcp_auth_requests_total{"] {
        assert!(metrics.render().contains(line), "{line}: {}", metrics.render());
    }
}

#[cfg(feature = "rmcp")]
#[tokio::test]
async fn rmcp_tools_take_the_principal() {
    use rmcp::transport::streamable_http_server::{
        StreamableHttpServerConfig, StreamableHttpService,
    };

    struct Tools;

    #[rmcp::tool_router(server_handler)]
    impl Tools {
        #[rmcp::tool(description = "Returns the caller's name")]
        async fn whoami(&self, caller: mcp_auth_layer::Principal) -> String {
            caller.name().to_owned()
        }
    }

    let config = StreamableHttpServerConfig::default();
    let config = config.with_legacy_session_mode(false).with_json_response(true);
    let sessions =
        rmcp::transport::streamable_http_server::session::local::LocalSessionManager::default();
    let mcp = StreamableHttpService::new(|| Ok(Tools), sessions.into(), config);
    let app = McpAuthLayer::basic("alice", "correct horse").layer(mcp);

    let call = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"whoami"}}"#;
    let call = Request::post("/mcp")
        .header("host", "localhost")
        .header("accept", "application/json, text/event-stream")
        .header("content-type", "application/json")
        .header(ALICE.0, ALICE.1)
        .body(Body::from(call))
        .unwrap();
    let response = app.oneshot(call).await.unwrap();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert!(body.escape_ascii().to_string().contains("alice"), "{body:?}");
}

#[cfg(feature = "rmcp-client")]
#[tokio::test]
async fn rmcp_client_signs_its_requests() {
    use rmcp::ServiceExt as _;
    use rmcp::transport::StreamableHttpClientTransport;
    use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
    use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
    use rmcp::transport::streamable_http_server::{
        StreamableHttpServerConfig, StreamableHttpService,
    };

    struct Server;
    impl rmcp::ServerHandler for Server {}

    let config = StreamableHttpServerConfig::default();
    let mcp =
        StreamableHttpService::new(|| Ok(Server), LocalSessionManager::default().into(), config);
    let app =
        axum::Router::new().route_service("/mcp", mcp).layer(McpAuthLayer::hmac("ci", [7; 32]));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap());
    tokio::spawn(axum::serve(listener, app).into_future());

    let signer = mcp_auth_layer::schemes::Signer::new("ci", [7; 32]).unwrap();
    let client = mcp_auth_layer::schemes::SigningClient::new(signer).unwrap();
    let config = StreamableHttpClientTransportConfig::with_uri(url);
    let session =
        ().serve(StreamableHttpClientTransport::with_client(client, config)).await.unwrap();
    assert!(session.peer_info().is_some());
}

#[cfg(feature = "redis")]
#[tokio::test]
async fn redis_that_is_away_is_an_error_without_the_password() {
    use mcp_auth_layer::stores::{RedisError, RedisStore, StoreKey};

    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("redis://:correct-horse@127.0.0.1:{port}");
    let error = RedisStore::connect(url, StoreKey::from([7; 32])).await.unwrap_err();
    assert!(matches!(error, RedisError::Unreachable { .. }), "{error:?}");
    assert!(!format!("{error} {error:?}").contains("correct-horse"), "{error:?}");
}

#[cfg(feature = "redis")]
#[tokio::test]
async fn redis_over_tls_needs_its_feature() {
    use mcp_auth_layer::stores::{RedisError, RedisStore, StoreKey};

    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("rediss://127.0.0.1:{port}");
    let error = RedisStore::connect(url, StoreKey::from([7; 32])).await.unwrap_err();
    let is_expected = if cfg!(feature = "redis-tls") {
        matches!(error, RedisError::Unreachable { .. })
    } else {
        matches!(error, RedisError::NoTls)
    };
    assert!(is_expected, "{error:?}");
}
