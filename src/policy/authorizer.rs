//! The trait of everything that decides about calls.

use super::call::Call;
use super::changes::Changes;
use super::decision::{Decision, Refusal, RefusalKind};
use super::target::{Target, TargetKind};
use crate::auth::Principal;

/// Decides which calls a principal may make.
///
/// [`Policy`](super::Policy) is one, and [`authorize_fn`](super::authorize_fn) makes one of a function.
/// Implement it for a decision point of your own, such as Cedar, OPA or AuthZEN.
///
/// ```
/// use mcp_auth_layer::Principal;
/// use mcp_auth_layer::policy::{Authorizer, Call, Decision, Refusal};
///
/// struct Opa {/* an HTTP client, say */}
///
/// impl Authorizer for Opa {
///     async fn authorize(&self, caller: &Principal, call: &Call<'_>) -> Decision {
///         match self.ask(caller.name(), call.method()).await {
///             Ok(true) => Decision::allowed(),
///             Ok(false) => Refusal::not_permitted().into(),
///             Err(error) => Refusal::unavailable().caused_by(error).into(),
///         }
///     }
/// }
/// # impl Opa {
/// #     async fn ask(&self, _: &str, _: &str) -> Result<bool, std::io::Error> { Ok(true) }
/// # }
/// ```
///
/// # Failures
///
/// A call whose implementation panics, or takes too long, is refused as unavailable. It must be safe to
/// drop the returned future at any point.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an `Authorizer`",
    note = "implement `Authorizer` for it, or wrap a function in `mcp_auth_layer::policy::authorize_fn`"
)]
pub trait Authorizer: Send + Sync + 'static {
    /// Decides about a call.
    fn authorize(
        &self,
        caller: &Principal,
        call: &Call<'_>,
    ) -> impl Future<Output = Decision> + Send;

    /// Decides about a call without waiting, if that is possible.
    ///
    /// It is called first, and saves a boxed future if it returns `Some`. It may be called again, and
    /// [`authorize`](Self::authorize) after it: it must have no side effects, and both must agree.
    fn authorize_now(&self, caller: &Principal, call: &Call<'_>) -> Option<Decision> {
        let _ = (caller, call);
        None
    }

    /// Returns which of these to show in a list: one value for each, in their order. What has no value is
    /// not shown.
    ///
    /// By default each is asked for as a call without arguments, one after the other. What is refused for
    /// its arguments is shown. A decision point over a network should ask for all at once.
    ///
    /// # Errors
    ///
    /// A [`Refusal`] of the whole list, if it cannot be decided now.
    fn visible(
        &self,
        caller: &Principal,
        targets: &[Target<'_>],
    ) -> impl Future<Output = Result<Vec<bool>, Refusal>> + Send {
        async move {
            let mut visible = Vec::with_capacity(targets.len());
            for target in targets {
                let decision = self.authorize(caller, &call_of(target)).await;
                match decision.into_refusal() {
                    None => visible.push(true),
                    Some(refusal) if refusal.kind() == RefusalKind::Unavailable => {
                        return Err(refusal);
                    }
                    Some(refusal) => visible.push(refusal.kind() == RefusalKind::ArgumentsRefused),
                }
            }
            Ok(visible)
        }
    }

    /// Returns the same without waiting, if that is possible. Event streams are filtered faster by it.
    fn visible_now(&self, caller: &Principal, targets: &[Target<'_>]) -> Option<Vec<bool>> {
        let _ = (caller, targets);
        None
    }

    /// Returns whether this principal may make every call. Its messages and lists are then not read.
    fn is_unrestricted(&self, caller: &Principal) -> bool {
        let _ = caller;
        false
    }

    /// Returns what announces that decisions have changed: nothing by default. The layer asks once.
    fn changes(&self) -> Vec<Changes> {
        Vec::new()
    }
}

/// The call that uses an element of a list.
fn call_of<'t>(target: &'t Target<'_>) -> Call<'t> {
    let method = match target.kind() {
        TargetKind::Tool => "tools/call",
        TargetKind::Prompt => "prompts/get",
        TargetKind::Resource => "resources/read",
        TargetKind::ResourceTemplate => "completion/complete",
        TargetKind::Task => "tasks/get",
    };
    Call::new(method).with_target(Target::new(target.kind(), target.name()))
}
