//! Policies compared with one that looks at every rule, and knows no index.

use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::*;

const NAMES: [&str; 3] = ["a", "b", "c"];
const ROLES: [&str; 3] = ["r", "s", "t"];
const SCOPES: [&str; 3] = ["x", "y", "z"];
const PATTERNS: [&str; 6] = ["one", "two", "o*", "*e", "*", "three"];
const TOOLS: [&str; 4] = ["one", "two", "three", "other"];

/// A rule, as its author thinks of it.
#[derive(Clone, Debug)]
struct Rule {
    is_deny: bool,
    names: Vec<&'static str>,
    roles: Vec<&'static str>,
    scopes: Vec<&'static str>,
    has_issuer: bool,
    /// Nothing is everything.
    tools: Vec<&'static str>,
    /// Whether it has a condition, and whether that holds.
    condition: Option<bool>,
}

impl Rule {
    fn is_for_but_for_scopes(&self, who: &Principal, assigned: &[&str]) -> bool {
        let has_role = |role: &&str| who.has_role(role) || assigned.contains(role);
        let issuer = self.has_issuer.then_some("issuer");
        (self.names.is_empty() || self.names.contains(&who.name()) && who.issuer() == issuer)
            && (!self.has_issuer || who.issuer() == issuer)
            && (self.roles.is_empty() || self.roles.iter().any(has_role))
    }

    fn is_for(&self, who: &Principal, assigned: &[&str]) -> bool {
        self.is_for_but_for_scopes(who, assigned)
            && self.scopes.iter().all(|scope| who.has_scope(scope))
    }

    fn is_about(&self, tool: &str) -> bool {
        self.tools.is_empty()
            || self.tools.iter().any(|pattern| Pattern::from_static(pattern).matches(tool))
    }

    fn add_to(&self, policy: Policy) -> Policy {
        let mut subject = anyone();
        if !self.names.is_empty() {
            subject = subject.and(principals(self.names.clone()));
        }
        if !self.roles.is_empty() {
            subject = subject.and(roles(self.roles.clone()));
        }
        if !self.scopes.is_empty() {
            subject = subject.and(scopes(self.scopes.clone()));
        }
        if self.has_issuer {
            subject = subject.issued_by("issuer");
        }
        let objects = if self.tools.is_empty() { everything() } else { tools(self.tools.clone()) };
        match (self.is_deny, self.condition) {
            (true, _) => policy.deny(subject, objects),
            (false, None) => policy.allow(subject, objects),
            (false, Some(holds)) => policy.allow(subject, objects.when(move |_| holds)),
        }
    }
}

fn rule() -> impl Strategy<Value = Rule> {
    let some = |of: &'static [&'static str]| subsequence(of, 0..=2);
    let condition = prop_oneof![3 => Just(None), 1 => any::<bool>().prop_map(Some)];
    (
        prop::bool::weighted(0.2),
        some(&NAMES),
        some(&ROLES),
        some(&SCOPES),
        prop::bool::weighted(0.2),
        subsequence(&PATTERNS[..], 0..=3),
        condition,
    )
        .prop_map(|(is_deny, names, roles, scopes, has_issuer, tools, condition)| Rule {
            is_deny,
            names,
            roles,
            scopes,
            has_issuer,
            tools,
            condition: condition.filter(|_| !is_deny),
        })
}

fn who() -> impl Strategy<Value = Principal> {
    let some = |of: &'static [&'static str]| subsequence(of, 0..=2);
    (select(&NAMES[..]), some(&ROLES), some(&SCOPES), prop::bool::weighted(0.3)).prop_map(
        |(name, roles, scopes, is_issued)| {
            let who = Principal::new(name).with_roles(roles).with_scopes(scopes);
            if is_issued { who.issued_by("issuer") } else { who }
        },
    )
}

proptest! {
    #[test]
    fn policies_decide_as_if_they_looked_at_every_rule(
        rules in prop::collection::vec(rule(), 0..12),
        assigned_to_a in any::<bool>(),
        who in who(),
        name in select(&TOOLS[..]),
    ) {
        let mut policy = rules.iter().fold(Policy::new(), |policy, rule| rule.add_to(policy));
        let mut assigned: &[&str] = &[];
        if assigned_to_a {
            policy = policy.assign_role("r", ["a"]);
            if who == Principal::new("a") {
                assigned = &["r"];
            }
        }
        let is_for = |rule: &&Rule| rule.is_for(&who, assigned);
        let is_about = |rule: &&Rule| rule.is_about(name);
        let denied = rules.iter().filter(|rule| rule.is_deny).filter(is_about).any(|rule| is_for(&rule));
        let allowing: Vec<_> = rules.iter().filter(|rule| !rule.is_deny).filter(is_about).collect();
        let mine: Vec<_> = allowing.iter().copied().filter(is_for).collect();
        let allowed = !denied && mine.iter().any(|rule| rule.condition != Some(false));
        let failed = !denied && !allowed && !mine.is_empty();

        let decision = decide(&policy, &who, &tool(name));
        prop_assert_eq!(decision.is_allowed(), allowed);
        let visible = policy.visible_now(&who, &[Target::tool(name)]).unwrap();
        prop_assert_eq!(visible, [!denied && !mine.is_empty()]);
        if let Some(refusal) = decision.refusal() {
            let arguments = refusal.kind() == RefusalKind::ArgumentsRefused;
            prop_assert_eq!(arguments, failed);
            let smallest = allowing
                .iter()
                .filter(|rule| !denied && !failed && !rule.scopes.is_empty())
                .filter(|rule| rule.condition != Some(false))
                .filter(|rule| rule.is_for_but_for_scopes(&who, assigned))
                .map(|rule| rule.scopes.len())
                .min();
            prop_assert_eq!(refusal.scopes().len(), smallest.unwrap_or(0));
        }
        let is_unrestricted = rules.iter().filter(is_for).any(|rule| {
            !rule.is_deny && rule.tools.is_empty() && rule.condition.is_none()
        }) && !rules.iter().filter(is_for).any(|rule| rule.is_deny);
        prop_assert_eq!(policy.is_unrestricted(&who), is_unrestricted);
    }
}
