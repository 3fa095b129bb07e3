//! The table of methods: what decides about each of them, and what it names.
//!
//! It has every method that a client may send, of every version of the protocol from 2024-11-05 to 2026-07-28. A
//! method that is not in it is refused unless a rule permits the method itself: roadmaps and vendors add methods,
//! whose effects are unknown.

use super::target::TargetKind;

/// What decides whether a principal may use a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Every principal may use it, unless a rule denies the method.
    Always,
    /// The same, and the lists in its answer are filtered.
    List,
    /// A principal may use it that may use each of the targets of the message.
    ByTargets,
    /// A principal may use it if a rule allows the method itself.
    ByMethod,
}

/// Which members of `params` say what a message wants to use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Names {
    Nothing,
    /// `name`, with `arguments` for it.
    Name(TargetKind),
    /// `uri`, of a resource.
    Uri,
    /// `taskId`.
    TaskId,
    /// `ref`, which is a prompt or a resource template.
    Reference,
    /// `notifications`, which has URIs of resources and IDs of tasks.
    Subscriptions,
}

impl TargetKind {
    /// Returns the kind that this method always names. `None` if it names nothing, or nothing of one kind, such as
    /// `completion/complete`.
    ///
    /// ```
    /// use mcp_auth_layer::policy::TargetKind;
    ///
    /// assert_eq!(TargetKind::of_method("tools/call"), Some(TargetKind::Tool));
    /// assert_eq!(TargetKind::of_method("ping"), None);
    /// ```
    pub fn of_method(method: &str) -> Option<Self> {
        match names(method) {
            Names::Name(kind) => Some(kind),
            Names::Uri => Some(Self::Resource),
            Names::TaskId => Some(Self::Task),
            Names::Nothing | Names::Reference | Names::Subscriptions => None,
        }
    }
}

/// Returns what decides about this method.
pub(crate) fn access(method: &str) -> Access {
    row(method).0
}

/// Returns which members name the targets of this method.
pub(crate) fn names(method: &str) -> Names {
    row(method).1
}

fn row(method: &str) -> (Access, Names) {
    use self::Access::{Always, ByMethod, ByTargets, List};
    use self::Names::{Name, Nothing, Reference, Subscriptions, TaskId, Uri};

    match method {
        "initialize" | "ping" | "server/discover" => (Always, Nothing),
        // Of the caller's own session.
        "logging/setLevel" => (Always, Nothing),
        "notifications/initialized"
        | "notifications/roots/list_changed"
        | "notifications/cancelled"
        | "notifications/progress"
        | "notifications/tasks/status" => (Always, Nothing),

        "tools/list" | "prompts/list" | "resources/list" | "resources/templates/list" => {
            (List, Nothing)
        }

        "tools/call" => (ByTargets, Name(TargetKind::Tool)),
        "prompts/get" => (ByTargets, Name(TargetKind::Prompt)),
        "resources/read" | "resources/subscribe" | "resources/unsubscribe" => (ByTargets, Uri),
        "completion/complete" => (ByTargets, Reference),
        "subscriptions/listen" => (ByTargets, Subscriptions),

        // Who may use a task is known to the server that made it, and not to a layer.
        "tasks/get" | "tasks/result" | "tasks/cancel" | "tasks/update" => (ByMethod, TaskId),
        _ => (ByMethod, Nothing),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_methods_need_a_rule_for_the_method() {
        for method in
            ["vendor/x", "Ping", "ping ", "", "notifications/x", "resources/directory/read"]
        {
            assert_eq!(access(method), Access::ByMethod, "{method}");
        }
        assert_eq!(access("tasks/list"), Access::ByMethod);
        assert_eq!(access("ping"), Access::Always);
    }

    #[test]
    fn methods_of_the_protocol_that_need_no_rule_are_these() {
        for method in [
            "initialize",
            "ping",
            "server/discover",
            "logging/setLevel",
            "notifications/initialized",
            "notifications/roots/list_changed",
            "notifications/cancelled",
            "notifications/progress",
            "notifications/tasks/status",
        ] {
            assert_eq!(access(method), Access::Always, "{method}");
        }
        for method in ["tools/list", "prompts/list", "resources/list", "resources/templates/list"] {
            assert_eq!(access(method), Access::List, "{method}");
        }
        assert_eq!(access("tools/call"), Access::ByTargets);
    }

    #[test]
    fn methods_that_name_one_kind_have_it() {
        for (method, kind) in [
            ("prompts/get", Some(TargetKind::Prompt)),
            ("resources/subscribe", Some(TargetKind::Resource)),
            ("tasks/cancel", Some(TargetKind::Task)),
            ("completion/complete", None),
            ("vendor/x", None),
        ] {
            assert_eq!(TargetKind::of_method(method), kind, "{method}");
        }
    }
}
