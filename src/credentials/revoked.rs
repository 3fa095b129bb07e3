//! Credentials that were removed from a table.

use crate::auth::Revocation;

/// The tokens of credentials that were removed from a table, whose streams are still open.
#[must_use = "open streams continue until the tokens are cancelled"]
pub(crate) struct Revoked(Vec<Revocation>);

impl Revoked {
    /// Ends the streams that were opened with these credentials, and returns how many credentials
    /// there were. Call it once no request can be authenticated with them any more.
    pub(crate) fn cancel(self) -> usize {
        self.0.iter().for_each(Revocation::revoke);
        self.0.len()
    }
}

impl FromIterator<Revocation> for Revoked {
    fn from_iter<I: IntoIterator<Item = Revocation>>(tokens: I) -> Self {
        Self(tokens.into_iter().collect())
    }
}
