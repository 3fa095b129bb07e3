//! Static bearer tokens (RFC 6750).

#[cfg(feature = "files")]
mod token_file;

use std::fmt;
use std::sync::Arc;

use http::request::Parts;

#[cfg(feature = "files")]
use self::token_file::parse_tokens;
use super::authorization_header::Scheme;
use crate::auth::{Attempt, Authenticated, Authenticator, Challenge, Principal, Rejection};
#[cfg(feature = "files")]
use crate::credentials::{Access, CredentialFileError, Reloading};
use crate::credentials::{CredentialError, CredentialTable, Revoked, Snapshot};

/// Static bearer tokens (RFC 6750), each with the name of its owner.
///
/// ```
/// use mcp_auth_layer::{Bearer, McpAuthLayer};
///
/// # fn main() -> Result<(), mcp_auth_layer::CredentialError> {
/// let tokens = Bearer::new([
///     ("ci", "rD3m0NfE5Yc0mKq1bWv7Xw"),
///     ("ci", "Zb9tQ0sJw2uLx4hVn6pRaA"), // rotation: both of them are ci's
///     ("alice", "Hk7yGd1oTf8eMi5zCs3jUQ"),
/// ])?;
/// let layer = McpAuthLayer::new(tokens);
/// # Ok(())
/// # }
/// ```
///
/// Tokens are held as keyed digests, and a request costs the same however many there are. They
/// are taken from `Authorization` only, never from the query.
///
/// Make tokens of random bytes, at least 128 bits of them: failed attempts are not limited unless
/// the layer has a [`rate_limit`](crate::McpAuthLayer::rate_limit).
pub struct Bearer {
    tokens: Arc<Snapshot<CredentialTable>>,
    #[cfg(feature = "files")]
    file: Option<Reloading>,
}

const SCHEME: Scheme = Scheme {
    name: "Bearer",
    // RFC 6750 §3.1: no error to a request that brought no token.
    challenge: |brought| match brought {
        true => Challenge::expired("Bearer"),
        false => Challenge::new("Bearer"),
    },
    well_formed: is_b64token,
    claimed: |_| None,
};

impl Bearer {
    /// These tokens, as pairs of name and token; one name may have several tokens. Instead of a
    /// name there may be a [`Principal`], with scopes or a time at which the token expires.
    ///
    /// # Errors
    ///
    /// If there is none; if a name is empty, has a control character, or begins or ends with white
    /// space; if a token is empty, is no `b64token` (RFC 6750 §2.1) or stands twice.
    pub fn new<N, T>(tokens: impl IntoIterator<Item = (N, T)>) -> Result<Self, CredentialError>
    where
        N: Into<Principal>,
        T: AsRef<str>,
    {
        let mut table = CredentialTable::new();
        for (index, (name, token)) in tokens.into_iter().enumerate() {
            insert(&mut table, index + 1, name.into(), token.as_ref())?;
        }
        match table.is_empty() {
            true => Err(CredentialError::NoCredentials),
            false => Ok(Self::of(table)),
        }
    }

    /// The tokens of a file: a line `name sha256:HEX [expires=RFC3339] [scopes=a,b]` for each, with
    /// the SHA-256 of the token in hexadecimal, so that no token stands in the file. Lines that
    /// begin with `#` and blank ones are skipped. One name may have several tokens; it has no white
    /// space in it.
    ///
    /// The file is read again when it changes, and on a [handle](Self::handle)'s request. Removing or
    /// changing a token ends what was opened with it, within a second; so does removing the last one.
    /// A file that is refused leaves the tokens of before in force, one that vanishes leaves them for
    /// a minute, and both are logged. Replace it by rename: where it is written in place, half of it
    /// may look like a whole.
    ///
    /// On Unix, the file must belong to root or to the user of this process, and nobody else may
    /// write it.
    ///
    /// ```text
    /// # printf %s "$TOKEN" | sha256sum
    /// ci sha256:0b5b…c2 expires=2030-01-31T12:00:00Z scopes=tools:read,tools:call
    /// ```
    ///
    /// # Errors
    ///
    /// A line that is refused, by its number; no token at all; more than 16 MiB; if the file cannot
    /// be read. A token that has expired is no error.
    #[cfg(feature = "files")]
    pub fn from_file(path: impl AsRef<std::path::Path>) -> Result<Self, CredentialFileError> {
        let path = path.as_ref();
        let mut tokens = Self::of(CredentialTable::of_sha256());
        let live = tokens.tokens.clone();
        let file = Reloading::start(path, Access::Public, move |text| {
            let Some(text) = text else {
                live.change(CredentialTable::remove_all).end();
                return Ok(0);
            };
            let next = parse_tokens(text)?;
            let credentials = next.len();
            let next = next.iter().map(|token| (token.sha256, token.principal()));
            live.change(|table| table.replace_by_sha256(next)).end();
            Ok(credentials)
        });
        tokens.file = Some(file?);
        Ok(tokens)
    }

