//! An authenticator whose principals have an issuer.

use http::HeaderName;
use http::request::Parts;

use super::attempt::Attempt;
use super::authenticated::Authenticated;
use super::authenticator::Authenticator;
use super::challenge::Challenge;
use super::context::LayerContext;
use super::rejection::Rejection;

type Verdict = Result<Authenticated, Rejection>;

/// An authenticator whose principals have an issuer, see
/// [`AuthenticatorExt::issued_by`](super::AuthenticatorExt::issued_by).
#[derive(Clone, Debug)]
pub struct IssuedBy<A> {
    inner: A,
    issuer: String,
}

impl<A: Authenticator> IssuedBy<A> {
    pub(super) fn new(inner: A, issuer: String) -> Self {
        Self { inner, issuer }
    }

    fn with_issuer(&self, verdict: Verdict) -> Verdict {
        verdict.map(|authenticated| {
            authenticated.map_principal(|principal| match principal.issuer() {
                Some(_) => principal,
                None => principal.issued_by(&*self.issuer),
            })
        })
    }
}

impl<A: Authenticator> Authenticator for IssuedBy<A> {
    async fn authenticate(&self, head: &Parts) -> Verdict {
        self.with_issuer(self.inner.authenticate(head).await)
    }

    fn authenticate_now(&self, head: &Parts) -> Option<Verdict> {
        Some(self.with_issuer(self.inner.authenticate_now(head)?))
    }

    fn challenges(&self) -> Vec<Challenge> {
        self.inner.challenges()
    }

    fn credential_headers(&self) -> Vec<HeaderName> {
        self.inner.credential_headers()
    }

    fn attempt(&self, head: &Parts) -> Option<Attempt> {
        self.inner.attempt(head)
    }

    fn needs_rate_limit(&self) -> bool {
        self.inner.needs_rate_limit()
    }

    fn configure(&self, context: &LayerContext) {
        self.inner.configure(context);
    }
}
