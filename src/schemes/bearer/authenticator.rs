//! The authenticator of bearer tokens.

use std::fmt;
use std::sync::Arc;

use http::request::Parts;

use super::handle::BearerHandle;
use super::token::{BearerToken, is_b64token};
use crate::auth::{
    Attempt, AuthScheme, Authenticated, Authenticator, Challenge, Principal, Rejection,
};
use crate::credentials::{CredentialError, CredentialFile, CredentialTable, Snapshot};
use crate::schemes::authorization_header::Scheme;

/// Static bearer tokens (RFC 6750), each with the name of its owner.
///
/// ```
/// use mcp_auth_layer::{Bearer, McpAuthLayer};
///
/// # fn main() -> Result<(), mcp_auth_layer::CredentialError> {
/// let tokens = Bearer::new([
///     ("ci", "rD3m0NfE5Yc0mKq1bWv7Xw"),
///     ("ci", "Zb9tQ0sJw2uLx4hVn6pRaA"), // rotation: both are tokens of `ci`
///     ("alice", "Hk7yGd1oTf8eMi5zCs3jUQ"),
/// ])?;
/// let layer = McpAuthLayer::new(tokens);
/// # Ok(())
/// # }
/// ```
///
/// Tokens are stored as keyed digests. A request takes one or two hashes of its token, whatever their number. They are
/// read from `Authorization`, never from the query.
///
/// Make tokens of at least 128 random bits. Failed attempts are not limited unless the layer has a
/// [`rate_limit`](crate::McpAuthLayer::rate_limit).
pub struct Bearer {
    pub(super) tokens: Arc<Snapshot<CredentialTable>>,
    pub(super) file: Option<CredentialFile>,
}

const SCHEME: Scheme = Scheme {
    name: AuthScheme::BEARER,
    // RFC 6750 §3.1: no error for a request that has no token.
    challenge: |has_token| {
        if has_token {
            Challenge::invalid(AuthScheme::BEARER)
        } else {
            Challenge::new(AuthScheme::BEARER)
        }
    },
    well_formed: is_b64token,
    claimed: |_| None,
};

impl Bearer {
    /// Creates an authenticator for these tokens, as pairs of owner and token. An owner may have
    /// several tokens. It is a name, or a [`Principal`] with scopes; a token is a string, or a
    /// [`BearerToken`] that expires.
    ///
    /// # Errors
    ///
    /// If there is no token; if a name is empty, has a control character, or begins or ends with
    /// white space; if a token is empty, is not a `b64token` (RFC 6750 §2.1) or appears twice.
    pub fn new<N, T>(tokens: impl IntoIterator<Item = (N, T)>) -> Result<Self, CredentialError>
    where
        N: Into<Principal>,
        T: Into<BearerToken>,
    {
        let mut table = CredentialTable::new();
        for (index, (owner, token)) in tokens.into_iter().enumerate() {
            token.into().insert(&mut table, index + 1, owner.into())?;
        }
        if table.is_empty() {
            return Err(CredentialError::no_credentials());
        }
        Ok(Self::with_table(table))
    }

    /// Creates an authenticator of one token that cannot be revoked. Requests cost less: nothing has
    /// to be watched for the end of its lifetime, and they may upgrade to another protocol.
    pub(crate) fn permanent(name: &str, token: &str) -> Result<Self, CredentialError> {
        let mut table = CredentialTable::new();
        BearerToken::new(token).insert_permanent(&mut table, Principal::new(name))?;
        Ok(Self::with_table(table))
    }

    pub(super) fn with_table(table: CredentialTable) -> Self {
        Self { tokens: Arc::new(Snapshot::new(table)), file: None }
    }

    /// Returns a handle that adds and revokes tokens while the server runs.
    ///
    /// ```
    /// use mcp_auth_layer::{Bearer, McpAuthLayer};
    ///
    /// # fn main() -> Result<(), mcp_auth_layer::CredentialError> {
    /// let tokens = Bearer::new([("ci", "rD3m0NfE5Yc0mKq1bWv7Xw")])?;
    /// let handle = tokens.handle();
    /// let layer = McpAuthLayer::new(tokens);
    ///
    /// handle.add("ci", "Zb9tQ0sJw2uLx4hVn6pRaA")?;
    /// handle.revoke("rD3m0NfE5Yc0mKq1bWv7Xw"); // and its event streams end
    /// # Ok(())
    /// # }
    /// ```
    pub fn handle(&self) -> BearerHandle {
        BearerHandle { tokens: self.tokens.clone(), file: self.file.clone() }
    }
}

impl Authenticator for Bearer {
    async fn authenticate(&self, head: &Parts) -> Result<Authenticated, Rejection> {
        SCHEME.authenticate(head, &self.tokens.load())
    }

    fn authenticate_now(&self, head: &Parts) -> Option<Result<Authenticated, Rejection>> {
        Some(SCHEME.authenticate(head, &self.tokens.load()))
    }

    fn challenges(&self) -> Vec<Challenge> {
        vec![(SCHEME.challenge)(false)]
    }

    fn attempt(&self, head: &Parts) -> Option<Attempt> {
        SCHEME.attempt(head)
    }
}

impl fmt::Debug for Bearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bearer").field("tokens", &**self.tokens.load()).finish()
    }
}
