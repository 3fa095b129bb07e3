//! What the replicas of a server share, so that a load balancer can choose any of them for each request.

use std::time::Duration;

use mcp_auth_layer::auth::{AuthenticatorExt, BoxAuthenticator};
use mcp_auth_layer::layer::SessionKey;
use mcp_auth_layer::stores::RedisStore;
use mcp_auth_layer::{HttpSignature, McpAuthLayer};

use super::cli::Failure;
use super::credentials::invalid;
use super::environment::flag_or_variable;
use super::redis::{RedisArgs, SecretKey, unusable};

/// The flags for replicas.
#[derive(clap::Args)]
pub struct ReplicaArgs {
    #[command(flatten)]
    redis: RedisArgs,
    /// The session key before --session-key, whose sessions are still known, while the key is rotated [default:
    /// PREVIOUS_SESSION_KEY in the environment]
    #[arg(long, value_name = "BASE64")]
    previous_session_key: Option<SecretKey>,
    /// How far the clocks of clients and servers may differ, for signed requests: 5 are enough where clocks are
    /// synchronized. After a restart of Redis, signed requests are rejected for as long [default: 60]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3600))]
    hmac_skew: Option<u64>,
}

/// What replicas share. By default that is nothing.
#[derive(Default)]
pub struct Replicas {
    session_key: Option<SessionKey>,
    previous_session_key: Option<SessionKey>,
    redis: Option<RedisStore>,
    hmac_skew: Option<Duration>,
}

impl ReplicaArgs {
    /// Connects to Redis, if that is configured.
    pub async fn connect(self) -> Result<Replicas, Failure> {
        let key = self.redis.key()?;
        let variable = "PREVIOUS_SESSION_KEY";
        let previous = flag_or_variable(self.previous_session_key.as_ref(), variable)?;
        if previous.is_some() && key.is_none() {
            return Err(Failure::usage("--previous-session-key needs --session-key"));
        }
        let hmac_skew = self.hmac_skew.map(Duration::from_secs);
        let redis = match self.redis.server()? {
            Some(server) => Some(server.connect(hmac_skew).await.map_err(unusable("--redis"))?),
            None => None,
        };
        Ok(Replicas {
            session_key: session_key(key)?,
            previous_session_key: session_key(previous)?,
            redis,
            hmac_skew,
        })
    }
}

fn session_key(key: Option<SecretKey>) -> Result<Option<SessionKey>, Failure> {
    let key = key.map(|key| SessionKey::try_from(key.bytes()));
    key.transpose().map_err(invalid("--session-key"))
}

impl Replicas {
    /// Lets all replicas together accept each signed request once.
    pub fn share_nonces(&self, mut signatures: HttpSignature) -> BoxAuthenticator {
        if let Some(skew) = self.hmac_skew {
            signatures = signatures.skew(skew);
        }
        match &self.redis {
            Some(redis) => signatures.replay_store(redis.clone()).boxed(),
            None => signatures.boxed(),
        }
    }

    /// Lets the layers of all replicas know each other's sessions.
    pub fn share<A>(&self, mut auth: McpAuthLayer<A>) -> McpAuthLayer<A> {
        if let Some(key) = &self.session_key {
            auth = auth.session_key(key.clone());
        }
        if let Some(key) = &self.previous_session_key {
            auth = auth.previous_session_key(key.clone());
        }
        auth
    }
}
