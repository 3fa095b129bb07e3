//! An authenticator whose type is erased.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use http::HeaderName;
use http::request::Parts;

use super::attempt::Attempt;
use super::authenticated::Authenticated;
use super::authenticator::Authenticator;
use super::challenge::Challenge;
use super::context::LayerContext;
use super::rejection::Rejection;

type Verdict = Result<Authenticated, Rejection>;

/// An authenticator whose type is erased, for schemes that are chosen at run time. Clones share
/// it.
///
/// ```
/// use mcp_auth_layer::auth::{AuthenticatorExt, BoxAuthenticator};
/// use mcp_auth_layer::{Basic, Bearer, CredentialError};
///
/// fn configured(token: Option<&str>) -> Result<BoxAuthenticator, CredentialError> {
///     Ok(match token {
///         Some(token) => Bearer::new([("ci", token)])?.boxed(),
///         None => Basic::new([("alice", "correct horse")])?.boxed(),
///     })
/// }
/// # configured(Some("dG9rZW4tb2YtdGhlLWNp")).unwrap();
/// ```
#[derive(Clone)]
pub struct BoxAuthenticator(Arc<dyn Erased>);

impl BoxAuthenticator {
    /// Erases the type of an authenticator.
    pub fn new(authenticator: impl Authenticator) -> Self {
        Self(Arc::new(authenticator))
    }
}

impl fmt::Debug for BoxAuthenticator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BoxAuthenticator")
    }
}

impl Authenticator for BoxAuthenticator {
    async fn authenticate(&self, head: &Parts) -> Verdict {
        self.0.erased_authenticate(head).await
    }

    fn authenticate_now(&self, head: &Parts) -> Option<Verdict> {
        self.0.erased_authenticate_now(head)
    }

    fn challenges(&self) -> Vec<Challenge> {
        self.0.erased_challenges()
    }

    fn credential_headers(&self) -> Vec<HeaderName> {
        self.0.erased_credential_headers()
    }

    fn attempt(&self, head: &Parts) -> Option<Attempt> {
        self.0.erased_attempt(head)
    }

    fn needs_rate_limit(&self) -> bool {
        self.0.erased_needs_rate_limit()
    }

    fn configure(&self, context: &LayerContext) {
        self.0.erased_configure(context);
    }
}

/// [`Authenticator`] with a boxed future, which makes it object safe.
trait Erased: Send + Sync {
    fn erased_authenticate<'a>(
        &'a self,
        head: &'a Parts,
    ) -> Pin<Box<dyn Future<Output = Verdict> + Send + 'a>>;
    fn erased_authenticate_now(&self, head: &Parts) -> Option<Verdict>;
    fn erased_challenges(&self) -> Vec<Challenge>;
    fn erased_credential_headers(&self) -> Vec<HeaderName>;
    fn erased_attempt(&self, head: &Parts) -> Option<Attempt>;
    fn erased_needs_rate_limit(&self) -> bool;
    fn erased_configure(&self, context: &LayerContext);
}

impl<A: Authenticator> Erased for A {
    fn erased_authenticate<'a>(
        &'a self,
        head: &'a Parts,
    ) -> Pin<Box<dyn Future<Output = Verdict> + Send + 'a>> {
        Box::pin(self.authenticate(head))
    }

    fn erased_authenticate_now(&self, head: &Parts) -> Option<Verdict> {
        self.authenticate_now(head)
    }

    fn erased_challenges(&self) -> Vec<Challenge> {
        self.challenges()
    }

    fn erased_credential_headers(&self) -> Vec<HeaderName> {
        self.credential_headers()
    }

    fn erased_attempt(&self, head: &Parts) -> Option<Attempt> {
        self.attempt(head)
    }

    fn erased_needs_rate_limit(&self) -> bool {
        self.needs_rate_limit()
    }

    fn erased_configure(&self, context: &LayerContext) {
        self.configure(context);
    }
}
