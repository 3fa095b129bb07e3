//! The authenticator of signed requests, and its options.
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderName;
use http::request::Parts;

use super::clock::Clock;
use super::handle::HttpSignatureHandle;
use super::keys::{KeyError, Keys};
use super::reservation::Reservations;
use super::signatures::Signatures;
use crate::auth::{
    Attempt, Authenticated, Authenticator, LayerContext, Rejection, SIGNATURE, SIGNATURE_INPUT,
};
use crate::credentials::Snapshot;
use crate::stores::{MemoryReplayStore, ReplayStore};

/// Requests signed with a shared secret (RFC 9421, `hmac-sha256`), each of them good once.
///
/// ```
/// use mcp_auth_layer::{HttpSignature, McpAuthLayer};
///
/// # fn main() -> Result<(), mcp_auth_layer::schemes::KeyError> {
/// # let (secret, old_secret, new_secret) = ([1; 32], [2; 32], [3; 32]);
/// let keys = HttpSignature::new([
///     ("ci", secret),
///     ("alice", old_secret), // rotation: both are good
///     ("alice", new_secret),
/// ])?;
/// let layer = McpAuthLayer::new(keys.authority("tools.example.com"));
/// # Ok(())
/// # }
/// ```
///
/// The key id becomes the principal's name. A request is let in if
///
/// * its signature covers `@method`, `@authority`, `@path` and `@query`; with a body, also
///   `content-digest` and `content-type`; and, of the headers that it carries, `authorization`,
///   `content-encoding`, `last-event-id`, `upgrade`, every `mcp-*`, the layer's
///   [session header](crate::McpAuthLayer::session_header), those of other credentials and what is
///   named by [`cover`](Self::cover), in whatever spelling;
/// * every covered header stands in one line, as joined lines could be split on the way;
/// * it has the parameters `created`, `expires`, `keyid` and a `nonce` of 16 or more characters, and
///   is of now, and still is when the body has arrived;
/// * its body has the digests it names (`sha-256`, `sha-512`), and is empty where none is covered;
/// * its nonce has not been seen, see [`ReplayStore`].
///
/// A refusal tells clients what to sign in `Accept-Signature` (RFC 9421 §5.1).
///
/// # What it gives, and what not
///
/// The secret never travels, and what does cannot be used again or changed. But whoever verifies
/// can also sign; nothing is encrypted; answers are not signed; and the clocks of both sides must
/// agree within the [skew](Self::skew).
///
/// After a restart, signatures of before are refused, as nobody remembers which were used. Times
/// are whole seconds and the client's: a signature of the very second of the restart, or of a clock
/// that is ahead of it, cannot be told from a new one.
///
/// What is not in the list above is not covered: `Cookie`, say, or a field that overrides the method.
/// After an upgrade to another protocol, nothing is signed any more.
pub struct HttpSignature<R = MemoryReplayStore> {
    pub(super) keys: Arc<Snapshot<Keys>>,
    #[cfg(feature = "files")]
    pub(super) file: Option<crate::credentials::CredentialFile>,
    pub(super) clock: Arc<Clock>,
    pub(super) store: Arc<R>,
    pub(super) reservations: Reservations,
    pub(super) window: Duration,
    pub(super) skew: Duration,
    pub(super) tag: Option<Arc<str>>,
    pub(super) https: bool,
    pub(super) authorities: Vec<String>,
    pub(super) prefix: String,
    /// What is known of the layers that it is in.
    pub(super) context: Snapshot<LayerContext>,
}

impl HttpSignature {
    /// These keys, as pairs of key id and secret. A key id may stand twice, for rotation.
    ///
    /// Make secrets of 32 or more random bytes.
    ///
    /// # Errors
    ///
    /// If there is none; if a key id is empty or has something else than printable ASCII; if a
    /// secret is shorter than 32 bytes; if a key id has more than two secrets.
    pub fn new<K, S>(keys: impl IntoIterator<Item = (K, S)>) -> Result<Self, KeyError>
    where
        K: Into<String>,
        S: AsRef<[u8]>,
    {
        Ok(Self::of(Keys::new(keys)?))
    }

    pub(super) fn of(keys: Keys) -> Self {
        Self {
            keys: Arc::new(Snapshot::new(keys)),
            #[cfg(feature = "files")]
            file: None,
            clock: Arc::new(Clock::new()),
            store: Arc::new(MemoryReplayStore::new()),
            reservations: Reservations::default(),
            window: Duration::from_secs(300),
            skew: Duration::from_secs(60),
            tag: None,
            https: false,
            authorities: Vec::new(),
            prefix: String::new(),
            context: Snapshot::new(LayerContext::default()),
        }
    }
}

