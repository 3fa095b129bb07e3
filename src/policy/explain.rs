//! Why a policy decides as it does, for its author.

use std::fmt;

use super::call::Call;
use super::decision::{Decision, RefusalKind};
use super::rule::RuleId;
use crate::auth::{Principal, Scope};

/// What a [`Policy`](super::Policy) decides about a call, and why. `Display` is one line.
///
/// ```
/// use mcp_auth_layer::Principal;
/// use mcp_auth_layer::policy::{Call, Policy, Target, scope, tools};
///
/// let policy = Policy::new().allow(scope("tools:write"), tools(["write_*"]));
/// let call = Call::new("tools/call").with_target(Target::tool("write_file"));
/// assert_eq!(
///     policy.explain(&Principal::new("ci"), &call).to_string(),
///     "refused: ci may not call the tool `write_file`: no rule allows it; scopes that would help: tools:write"
/// );
/// let writer = Principal::new("ci").with_scopes(["tools:write"]);
/// assert_eq!(policy.explain(&writer, &call).to_string(), "allowed by rule 1");
/// ```
#[derive(Clone, Debug)]
pub struct Explanation {
    decision: Decision,
    message: String,
}

impl Explanation {
    pub(super) fn new(decision: Decision, caller: &Principal, call: &Call<'_>) -> Self {
        let message = decision.refusal().map(|refusal| refusal.message(caller, call).into_owned());
        Self { message: message.unwrap_or_default(), decision }
    }

    /// Returns whether the call is allowed.
    pub fn is_allowed(&self) -> bool {
        self.decision.is_allowed()
    }

    /// Returns the rule that decides. No rule decides about methods that are always allowed, and about what
    /// no rule allows.
    pub fn rule(&self) -> Option<RuleId> {
        self.decision.rule()
    }

    /// Returns the scopes with which the call would be allowed, sorted.
    pub fn scopes(&self) -> &[Scope] {
        self.decision.refusal().map_or(&[], |refusal| refusal.scopes())
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(refusal) = self.decision.refusal() else {
            return match self.rule() {
                Some(rule) => write!(f, "allowed by {rule}"),
                None => f.write_str("allowed, as always"),
            };
        };
        write!(f, "refused: {}: ", self.message)?;
        match (self.rule(), refusal.kind()) {
            (Some(rule), RefusalKind::ArgumentsRefused) => {
                write!(f, "the condition of {rule} does not hold")
            }
            (Some(rule), _) => write!(f, "{rule} denies it"),
            (None, _) => {
                f.write_str("no rule allows it")?;
                for (index, scope) in self.scopes().iter().enumerate() {
                    let before = if index == 0 { "; scopes that would help: " } else { " " };
                    write!(f, "{before}{scope}")?;
                }
                Ok(())
            }
        }
    }
}
