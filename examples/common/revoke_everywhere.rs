//! The news of a revocation, for every replica of a server.

use mcp_auth_layer::Principal;
use mcp_auth_layer::revocation::{Revocations, RevokeError};
use mcp_auth_layer::stores::Connect;

use super::redis::RedisServer;

/// What the replicas are told.
pub enum News {
    /// Every credential of a name, of now and of the time for which it is remembered.
    Principal(String),
    /// The token with this SHA-256.
    TokenSha256([u8; 32]),
    /// This token, whatever its kind.
    Token(String),
}

/// Tells all replicas. Those that start later are told, too.
///
/// # Errors
///
/// If a replica may not have been told.
pub async fn publish(server: &RedisServer, news: &[News]) -> Result<(), String> {
    // Without nonces: the skew of the replicas is not known here.
    let redis = server.connect(Connect::without_nonces).await.map_err(|error| not_told(&error))?;
    let revocations = Revocations::start(redis, server.key.clone()).await;
    let revocations = revocations.map_err(|error| not_told(&error))?;
    for one in news {
        let told = match one {
            News::Principal(name) => revocations.revoke_principal(&Principal::new(name)).await,
            News::TokenSha256(digest) => revocations.revoke_token_sha256(*digest).await,
            News::Token(token) => revocations.revoke_token(token).await,
        };
        told.map_err(|error| match error {
            RevokeError::Unsure(error) => format!("the replicas may not have been told: {error}"),
            RevokeError::Failed(error) => not_told(&error),
            error => not_told(&error),
        })?;
    }
    Ok(())
}

fn not_told(error: &dyn std::fmt::Display) -> String {
    format!("the replicas were not told: {error}")
}
