//! The answer of an authorizer.

mod refusal;

pub use self::refusal::{Refusal, RefusalKind};
use super::rule::RuleId;

/// Whether a principal may make a call, and which rule says so.
///
/// ```
/// use mcp_auth_layer::policy::{Decision, Refusal};
///
/// assert!(Decision::allowed().is_allowed());
/// let refused = Decision::from(Refusal::not_permitted());
/// assert!(refused.refusal().is_some());
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Decision {
    refusal: Option<Refusal>,
    rule: Option<RuleId>,
}

impl Decision {
    /// Allows the call.
    pub fn allowed() -> Self {
        Self { refusal: None, rule: None }
    }

    /// Refuses the call.
    pub fn refused(refusal: Refusal) -> Self {
        Self { refusal: Some(refusal), rule: None }
    }

    /// Sets the rule that decides, for the audit log.
    pub(crate) fn by(mut self, rule: RuleId) -> Self {
        self.rule = Some(rule);
        self
    }

    /// Returns whether the call is allowed.
    pub fn is_allowed(&self) -> bool {
        self.refusal.is_none()
    }

    /// Returns why the call is refused, if it is.
    pub fn refusal(&self) -> Option<&Refusal> {
        self.refusal.as_ref()
    }

    /// Returns the rule of a [`Policy`](super::Policy) that decides. It is `None` for a method that needs no rule, and
    /// for a call that is refused because no rule allows it.
    pub fn rule(&self) -> Option<RuleId> {
        self.rule
    }

    /// Returns the refusal, if the call is refused.
    pub fn into_refusal(self) -> Option<Refusal> {
        self.refusal
    }
}

/// Refuses the call.
impl From<Refusal> for Decision {
    fn from(refusal: Refusal) -> Self {
        Self::refused(refusal)
    }
}

/// Allows the call if there is no refusal.
impl From<Result<(), Refusal>> for Decision {
    fn from(result: Result<(), Refusal>) -> Self {
        Self { refusal: result.err(), rule: None }
    }
}
