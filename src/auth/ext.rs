//! Methods that every authenticator has.

use super::authenticator::Authenticator;
use super::boxed::BoxAuthenticator;
use super::issued_by::IssuedBy;

/// Methods that every [`Authenticator`] has.
pub trait AuthenticatorExt: Authenticator + Sized {
    /// Gives the principals of this scheme an issuer, unless they have one.
    ///
    /// Issuer and name are a principal's identity. Without issuers, a user who may choose a name
    /// in a password file can choose that of a token in the same [`any_of`](super::any_of): both
    /// are then the same principal, with the same sessions.
    ///
    /// ```
    /// use mcp_auth_layer::auth::{AuthenticatorExt, any_of};
    /// use mcp_auth_layer::{Basic, Bearer};
    ///
    /// # fn main() -> Result<(), mcp_auth_layer::CredentialError> {
    /// let people = Basic::new([("ci", "a person called ci")])?.issued_by("people");
    /// let machines = Bearer::new([("ci", "dG9rZW4tb2YtdGhlLWNp")])?;
    /// let either = any_of((people, machines)); // two principals
    /// # Ok(())
    /// # }
    /// ```
    fn issued_by(self, issuer: impl Into<String>) -> IssuedBy<Self> {
        IssuedBy::new(self, issuer.into())
    }

    /// Erases the type, for schemes that are chosen at run time.
    fn boxed(self) -> BoxAuthenticator {
        BoxAuthenticator::new(self)
    }
}

impl<A: Authenticator> AuthenticatorExt for A {}
