//! What a policy decides about: a method, and what it is used for.

use std::borrow::Cow;
use std::fmt;

use serde::de::DeserializeOwned;

use super::arguments::Arguments;
use super::methods::{Access, access};
use super::target::Target;

/// One message of a client, as far as it matters to whether the client may send it.
///
/// The layer makes it from a request. Create one to ask a policy about a call, or to test an authorizer:
///
/// ```
/// use mcp_auth_layer::policy::{Call, Target};
///
/// let call = Call::new("tools/call")
///     .with_target(Target::tool("execute"))
///     .with_arguments(r#"{"command":"id"}"#);
///
/// assert_eq!(call.method(), "tools/call");
/// assert_eq!(call.targets()[0].name(), "execute");
/// assert_eq!(call.argument::<String>("command").as_deref(), Some("id"));
/// ```
pub struct Call<'c> {
    method: Cow<'c, str>,
    targets: Targets<'c>,
    arguments: Option<Arguments<'c>>,
    path: Cow<'c, str>,
}

/// Nearly every message has one target or none, and then it needs no allocation.
enum Targets<'c> {
    AtMostOne(Option<Target<'c>>),
    Several(Vec<Target<'c>>),
}

impl<'c> Call<'c> {
    /// Creates a call of a method without targets and arguments, at the path `/`.
    pub fn new(method: impl Into<Cow<'c, str>>) -> Self {
        Self {
            method: method.into(),
            targets: Targets::AtMostOne(None),
            arguments: None,
            path: Cow::Borrowed("/"),
        }
    }

    /// Adds a target.
    #[must_use]
    pub fn with_target(mut self, target: Target<'c>) -> Self {
        self.targets = match self.targets {
            Targets::AtMostOne(None) => Targets::AtMostOne(Some(target)),
            Targets::AtMostOne(Some(first)) => Targets::Several(vec![first, target]),
            Targets::Several(mut targets) => {
                targets.push(target);
                Targets::Several(targets)
            }
        };
        self
    }

    /// Replaces the targets.
    pub(crate) fn with_targets(mut self, targets: Vec<Target<'c>>) -> Self {
        self.targets = Targets::Several(targets);
        self
    }

    /// Sets the arguments: the text of a JSON object.
    #[must_use]
    pub fn with_arguments(mut self, json: &'c str) -> Self {
        self.arguments = Some(Arguments::new(json));
        self
    }

    /// Sets the path of the URI to which the message was sent.
    #[must_use]
    pub fn with_path(mut self, path: impl Into<Cow<'c, str>>) -> Self {
        self.path = path.into();
        self
    }

    /// Returns the method, such as `tools/call`.
    pub fn method(&self) -> &str {
        &self.method
    }

    /// Returns whether a [`Policy`](super::Policy) allows the method without a rule, unless a rule denies it.
    ///
    /// These methods are `initialize`, `ping`, `server/discover`, `logging/setLevel`, the lists of tools, prompts,
    /// resources and resource templates, and the notifications that clients send, in every revision of MCP from
    /// 2024-11-05 to 2026-07-28.
    ///
    /// The layer asks an [`Authorizer`](super::Authorizer) about them as well. It should allow them: without them there
    /// is no session, and lists are filtered anyway.
    ///
    /// ```
    /// use mcp_auth_layer::policy::Call;
    ///
    /// assert!(Call::new("initialize").needs_no_rule());
    /// assert!(Call::new("tools/list").needs_no_rule());
    /// assert!(!Call::new("tools/call").needs_no_rule());
    /// assert!(!Call::new("vendor/method").needs_no_rule());
    /// ```
    pub fn needs_no_rule(&self) -> bool {
        matches!(access(&self.method), Access::Always | Access::List)
    }

    /// Returns what the message uses: no target, one or, for `subscriptions/listen`, several.
    ///
    /// The call may be made if *each* of them may be used.
    pub fn targets(&self) -> &[Target<'c>] {
        match &self.targets {
            Targets::AtMostOne(target) => target.as_slice(),
            Targets::Several(targets) => targets,
        }
    }

    /// Returns the arguments of a tool or a prompt, as the text of the message.
    ///
    /// The text may have duplicate members, of which parsers choose different ones. [`argument`](Self::argument)
    /// refuses those; prefer it to decide.
    pub fn arguments(&self) -> Option<&str> {
        self.arguments.as_ref().map(Arguments::text)
    }

    /// Returns an argument. `None` if there is none of this name, or if it is no `T`.
    ///
    /// If parsers could read it in different ways, then the layer refuses the message, whatever is decided: if it
    /// is there twice, here or inside of its value, or if a member has almost the same name, such as `Command`
    /// beside or instead of `command`. The result is `None` then too.
    ///
    /// Permit what is expected rather than deny what is not: `call.argument("command") == Some("id".to_owned())`.
    /// A server may accept other types than `T`, such as the number 5 for the text `"5"`.
    pub fn argument<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        self.arguments.as_ref()?.get(name)
    }

    /// Returns the path of the URI to which the message was sent.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns whether an argument was asked for that parsers could read in different ways. The message must be
    /// refused then, even if it is permitted.
    pub(crate) fn has_ambiguous_argument(&self) -> bool {
        self.arguments.as_ref().is_some_and(Arguments::are_ambiguous)
    }
}

/// Arguments may be secrets, so they are not shown.
impl fmt::Debug for Call<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("method", &self.method)
            .field("targets", &self.targets())
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_in_the_order_in_which_they_were_added() {
        let names = |call: &Call<'_>| -> Vec<String> {
            call.targets().iter().map(|target| target.name().to_owned()).collect()
        };
        let mut call = Call::new("subscriptions/listen");
        assert!(call.targets().is_empty());
        for uri in ["a:1", "a:2", "a:3"] {
            call = call.with_target(Target::resource(uri));
        }
        assert_eq!(names(&call), ["a:1", "a:2", "a:3"]);
    }

    #[test]
    fn arguments_are_not_in_the_debug_text() {
        let call = Call::new("tools/call").with_arguments(r#"{"password":"hunter2"}"#);
        assert!(!format!("{call:?}").contains("hunter2"));
    }
}
