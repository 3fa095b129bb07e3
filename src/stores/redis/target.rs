//! The server to connect to: its address, and how connections are made.

use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::io::tcp::{TcpSettings, socket2::TcpKeepalive};
use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo,
    ProtocolVersion,
};

use super::error::RedisError;

/// A server, and how connections to it are made.
#[derive(Clone)]
pub(super) struct Target {
    client: Client,
    config: AsyncConnectionConfig,
    /// The host and port, or the path of a socket, without the password.
    address: String,
}

impl Target {
    /// Creates the target of this URL. A connection must be made within `timeout`.
    ///
    /// `roots` are the certificates, in PEM, that are trusted instead of those of the operating system.
    pub(super) fn new(
        url: &str,
        timeout: Duration,
        roots: Option<Vec<u8>>,
    ) -> Result<Self, RedisError> {
        let invalid = |error: redis::RedisError| RedisError::Url(error.to_string());
        if url.starts_with("rediss:") && !cfg!(feature = "redis-tls") {
            return Err(RedisError::NoTls);
        }
        let info = url.into_connection_info().map_err(invalid)?;
        // Commands are not delayed. A connection whose peer is gone is noticed.
        let keepalive = TcpKeepalive::new().with_time(Duration::from_secs(15));
        let tcp = TcpSettings::default().set_nodelay(true).set_keepalive(keepalive);
        #[cfg(target_os = "linux")]
        let tcp = tcp.set_user_timeout(Duration::from_secs(5));
        // The name of the library would need one more command, and the right to use it.
        let settings = info.redis_settings().clone().set_skip_set_lib_name();
        // Version 3 begins with one command that has the password, which some servers quote in their error.
        let settings = settings.set_protocol(ProtocolVersion::RESP2);
        let info = info.set_tcp_settings(tcp).set_redis_settings(settings);
        let address = shown(info.addr());
        let client = open(info, roots).map_err(invalid)?;
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(timeout))
            .set_response_timeout(None); // there is one deadline for all, in `link`
        Ok(Self { client, config, address })
    }

    /// Returns the host and port, or the path of a socket.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// Makes a connection.
    pub(super) async fn connect(&self) -> redis::RedisResult<MultiplexedConnection> {
        self.client.get_multiplexed_async_connection_with_config(&self.config).await
    }
}

#[cfg(not(feature = "redis-tls"))]
fn open(info: ConnectionInfo, _: Option<Vec<u8>>) -> redis::RedisResult<Client> {
    Client::open(info)
}

/// Connections over TLS need a provider of cryptography: the default of the process or, if there is none yet, that
/// of this crate.
#[cfg(feature = "redis-tls")]
fn open(info: ConnectionInfo, roots: Option<Vec<u8>>) -> redis::RedisResult<Client> {
    if !matches!(info.addr(), ConnectionAddr::TcpTls { .. }) {
        return Client::open(info);
    }
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Another thread may have installed one meanwhile, which is as good.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    }
    let certificates = redis::TlsCertificates { client_tls: None, root_cert: roots };
    Client::build_with_tls(info, certificates)
}

fn shown(address: &ConnectionAddr) -> String {
    match address {
        ConnectionAddr::Tcp(host, port) => format!("{host}:{port}"),
        ConnectionAddr::TcpTls { host, port, .. } => format!("{host}:{port}"),
        ConnectionAddr::Unix(path) => path.display().to_string(),
        _ => "the configured address".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(url: &str) -> Result<Target, RedisError> {
        Target::new(url, Duration::from_secs(1), None)
    }

    #[test]
    fn addresses_have_no_password() {
        let address = |url| target(url).unwrap().address().to_owned();
        assert_eq!(
            address("redis://alice:secret@redis.example.com:7000/2"),
            "redis.example.com:7000"
        );
        assert_eq!(address("redis://127.0.0.1"), "127.0.0.1:6379");
        assert_eq!(address("unix:///run/redis.sock"), "/run/redis.sock");
    }

    #[test]
    fn other_urls_are_errors_without_the_password() {
        for url in [
            "",
            "redis",
            "http://alice:secret@example.com",
            "redis://:secret@",
            "redis://:secret@h/x",
        ] {
            let error = target(url).err().expect(url).to_string();
            assert!(
                error.starts_with("not a URL of Redis") && !error.contains("secret"),
                "{url}: {error}"
            );
        }
    }

    #[cfg(not(feature = "redis-tls"))]
    #[test]
    fn tls_needs_its_feature() {
        assert!(matches!(target("rediss://redis.example.com"), Err(RedisError::NoTls)));
    }

    #[cfg(feature = "redis-tls")]
    #[test]
    fn tls_needs_no_provider_of_the_application() {
        assert_eq!(
            target("rediss://redis.example.com").unwrap().address(),
            "redis.example.com:6379"
        );
        assert!(rustls::crypto::CryptoProvider::get_default().is_some());
    }
}
