//! An authorizer that is a function.

use std::fmt;

use super::authorizer::Authorizer;
use super::call::Call;
use super::decision::Decision;
use crate::auth::Principal;

/// Makes an authorizer of an async function, or of a closure that returns a future.
///
/// The function returns a [`Decision`], a [`Refusal`](super::Refusal) or `Result<(), Refusal>`.
///
/// ```
/// use mcp_auth_layer::Principal;
/// use mcp_auth_layer::policy::{Call, Decision, Refusal, authorize_fn};
///
/// // An async function, which may borrow its arguments while it waits.
/// async fn owners_only(caller: &Principal, call: &Call<'_>) -> Result<(), Refusal> {
///     match call.argument::<String>("owner") {
///         Some(owner) if owner == caller.name() => Ok(()),
///         _ => Err(Refusal::arguments_refused().with_message("`owner` must be yourself")),
///     }
/// }
/// let authorizer = authorize_fn(owners_only);
///
/// // A closure takes what it needs and returns an `async move` block.
/// let authorizer = authorize_fn(|caller: &Principal, _: &Call<'_>| {
///     let is_admin = caller.has_role("admin");
///     async move { if is_admin { Decision::allowed() } else { Refusal::not_permitted().into() } }
/// });
/// ```
pub fn authorize_fn<F>(function: F) -> AuthorizeFn<F>
where
    F: for<'a, 'c> CallFn<'a, 'c> + Send + Sync + 'static,
{
    AuthorizeFn(function)
}

/// An authorizer made of a function, see [`authorize_fn`].
#[derive(Clone)]
#[must_use]
pub struct AuthorizeFn<F>(F);

impl<F> fmt::Debug for AuthorizeFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuthorizeFn")
    }
}

impl<F> Authorizer for AuthorizeFn<F>
where
    F: for<'a, 'c> CallFn<'a, 'c> + Send + Sync + 'static,
{
    async fn authorize(&self, caller: &Principal, call: &Call<'_>) -> Decision {
        self.0.decide(caller, call).await.into()
    }
}

/// A function from a principal and a call to a future, for [`authorize_fn`].
///
/// It cannot be written as a bound for all lifetimes without a trait that names the future. `Borrowed` says
/// that `'c` outlives `'a`, which such a bound cannot say either. Functions and closures implement it by
/// themselves.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not `async fn(&Principal, &Call<'_>) -> Decision`",
    note = "a closure takes `caller: &Principal, call: &Call<'_>`, with the types written out, and returns `async move {{ … }}` that does not hold on to them"
)]
pub trait CallFn<'a, 'c, Borrowed = &'a Call<'c>> {
    /// What the function decides.
    type Decided: Into<Decision>;
    /// The future that it returns.
    type Future: Future<Output = Self::Decided> + Send;

    /// Calls the function.
    fn decide(&self, caller: &'a Principal, call: &'a Call<'c>) -> Self::Future;
}

impl<'a, 'c, F, Fut, T> CallFn<'a, 'c> for F
where
    F: Fn(&'a Principal, &'a Call<'c>) -> Fut,
    Fut: Future<Output = T> + Send,
    T: Into<Decision>,
{
    type Decided = T;
    type Future = Fut;

    fn decide(&self, caller: &'a Principal, call: &'a Call<'c>) -> Fut {
        self(caller, call)
    }
}
