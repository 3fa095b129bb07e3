//! `Authorization: <scheme> <credential>` (RFC 9110 §11.6.2), read in one way for every scheme
//! that holds its credentials in a table.

use http::header::AUTHORIZATION;
use http::request::Parts;

use crate::auth::{Attempt, Authenticated, Challenge, Rejection};
use crate::credentials::CredentialTable;

/// A scheme whose credential is one token68.
pub(crate) struct Scheme {
    pub(crate) name: &'static str,
    /// Its challenge, to a request that brought no credential of this scheme, or a bad one.
    pub(crate) challenge: fn(brought: bool) -> Challenge,
    /// Whether a credential has the scheme's form. Only asked of those that are not in the table.
    pub(crate) well_formed: fn(&str) -> bool,
    /// The user that a credential claims to be, if it claims one.
    pub(crate) claimed: fn(&[u8]) -> Option<Vec<u8>>,
}

impl Scheme {
    /// Admits whose credential is in the table. The layer has seen to it that there is at most
    /// one `Authorization` field.
    pub(crate) fn judge(
        &self,
        head: &Parts,
        table: &CredentialTable,
    ) -> Result<Authenticated, Rejection> {
        let credential = self.presented(head)?;
        // A digest may be of anything; what a table of digests takes has the scheme's form as well.
        if table.is_of_sha256() && !str::from_utf8(credential).is_ok_and(self.well_formed) {
            return Err(self.refusal(credential));
        }
        match table.get(credential) {
            Some(principal) => Ok(Authenticated::new(principal.clone()).scheme(self.name)),
            None => Err(self.refusal(credential)),
        }
    }

    /// The attempt of a request that presents a credential of this scheme.
    pub(crate) fn attempt(&self, head: &Parts) -> Option<Attempt> {
        let credential = self.presented(head).ok()?;
        Some((self.claimed)(credential).map_or_else(Attempt::new, Attempt::claiming))
    }

    /// The credential of this scheme that the request brings.
    pub(crate) fn presented<'h>(&self, head: &'h Parts) -> Result<&'h [u8], Rejection> {
        let field = head.headers.get(AUTHORIZATION);
        let credential = field.and_then(|field| self.credential(field.as_bytes()));
        credential.ok_or_else(|| Rejection::missing((self.challenge)(false)))
    }

    /// What follows the scheme's name, in any case, and one or more spaces. Servers drop trailing
    /// white space of a field, so the name alone is an empty credential.
    fn credential<'f>(&self, field: &'f [u8]) -> Option<&'f [u8]> {
        let (name, rest) = field.split_at_checked(self.name.len())?;
        if !name.eq_ignore_ascii_case(self.name.as_bytes()) {
            return None;
        }
        let spaces = rest.iter().take_while(|&&byte| byte == b' ').count();
        (spaces > 0 || rest.is_empty()).then(|| &rest[spaces..])
    }

    /// Why a credential does not count: it does not have the scheme's form, or it is wrong.
    pub(crate) fn refusal(&self, credential: &[u8]) -> Rejection {
        let challenge = (self.challenge)(true);
        match str::from_utf8(credential) {
            Ok("") => Rejection::malformed(challenge).with_message(
                "the credential is empty: is a variable unset in the client's configuration?",
            ),
            Ok(text) if (self.well_formed)(text) => Rejection::invalid(challenge),
            _ => Rejection::malformed(challenge),
        }
    }
}
