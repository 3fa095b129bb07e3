//! An authenticator that is a function.

use std::fmt;

use http::HeaderName;
use http::request::Parts;

use super::authenticated::Authenticated;
use super::authenticator::Authenticator;
use super::challenge::Challenge;
use super::rejection::Rejection;

/// Makes an authenticator of an async function, or of a closure that returns a future.
///
/// The function returns a [`Principal`](crate::Principal) or an [`Authenticated`]. These forms
/// compile:
///
/// ```
/// use std::collections::HashMap;
/// use http::request::Parts;
/// use mcp_auth_layer::auth::{AuthScheme, Challenge, authenticate_fn};
/// use mcp_auth_layer::{McpAuthLayer, Principal, Rejection};
///
/// const CERTIFICATE: AuthScheme = AuthScheme::from_static("Certificate");
///
/// // An async function, which may borrow the head while it waits.
/// async fn by_certificate(head: &Parts) -> Result<Principal, Rejection> {
///     match head.extensions.get::<CertificateName>() {
///         Some(CertificateName(name)) => Ok(Principal::new(name)),
///         None => Err(Rejection::missing(Challenge::new(CERTIFICATE))),
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
///             None => Err(Rejection::missing(Challenge::new(AuthScheme::from_static("Peer")))),
///         }
///     }
/// }));
/// # #[derive(Clone, PartialEq, Eq, Hash)]
/// # struct Uid(u32);
/// ```
///
/// If it reads a credential from a header other than `Authorization`, name that header with
/// [`AuthenticateFn::credential_header`]: the layer then strips it from the request. Name what a
/// request without credentials is challenged with by [`AuthenticateFn::challenge`].
pub fn authenticate_fn<F>(function: F) -> AuthenticateFn<F>
where
    F: for<'h> HeadFn<'h> + Send + Sync + 'static,
{
    AuthenticateFn { function, credential_headers: Vec::new(), challenges: Vec::new() }
}

/// An authenticator made of a function, see [`authenticate_fn`].
#[derive(Clone)]
#[must_use]
pub struct AuthenticateFn<F> {
    function: F,
    credential_headers: Vec<HeaderName>,
    challenges: Vec<Challenge>,
}

impl<F> AuthenticateFn<F> {
    /// Names a header from which the function reads a credential. The layer strips it from the
    /// request that the inner service receives.
    pub fn credential_header(mut self, name: HeaderName) -> Self {
        self.credential_headers.push(name);
        self
    }

    /// Adds a challenge to those of a 401 that the layer sends by itself, such as the one for an
    /// expired credential.
    pub fn challenge(mut self, challenge: Challenge) -> Self {
        self.challenges.push(challenge);
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
    async fn authenticate(&self, head: &Parts) -> Result<Authenticated, Rejection> {
        self.function.call(head).await.map(Into::into)
    }

    fn challenges(&self) -> Vec<Challenge> {
        self.challenges.clone()
    }

    fn credential_headers(&self) -> Vec<HeaderName> {
        self.credential_headers.clone()
    }
}

/// A function from the head of a request to a future, for [`authenticate_fn`].
///
/// `Fn(&'h Parts) -> impl Future + Send` cannot be written as a bound for all `'h` without a trait
/// that names the future. Functions and closures implement it by themselves.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not `async fn(&Parts) -> Result<Principal or Authenticated, Rejection>`",
    note = "a closure takes `head: &Parts`, with the type written out, and returns `async move {{ … }}` that does not hold on to `head`"
)]
pub trait HeadFn<'h> {
    /// What the function grants: a [`Principal`](crate::Principal) or an [`Authenticated`].
    type Granted: Into<Authenticated>;
    /// The future that it returns.
    type Future: Future<Output = Result<Self::Granted, Rejection>> + Send + 'h;

    /// Calls the function.
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
