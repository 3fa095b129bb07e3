//! Authenticators made of others: of two, of a function, of any one behind a pointer.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use http::request::Parts;
use http::{HeaderName, StatusCode};

use super::attempt::Attempt;
use super::authenticated::Authenticated;
use super::authenticator::Authenticator;
use super::context::LayerContext;
use super::rejection::Rejection;

type Verdict = Result<Authenticated, Rejection>;

/// Methods of every [`Authenticator`].
pub trait AuthenticatorExt: Authenticator + Sized {
    /// Gives the principals of this scheme an issuer, unless they have one.
    ///
    /// Issuer and name are a principal's identity. Without issuers, a user who may choose a name in a
    /// password file can choose that of a token in the same [`any_of`], and is the same principal
    /// then, with the same sessions.
    ///
    /// ```
    /// use mcp_auth_layer::{AuthenticatorExt, Basic, Bearer, any_of};
    ///
    /// # fn main() -> Result<(), mcp_auth_layer::CredentialError> {
    /// let people = Basic::new([("ci", "a person called ci")])?.issued_by("people");
    /// let machines = Bearer::new([("ci", "dG9rZW4tb2YtdGhlLWNp")])?;
    /// let either = any_of(people, machines); // two principals
    /// # Ok(())
    /// # }
    /// ```
    fn issued_by(self, issuer: impl Into<String>) -> IssuedBy<Self> {
        IssuedBy { inner: self, issuer: issuer.into() }
    }

    /// Erases the type, for schemes that are chosen at run time.
    fn boxed(self) -> BoxAuthenticator {
        BoxAuthenticator(Arc::new(self))
    }
}

impl<A: Authenticator> AuthenticatorExt for A {}

/// Tries `first`, then `second`.
///
/// A credential that is missing, of another scheme, malformed or wrong falls through to the
/// second. What is [conclusive](Rejection::conclusive) (a backend that is down, a broken signature)
/// does not: another scheme must not paper over it. If neither admits, the refusal of the one that
/// got further is sent; with a 401 the challenges of both, Bearer first.
///
/// ```
/// use mcp_auth_layer::{Basic, Bearer, McpAuthLayer, any_of};
///
/// # fn main() -> Result<(), mcp_auth_layer::CredentialError> {
/// let people = Basic::new([("alice", "correct horse")])?;
/// let machines = Bearer::new([("ci", "dG9rZW4tb2YtdGhlLWNp")])?;
/// let layer = McpAuthLayer::new(any_of(people, machines));
/// # Ok(())
/// # }
/// ```
pub fn any_of<A: Authenticator, B: Authenticator>(first: A, second: B) -> AnyOf<A, B> {
    AnyOf { first, second }
}

/// Two authenticators, see [`any_of`].
#[derive(Clone, Debug)]
pub struct AnyOf<A, B> {
    first: A,
    second: B,
}

impl<A: Authenticator, B: Authenticator> Authenticator for AnyOf<A, B> {
    async fn authenticate(&self, head: &Parts) -> Verdict {
        match self.first.authenticate(head).await {
            Err(first) if needs_second(&first) => {
                settle(first, self.second.authenticate(head).await)
            }
            verdict => verdict,
        }
    }

    fn authenticate_now(&self, head: &Parts) -> Option<Verdict> {
        match self.first.authenticate_now(head)? {
            Err(first) if needs_second(&first) => {
                Some(settle(first, self.second.authenticate_now(head)?))
            }
            verdict => Some(verdict),
        }
    }

    fn credential_headers(&self) -> Vec<HeaderName> {
        let mut headers = self.first.credential_headers();
        headers.extend(self.second.credential_headers());
        headers
    }

    fn attempt(&self, head: &Parts) -> Option<Attempt> {
        match (self.first.attempt(head), self.second.attempt(head)) {
            (Some(first), Some(second)) => Some(first.and(second)),
            (first, second) => first.or(second),
        }
    }

    fn needs_rate_limit(&self) -> bool {
        self.first.needs_rate_limit() || self.second.needs_rate_limit()
    }

    fn configure(&self, context: &LayerContext) {
        self.first.configure(context);
        self.second.configure(context);
    }
}

/// Whether the second has a say: in the decision or, with a 401, in its challenges.
fn needs_second(first: &Rejection) -> bool {
    !first.is_conclusive() || first.status() == StatusCode::UNAUTHORIZED
}

fn settle(first: Rejection, second: Verdict) -> Verdict {
    match second {
        Ok(_) if first.is_conclusive() => Err(first),
        Ok(admission) => Ok(admission),
        Err(second) => Err(first.merge(second)),
    }
}

/// An authenticator whose principals have an issuer, see [`AuthenticatorExt::issued_by`].
#[derive(Clone, Debug)]
pub struct IssuedBy<A> {
    inner: A,
    issuer: String,
}

impl<A: Authenticator> IssuedBy<A> {
    fn issued(&self, verdict: Verdict) -> Verdict {
        let issued = |admission: Authenticated| {
            admission.map_principal(|principal| match principal.issuer() {
                Some(_) => principal,
                None => principal.issued_by(&*self.issuer),
            })
        };
        verdict.map(issued)
    }
}

impl<A: Authenticator> Authenticator for IssuedBy<A> {
    async fn authenticate(&self, head: &Parts) -> Verdict {
        self.issued(self.inner.authenticate(head).await)
    }

