//! The trait that every scheme implements.

use http::HeaderName;
use http::header::AUTHORIZATION;
use http::request::Parts;

use super::attempt::Attempt;
use super::authenticated::Authenticated;
use super::challenge::Challenge;
use super::context::LayerContext;
use super::rejection::Rejection;

/// Authenticates requests, by their heads.
///
/// Implement it with a plain `async fn`; no macro, no boxed future, no body type.
///
/// ```
/// use http::{HeaderName, request::Parts};
/// use mcp_auth_layer::auth::{AuthScheme, Authenticated, Challenge};
/// use mcp_auth_layer::{Authenticator, McpAuthLayer, Principal, Rejection};
///
/// const API_KEY: AuthScheme = AuthScheme::from_static("ApiKey");
///
/// struct ApiKeys {/* a pool of database connections, say */}
///
/// impl Authenticator for ApiKeys {
///     async fn authenticate(&self, head: &Parts) -> Result<Authenticated, Rejection> {
///         let challenge = Challenge::new(API_KEY);
///         let Some(key) = head.headers.get("x-api-key") else {
///             return Err(Rejection::missing(challenge));
///         };
///         match self.find(key.as_bytes()).await {
///             Ok(Some(key)) if key.is_suspended => Err(Rejection::forbidden("suspended key")),
///             Ok(Some(key)) => Ok(Authenticated::new(Principal::new(key.owner)).scheme(API_KEY)),
///             Ok(None) => Err(Rejection::invalid(challenge)),
///             Err(error) => Err(Rejection::unavailable().caused_by(error)),
///         }
///     }
///
///     fn challenges(&self) -> Vec<Challenge> {
///         vec![Challenge::new(API_KEY)]
///     }
///
///     fn credential_headers(&self) -> Vec<HeaderName> {
///         vec![HeaderName::from_static("x-api-key")]
///     }
/// }
/// # struct Key { owner: String, is_suspended: bool }
/// # impl ApiKeys {
/// #     async fn find(&self, _: &[u8]) -> Result<Option<Key>, std::io::Error> { Ok(None) }
/// # }
///
/// let layer = McpAuthLayer::new(ApiKeys {});
/// ```
///
/// # Failures
///
/// The layer responds with 503 if an implementation panics, or takes longer than the
/// [timeout](crate::McpAuthLayer::authenticator_timeout). It must be safe to drop the returned
/// future at any point: that happens when the client disconnects.
///
/// # Comparing secrets
///
/// Compare secrets in constant time (crate `subtle`), best as digests of equal length. Look
/// credentials up by a keyed digest rather than by themselves. [`Basic`](crate::Basic) and
/// [`Bearer`](crate::Bearer) do so.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an `Authenticator`",
    note = "implement `Authenticator` for it, or wrap a function in `mcp_auth_layer::auth::authenticate_fn`"
)]
pub trait Authenticator: Send + Sync + 'static {
    /// Authenticates a request.
    ///
    /// # Errors
    ///
    /// A [`Rejection`]. [`missing`](Rejection::missing), [`malformed`](Rejection::malformed) and
    /// [`invalid`](Rejection::invalid) let [`any_of`](super::any_of) try the next scheme. Every
    /// other rejection is [conclusive](Rejection::conclusive).
    fn authenticate(
        &self,
        head: &Parts,
    ) -> impl Future<Output = Result<Authenticated, Rejection>> + Send;

    /// Authenticates a request without waiting, if that is possible.
    ///
    /// The layer calls this first and saves a boxed future if it returns `Some`. It may call it
    /// again, and [`authenticate`](Self::authenticate) after it: it must have no side effects, and
    /// both must agree.
    fn authenticate_now(&self, head: &Parts) -> Option<Result<Authenticated, Rejection>> {
        let _ = head;
        None
    }

    /// Returns the challenges of a request that has no credential.
    ///
    /// The layer reads them once and sends them where it responds with 401 by itself, such as for
    /// an expired credential. By default there are none.
    fn challenges(&self) -> Vec<Challenge> {
        Vec::new()
    }

    /// Returns the header fields, beside `Authorization`, that carry credentials of this scheme.
    ///
    /// The layer reads them once and strips them from every request: the inner service never
    /// receives a secret.
    fn credential_headers(&self) -> Vec<HeaderName> {
        Vec::new()
    }

    /// Receives the options of the layer. The layer calls it when it wraps a service, before any
    /// request. Several layers may call it, and each of them repeatedly.
    ///
    /// A scheme that signs header fields learns here which of them a signature must cover. An
    /// authenticator that wraps another one passes the call on.
    fn configure(&self, context: &LayerContext) {
        let _ = context;
    }

    /// Describes a request to the layer's [rate limit](crate::McpAuthLayer::rate_limit): the user
    /// that it claims to be, and the cost of its verification. Returns `None` if the request has no
    /// credential of this scheme.
    ///
    /// The layer calls it before it authenticates, and only if it has a rate limit. By default
    /// `Authorization` and each of the [`credential_headers`](Self::credential_headers) carries a
    /// credential that claims no user.
    fn attempt(&self, head: &Parts) -> Option<Attempt> {
        let is_present = |name: &HeaderName| head.headers.contains_key(name);
        (is_present(&AUTHORIZATION) || self.credential_headers().iter().any(is_present))
            .then(Attempt::new)
    }

    /// Returns whether [`RateLimit::default`](crate::rate_limit::RateLimit) applies to failed
    /// attempts if the layer has no other limit. `false` by default: it is for credentials that can
    /// be guessed or are expensive to verify, as those of password files.
    fn needs_rate_limit(&self) -> bool {
        false
    }
}
