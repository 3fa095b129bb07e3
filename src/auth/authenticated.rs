//! What an authenticator grants.

use std::fmt;
use std::pin::Pin;
use std::time::SystemTime;

use bytes::Bytes;

use super::lifetime::{Lifetime, Revocation};
use super::principal::Principal;
use super::rejection::Rejection;
use super::token::AuthScheme;

type BoxFuture<T> = Pin<Box<dyn Future<Output = Result<T, Rejection>> + Send>>;
type VerifyBody = Box<dyn FnOnce(Bytes) -> BoxFuture<()> + Send>;

/// A verification of the body that is still pending.
pub(crate) enum PendingVerification {
    Ready(VerifyBody),
    /// Prepared before any part of the body is read.
    ToPrepare(Box<dyn FnOnce() -> BoxFuture<VerifyBody> + Send>),
}

impl PendingVerification {
    pub(crate) async fn prepare(self) -> Result<VerifyBody, Rejection> {
        match self {
            Self::Ready(verify) => Ok(verify),
            Self::ToPrepare(prepare) => prepare().await,
        }
    }
}

/// What an [`Authenticator`](super::Authenticator) grants: a [`Principal`], and a verification of
/// the body that may still be pending.
///
/// In the simple case that is `Ok(Principal::new("alice").into())`.
///
/// An authenticator that wraps another one passes its grant on, with another principal perhaps. A
/// new grant would lose the pending verification, which for signed requests includes the replay
/// protection, and the lifetime of the credential.
///
/// ```
/// use http::request::Parts;
/// use mcp_auth_layer::auth::Authenticated;
/// use mcp_auth_layer::{Authenticator, Bearer, Rejection};
///
/// struct Tenants(Bearer);
///
/// impl Authenticator for Tenants {
///     async fn authenticate(&self, head: &Parts) -> Result<Authenticated, Rejection> {
///         let authenticated = self.0.authenticate(head).await?;
///         Ok(authenticated.map_principal(|principal| principal.issued_by("tenant-7")))
///     }
/// }
/// ```
#[must_use = "a verification of the body may be pending: return it to the layer"]
pub struct Authenticated {
    pub(crate) principal: Principal,
    pub(crate) scheme: AuthScheme,
    pub(crate) lifetime: Lifetime,
    pub(crate) pending: Option<PendingVerification>,
    /// Whether the request also claims to be a user with a wrong credential of another scheme.
    pub(crate) has_failed_claim: bool,
}

impl Authenticated {
    /// Creates a grant for this principal.
    pub fn new(principal: Principal) -> Self {
        Self {
            principal,
            scheme: AuthScheme::CUSTOM,
            lifetime: Lifetime::default(),
            pending: None,
            has_failed_claim: false,
        }
    }

    /// Names the scheme, for the log and for the challenge of a credential that expires.
    pub fn scheme(mut self, scheme: AuthScheme) -> Self {
        self.scheme = scheme;
        self
    }

    /// Returns the principal.
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// Returns the lifetime of the credential.
    pub fn lifetime(&self) -> &Lifetime {
        &self.lifetime
    }

    /// Sets the time at which the credential expires. The layer rejects an expired credential with
    /// 401, and ends a response that is not complete by then, see [`revoked_by`](Self::revoked_by).
    ///
    /// Of several times the earliest one counts. Any time is valid, however far or past.
    pub fn expires_at(mut self, time: SystemTime) -> Self {
        self.lifetime.set_expiry(time);
        self
    }

