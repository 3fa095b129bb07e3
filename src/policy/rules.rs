//! A policy: rules that allow and deny.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::ops::ControlFlow;

use super::authorizer::Authorizer;
use super::call::Call;
use super::decision::{Decision, Refusal};
use super::explain::Explanation;
use super::index::{Effect, Index, Wanted};
use super::methods::{Access, Names, access, names};
use super::object::{Objects, ObjectsWhen, check_allowed_method};
use super::rule::{Rule, RuleId};
use super::subject::{Caller, Subject};
use super::target::{Target, TargetKind};
use crate::auth::{Principal, Scope};

/// Who may do what: a set of rules, whose order has no meaning.
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
    allow: Index,
    deny: Index,
    assigned_roles: HashMap<Principal, Vec<String>>,
    has_everything: bool,
}

/// What the rules say about one name.
enum Verdict {
    Allowed(usize),
    Denied(usize),
    /// A rule would allow it, but for its condition.
    ConditionFailed(usize),
    /// No rule does, and these would if the caller had their scopes, and perhaps for their conditions.
    NoRule(Vec<usize>),
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
        self.allow.add(self.rules.len(), &subject, objects);
        self.rules.push(Rule { id, subject, condition });
        self
    }

    pub(super) fn with_deny(mut self, id: RuleId, subject: Subject, objects: Objects) -> Self {
        self.deny.add(self.rules.len(), &subject, objects);
        self.rules.push(Rule { id, subject, condition: None });
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
        let all = self.rules.iter().flat_map(|rule| rule.subject.principals());
        all.collect::<HashSet<_>>().into_iter()
    }

    /// Says whether a principal may make a call, and which rule decides.
    #[must_use]
    pub fn explain(&self, caller: &Principal, call: &Call<'_>) -> Explanation {
        Explanation::new(self.decide(caller, call), caller, call)
    }

    /// Decides about a call.
    pub(super) fn decide(&self, caller: &Principal, call: &Call<'_>) -> Decision {
        let caller = &self.caller(caller);
        let wanted = Wanted::method(call.method());
        if let Some(rule) = self.denying(caller, &wanted) {
            return Decision::from(Refusal::not_permitted()).by(self.rules[rule].id);
        }
        match access(call.method()) {
            Access::Always | Access::List => Decision::allowed(),
            Access::ByMethod => match self.allowing(caller, &wanted, Some(call)) {
                Verdict::Allowed(rule) => Decision::allowed().by(self.rules[rule].id),
                Verdict::Denied(rule) | Verdict::ConditionFailed(rule) => {
                    Decision::from(Refusal::not_permitted()).by(self.rules[rule].id)
                }
                Verdict::NoRule(lacking) => {
                    let scopes =
                        self.helpful_scopes(caller, &wanted, call, lacking).unwrap_or_default();
                    Refusal::not_permitted().with_scopes(scopes.iter().cloned()).into()
                }
            },
            // The reader rejects a message that does not name what it uses.
            Access::ByTargets
                if call.targets().is_empty() && names(call.method()) != Names::Subscriptions =>
            {
                Refusal::not_permitted().into()
            }
            Access::ByTargets => self.decide_targets(caller, call, call.targets()),
        }
    }

    /// Decides about what a call uses: it is allowed if all of it is.
    fn decide_targets(
        &self,
        caller: &Caller<'_>,
        call: &Call<'_>,
        targets: &[Target<'_>],
    ) -> Decision {
        let mut deciding = None;
        let mut missing = None;
        let mut scopes: Vec<Scope> = Vec::new();
        for (index, target) in targets.iter().enumerate() {
            let wanted = Wanted::target(target);
            match self.verdict(caller, &wanted, Some(call)) {
                Verdict::Allowed(rule) => {
                    deciding = deciding.or(Some(rule));
                    scopes.extend_from_slice(&self.rules[rule].subject.scopes);
                }
                Verdict::Denied(rule) => {
                    let refusal = Refusal::not_permitted().of_target(index);
                    return Decision::from(refusal).by(self.rules[rule].id);
                }
                Verdict::ConditionFailed(rule) => {
                    let has_arguments =
                        matches!(target.kind(), TargetKind::Tool | TargetKind::Prompt);
                    let refusal = if has_arguments {
                        Refusal::arguments_refused()
                    } else {
                        Refusal::not_permitted()
                    };
                    return Decision::from(refusal.of_target(index)).by(self.rules[rule].id);
                }
                Verdict::NoRule(lacking) => {
                    match self.helpful_scopes(caller, &wanted, call, lacking) {
                        None => return Refusal::not_permitted().of_target(index).into(),
                        Some(helpful) => {
                            missing = missing.or(Some(index));
                            scopes.extend_from_slice(helpful);
                        }
                    }
                }
            }
        }
        match (missing, deciding) {
            (Some(index), _) => {
                Refusal::not_permitted().of_target(index).with_scopes(scopes).into()
            }
            (None, Some(rule)) => Decision::allowed().by(self.rules[rule].id),
            (None, None) => Decision::allowed(),
        }
    }

    /// Returns which of these to show in a list. Conditions do not count, as the arguments are not known.
    fn shown(&self, caller: &Principal, targets: &[Target<'_>]) -> Vec<bool> {
        let caller = &self.caller(caller);
        let mut denied_methods = HashMap::new();
        let is_shown = |target: &Target<'_>| {
            let method = match target.kind() {
                TargetKind::Tool => "tools/call",
                TargetKind::Prompt => "prompts/get",
                TargetKind::Resource | TargetKind::ResourceTemplate => "resources/read",
                TargetKind::Task => "tasks/get",
            };
            let is_denied = *denied_methods
                .entry(method)
                .or_insert_with(|| self.denying(caller, &Wanted::method(method)).is_some());
            let verdict = || self.verdict(caller, &Wanted::target(target), None);
            !is_denied && matches!(verdict(), Verdict::Allowed(_))
        };
        targets.iter().map(is_shown).collect()
    }

    /// Evaluates the rules. Without a call, every condition holds.
    fn verdict(
        &self,
        caller: &Caller<'_>,
        wanted: &Wanted<'_>,
        call: Option<&Call<'_>>,
    ) -> Verdict {
        match self.denying(caller, wanted) {
            Some(rule) => Verdict::Denied(rule),
            None => self.allowing(caller, wanted, call),
        }
    }

    /// Evaluates the allow rules alone.
    fn allowing(
        &self,
        caller: &Caller<'_>,
        wanted: &Wanted<'_>,
        call: Option<&Call<'_>>,
    ) -> Verdict {
        let (mut failed, mut lacking) = (None, Vec::new());
        let found = self.allow.find(Effect::Allow, caller, wanted, |rule| {
            let Rule { subject, condition, .. } = &self.rules[rule];
            if !subject.matches_but_for_name(caller) {
                // Its condition is not evaluated: that could find an argument ambiguous that decides nothing.
                if !subject.scopes.is_empty() {
                    lacking.push(rule);
                }
                return ControlFlow::Continue(());
            }
            match (condition, call) {
                (Some(holds), Some(call)) if !holds(call) => {
                    failed = Some(rule);
                    ControlFlow::Continue(())
                }
                _ => ControlFlow::Break(rule),
            }
        });
        match (found, failed) {
            (ControlFlow::Break(rule), _) => Verdict::Allowed(rule),
            (ControlFlow::Continue(()), Some(rule)) => Verdict::ConditionFailed(rule),
            (ControlFlow::Continue(()), None) => Verdict::NoRule(lacking),
        }
    }

    /// Returns a rule that denies something to a caller.
    fn denying(&self, caller: &Caller<'_>, wanted: &Wanted<'_>) -> Option<usize> {
        self.deny
            .find(Effect::Deny, caller, wanted, |rule| {
                if self.is_for(rule, caller) {
                    ControlFlow::Break(rule)
                } else {
                    ControlFlow::Continue(())
                }
            })
            .break_value()
    }

    /// Returns the smallest set of scopes with which a rule would allow this: all that the rule needs, as
    /// clients ask for what a challenge lists (RFC 6750 §3.1).
    fn helpful_scopes(
        &self,
        caller: &Caller<'_>,
        wanted: &Wanted<'_>,
        call: &Call<'_>,
        lacking: Vec<usize>,
    ) -> Option<&[Scope]> {
        let mut smallest: Option<&[Scope]> = None;
        let mut consider = |rule: usize| {
            let Rule { subject, condition, .. } = &self.rules[rule];
            let scopes = &*subject.scopes;
            if smallest.is_some_and(|smallest| smallest.len() <= scopes.len())
                || !subject.matches_but_for_scopes(caller)
                || condition.as_ref().is_some_and(|holds| !holds(call))
            {
                return;
            }
            smallest = Some(scopes);
        };
        lacking.into_iter().for_each(&mut consider);
        self.allow.find_scoped(wanted, consider);
        smallest
    }

    fn is_for(&self, rule: usize, caller: &Caller<'_>) -> bool {
        self.rules[rule].subject.matches_but_for_name(caller)
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
            .any_everything(caller, |rule| self.rules[rule].condition.is_none() && is_for(rule))
            && !self.deny.any(caller, is_for)
    }
}

/// Shows how many rules there are.
impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policy").field("rules", &self.rules.len()).finish_non_exhaustive()
    }
}
