//! Requests without a client IP, and those whose proxy is not trusted.

use super::*;

#[tokio::test]
async fn unknown_client_address_is_503_unless_allowed() {
    let tokens = || Bearer::new([("ci", "right")]).unwrap();
    let limited = app(tokens(), small_limits());
    assert_eq!(status(&limited, "none", "Bearer right").await, 503);
    assert_eq!(status(&limited, "192.0.2.1", "Bearer right").await, 200);
    let unlimited = app(tokens(), small_limits().no_address_limit());
    for _ in 0..10 {
        assert_eq!(status(&unlimited, "none", "Bearer wrong").await, 401);
    }
    assert_eq!(status(&unlimited, "none", "Bearer right").await, 200);
}

#[tokio::test]
async fn forwarded_header_of_an_untrusted_proxy_is_logged_once() {
    let (log, _guard) = Log::start(LevelFilter::WARN);
    let from = MockConnectInfo(SocketAddr::from(([127, 0, 0, 1], 4711)));
    let warnings_for = async |limit: RateLimit, field: &str| {
        let app = app(users(), limit).layer(from);
        for _ in 0..3 {
            let valid = basic("alice", "a");
            let fields = [("authorization", &*valid), (field, "192.0.2.1")];
            assert_eq!(send(app.clone(), get("/", &fields)).await.status, 200);
        }
        log.lines()
    };
    for field in ["x-forwarded-for", "forwarded"] {
        let lines = warnings_for(RateLimit::default(), field).await;
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].contains("WARN") && lines[0].contains("trusted_proxies"), "{lines:?}");
    }
    let trusted = ClientIp::peer().trusted_proxies(["127.0.0.1"]).unwrap();
    assert!(warnings_for(RateLimit::by(trusted), "x-forwarded-for").await.is_empty());
    assert!(warnings_for(RateLimit::default(), "x-other").await.is_empty());
}
