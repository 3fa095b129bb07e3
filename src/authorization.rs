//! `Authorization: <scheme> <credential>` (RFC 9110 §11.6.2), read in one way for every scheme
//! that holds its credentials in a table.

use http::header::AUTHORIZATION;
use http::request::Parts;

use crate::secret::CredentialTable;
use crate::{Admission, Challenge, Rejection};

/// A scheme whose credential is one token68.
pub(crate) struct Scheme {
    pub(crate) name: &'static str,
    /// Its challenge, to a request that brought no credential of this scheme, or a bad one.
    pub(crate) challenge: fn(brought: bool) -> Challenge,
    /// Whether a credential has the scheme's form. Only asked of those that are not in the table.
    pub(crate) well_formed: fn(&str) -> bool,
}

impl Scheme {
    /// Admits whose credential is in the table. The layer has seen to it that there is at most
    /// one `Authorization` field.
    pub(crate) fn judge(
        &self,
        head: &Parts,
        table: &CredentialTable,
        limited: &Limited,
    ) -> Result<Admission, Rejection> {
        let credential = self.presented(head)?;
        limited.judge(head, credential, || match table.get(credential) {
            Some(principal) => Ok(Admission::new(principal.clone()).scheme(self.name)),
            None => Err(self.refusal(credential)),
        })
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

/// How guesses at the credentials of a table are limited, if they are.
#[derive(Debug, Default)]
pub(crate) struct Limited {
    #[cfg(feature = "throttle")]
    pub(crate) guesses: Option<Box<crate::throttle::Guesses>>,
}

impl Limited {
    fn judge(
        &self,
        head: &Parts,
        credential: &[u8],
        judge: impl FnOnce() -> Result<Admission, Rejection>,
    ) -> Result<Admission, Rejection> {
        #[cfg(feature = "throttle")]
        if let Some(guesses) = &self.guesses {
            return guesses.judge(head, credential, judge);
        }
        let _ = (head, credential);
        judge()
    }
}
