//! Changes of the tokens while the server runs.

use std::fmt;
use std::sync::Arc;

use super::token::BearerToken;
use crate::auth::Principal;
use crate::credentials::{CredentialError, CredentialFile, CredentialTable, Revoked, Snapshot};

/// Adds and revokes the tokens of a [`Bearer`](super::Bearer) while the server runs.
///
/// Requests read the tokens without a lock. Each change copies the table, which takes a moment for
/// a million tokens.
#[derive(Clone)]
pub struct BearerHandle {
    pub(super) tokens: Arc<Snapshot<CredentialTable>>,
    pub(super) file: Option<CredentialFile>,
}

impl BearerHandle {
    /// Adds a token.
    ///
    /// # Errors
    ///
    /// Those of [`Bearer::new`](super::Bearer::new), with 1 as the position. Nothing changes then.
    pub fn add(
        &self,
        owner: impl Into<Principal>,
        token: impl Into<BearerToken>,
    ) -> Result<(), CredentialError> {
        let (owner, token) = (owner.into(), token.into());
        self.tokens.update(|table| token.insert(table, 1, owner))
    }

    /// Revokes a token: its requests are rejected and their responses end, as
    /// [`Authenticated::revoked_by`](crate::auth::Authenticated::revoked_by) describes. Other tokens
    /// of the same name stay valid. Returns whether there was such a token.
    ///
    /// A token of a file stays revoked until the file no longer has its line, or it is
    /// [added](Self::add).
    pub fn revoke(&self, token: impl AsRef<str>) -> bool {
        self.remove(|table| table.remove(token.as_ref().as_bytes())) > 0
    }

    /// [Revokes](Self::revoke) all tokens of this name, and returns their number.
    pub fn revoke_all(&self, name: impl AsRef<str>) -> usize {
        self.remove(|table| table.remove_by_name(name.as_ref()))
    }

    fn remove(&self, remove: impl FnOnce(&mut CredentialTable) -> Revoked) -> usize {
        self.tokens.change(remove).cancel()
    }
}

impl fmt::Debug for BearerHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BearerHandle").field("tokens", &**self.tokens.load()).finish()
    }
}
