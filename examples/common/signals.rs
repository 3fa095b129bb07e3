//! Signals of identity providers, which end the sessions of a user.

use clap::builder::NonEmptyStringValueParser;
use mcp_auth_layer::McpAuthLayer;
use mcp_auth_layer::layer::ExactPath;
use mcp_auth_layer::revocation::Revocations;
use mcp_auth_layer::signals::{LogoutTokens, Transmitter};
use mcp_auth_layer::stores::{MemoryRevocationStore, StoreKey};

use super::cli::Failure;
use super::credentials::{invalid, random_bytes};
use super::environment;
use super::oauth::OAuthArgs;
use super::replicas::Replicas;

/// Where security events are received, and logout tokens.
const EVENTS: ExactPath = ExactPath::from_static("/events");
const LOGOUT: ExactPath = ExactPath::from_static("/backchannel-logout");

/// The flags for signals.
#[derive(clap::Args)]
pub struct SignalArgs {
    /// The issuer of security events (Shared Signals Framework), which it pushes to /events. If
    /// SECURITY_EVENTS_SECRET is in the environment, it has to send that as a bearer token
    #[arg(long = "security-events-issuer", value_name = "URL", requires = "events_audience")]
    events_issuer: Option<String>,
    /// The audience of the security events
    #[arg(long = "security-events-audience", value_name = "AUDIENCE", requires = "events_issuer", value_parser = NonEmptyStringValueParser::new())]
    events_audience: Option<String>,
    /// A client of --oauth-issuer that has this server's /backchannel-logout as its backchannel_logout_uri; can be
    /// repeated
    #[arg(long = "logout-client", value_name = "ID", requires = "issuers", value_parser = NonEmptyStringValueParser::new())]
    logout_clients: Vec<String>,
}

/// The signals that a server receives. By default there are none.
#[derive(Default)]
pub struct Signals {
    transmitter: Option<Transmitter>,
    logout_tokens: Option<LogoutTokens>,
    revocations: Option<Revocations>,
}

impl SignalArgs {
    /// Returns what the flags say. What the signals revoke is in memory, unless replicas share it.
    pub async fn signals(self, oauth: &OAuthArgs, replicas: &Replicas) -> Result<Signals, Failure> {
        let mut signals = Signals::default();
        if let (Some(issuer), Some(audience)) = (self.events_issuer, self.events_audience) {
            signals.transmitter = Some(transmitter(issuer, audience)?);
        }
        if let Some((first, others)) = self.logout_clients.split_first() {
            let tokens = oauth.logout_tokens(first).map_err(invalid("--logout-client"))?;
            let with = |tokens: LogoutTokens, id: &String| tokens.client_id(id);
            signals.logout_tokens = Some(others.iter().fold(tokens, with));
        }
        let are_received = signals.transmitter.is_some() || signals.logout_tokens.is_some();
        if are_received && !replicas.share_revocations() {
            let key = StoreKey::from(random_bytes::<32>()?);
            let revocations = Revocations::start(MemoryRevocationStore::new(), key).await;
            signals.revocations = Some(revocations.map_err(Failure::work)?);
        }
        Ok(signals)
    }
}

fn transmitter(issuer: String, audience: String) -> Result<Transmitter, Failure> {
    let transmitter = Transmitter::discover(issuer, audience);
    let transmitter = transmitter.map_err(invalid("--security-events-issuer"))?;
    match environment::variable("SECURITY_EVENTS_SECRET")? {
        Some(secret) => transmitter.bearer(secret).map_err(invalid("SECURITY_EVENTS_SECRET")),
        None => Ok(transmitter),
    }
}

impl Signals {
    /// Lets a layer receive signals.
    pub fn receive<A>(&self, mut auth: McpAuthLayer<A>) -> McpAuthLayer<A> {
        if let Some(revocations) = &self.revocations {
            auth = auth.revocations(revocations.clone());
        }
        if let Some(transmitter) = &self.transmitter {
            auth = auth.security_events(EVENTS, transmitter.clone());
        }
        if let Some(tokens) = &self.logout_tokens {
            auth = auth.logout_tokens(LOGOUT, tokens.clone());
        }
        auth
    }
}
