//! The authenticator of signed requests, and its options.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderName;
use http::request::Parts;

use super::clock::Clock;
use super::errors::KeyError;
use super::handle::HttpSignatureHandle;
use super::keys::Keys;
use super::reservation::Reservations;
use super::server_names::{Authority, PathPrefix};
use super::signatures::Signatures;
use crate::auth::{
    Attempt, AuthScheme, Authenticated, Authenticator, Challenge, LayerContext, Rejection,
    SIGNATURE, SIGNATURE_INPUT,
};
use crate::credentials::Snapshot;
use crate::stores::{MemoryReplayStore, ReplayStore};

/// Authenticates signed requests: HTTP Message Signatures (RFC 9421) with a shared secret and
/// `hmac-sha256`. Each request is accepted once.
///
/// The key ID becomes the principal's name.
///
/// ```
/// use mcp_auth_layer::{HttpSignature, McpAuthLayer};
/// use mcp_auth_layer::schemes::Authority;
///
/// # fn main() -> Result<(), mcp_auth_layer::schemes::KeyError> {
/// # let (secret, old_secret, new_secret) = ([1; 32], [2; 32], [3; 32]);
/// let keys = HttpSignature::new([
///     ("ci", secret),
///     ("alice", old_secret), // during rotation, both are valid
///     ("alice", new_secret),
/// ])?;
/// let layer = McpAuthLayer::new(keys.authority(Authority::from_static("tools.example.com")));
/// # Ok(())
/// # }
/// ```
///
/// # What is verified
///
/// A request is authenticated if all of this holds:
///
/// * **Covered components** (RFC 9421 §2): the signature covers `@method`, `@authority`, `@path` and
///   `@query`; with a body, also `content-digest` and `content-type`; and, of the fields that the
///   request carries, `authorization`, `content-encoding`, `last-event-id`, `upgrade`, every `mcp-*`,
///   the layer's [session header](crate::McpAuthLayer::session_header), the fields of other
///   credentials and those named by [`cover`](Self::cover), in any spelling. `@target-uri` counts as
///   `@authority`, `@path` and `@query`, and `@request-target` as `@path` and `@query`.
/// * **One line each**: no covered field has several lines, as joined lines could be split between
///   client and server.
/// * **Signature parameters** (§2.3): `created`, `expires`, `keyid` and a `nonce` of 16 or more
///   characters are present; `alg` is `hmac-sha256` or absent; `tag` is the [required
///   one](Self::tag), if any.
/// * **Time**: the signature is valid now, and still is when the body has arrived, within the
///   [window](Self::window) and the [skew](Self::skew).
/// * **Digest** (RFC 9530): the body has every covered digest that is known (`sha-256`, `sha-512`),
///   or is empty if no digest is covered.
/// * **Nonce**: it was not used before, see [`ReplayStore`].
///
/// # Responses
///
/// A malformed signature is rejected with 400. An insufficient, invalid or replayed one is rejected
/// with 401, and `Accept-Signature` (RFC 9421 §5.1) lists what to sign. The response does not reveal
/// which rule failed; the log does. A replay store that is full or down makes it 503.
///
/// An invalid signature of a known key is final. One of an unknown key, which a gateway may have
/// added, falls through to the next scheme of [`any_of`](crate::any_of). Of several signatures, the
/// only one with a known key ID counts.
///
/// # Guarantees
///
/// The secret is never sent. A captured request can neither be replayed nor changed in its covered
/// components. Unknown key IDs take as long as known ones, so that responses do not reveal which
/// exist.
///
/// # Limitations
///
/// * A party that can verify can also sign: the secret is shared.
/// * Nothing is encrypted, and responses are not signed. Use TLS.
/// * The clocks of client and server must agree within the [skew](Self::skew).
/// * After a restart, signatures from before it are rejected, as the used nonces are forgotten, unless
///   the store is [shared](ReplayStore::is_shared). Times are the client's and in whole seconds: a
///   signature of the very second of the restart, or of a clock that is ahead of it, cannot be told
///   from a new one.
/// * What is not listed above is not covered: `Cookie`, say, or a field that overrides the method.
/// * A request cannot upgrade to another protocol: the layer could not end it when its key is
///   revoked.
#[must_use]
pub struct HttpSignature<R = MemoryReplayStore> {
    pub(super) keys: Arc<Snapshot<Keys>>,
    pub(super) file: Option<crate::credentials::CredentialFile>,
    pub(super) clock: Arc<Clock>,
    pub(super) store: Arc<R>,
    pub(super) reservations: Reservations,
    pub(super) window: Duration,
    pub(super) skew: Duration,
    pub(super) tag: Option<Arc<str>>,
    pub(super) https: bool,
    pub(super) authorities: Vec<Authority>,
    pub(super) prefix: Option<PathPrefix>,
    /// The joined contexts of the layers that it is in.
    pub(super) context: Snapshot<LayerContext>,
}

impl HttpSignature {
    /// Creates an authenticator with these keys, as pairs of key ID and secret. A key ID may appear
    /// twice, for rotation.
    ///
    /// Secrets are 32 or more random bytes. No copy of them is kept, but for the state of HMAC that is
    /// computed from each and is wiped when it is dropped. Pass `zeroize::Zeroizing` values to have
    /// your own copies wiped, too.
    ///
    /// # Errors
    ///
    /// If there is no key; if a key ID is empty, has more than 256 characters, or has other characters
    /// than printable ASCII; if a secret is shorter than 32 bytes; if a key ID has more than two
    /// secrets, or the same one twice.
    pub fn new<K, S>(keys: impl IntoIterator<Item = (K, S)>) -> Result<Self, KeyError>
    where
        K: Into<String>,
        S: AsRef<[u8]>,
    {
        Ok(Self::from_keys(Keys::new(keys)?))
    }

