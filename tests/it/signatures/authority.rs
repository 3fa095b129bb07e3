//! The authority that a signature is verified against: loopback names, configured names, and never
//! only what the request claims.

use mcp_auth_layer::auth::{AuthenticatorExt, Host};
use mcp_auth_layer::schemes::Authority;
use mcp_auth_layer::{Bearer, McpAuthLayer, Rejection, any_of};

use super::{hmac, verify};
use crate::support::forged_request::Forged;
use crate::support::{recorder, send};

#[tokio::test]
async fn authority_is_a_loopback_or_configured_name() {
    let host = |host: &str| Forged::get().without_header("host").with_header("host", host);
    let sent_to = |forged: Forged, host: &str| {
        let mut request = forged.request();
        request.headers_mut().insert("host", host.parse().unwrap());
        request
    };
    let local = |to: &str| sent_to(host("localhost"), to);
    assert_eq!(verify(hmac(), local("LocalHost:80")).await.status, 200);
    assert_eq!(verify(hmac(), local("localhost:443")).await.status, 401);
    assert_eq!(verify(hmac(), local("evil.example")).await.status, 401);
    let tls = hmac().https();
    assert_eq!(verify(tls, local("localhost:443")).await.status, 200);

    let known_as = || {
        hmac()
            .authority(Authority::from_static("b.example"))
            .authority(Authority::from_static("Tools.Example"))
    };
    assert_eq!(
        verify(known_as(), sent_to(host("tools.example"), "10.0.0.7:8000")).await.status,
        200
    );
    assert_eq!(verify(known_as(), sent_to(host("b.example"), "10.0.0.7:8000")).await.status, 200);
    let other = sent_to(host("10.0.0.7:8000"), "10.0.0.7:8000");
    assert_eq!(verify(known_as(), other).await.status, 401);

    // If `Host` is one of the configured names, only that name is accepted.
    assert_eq!(verify(known_as(), sent_to(host("b.example"), "b.example")).await.status, 200);
    assert_eq!(verify(known_as(), sent_to(host("b.example"), "tools.example")).await.status, 401);
    let mut two = sent_to(host("b.example"), "10.0.0.7:8000");
    two.headers_mut().append("host", "10.0.0.8:8000".parse().unwrap());
    assert_eq!(verify(known_as(), two).await.status, 400);

    let mut forwarded = sent_to(host("tools.example"), "10.0.0.7:8000");
    forwarded.headers_mut().insert("x-forwarded-host", "tools.example".parse().unwrap());
    assert_eq!(verify(hmac(), forwarded).await.status, 401);

    let mut absolute = host("localhost").request();
    *absolute.uri_mut() = "http://localhost/mcp?a=1".parse().unwrap();
    assert_eq!(verify(hmac(), absolute).await.status, 200);
    // The scheme in the request line does not change which port is the default.
    let mut other_port = local("localhost:443");
    *other_port.uri_mut() = "https://localhost:443/mcp?a=1".parse().unwrap();
    assert_eq!(verify(hmac(), other_port).await.status, 401);
    let mut differing = host("tools.example").request();
    *differing.uri_mut() = "http://evil.example/mcp?a=1".parse().unwrap();
    assert_eq!(verify(hmac(), differing).await.status, 400);
    let mut nowhere = host("tools.example").request();
    nowhere.headers_mut().remove("host");
    assert_eq!(verify(hmac(), nowhere).await.status, 400);
}

/// Servers may share a key, so the authority must not be taken from the request alone.
#[tokio::test]
async fn signatures_for_another_server_are_rejected() {
    let host = |host: &str| Forged::get().without_header("host").with_header("host", host);
    for (name, expected) in [
        ("another-server.example", 401),
        ("localhost.evil.example", 401),
        ("127.0.0.1:8000", 200),
        ("[::1]:8000", 200),
        ("localhost", 200),
    ] {
        assert_eq!(verify(hmac(), host(name).request()).await.status, expected, "{name}");
    }
    // The cause is logged, but not sent.
    let rejected = verify(hmac(), host("another-server.example").request()).await;
    let rejection = format!("{:?}", rejected.extensions.get::<Rejection>().unwrap());
    assert!(rejection.contains("HttpSignature::authority") && !rejected.body.contains("authority"));
    // The host names of the layer apply to signatures too.
    let named = async |name: &str| {
        let layer = McpAuthLayer::new(any_of((hmac(), Bearer::new([("a", "b")]).unwrap())).boxed());
        let app = recorder().0.layer(layer.host(Host::from_static("tools.example.com")));
        send(app, host(name).request()).await.status.as_u16()
    };
    assert_eq!(named("tools.example.com").await, 200);
    assert_eq!(named("tools.example.com:8443").await, 200);
    assert_eq!(named("other.example.com").await, 401);
    // A name with the default port equals the name without a port.
    let with_port =
        McpAuthLayer::new(hmac().https()).host(Host::from_static("tls.example.com:443"));
    let signed = host("tls.example.com");
    assert_eq!(send(recorder().0.layer(with_port), signed.request()).await.status, 200);
    let known = || hmac().authority(Authority::from_static("tools.example.com"));
    assert_eq!(verify(known(), host("tools.example.com").request()).await.status, 200);
    assert_eq!(verify(known(), host("other.example.com").request()).await.status, 401);
}