    /// Makes the credential depend on a [`Revocation`]. Once it happens,
    ///
    /// * new requests are rejected with 401, and so are those that still wait for their response;
    /// * an event stream ends as if the server had closed it;
    /// * any other body of unknown length ends with an error, so that a truncated body is not
    ///   mistaken for a complete one. A body of known length is sent to its end.
    ///
    /// Over HTTP/2, a stream whose client does not read is not polled: nothing more is sent on it,
    /// and it ends once the client reads or disconnects. A request whose credential can expire or
    /// be revoked cannot upgrade to another protocol, which the layer could not end.
    ///
    /// Of several revocations each one suffices.
    ///
    /// ```
    /// use std::time::{Duration, SystemTime};
    /// use mcp_auth_layer::Principal;
    /// use mcp_auth_layer::auth::{Authenticated, Revocation};
    ///
    /// let logout = Revocation::new();
    /// let authenticated = Authenticated::new(Principal::new("alice"))
    ///     .expires_at(SystemTime::now() + Duration::from_secs(3600))
    ///     .revoked_by(logout.clone());
    /// assert!(authenticated.lifetime().is_active());
    ///
    /// logout.revoke();
    /// assert!(!authenticated.lifetime().is_active());
    /// ```
    pub fn revoked_by(mut self, revocation: Revocation) -> Self {
        self.lifetime.add_revocation(revocation);
        self
    }

    /// Limits the lifetime to this one. An authenticator that caches principals caches their
    /// lifetimes as well, and passes them on here.
    pub fn limited_to(mut self, lifetime: &Lifetime) -> Self {
        self.lifetime.limit_to(lifetime);
        self
    }

    /// Replaces the principal, or adds to it. The pending verification and the lifetime of the
    /// credential stay.
    ///
    /// A new [`Principal`] has no [data](Principal::data): of an access token its claims, by which it can be
    /// [revoked](crate::revocation::Revocations). Prefer to add to the principal that there is.
    pub fn map_principal(mut self, map: impl FnOnce(Principal) -> Principal) -> Self {
        self.principal = map(self.principal);
        self
    }

    /// Makes the grant depend on the body. The layer collects the whole body, within its
    /// [limit](crate::McpAuthLayer::max_verified_body), and calls the inner service only if
    /// `verify` returns `Ok`. A scheme that signs or digests the body verifies it here.
    ///
    /// ```
    /// use mcp_auth_layer::auth::{AuthScheme, Authenticated, Challenge};
    /// use mcp_auth_layer::{Principal, Rejection};
    ///
    /// let authenticated = Authenticated::new(Principal::new("ci")).verify_body(|body| async move {
    ///     if body.starts_with(b"{") {
    ///         Ok(())
    ///     } else {
    ///         Err(Rejection::invalid(Challenge::new(AuthScheme::from_static("Digest"))))
    ///     }
    /// });
    /// ```
    pub fn verify_body<F, Fut>(mut self, verify: F) -> Self
    where
        F: FnOnce(Bytes) -> Fut + Send + 'static,
        Fut: Future<Output = Result<(), Rejection>> + Send + 'static,
    {
        self.pending = Some(PendingVerification::Ready(boxed(verify)));
        self
    }

    /// The same with a verification that `prepare` returns. The layer calls it before it reads any
    /// part of the body.
    pub(crate) fn prepare_and_verify_body<P, Prepared, F, Fut>(mut self, prepare: P) -> Self
    where
        P: FnOnce() -> Prepared + Send + 'static,
        Prepared: Future<Output = Result<F, Rejection>> + Send + 'static,
        F: FnOnce(Bytes) -> Fut + Send + 'static,
        Fut: Future<Output = Result<(), Rejection>> + Send + 'static,
    {
        let prepare = || -> BoxFuture<VerifyBody> {
            let prepared = prepare();
            Box::pin(async { prepared.await.map(boxed) })
        };
        self.pending = Some(PendingVerification::ToPrepare(Box::new(prepare)));
        self
    }
}

fn boxed<F, Fut>(verify: F) -> VerifyBody
where
    F: FnOnce(Bytes) -> Fut + Send + 'static,
    Fut: Future<Output = Result<(), Rejection>> + Send + 'static,
{
    Box::new(|body| Box::pin(verify(body)))
}

impl From<Principal> for Authenticated {
    fn from(principal: Principal) -> Self {
        Self::new(principal)
    }
}

impl fmt::Debug for Authenticated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authenticated")
            .field("principal", &self.principal)
            .field("scheme", &self.scheme)
            .field("lifetime", &self.lifetime)
            .field("verifies_body", &self.pending.is_some())
            .finish()
    }
}
