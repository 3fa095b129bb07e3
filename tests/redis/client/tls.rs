//! Connections over TLS. The program installs no provider of cryptography.

use mcp_auth_layer::stores::{RedisError, RedisStore};

use crate::process::{KEY, Process, SKEW};
use crate::support::{Certificates, RedisServer, free_port};

const LOOPBACK: &str = "IP:127.0.0.1";

/// A server with this certificate, and its URL.
async fn start(certificates: &Certificates) -> (RedisServer, String) {
    let port = free_port();
    let file = |name| certificates.path(name).display().to_string();
    let server = RedisServer::start(&[
        ("tls-port", &port.to_string()),
        ("tls-cert-file", &file("server.pem")),
        ("tls-key-file", &file("server.key")),
        ("tls-ca-cert-file", &file("ca.pem")),
        ("tls-auth-clients", "no"),
    ])
    .await;
    (server, format!("rediss://127.0.0.1:{port}"))
}

async fn connect(url: &str, authority: Option<&Certificates>) -> Result<RedisStore, RedisError> {
    let connect = Process::options(url, KEY, SKEW);
    match authority {
        Some(certificates) => connect.root_certificates(certificates.authority()).await,
        None => connect.await,
    }
}

async fn is_refused(url: &str, authority: Option<&Certificates>, reason: &str) {
    let error = connect(url, authority).await.unwrap_err();
    assert!(matches!(error, RedisError::Unreachable { .. }), "{error}");
    assert!(error.to_string().contains(reason), "{error}");
}

#[tokio::test]
async fn a_server_is_known_by_its_certificate() {
    let (good, other, misnamed) = (
        Certificates::of(LOOPBACK),
        Certificates::of(LOOPBACK),
        Certificates::of("DNS:redis.example.com"),
    );
    let (_server, url) = start(&good).await;
    connect(&url, Some(&good)).await.unwrap();
    is_refused(&url, Some(&other), "certificate").await;
    is_refused(&url, None, "certificate").await;
    let (_server, url) = start(&misnamed).await;
    is_refused(&url, Some(&misnamed), "certificate").await;
}

#[tokio::test]
async fn a_url_without_tls_is_not_upgraded_nor_the_other_way() {
    let good = Certificates::of(LOOPBACK);
    let (server, url) = start(&good).await;
    let plain_at_tls_port = url.replace("rediss:", "redis:");
    assert!(connect(&plain_at_tls_port, None).await.is_err());
    let tls_at_plain_port = server.url().replace("redis:", "rediss:");
    assert!(connect(&tls_at_plain_port, Some(&good)).await.is_err());
    assert!(connect(&server.url(), None).await.is_ok());
}

#[tokio::test]
async fn roots_without_a_certificate_trust_none() {
    let good = Certificates::of(LOOPBACK);
    let (_server, url) = start(&good).await;
    let connect = Process::options(&url, KEY, SKEW);
    let error = connect.root_certificates("no certificate").await.unwrap_err();
    assert!(error.to_string().contains("certificate"), "{error}");
}