    pub(super) fn from_keys(keys: Keys) -> Self {
        Self {
            keys: Arc::new(Snapshot::new(keys)),
            file: None,
            clock: Arc::new(Clock::new()),
            store: Arc::new(MemoryReplayStore::new()),
            reservations: Reservations::new(),
            window: Duration::from_secs(300),
            skew: Duration::from_secs(60),
            tag: None,
            https: false,
            authorities: Vec::new(),
            prefix: None,
            context: Snapshot::new(LayerContext::default()),
        }
    }
}

impl<R> HttpSignature<R> {
    /// Returns a handle that adds and revokes keys at runtime. It is taken before requests are
    /// authenticated, hence `&mut`: the responses to earlier ones could not be ended.
    ///
    /// ```
    /// use mcp_auth_layer::{HttpSignature, McpAuthLayer};
    ///
    /// # fn main() -> Result<(), mcp_auth_layer::schemes::KeyError> {
    /// # let (old_secret, new_secret) = ([1; 32], [2; 32]);
    /// let mut keys = HttpSignature::new([("ci", old_secret)])?;
    /// let handle = keys.handle();
    /// let layer = McpAuthLayer::new(keys);
    ///
    /// handle.add("ci", new_secret)?;
    /// handle.revoke("ci", old_secret); // and responses to its requests end
    /// # Ok(())
    /// # }
    /// ```
    pub fn handle(&self) -> HttpSignatureHandle {
        HttpSignatureHandle { keys: self.keys.clone(), file: self.file.clone() }
    }
}

impl<R: ReplayStore> HttpSignature<R> {
    /// Sets how far `expires` may be from `created`, in whole seconds; 300 by default.
    pub fn window(mut self, window: Duration) -> Self {
        self.window = window;
        self
    }

    /// Sets how far the clocks of client and server may differ, in whole seconds; 60 by default.
    pub fn skew(mut self, skew: Duration) -> Self {
        self.skew = skew;
        self
    }

    /// Requires the parameter `tag` (RFC 9421 §2.3) with this value, which separates
    /// signatures for this application from others of the same key.
    pub fn tag(mut self, tag: impl Into<String>) -> Self {
        self.tag = Some(tag.into().into());
        self
    }

    /// Adds a name that clients know the server by, such as `tools.example.com`.
    ///
    /// `@authority` must be one of these names, whatever `Host` a proxy in front of the server sends.
    /// If `Host` is one of them, `@authority` must be the same. Without any name, `@authority` must be
    /// the `Host` of the request, and that must be a [`host`](crate::McpAuthLayer::host) of the layer,
    /// an IP address or `localhost`: a signature for another server that has the same key is
    /// rejected. `X-Forwarded-Host` never counts.
    pub fn authority(mut self, authority: Authority) -> Self {
        self.authorities.push(authority);
        self
    }

    /// Declares that clients use `https`, as when TLS ends in front of the server: its default port
    /// is left out of `@authority`, and `@target-uri` begins with it.
    pub fn https(mut self) -> Self {
        self.https = true;
        self
    }

    /// Sets the prefix that a proxy strips from the path, such as `/tools`. The prefix that axum's
    /// `nest` strips is known without it (feature `axum`).
    pub fn path_prefix(mut self, prefix: PathPrefix) -> Self {
        self.prefix = Some(prefix);
        self
    }

    /// Requires this header field to be covered whenever a request carries it. It is for fields that
    /// the application acts on, such as `Idempotency-Key`.
    pub fn cover(self, name: HeaderName) -> Self {
        self.context.change(|context| context.significant.add([name]));
        self
    }

    /// Replaces the store that remembers nonces.
    pub fn replay_store<T: ReplayStore>(self, store: T) -> HttpSignature<T> {
        HttpSignature {
            store: Arc::new(store),
            keys: self.keys,
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
        self.verify_head(head)
    }

    /// Nothing is reserved or claimed before the verification of the body begins.
    fn authenticate_now(&self, head: &Parts) -> Option<Result<Authenticated, Rejection>> {
        Some(self.verify_head(head))
    }

    fn challenges(&self) -> Vec<Challenge> {
        vec![Challenge::new(AuthScheme::SIGNATURE)]
    }

    fn credential_headers(&self) -> Vec<HeaderName> {
        vec![SIGNATURE.clone(), SIGNATURE_INPUT.clone()]
    }

    fn configure(&self, context: &LayerContext) {
        // A router may apply the layer to a handler anew for each request.
        if !self.context.load().includes(context) {
            self.context.change(|known| known.join(context));
        }
    }

    fn attempt(&self, head: &Parts) -> Option<Attempt> {
        let headers = &head.headers;
        if !headers.contains_key(&SIGNATURE) && !headers.contains_key(&SIGNATURE_INPUT) {
            return None;
        }
        let signatures = Signatures::parse(headers).ok().flatten();
        let key_ids = signatures.iter().flat_map(Signatures::key_ids);
        let attempt = key_ids.map(Attempt::claiming).reduce(Attempt::and).unwrap_or_default();
        Some(attempt.unguessable())
    }
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
