//! The trait that every scheme implements.

use http::HeaderName;
use http::header::AUTHORIZATION;
use http::request::Parts;

use super::attempt::Attempt;
use super::authenticated::Authenticated;
use super::context::LayerContext;
use super::rejection::Rejection;

/// Decides from the head of a request who is asking.
///
/// Implement it with a plain `async fn`; no macro, no boxed future, no body type.
///
/// ```
/// use http::{HeaderName, request::Parts};
/// use mcp_auth_layer::{Authenticated, Authenticator, Challenge, McpAuthLayer, Principal, Rejection};
///
/// struct ApiKeys {/* a pool of database connections, say */}
///
/// impl Authenticator for ApiKeys {
///     async fn authenticate(&self, head: &Parts) -> Result<Authenticated, Rejection> {
///         let challenge = || Challenge::new("ApiKey");
///         let key = head.headers.get("x-api-key").ok_or_else(|| Rejection::missing(challenge()))?;
///         match self.owner_of(key.as_bytes()).await {
///             Ok(Some(name)) => Ok(Principal::new(name).into()),
///             Ok(None) => Err(Rejection::invalid(challenge())),
///             Err(error) => Err(Rejection::unavailable().caused_by(error)),
///         }
///     }
///
///     fn credential_headers(&self) -> Vec<HeaderName> {
///         vec![HeaderName::from_static("x-api-key")]
///     }
/// }
/// # impl ApiKeys {
/// #     async fn owner_of(&self, _: &[u8]) -> Result<Option<String>, std::io::Error> { Ok(None) }
/// # }
///
/// let layer = McpAuthLayer::new(ApiKeys {});
/// ```
///
/// # What the layer does around it
///
/// A panic and an answer that takes longer than the
/// [timeout](crate::McpAuthLayer::authenticator_timeout) are 503. Dropping the returned future
/// must be safe at any point: a client that hangs up ends it.
///
/// # Comparing secrets
///
/// Compare them in constant time (crate `subtle`), best as digests of equal length, and look
/// credentials up by a keyed digest rather than by themselves. [`Basic`](crate::Basic) and
/// [`Bearer`](crate::Bearer) do so.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not decide who is asking: it is not an `Authenticator`",
    note = "implement `Authenticator` for it, or wrap a function in `mcp_auth_layer::authenticate_fn`"
)]
pub trait Authenticator: Send + Sync + 'static {
    /// Decides who is asking.
    ///
    /// # Errors
    ///
    /// A [`Rejection`]: [`missing`](Rejection::missing), [`malformed`](Rejection::malformed) and
    /// [`invalid`](Rejection::invalid) let [`any_of`](crate::any_of) try the next scheme, every
    /// other one is [conclusive](Rejection::conclusive).
    fn authenticate(
        &self,
        head: &Parts,
    ) -> impl Future<Output = Result<Authenticated, Rejection>> + Send;

    /// The same decision, where it can be given without waiting.
    ///
    /// The layer asks this first and spares itself a boxed future if the answer is `Some`. It may
    /// be asked and [`authenticate`](Self::authenticate) asked again afterwards, so it must have
    /// no side effects.
    fn authenticate_now(&self, head: &Parts) -> Option<Result<Authenticated, Rejection>> {
        let _ = head;
        None
    }

    /// The header fields, beside `Authorization`, that carry this scheme's credentials.
    ///
    /// The layer asks once and takes them off every request, so that the inner service never
    /// sees a secret.
    fn credential_headers(&self) -> Vec<HeaderName> {
        Vec::new()
    }

    /// Learns the options of the layer that it is in. The layer calls it when it is put around a
    /// service, before any request; it may be called again, and by another layer.
    ///
    /// A scheme that signs header fields learns here which ones must be covered. An authenticator
    /// around another one passes it on.
    fn configure(&self, context: &LayerContext) {
        let _ = context;
    }

    /// Says what a request attempts, for the layer's [rate limit](crate::McpAuthLayer::rate_limit):
    /// whom it claims to be, and what its verification costs. `None` presents no credential of
    /// this scheme.
    ///
    /// The layer asks before it authenticates, and only where a rate limit is set. By default
    /// `Authorization` and each of the [`credential_headers`](Self::credential_headers) presents a
    /// credential, which claims no user.
    fn attempt(&self, head: &Parts) -> Option<Attempt> {
        let is_present = |name: &HeaderName| head.headers.contains_key(name);
        (is_present(&AUTHORIZATION) || self.credential_headers().iter().any(is_present))
            .then(Attempt::new)
    }

    /// Says whether failed attempts are limited by [`RateLimit::default`](crate::RateLimit) where
    /// the layer has no other limit. `false` unless credentials can be guessed or are expensive to
    /// verify, as those of password files.
    fn needs_rate_limit(&self) -> bool {
        false
    }
}
