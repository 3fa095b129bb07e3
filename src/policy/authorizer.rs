//! The trait of all that decides about calls.

use super::call::Call;
use super::changes::Changes;
use super::decision::{Decision, Refusal, RefusalKind};
use super::target::{Target, TargetKind};
use crate::auth::Principal;

/// Decides which calls a principal may make.
///
/// [`Policy`](super::Policy) implements it, and [`authorize_fn`](super::authorize_fn) makes an authorizer of a function.
/// Implement it for a decision point of your own, such as Cedar, OPA or AuthZEN. The
/// [guide](crate::guide::authorization#other-decision-points) has an example of each.
///
/// ```
/// use mcp_auth_layer::Principal;
/// use mcp_auth_layer::policy::{Authorizer, Call, Decision, Refusal};
///
/// struct Opa {/* an HTTP client, say */}
///
/// impl Authorizer for Opa {
///     async fn authorize(&self, caller: &Principal, call: &Call<'_>) -> Decision {
///         if call.needs_no_rule() {
///             return Decision::allowed(); // `initialize`, say
///         }
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
/// # When the layer asks
///
/// For each request, it asks first whether the principal [is unrestricted](Self::is_unrestricted). If it is not, the
/// layer asks about every message of the request that is not a response to the server: also about `initialize`, `ping`,
/// lists and notifications, see [`Call::needs_no_rule`]. The messages of a batch are asked about one after the other. A
/// request with several messages is forwarded only if all of them are allowed.
///
/// [`visible`](Self::visible) decides what a list in a response shows. Decisions are not cached.
///
/// The principal has the scopes of its credential, and those that
/// [`scope_implies`](crate::McpAuthLayer::scope_implies) adds.
///
/// # Failures
///
/// The layer fails closed. If an implementation panics, or does not decide about all messages of a request within
/// [`authenticator_timeout`](crate::McpAuthLayer::authenticator_timeout), 10 seconds by default, then all of them are
/// refused as [unavailable](Refusal::unavailable). If that happens in [`visible`](Self::visible), the client receives
/// an error in place of the list. A principal is restricted if [`is_unrestricted`](Self::is_unrestricted) panics.
///
/// It must be safe to drop the returned futures at any point: a client may close its connection.
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
    /// The layer calls it first, and saves a boxed future if it returns `Some`. `None`, the default, means that
    /// [`authorize`](Self::authorize) decides. Both must agree, and this one must have no side effects and must not
    /// block, as it may be called several times for one message.
    fn authorize_now(&self, caller: &Principal, call: &Call<'_>) -> Option<Decision> {
        let _ = (caller, call);
        None
    }

    /// Returns which of these elements of lists to show: one value for each, in their order. An element without a
    /// value is not shown.
    ///
    /// The elements are those of all lists in one response or event that have a name. The update of a resource
    /// (`notifications/resources/updated`) is presented as one element, too.
    ///
    /// By default, [`authorize`](Self::authorize) decides about each element as a call without arguments, one after the
    /// other, and an element is also shown if the call is refused because of its arguments. A decision point over a
    /// network should decide about all elements in one request.
    ///
    /// # Errors
    ///
    /// A [`Refusal`] of the whole list, if it cannot be decided about now. The client receives a JSON-RPC error with the
    /// code -32603 in place of the list. An update of a resource is not shown.
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

    /// Returns the same as [`visible`](Self::visible) without waiting, if that is possible. The layer calls it first;
    /// `None` is the default. Event streams are filtered faster with it.
    fn visible_now(&self, caller: &Principal, targets: &[Target<'_>]) -> Option<Vec<bool>> {
        let _ = (caller, targets);
        None
    }

    /// Returns whether this principal may make every call. Its messages are then not read, and its lists not filtered.
    ///
    /// It is `false` by default. The layer calls it for each request, and for the events of open streams, so it must be
    /// fast and must not block.
    fn is_unrestricted(&self, caller: &Principal) -> bool {
        let _ = caller;
        false
    }

    /// Returns what announces that decisions have changed: nothing by default. The layer calls it once, in
    /// [`authorize`](crate::McpAuthLayer::authorize).
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
