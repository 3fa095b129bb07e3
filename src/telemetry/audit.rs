//! The audit log: one event for each decision about a message, with a target of its own.

use std::fmt::Display;

use tracing::{debug, error, info, warn};

use super::{LayerCounters, metrics};
use crate::text::Shortened;

/// The target of the events, by which they can be routed apart from others.
const TARGET: &str = "mcp_auth_layer::audit";

/// What was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Allowed,
    NotPermitted,
    ArgumentsRefused,
    /// It could not be decided. It was refused, but in a dry run.
    Unavailable,
    /// It would be allowed, but for another message of its batch.
    BatchRefused,
    /// It would be refused, but for the dry run.
    WouldRefuse,
}

impl Outcome {
    fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::NotPermitted => "not_permitted",
            Self::ArgumentsRefused => "arguments_refused",
            Self::Unavailable => "unavailable",
            Self::BatchRefused => "batch_refused",
            Self::WouldRefuse => "would_refuse",
        }
    }
}

/// One decision. Arguments are never part of it.
pub(crate) struct Decision<'d, R> {
    pub(crate) principal: &'d str,
    pub(crate) issuer: Option<&'d str>,
    pub(crate) method: &'d str,
    /// The kind of the target, or `method`.
    pub(crate) kind: &'static str,
    pub(crate) name: Option<&'d str>,
    pub(crate) outcome: Outcome,
    /// The rule that decides.
    pub(crate) rule: Option<R>,
    pub(crate) cause: Option<String>,
}

/// Reports a decision about a message of a request, which the counters of its layer count.
pub(crate) fn decision<R: Display>(counters: &LayerCounters, decision: Decision<'_, R>) {
    log(&decision);
    counters.decision(decision.outcome.as_str(), decision.kind);
}

/// Reports a decision about a list, which is rare.
pub(crate) fn list_decision<R: Display>(decision: Decision<'_, R>) {
    log(&decision);
    metrics::decision(decision.outcome.as_str(), decision.kind);
}

/// Logs a decision. Names are escaped and cut.
fn log<R: Display>(decision: &Decision<'_, R>) {
    let name = decision.name.map(Shortened::new);
    macro_rules! event {
        ($log:ident) => {
            $log!(
                target: TARGET,
                principal = %Shortened::new(decision.principal),
                issuer = decision.issuer,
                method = %Shortened::new(decision.method),
                kind = decision.kind,
                name = name.as_ref().map(tracing::field::debug),
                outcome = decision.outcome.as_str(),
                rule = decision.rule.as_ref().map(tracing::field::display),
                cause = decision.cause.as_deref(),
                "decision"
            )
        };
    }
    match decision.outcome {
        Outcome::Allowed => event!(debug),
        Outcome::NotPermitted
        | Outcome::ArgumentsRefused
        | Outcome::BatchRefused
        | Outcome::WouldRefuse => event!(info),
        Outcome::Unavailable => event!(error),
    }
}

/// Reports a body that a dry run does not decide about: with an enforced policy it would be rejected, or it is not read.
pub(crate) fn would_reject(principal: &str, cause: &str) {
    let principal = Shortened::new(principal);
    warn!(target: TARGET, %principal, cause, outcome = "would_reject", "not decided");
}