    fn authenticate_now(&self, head: &Parts) -> Option<Verdict> {
        Some(self.issued(self.inner.authenticate_now(head)?))
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

/// Makes an authenticator of an async function, or of a closure that returns a future.
///
/// It returns a [`Principal`](crate::Principal) or an [`Authenticated`]. The shapes that compile:
///
/// ```
/// use std::collections::HashMap;
/// use http::request::Parts;
/// use mcp_auth_layer::{Challenge, McpAuthLayer, Principal, Rejection, authenticate_fn};
///
/// // An async function, which may hold on to the head while it waits.
/// async fn by_certificate(head: &Parts) -> Result<Principal, Rejection> {
///     match head.extensions.get::<CertificateName>() {
///         Some(CertificateName(name)) => Ok(Principal::new(name)),
///         None => Err(Rejection::missing(Challenge::new("Certificate"))),
///     }
/// }
/// # #[derive(Clone)]
/// # struct CertificateName(String);
/// let layer = McpAuthLayer::new(authenticate_fn(by_certificate));
///
/// // A closure that takes what it needs out of the head and returns an `async move` block.
/// let names: HashMap<Uid, String> = HashMap::new();
/// let layer = McpAuthLayer::new(authenticate_fn(move |head: &Parts| {
///     // Of a peer at a Unix socket: the server has put it there.
///     let name = head.extensions.get::<Uid>().and_then(|uid| names.get(uid)).cloned();
///     async move {
///         match name {
///             Some(name) => Ok(Principal::new(name)),
///             None => Err(Rejection::missing(Challenge::new("Peer"))),
///         }
///     }
/// }));
/// # #[derive(Clone, PartialEq, Eq, Hash)]
/// # struct Uid(u32);
/// ```
///
/// If it reads a credential from a header other than `Authorization`, name that header with
/// [`AuthenticateFn::credential_header`], so that it is not passed on.
pub fn authenticate_fn<F>(function: F) -> AuthenticateFn<F>
where
    F: for<'h> HeadFn<'h> + Send + Sync + 'static,
{
    AuthenticateFn { function, credential_headers: Vec::new() }
}

/// An authenticator made of a function, see [`authenticate_fn`].
#[derive(Clone)]
pub struct AuthenticateFn<F> {
    function: F,
    credential_headers: Vec<HeaderName>,
}

impl<F> AuthenticateFn<F> {
    /// Says that the function reads a credential from this header, which is then not passed on
    /// to the inner service.
    pub fn credential_header(mut self, name: HeaderName) -> Self {
        self.credential_headers.push(name);
        self
    }
}

impl<F> fmt::Debug for AuthenticateFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuthenticateFn")
    }
}

impl<F> Authenticator for AuthenticateFn<F>
where
    F: for<'h> HeadFn<'h> + Send + Sync + 'static,
{
    async fn authenticate(&self, head: &Parts) -> Verdict {
        self.function.call(head).await.map(Into::into)
    }

    fn credential_headers(&self) -> Vec<HeaderName> {
        self.credential_headers.clone()
    }
}

/// `Fn(&'h Parts) -> impl Future + Send`, which cannot be written as a bound for all `'h` without
/// a trait that names the future.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not `async fn(&Parts) -> Result<Principal or Authenticated, Rejection>`",
    note = "a closure takes `head: &Parts`, with the type written out, and returns `async move {{ … }}` that does not hold on to `head`"
)]
pub trait HeadFn<'h> {
    type Granted: Into<Authenticated>;
    type Future: Future<Output = Result<Self::Granted, Rejection>> + Send + 'h;

    fn call(&self, head: &'h Parts) -> Self::Future;
}

impl<'h, F, Fut, T> HeadFn<'h> for F
where
    F: Fn(&'h Parts) -> Fut,
    Fut: Future<Output = Result<T, Rejection>> + Send + 'h,
    T: Into<Authenticated>,
{
    type Granted = T;
    type Future = Fut;

    fn call(&self, head: &'h Parts) -> Fut {
        self(head)
    }
}

/// An authenticator whose type is erased, for schemes that are chosen at run time. Cloning it
/// shares it.
///
/// ```
/// use mcp_auth_layer::{AuthenticatorExt, Basic, Bearer, BoxAuthenticator, CredentialError, any_of};
///
/// fn configured(token: Option<&str>) -> Result<BoxAuthenticator, CredentialError> {
///     let people = Basic::new([("alice", "correct horse")])?.boxed();
///     Ok(match token {
///         Some(token) => any_of(people, Bearer::new([("ci", token)])?).boxed(),
///         None => people,
///     })
/// }
/// # configured(Some("dG9rZW4tb2YtdGhlLWNp")).unwrap();
/// ```
#[derive(Clone)]
pub struct BoxAuthenticator(Arc<dyn Erased>);

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

/// [`Authenticator`] with a boxed future, which makes it a trait of objects.
trait Erased: Send + Sync {
    fn erased_authenticate<'a>(
        &'a self,
        head: &'a Parts,
    ) -> Pin<Box<dyn Future<Output = Verdict> + Send + 'a>>;
    fn erased_authenticate_now(&self, head: &Parts) -> Option<Verdict>;
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
