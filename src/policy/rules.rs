//! A policy: rules that allow and deny.

mod decide;

use std::collections::{HashMap, HashSet};
use std::fmt;

use super::authorizer::Authorizer;
use super::call::Call;
use super::decision::{Decision, Refusal};
use super::explain::Explanation;
use super::index::Index;
use super::object::{Objects, ObjectsWhen, check_allowed_method};
use super::rule::{Rule, RuleId, Terms};
use super::subject::{Caller, Subject};
use super::target::Target;
use crate::auth::Principal;

/// A set of rules, whose order has no meaning: they say which principals may do what.
///
/// What no rule allows is refused, and a deny rule wins over every allow rule. Always allowed
/// are `initialize`, `ping`, `server/discover`, `logging/setLevel`, the notifications of the protocol, and
/// lists, which show what the principal may use, unless a rule denies the method or everything.
///
/// ```
/// use mcp_auth_layer::Principal;
/// use mcp_auth_layer::policy::{
///     Call, Policy, Target, anyone, everything, principal, resources, role, scope, tools,
/// };
///
/// let policy = Policy::new()
///     .allow(principal("ci"), tools(["search", "read_*"]))
///     .allow(principal("alice").issued_by("https://id.example.com"), everything())
///     .allow(scope("tools:write"), tools(["write_*"]))
///     .allow(role("ops").and(scope("tools:write")), tools(["deploy"]))
///     .allow(anyone(), resources(["docs://*"]))
///     .deny(anyone(), tools(["*_internal"]));
///
/// let call = Call::new("tools/call").with_target(Target::tool("search"));
/// assert!(policy.explain(&Principal::new("ci"), &call).is_allowed());
/// assert!(!policy.explain(&Principal::new("bob"), &call).is_allowed());
/// ```
///
/// Feature `policy` reads the same from a file, see `PolicyFile`.
#[derive(Clone, Default)]
#[must_use]
pub struct Policy {
    rules: Vec<Rule>,
    /// Of each rule, by its number.
    terms: Vec<Terms>,
    allow: Index,
    deny: Index,
    assigned_roles: HashMap<Principal, Vec<String>>,
    has_everything: bool,
}

impl Policy {
    /// Creates a policy without rules: it refuses every call that needs one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a rule that allows something.
    ///
    /// # Panics
    ///
    /// If it allows a method that is always allowed, or is decided by what it uses, such as `tools/call`.
    #[track_caller]
    pub fn allow(self, subject: Subject, objects: impl Into<ObjectsWhen>) -> Self {
        let what = objects.into();
        for method in &what.objects.methods {
            if let Err(problem) = check_allowed_method(method) {
                panic!("Policy::allow: {problem}");
            }
        }
        let id = RuleId::at(self.rules.len());
        self.with_allow(id, subject, what)
    }

    /// Adds a rule that denies something. It wins over every rule that allows it.
    pub fn deny(self, subject: Subject, objects: Objects) -> Self {
        let id = RuleId::at(self.rules.len());
        self.with_deny(id, subject, objects)
    }

    /// Gives a role to principals without an issuer: users of password files, keys, and tokens in code.
    ///
    /// Principals of a JWT have the roles of its claim, and those of a token file the `roles=` of their
    /// line.
    pub fn assign_role(
        mut self,
        role: impl Into<String>,
        names: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        let role = role.into();
        for name in names {
            let principal = Principal::new(name);
            self.assigned_roles.entry(principal).or_default().push(role.clone());
        }
        self
    }

    pub(super) fn with_allow(mut self, id: RuleId, subject: Subject, what: ObjectsWhen) -> Self {
        let ObjectsWhen { objects, condition } = what;
        self.has_everything |= objects.everything && condition.is_none();
        let is_indexed = self.allow.add(self.rules.len(), &subject, objects);
        self.rules.push(Rule { id, is_plain: is_indexed && condition.is_none() });
        self.terms.push(Terms { subject, condition });
        self
    }

    pub(super) fn with_deny(mut self, id: RuleId, subject: Subject, mut objects: Objects) -> Self {
        objects.add_reduced_uris();
        let is_plain = self.deny.add(self.rules.len(), &subject, objects);
        self.rules.push(Rule { id, is_plain });
        self.terms.push(Terms { subject, condition: None });
        self
    }

    /// Returns how many rules there are.
    pub(super) fn len(&self) -> usize {
        self.rules.len()
    }

    /// Returns the principals that rules name, each once, in no particular order.
    ///
    /// An application that knows its users can look for rules that match none of them.
    pub fn principals(&self) -> impl Iterator<Item = Principal> {
        let all = self.terms.iter().flat_map(|terms| terms.subject.principals());
        all.collect::<HashSet<_>>().into_iter()
    }

    /// Says whether a principal may make a call, and which rule decides.
    #[must_use]
    pub fn explain(&self, caller: &Principal, call: &Call<'_>) -> Explanation {
        Explanation::new(self.decide(caller, call), caller, call)
    }

    /// Returns whether a rule that the index found is for a caller.
    fn is_for(&self, rule: usize, caller: &Caller<'_>) -> bool {
        self.rules[rule].is_plain || self.terms[rule].subject.matches_but_for_name(caller)
    }

    fn caller<'p>(&'p self, principal: &'p Principal) -> Caller<'p> {
        let assigned =
            if self.assigned_roles.is_empty() { None } else { self.assigned_roles.get(principal) };
        Caller { principal, assigned: assigned.map_or(&[], Vec::as_slice) }
    }
}

impl Authorizer for Policy {
    async fn authorize(&self, caller: &Principal, call: &Call<'_>) -> Decision {
        self.decide(caller, call)
    }

    fn authorize_now(&self, caller: &Principal, call: &Call<'_>) -> Option<Decision> {
        Some(self.decide(caller, call))
    }

    async fn visible(
        &self,
        caller: &Principal,
        targets: &[Target<'_>],
    ) -> Result<Vec<bool>, Refusal> {
        Ok(self.shown(caller, targets))
    }

    fn visible_now(&self, caller: &Principal, targets: &[Target<'_>]) -> Option<Vec<bool>> {
        Some(self.shown(caller, targets))
    }

    fn is_unrestricted(&self, caller: &Principal) -> bool {
        if !self.has_everything {
            return false;
        }
        let caller = &self.caller(caller);
        let is_for = |rule| self.is_for(rule, caller);
        self.allow
            .any_everything(caller, |rule| self.terms[rule].condition.is_none() && is_for(rule))
            && !self.deny.any(caller, is_for)
    }
}

/// Shows how many rules there are.
impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policy").field("rules", &self.rules.len()).finish_non_exhaustive()
    }
}
