//! The refusal of a call, with the message for the client.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

use super::super::call::Call;
use super::super::json_rpc::{INTERNAL_ERROR, INVALID_PARAMS, METHOD_NOT_FOUND, UNAVAILABLE};
use super::super::methods::{Access, access};
use super::super::target::{Target, TargetKind};
use crate::auth::{BoxError, Principal, Scope};
use crate::text::Shortened;

/// The reason why a call is refused.
///
/// Its message is sent to the client and shown to users and models, such as
/// ``ci may not call the tool `write_file` ``.
#[derive(Clone, Debug)]
#[must_use]
pub struct Refusal {
    kind: RefusalKind,
    message: Option<Cow<'static, str>>,
    /// Sorted, without duplicates.
    scopes: Vec<Scope>,
    /// Which target of the call is refused.
    target: usize,
    cause: Option<Arc<dyn Error + Send + Sync>>,
}

/// The kind of a [`Refusal`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RefusalKind {
    /// The principal may not use this, or may not call this method.
    NotPermitted,
    /// The principal may use this, but not with these arguments. A model can correct them.
    ArgumentsRefused,
    /// The authorizer cannot decide now.
    Unavailable,
}

impl Refusal {
    /// Refuses what the principal may not do.
    pub fn not_permitted() -> Self {
        Self::new(RefusalKind::NotPermitted)
    }

    /// Refuses a call because of its arguments. Say by [`with_message`](Self::with_message) what a model can
    /// do about it.
    pub fn arguments_refused() -> Self {
        Self::new(RefusalKind::ArgumentsRefused)
    }

    /// Refuses a call because it cannot be decided now, since a backend is down, overloaded or too slow.
    ///
    /// Give the reason by [`caused_by`](Self::caused_by): it is logged, and never sent.
    pub fn unavailable() -> Self {
        Self::new(RefusalKind::Unavailable)
    }

    fn new(kind: RefusalKind) -> Self {
        Self { kind, message: None, scopes: Vec::new(), target: 0, cause: None }
    }

    /// Replaces the message.
    pub fn with_message(mut self, message: impl Into<Cow<'static, str>>) -> Self {
        self.message = Some(message.into());
        self
    }

    /// Names the scopes with which the call would be allowed: all that it needs, and not only those that
    /// the credential lacks. A client with OAuth asks for them.
    pub fn with_scopes(mut self, scopes: impl IntoIterator<Item = Scope>) -> Self {
        self.scopes = scopes.into_iter().collect();
        self.scopes.sort_unstable_by(|a, b| a.as_str().cmp(b.as_str()));
        self.scopes.dedup();
        self
    }

    /// Sets the cause, which is logged and never sent.
    pub fn caused_by(mut self, cause: impl Into<BoxError>) -> Self {
        self.cause = Some(Arc::from(cause.into()));
        self
    }

    /// Sets which target of the call is refused, counted from 0.
    pub(crate) fn of_target(mut self, target: usize) -> Self {
        self.target = target;
        self
    }

    /// Returns the kind.
    pub fn kind(&self) -> RefusalKind {
        self.kind
    }

    /// Returns the scopes with which the call would be allowed, sorted. There are none if no scopes would
    /// help.
    pub fn scopes(&self) -> &[Scope] {
        &self.scopes
    }

    /// Returns the cause.
    pub fn cause(&self) -> Option<&(dyn Error + Send + Sync + 'static)> {
        self.cause.as_deref()
    }

