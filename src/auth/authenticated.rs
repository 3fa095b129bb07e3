//! What an authenticator grants.

use std::fmt;
use std::pin::Pin;

use bytes::Bytes;

use super::principal::Principal;
use super::rejection::Rejection;

type Pending<T> = Pin<Box<dyn Future<Output = Result<T, Rejection>> + Send>>;
type BodyCheck = Box<dyn FnOnce(Bytes) -> Pending<()> + Send>;

/// A check of the body that is still owed.
pub(crate) enum PendingCheck {
    Begun(BodyCheck),
    /// To be begun before anything of the body is read.
    #[cfg_attr(not(feature = "hmac"), allow(dead_code, reason = "signatures alone need it"))]
    ToBegin(Box<dyn FnOnce() -> Pending<BodyCheck> + Send>),
}

impl PendingCheck {
    pub(crate) async fn begin(self) -> Result<BodyCheck, Rejection> {
        match self {
            Self::Begun(check) => Ok(check),
            Self::ToBegin(begin) => begin().await,
        }
    }
}

/// What an [`Authenticator`](crate::Authenticator) grants: a [`Principal`], and perhaps a check
/// of the body that is still owed.
///
/// The simple case needs no more than `Ok(Principal::new("alice").into())`.
///
/// An authenticator around another one passes its admission on, perhaps with another principal:
/// making a new one would forget the check, which for signed requests is that of the body and of
/// replays, and when the credential ends.
///
/// ```
/// use http::request::Parts;
/// use mcp_auth_layer::{Authenticated, Authenticator, Bearer, Principal, Rejection};
///
/// struct Tenants(Bearer);
///
/// impl Authenticator for Tenants {
///     async fn authenticate(&self, head: &Parts) -> Result<Authenticated, Rejection> {
///         let admission = self.0.authenticate(head).await?;
///         Ok(admission.map_principal(|who| who.issued_by("tenant-7")))
///     }
/// }
/// ```
#[must_use = "an admission may owe a check of the body: pass it on"]
pub struct Authenticated {
    pub(crate) principal: Principal,
    pub(crate) scheme: &'static str,
    pub(crate) body_check: Option<PendingCheck>,
}

impl Authenticated {
    /// Admits this principal.
    pub fn new(principal: Principal) -> Self {
        Self { principal, scheme: "custom", body_check: None }
    }

    /// Names the scheme for the log, as it stands in `WWW-Authenticate`; `"custom"` until then.
    pub fn scheme(mut self, scheme: &'static str) -> Self {
        self.scheme = scheme;
        self
    }

    /// Who is admitted, if the check that is owed succeeds.
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// Admits somebody else, or the same with more said about them. What is owed stays owed, and it
    /// ends with the credential all the same: when the first principal does, or this one.
    pub fn map_principal(mut self, map: impl FnOnce(Principal) -> Principal) -> Self {
        let lifetime = self.principal.lifetime().clone();
        self.principal = map(self.principal).within(lifetime);
        self
    }

    /// Makes the admission depend on the body: the layer collects it whole, within its
    /// [limit](crate::McpAuthLayer::body_limit), and calls the inner service only if `check`
    /// returns `Ok`. Where the scheme signs or digests the body, this is the place to verify it.
    ///
    /// ```
    /// use mcp_auth_layer::{Authenticated, Challenge, Principal, Rejection};
    ///
    /// let admission = Authenticated::new(Principal::new("ci")).check_body(|body| async move {
    ///     if body.starts_with(b"{") {
    ///         Ok(())
    ///     } else {
    ///         Err(Rejection::invalid(Challenge::new("Digest")))
    ///     }
    /// });
    /// ```
    pub fn check_body<F, Fut>(mut self, check: F) -> Self
    where
        F: FnOnce(Bytes) -> Fut + Send + 'static,
        Fut: Future<Output = Result<(), Rejection>> + Send + 'static,
    {
        self.body_check = Some(PendingCheck::Begun(boxed(check)));
        self
    }

    /// The same with a check that `begin` returns, which the layer calls before it reads anything of
    /// the body.
    #[cfg(feature = "hmac")]
    pub(crate) fn begin_body_check<B, Begun, F, Fut>(mut self, begin: B) -> Self
    where
        B: FnOnce() -> Begun + Send + 'static,
        Begun: Future<Output = Result<F, Rejection>> + Send + 'static,
        F: FnOnce(Bytes) -> Fut + Send + 'static,
        Fut: Future<Output = Result<(), Rejection>> + Send + 'static,
    {
        let begin = || -> Pending<BodyCheck> {
            let begun = begin();
            Box::pin(async { begun.await.map(boxed) })
        };
        self.body_check = Some(PendingCheck::ToBegin(Box::new(begin)));
        self
    }
}

fn boxed<F, Fut>(check: F) -> BodyCheck
where
    F: FnOnce(Bytes) -> Fut + Send + 'static,
    Fut: Future<Output = Result<(), Rejection>> + Send + 'static,
{
    Box::new(|body| Box::pin(check(body)))
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
            .field("owes_body_check", &self.body_check.is_some())
            .finish()
    }
}
