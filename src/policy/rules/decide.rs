//! How a policy evaluates its rules.

use std::collections::HashMap;
use std::ops::ControlFlow;

use super::super::call::Call;
use super::super::decision::{Decision, Refusal};
use super::super::index::{Effect, Wanted};
use super::super::methods::{Access, Names, access, names};
use super::super::rule::Terms;
use super::super::subject::Caller;
use super::super::target::{Target, TargetKind};
use super::Policy;
use crate::auth::{Principal, Scope};

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
    /// Decides about a call.
    pub(in super::super) fn decide(&self, caller: &Principal, call: &Call<'_>) -> Decision {
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
                    // They matter only if another target lacks some.
                    if targets.len() > 1 {
                        scopes.extend_from_slice(&self.terms[rule].subject.scopes);
                    }
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
    pub(super) fn shown(&self, caller: &Principal, targets: &[Target<'_>]) -> Vec<bool> {
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
            if self.rules[rule].is_plain {
                return ControlFlow::Break(rule);
            }
            let Terms { subject, condition } = &self.terms[rule];
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
            let Terms { subject, condition } = &self.terms[rule];
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
}