    /// Returns the message for this call.
    pub fn message(&self, caller: &Principal, call: &Call<'_>) -> Cow<'_, str> {
        if let Some(message) = &self.message {
            return Cow::Borrowed(message);
        }
        let arguments = match self.kind {
            RefusalKind::Unavailable => {
                return Cow::Borrowed(UNAVAILABLE);
            }
            RefusalKind::ArgumentsRefused => " with these arguments",
            RefusalKind::NotPermitted => "",
        };
        let caller = Shortened::new(caller.name());
        let used = Used { call, target: self.target };
        Cow::Owned(format!("{caller} may not {used}{arguments}"))
    }

    /// Returns the code of the JSON-RPC error for this call.
    pub(crate) fn code(&self, call: &Call<'_>) -> i32 {
        match self.kind {
            RefusalKind::Unavailable => INTERNAL_ERROR,
            _ if used(call, self.target).is_none() => METHOD_NOT_FOUND,
            _ => INVALID_PARAMS,
        }
    }
}

impl Refusal {
    /// Returns which target of the call is refused; `None` if the method is.
    pub(crate) fn refused<'u, 'c>(&self, call: &'u Call<'c>) -> Option<&'u Target<'c>> {
        used(call, self.target)
    }
}

/// Returns the target that decides about a call; `None` if its method does.
fn used<'c, 'u>(call: &'u Call<'c>, target: usize) -> Option<&'u Target<'c>> {
    match access(call.method()) {
        Access::ByTargets => call.targets().get(target),
        Access::Always | Access::List | Access::ByMethod => None,
    }
}

/// What a call does with one of its targets, as in "call the tool `search`".
struct Used<'u, 'c> {
    call: &'u Call<'c>,
    target: usize,
}

impl fmt::Display for Used<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let method = self.call.method();
        let Some(target) = used(self.call, self.target) else {
            return write!(f, "call the method `{}`", Shortened::new(method));
        };
        let verb = match (target.kind(), method) {
            (TargetKind::Tool, _) => "call the tool",
            (TargetKind::Prompt, "completion/complete") => "complete arguments of the prompt",
            (TargetKind::Prompt, _) => "get the prompt",
            (TargetKind::Resource, "resources/subscribe" | "subscriptions/listen") => {
                "subscribe to the resource"
            }
            (TargetKind::Resource, "resources/unsubscribe") => "unsubscribe from the resource",
            (TargetKind::Resource, _) => "read the resource",
            (TargetKind::ResourceTemplate, _) => "use the resource template",
            (TargetKind::Task, _) => "follow the task",
        };
        write!(f, "{verb} `{}`", Shortened::new(target.name()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_say_who_may_not_do_what() {
        let ci = Principal::new("ci");
        for (method, kind, message) in [
            ("tools/call", TargetKind::Tool, "ci may not call the tool `x`"),
            ("prompts/get", TargetKind::Prompt, "ci may not get the prompt `x`"),
            (
                "completion/complete",
                TargetKind::Prompt,
                "ci may not complete arguments of the prompt `x`",
            ),
            ("resources/read", TargetKind::Resource, "ci may not read the resource `x`"),
            (
                "subscriptions/listen",
                TargetKind::Resource,
                "ci may not subscribe to the resource `x`",
            ),
            (
                "completion/complete",
                TargetKind::ResourceTemplate,
                "ci may not use the resource template `x`",
            ),
            ("subscriptions/listen", TargetKind::Task, "ci may not follow the task `x`"),
        ] {
            let call = Call::new(method).with_target(Target::new(kind, "x"));
            assert_eq!(Refusal::not_permitted().message(&ci, &call), message);
            assert_eq!(Refusal::not_permitted().code(&call), -32602);
        }
        let task = Call::new("tasks/get").with_target(Target::new(TargetKind::Task, "x"));
        assert_eq!(
            Refusal::not_permitted().message(&ci, &task),
            "ci may not call the method `tasks/get`"
        );
        assert_eq!(Refusal::not_permitted().code(&task), -32601);
        let method = Call::new("vendor/x");
        assert_eq!(
            Refusal::not_permitted().message(&ci, &method),
            "ci may not call the method `vendor/x`"
        );
        assert_eq!(Refusal::not_permitted().code(&method), -32601);
        let tool = Call::new("tools/call").with_target(Target::tool("x"));
        assert_eq!(
            Refusal::arguments_refused().message(&ci, &tool),
            "ci may not call the tool `x` with these arguments"
        );
        let down = Refusal::unavailable().caused_by("db.internal is down");
        assert_eq!(down.message(&ci, &tool), "authorization is unavailable; try again later");
        assert_eq!((down.code(&tool), down.cause().is_some()), (-32603, true));
    }

    #[test]
    fn names_in_messages_are_escaped_and_cut() {
        let call = Call::new("tools/call").with_target(Target::tool("\n".repeat(10_000)));
        let message = Refusal::not_permitted().message(&Principal::new("c\ni"), &call).into_owned();
        assert!(message.starts_with("c\\ni may not call the tool `\\n"), "{message}");
        assert!(message.len() < 1000 && message.ends_with("… (10000 bytes)`"), "{message}");
    }

    #[test]
    fn scopes_of_a_refusal_are_sorted_and_unique() {
        let scopes = ["b", "a", "b"].map(Scope::from_static);
        let refusal = Refusal::not_permitted().with_scopes(scopes);
        assert_eq!(refusal.scopes(), ["a", "b"].map(Scope::from_static));
    }
}