impl<R> HttpSignature<R> {
    /// Returns a handle that adds and revokes keys while the server runs.
    ///
    /// ```
    /// use mcp_auth_layer::{HttpSignature, McpAuthLayer};
    ///
    /// # fn main() -> Result<(), mcp_auth_layer::schemes::KeyError> {
    /// # let (old_secret, new_secret) = ([1; 32], [2; 32]);
    /// let keys = HttpSignature::new([("ci", old_secret)])?;
    /// let handle = keys.handle();
    /// let layer = McpAuthLayer::new(keys);
    ///
    /// handle.add("ci", new_secret)?;
    /// handle.revoke("ci", old_secret); // and what was opened with it ends
    /// # Ok(())
    /// # }
    /// ```
    pub fn handle(&self) -> HttpSignatureHandle {
        HttpSignatureHandle {
            keys: self.keys.clone(),
            #[cfg(feature = "files")]
            file: self.file.clone(),
        }
    }
}

impl<R: ReplayStore> HttpSignature<R> {
    /// How far `expires` may be from `created`, in whole seconds; 300 by default.
    pub fn window(mut self, window: Duration) -> Self {
        self.window = window;
        self
    }

    /// How far the clocks of both sides may differ, in whole seconds; 60 by default.
    pub fn skew(mut self, skew: Duration) -> Self {
        self.skew = skew;
        self
    }

    /// Requires the parameter `tag` (RFC 9421 §2.3) with this value, which tells signatures for
    /// this application from others of the same key.
    pub fn tag(mut self, tag: impl Into<String>) -> Self {
        self.tag = Some(tag.into().into());
        self
    }

    /// Names the server as clients know it, such as `tools.example.com`. Call it again for another
    /// name.
    ///
    /// Signatures must be for one of these names, whatever `Host` a proxy in front makes of it. If
    /// `Host` is one of them, the signature must be for that one. Without any name they must be for
    /// the `Host` of the request, and that must be a [`host`](crate::McpAuthLayer::host) of the
    /// layer, an IP address or `localhost`: a signature for another server that has the same key is
    /// refused. `X-Forwarded-Host` never counts.
    ///
    /// # Panics
    ///
    /// If it is not `host` or `host:port`.
    pub fn authority(mut self, authority: impl Into<String>) -> Self {
        let authority = authority.into();
        let plain = |c: char| c.is_ascii_graphic() && !"/@?#".contains(c);
        assert!(
            !authority.is_empty() && authority.chars().all(plain),
            "HttpSignature::authority: expected `host` or `host:port`, without scheme and path"
        );
        self.authorities.push(authority);
        self
    }

    /// Says that clients use `https`, as where TLS ends in front of the server: its default port
    /// is left out of `@authority`, and `@target-uri` begins with it.
    pub fn https(mut self) -> Self {
        self.https = true;
        self
    }

    /// What a proxy takes off the front of the path, such as `/tools`. What axum's `nest` takes
    /// off is known without it (feature `axum`).
    pub fn path_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Requires this header field to be covered wherever a request carries it: one that the
    /// application acts on, such as `Idempotency-Key`.
    pub fn cover(self, name: HeaderName) -> Self {
        self.context.change(|context| context.significant.add([name]));
        self
    }

    /// Remembers nonces in another store.
    pub fn replay_store<T: ReplayStore>(self, store: T) -> HttpSignature<T> {
        HttpSignature {
            store: Arc::new(store),
            keys: self.keys,
            #[cfg(feature = "files")]
            file: self.file,
            clock: self.clock,
            reservations: self.reservations,
            window: self.window,
            skew: self.skew,
            tag: self.tag,
            https: self.https,
            authorities: self.authorities,
            prefix: self.prefix,
            context: self.context,
        }
    }
}

impl<R: ReplayStore> Authenticator for HttpSignature<R> {
    async fn authenticate(&self, head: &Parts) -> Result<Authenticated, Rejection> {
        self.decide(head)
    }

    /// Nothing is reserved or claimed before the check of the body begins.
    fn authenticate_now(&self, head: &Parts) -> Option<Result<Authenticated, Rejection>> {
        Some(self.decide(head))
    }

    fn credential_headers(&self) -> Vec<HeaderName> {
        vec![SIGNATURE.clone(), SIGNATURE_INPUT.clone()]
    }

    fn configure(&self, context: &LayerContext) {
        // A router may put the layer around a handler anew for each request.
        if !self.context.load().includes(context) {
            self.context.change(|known| known.join(context));
        }
    }

    fn attempt(&self, head: &Parts) -> Option<Attempt> {
        let signatures = Signatures::parse(&head.headers).ok().flatten();
        let claimed = |signatures: &Signatures<'_>| {
            let attempts = signatures.key_ids().map(Attempt::claiming);
            attempts.reduce(Attempt::and).unwrap_or_default()
        };
        let attempt = signatures.as_ref().map_or_else(Attempt::new, claimed);
        is_signed(head).then(|| attempt.unguessable())
    }
}

fn is_signed(head: &Parts) -> bool {
    head.headers.contains_key(&SIGNATURE) || head.headers.contains_key(&SIGNATURE_INPUT)
}

impl<R> fmt::Debug for HttpSignature<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpSignature")
            .field("key_ids", &**self.keys.load())
            .field("window", &self.window)
            .field("skew", &self.skew)
            .field("tag", &self.tag)
            .field("authorities", &self.authorities)
            .finish_non_exhaustive()
    }
}