    fn of(table: CredentialTable) -> Self {
        Self {
            tokens: Arc::new(Snapshot::new(table)),
            #[cfg(feature = "files")]
            file: None,
        }
    }

    /// What adds and revokes tokens while the server runs. To be taken before requests are judged,
    /// hence `&mut`: what was opened earlier could not be ended.
    ///
    /// ```
    /// use mcp_auth_layer::{Bearer, McpAuthLayer};
    ///
    /// # fn main() -> Result<(), mcp_auth_layer::CredentialError> {
    /// let mut tokens = Bearer::new([("ci", "rD3m0NfE5Yc0mKq1bWv7Xw")])?;
    /// let handle = tokens.handle();
    /// let layer = McpAuthLayer::new(tokens);
    ///
    /// handle.add("ci", "Zb9tQ0sJw2uLx4hVn6pRaA")?;
    /// handle.revoke("rD3m0NfE5Yc0mKq1bWv7Xw"); // and what was opened with it ends
    /// # Ok(())
    /// # }
    /// ```
    pub fn handle(&mut self) -> BearerHandle {
        self.tokens.change(CredentialTable::make_revocable);
        BearerHandle {
            tokens: self.tokens.clone(),
            #[cfg(feature = "files")]
            file: self.file.clone(),
        }
    }
}

/// Adds and revokes the tokens of a [`Bearer`] while the server runs.
///
/// Requests are judged without a lock. Each change copies the table, which takes a moment for a
/// million tokens.
#[derive(Clone)]
pub struct BearerHandle {
    tokens: Arc<Snapshot<CredentialTable>>,
    #[cfg(feature = "files")]
    file: Option<Reloading>,
}

impl BearerHandle {
    /// Lets this token in from now on.
    ///
    /// # Errors
    ///
    /// As for [`Bearer::new`], with 1 as the position. Nothing has changed then.
    pub fn add(
        &self,
        name: impl Into<Principal>,
        token: impl AsRef<str>,
    ) -> Result<(), CredentialError> {
        self.tokens.update(|table| insert(table, 1, name.into(), token.as_ref()))
    }

    /// Refuses this token from now on, and ends what was opened with it, as
    /// [`Principal::revoked_by`] says; what was opened with other tokens of the same name goes on.
    /// Returns whether it was there.
    ///
    /// A token of a file stays revoked until the file no longer has its line, or it is
    /// [added](Self::add).
    pub fn revoke(&self, token: impl AsRef<str>) -> bool {
        self.take_out(|table| table.remove(token.as_ref().as_bytes())) > 0
    }

    /// [Revokes](Self::revoke) every token of this name, and returns how many there were.
    pub fn revoke_all(&self, name: impl AsRef<str>) -> usize {
        self.take_out(|table| table.remove_by_name(name.as_ref()))
    }

    /// Reads the file of [`Bearer::from_file`] now, and returns whether there was something new in
    /// it; never, where there is no file. It blocks while it reads, for ten seconds at most.
    ///
    /// With something new, tokens that were added by hand are gone, and those that were revoked by
    /// hand stay revoked. A file without a token revokes all of them.
    ///
    /// # Errors
    ///
    /// As [`Bearer::from_file`]. The tokens of before stay in force then.
    #[cfg(feature = "files")]
    pub fn reload(&self) -> Result<bool, CredentialFileError> {
        self.file.as_ref().map_or(Ok(false), Reloading::reload)
    }

    fn take_out(&self, take_out: impl FnOnce(&mut CredentialTable) -> Revoked) -> usize {
        self.tokens.change(take_out).end()
    }
}

fn insert(
    table: &mut CredentialTable,
    position: usize,
    principal: Principal,
    token: &str,
) -> Result<(), CredentialError> {
    let kind = "token";
    let name = principal.name();
    if name.is_empty() || name.contains(char::is_control) {
        let problem = if name.is_empty() { "is empty" } else { "has a control character" };
        return Err(CredentialError::Name { position, problem });
    }
    if name.trim() != name {
        let problem = "begins or ends with white space";
        return Err(CredentialError::Name { position, problem });
    }
    if !is_b64token(token) {
        let problem = match token {
            "" => "is empty",
            _ => "may have letters, digits, `-._~+/` and trailing `=` only (RFC 6750)",
        };
        return Err(CredentialError::Secret { position, kind, problem });
    }
    match table.insert(token.as_bytes(), principal) {
        true => Ok(()),
        false => Err(CredentialError::Duplicate { position, kind }),
    }
}

/// `b64token` of RFC 6750 §2.1: `1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="`.
fn is_b64token(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
    !body.is_empty() && body.bytes().all(allowed)
}

impl Authenticator for Bearer {
    async fn authenticate(&self, head: &Parts) -> Result<Authenticated, Rejection> {
        SCHEME.judge(head, &self.tokens.load())
    }

    fn authenticate_now(&self, head: &Parts) -> Option<Result<Authenticated, Rejection>> {
        Some(SCHEME.judge(head, &self.tokens.load()))
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

impl fmt::Debug for BearerHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BearerHandle").field("tokens", &**self.tokens.load()).finish()
    }
}
