//! The Redis server that replicas share, and the key under which they hash what it stores.

use std::str::FromStr;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use mcp_auth_layer::stores::{Connect, RedisError, RedisStore, StoreKey};
use tokio::time::sleep;
use zeroize::Zeroizing;

use super::cli::Failure;
use super::credentials::invalid;
use super::environment::flag_or_variable;

/// How long a program tries to connect when it starts.
const PATIENCE: Duration = Duration::from_secs(2);

/// The flags for the key and the server that replicas share.
#[derive(clap::Args)]
pub struct RedisArgs {
    /// 32 or more random bytes that all replicas have: sessions are bound to users with them, and what
    /// --redis stores is hashed with them. Create them with: openssl rand -base64 32 [default:
    /// SESSION_KEY in the environment, which other users cannot see]
    #[arg(long, value_name = "BASE64")]
    session_key: Option<SecretKey>,
    /// The Redis server that all replicas use, such as redis://127.0.0.1:6379, for used nonces, failed
    /// attempts and revocations [default: REDIS_URL in the environment]
    #[arg(long, value_name = "URL")]
    redis: Option<String>,
    /// What the keys in Redis begin with, if several services share it [default: mcp]
    #[arg(long, value_name = "PREFIX")]
    redis_prefix: Option<String>,
    /// How long Redis may take for a command [default: 250]
    #[arg(long, value_name = "MILLISECONDS", value_parser = clap::value_parser!(u64).range(1..=60_000))]
    redis_timeout: Option<u64>,
}

impl RedisArgs {
    /// Returns the key, if there is one.
    pub fn key(&self) -> Result<Option<SecretKey>, Failure> {
        flag_or_variable(self.session_key.as_ref(), "SESSION_KEY")
    }

    /// Returns the server, if there is one, with the key.
    pub fn server(&self) -> Result<Option<RedisServer>, Failure> {
        let Some(url) = flag_or_variable(self.redis.as_ref(), "REDIS_URL")? else {
            return match (&self.redis_prefix, self.redis_timeout) {
                (Some(_), _) => Err(Failure::usage("--redis-prefix needs --redis")),
                (_, Some(_)) => Err(Failure::usage("--redis-timeout needs --redis")),
                (None, None) => Ok(None),
            };
        };
        let Some(key) = self.key()? else {
            return Err(Failure::usage(
                "--redis (or REDIS_URL in the environment) needs --session-key, or SESSION_KEY in the \
                 environment: what Redis stores is hashed with this key, so that all replicas find it",
            ));
        };
        let key = StoreKey::try_from(key.bytes()).map_err(invalid("--session-key"))?;
        let timeout = self.redis_timeout.map(Duration::from_millis);
        Ok(Some(RedisServer { url, key, prefix: self.redis_prefix.clone(), timeout }))
    }
}

/// A Redis server that is not connected yet.
#[derive(Clone)]
pub struct RedisServer {
    url: String,
    pub key: StoreKey,
    prefix: Option<String>,
    timeout: Option<Duration>,
}

impl RedisServer {
    /// Returns another server, for the same replicas.
    pub fn at(&self, url: String) -> Self {
        Self { url, ..self.clone() }
    }

    /// Connects with these options. A program starts once, so a moment without an answer does not end it.
    pub async fn connect(
        &self,
        options: impl Fn(Connect) -> Connect,
    ) -> Result<RedisStore, RedisError> {
        let start = Instant::now();
        loop {
            match options(self.with_flags()).await {
                Err(RedisError::Unreachable { .. }) if start.elapsed() < PATIENCE => {
                    sleep(Duration::from_millis(100)).await;
                }
                result => return result,
            }
        }
    }

    fn with_flags(&self) -> Connect {
        let mut connect = RedisStore::connect(&self.url, self.key.clone());
        if let Some(prefix) = &self.prefix {
            connect = connect.key_prefix(prefix);
        }
        if let Some(timeout) = self.timeout {
            connect = connect.timeout(timeout);
        }
        connect
    }
}

/// Returns the failure for a server that cannot be used: mistakes in the arguments have another exit status.
pub fn unusable(option: &str) -> impl Fn(RedisError) -> Failure {
    move |error| match error {
        RedisError::Url(_) | RedisError::NoTls => Failure::usage(format!("{option}: {error}")),
        RedisError::KeyPrefix => Failure::usage(format!("--redis-prefix: {error}")),
        _ => Failure::work(format!("{option}: {error}")),
    }
}

/// 32 or more secret bytes. It has no `Debug`, so that it is not printed by accident.
#[derive(Clone)]
pub struct SecretKey(Zeroizing<Vec<u8>>);

impl SecretKey {
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl FromStr for SecretKey {
    type Err = &'static str;

    fn from_str(argument: &str) -> Result<Self, Self::Err> {
        let expected =
            "expected 32 or more bytes in base64, as `openssl rand -base64 32` prints them";
        let bytes = Zeroizing::new(STANDARD.decode(argument).map_err(|_| expected)?);
        if bytes.len() < 32 { Err(expected) } else { Ok(Self(bytes)) }
    }
}
