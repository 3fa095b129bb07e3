//! What the replicas of a server share, so that a load balancer can choose any of them for each request.

use std::time::Duration;

use mcp_auth_layer::auth::{AuthenticatorExt, BoxAuthenticator};
use mcp_auth_layer::layer::SessionKey;
use mcp_auth_layer::rate_limit::{ClientIp, RateLimit};
use mcp_auth_layer::revocation::Revocations;
use mcp_auth_layer::stores::{Connect, RedisStore};
use mcp_auth_layer::{HttpSignature, McpAuthLayer};

use super::cli::Failure;
use super::credentials::invalid;
use super::environment::flag_or_variable;
use super::redis::{RedisArgs, RedisServer, SecretKey, unusable};

/// The flags for replicas.
#[derive(clap::Args)]
pub struct ReplicaArgs {
    #[command(flatten)]
    redis: RedisArgs,
    /// Another Redis server, for failed attempts: many of them cannot fill the one with used nonces
    /// [default: REDIS_ATTEMPTS_URL in the environment, or the one of --redis]
    #[arg(long, value_name = "URL")]
    redis_attempts: Option<String>,
    /// The session key before --session-key, whose sessions are still known, while the key is rotated [default:
    /// PREVIOUS_SESSION_KEY in the environment]
    #[arg(long, value_name = "BASE64")]
    previous_session_key: Option<SecretKey>,
    /// How far the clocks of clients and servers may differ, for signed requests: 5 are enough where clocks are
    /// synchronized. After a restart of Redis, signed requests are rejected for as long [default: 60]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3600))]
    hmac_skew: Option<u64>,
    /// A proxy or load balancer in front of this server, such as 127.0.0.1 or 10.1.2.0/24; can be repeated. It says in
    /// X-Forwarded-For which client has failed to authenticate
    #[arg(long = "trusted-proxy", value_name = "ADDRESS")]
    trusted_proxies: Vec<String>,
}

/// What replicas share. By default that is nothing.
#[derive(Default)]
pub struct Replicas {
    session_key: Option<SessionKey>,
    previous_session_key: Option<SessionKey>,
    redis: Option<RedisStore>,
    revocations: Option<Revocations>,
    rate_limit: Option<RateLimit>,
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
        let mut replicas = Replicas {
            session_key: session_key(key)?,
            previous_session_key: session_key(previous)?,
            hmac_skew: self.hmac_skew.map(Duration::from_secs),
            ..Replicas::default()
        };
        let client = ClientIp::peer().trusted_proxies(&self.trusted_proxies);
        let limit = RateLimit::by(client.map_err(invalid("--trusted-proxy"))?);
        let attempts = flag_or_variable(self.redis_attempts.as_ref(), "REDIS_ATTEMPTS_URL")?;
        match (self.redis.server()?, attempts) {
            (Some(server), attempts) => replicas.connect(&server, attempts, limit).await?,
            (None, Some(_)) => return Err(Failure::usage("--redis-attempts needs --redis")),
            (None, None) if self.trusted_proxies.is_empty() => {}
            (None, None) => replicas.rate_limit = Some(limit),
        }
        Ok(replicas)
    }
}

fn session_key(key: Option<SecretKey>) -> Result<Option<SessionKey>, Failure> {
    let key = key.map(|key| SessionKey::try_from(key.bytes()));
    key.transpose().map_err(invalid("--session-key"))
}

impl Replicas {
    async fn connect(
        &mut self,
        server: &RedisServer,
        attempts: Option<String>,
        limit: RateLimit,
    ) -> Result<(), Failure> {
        let redis = server.connect(|options| match self.hmac_skew {
            Some(skew) => options.skew(skew),
            None => options,
        });
        let redis = redis.await.map_err(unusable("--redis"))?;
        let revocations = Revocations::start(redis.clone(), server.key.clone()).await;
        self.revocations =
            Some(revocations.map_err(|error| Failure::work(format!("--redis: {error}")))?);
        let attempts = match attempts {
            Some(url) => server.at(url).connect(Connect::without_nonces).await,
            None => Ok(redis.clone()),
        };
        let attempts = attempts.map_err(unusable("--redis-attempts"))?;
        self.rate_limit = Some(limit.shared_store(attempts, server.key.clone()));
        self.redis = Some(redis);
        Ok(())
    }

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

    /// Returns whether a revocation at one replica is known at all.
    pub fn share_revocations(&self) -> bool {
        self.revocations.is_some()
    }

    /// Lets the layers of all replicas know each other's sessions, failed attempts and revocations.
    pub fn share<A>(&self, mut auth: McpAuthLayer<A>) -> McpAuthLayer<A> {
        if let Some(key) = &self.session_key {
            auth = auth.session_key(key.clone());
        }
        if let Some(key) = &self.previous_session_key {
            auth = auth.previous_session_key(key.clone());
        }
        if let Some(limit) = &self.rate_limit {
            auth = auth.rate_limit(limit.clone());
        }
        if let Some(revocations) = &self.revocations {
            auth = auth.revocations(revocations.clone());
        }
        auth
    }
}
