//! `Authorization: <scheme> <credential>` (RFC 9110 §11.6.2), parsed in one way for all schemes
//! whose credentials are in a table.

use http::header::AUTHORIZATION;
use http::request::Parts;

use crate::auth::{Attempt, AuthScheme, Authenticated, Challenge, Rejection};
use crate::credentials::CredentialTable;

/// A scheme whose credential is one token68.
pub(crate) struct Scheme {
    pub(crate) name: AuthScheme,
    /// Returns the challenge of a request that has no credential of this scheme, or a wrong one.
    pub(crate) challenge: fn(has_credential: bool) -> Challenge,
    /// Returns whether a credential has the form of the scheme. It is called for credentials that are not
    /// in the table.
    pub(crate) well_formed: fn(&str) -> bool,
    /// Returns the user that a credential claims to be, if it claims one.
    pub(crate) claimed: fn(&[u8]) -> Option<Vec<u8>>,
}

impl Scheme {
    /// Authenticates a request by its credential in the table. The layer rejects requests with more
    /// than one `Authorization` field before.
    pub(crate) fn authenticate(
        &self,
        head: &Parts,
        table: &CredentialTable,
    ) -> Result<Authenticated, Rejection> {
        let credential = self.presented(head)?;
        // A digest may be of any text, but credentials in files have the form of the scheme as well.
        if table.is_sha256() && !str::from_utf8(credential).is_ok_and(self.well_formed) {
            return Err(self.rejection(credential));
        }
        match table.get(credential) {
            Some(grant) => Ok(grant.authenticated(self.name.clone())),
            None => Err(self.rejection(credential)),
        }
    }

    /// Returns the attempt of a request that has a credential of this scheme.
    pub(crate) fn attempt(&self, head: &Parts) -> Option<Attempt> {
        let credential = self.presented(head).ok()?;
        Some((self.claimed)(credential).map_or_else(Attempt::new, Attempt::claiming))
    }

    /// Returns the credential of this scheme that the request has.
    pub(crate) fn presented<'h>(&self, head: &'h Parts) -> Result<&'h [u8], Rejection> {
        let field = head.headers.get(AUTHORIZATION);
        let credential = field.and_then(|field| credential(field.as_bytes(), &self.name));
        credential.ok_or_else(|| Rejection::missing((self.challenge)(false)))
    }

    /// Returns the rejection of a credential that is malformed or wrong.
    pub(crate) fn rejection(&self, credential: &[u8]) -> Rejection {
        let challenge = (self.challenge)(true);
        match str::from_utf8(credential) {
            Ok("") => Rejection::empty(challenge),
            Ok(text) if (self.well_formed)(text) => Rejection::invalid(challenge),
            _ => Rejection::malformed(challenge),
        }
    }
}

/// Returns what follows the name of the scheme, in any case, and one or more spaces. Servers drop
/// trailing white space of a field: the name alone is an empty credential.
pub(crate) fn credential<'f>(field: &'f [u8], scheme: &AuthScheme) -> Option<&'f [u8]> {
    let (name, rest) = field.split_at_checked(scheme.as_str().len())?;
    if !name.eq_ignore_ascii_case(scheme.as_str().as_bytes()) {
        return None;
    }
    let spaces = rest.iter().take_while(|&&byte| byte == b' ').count();
    (spaces > 0 || rest.is_empty()).then(|| &rest[spaces..])
}
