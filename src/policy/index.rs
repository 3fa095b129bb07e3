//! Rules by whom they are for, and then by what they name, so that a decision looks at few of them.

use std::collections::HashMap;
use std::hash::Hash;
use std::ops::ControlFlow;
use std::sync::Arc;

use super::object::Objects;
use super::pattern::Pattern;
use super::subject::{Caller, Subject};
use super::target::{Target, TargetKind};
use super::uri::{Uri, differ_in_scheme};
use crate::auth::Principal;

/// Rules of one effect.
#[derive(Clone, Default)]
pub(super) struct Index {
    by_principal: HashMap<Principal, Bucket>,
    by_role: HashMap<String, Bucket>,
    by_scope: HashMap<String, Bucket>,
    general: Bucket,
    /// Those of `by_scope`, for callers who lack the scope.
    scoped: Bucket,
}

/// The rules for one principal, role or scope.
#[derive(Clone, Default)]
struct Bucket {
    rules: Vec<usize>,
    own: Table,
    /// Of rules that are in several buckets. Copies of a long list of names in each of a long list of
    /// buckets would take their product of memory.
    shared: Vec<Arc<Table>>,
}

/// The names that rules have.
#[derive(Clone, Default)]
struct Table {
    names: [Names; Kind::COUNT],
    everything: Vec<usize>,
}

#[derive(Clone, Default)]
struct Names {
    exact: HashMap<String, Vec<usize>>,
    globs: Vec<(Pattern, usize)>,
}

/// What a list of patterns is for.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Tools,
    Prompts,
    Resources,
    Methods,
}

impl Kind {
    const COUNT: usize = 4;
}

/// A name that rules are looked up for.
pub(super) struct Wanted<'n> {
    kind: Kind,
    name: &'n str,
    /// How the name can be read, if it is the URI of a resource.
    uri: Option<Uri<'n>>,
}

impl<'n> Wanted<'n> {
    pub(super) fn target(target: &'n Target<'_>) -> Self {
        let name = target.name();
        let (kind, uri) = match target.kind() {
            TargetKind::Tool => (Kind::Tools, None),
            TargetKind::Prompt => (Kind::Prompts, None),
            TargetKind::Resource => (Kind::Resources, Some(Uri::new(name))),
            TargetKind::ResourceTemplate => (Kind::Resources, None),
            // To hear of a task is to get it.
            TargetKind::Task => return Self::method("tasks/get"),
        };
        Self { kind, name, uri }
    }

    pub(super) fn method(name: &'n str) -> Self {
        Self { kind: Kind::Methods, name, uri: None }
    }

    /// Returns whether an allow rule may match it with a pattern that has `*`.
    fn allows_globs(&self) -> bool {
        !matches!(self.uri, Some(Uri::Ambiguous))
    }

    /// Returns the other spelling of the name, which a deny rule matches as well.
    fn decoded(&self) -> Option<&str> {
        match &self.uri {
            Some(Uri::Plain { decoded }) if *decoded != self.name => Some(decoded),
            _ => None,
        }
    }
}

/// Whether rules are looked up to allow or to deny: what cannot be read in one way is not allowed, and is
/// denied.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Effect {
    Allow,
    Deny,
}

impl Index {
    /// Files a rule under what few callers share: a principal, else a role, else a scope.
    pub(super) fn add(&mut self, rule: usize, subject: &Subject, objects: Objects) {
        let table = Table::of(rule, objects);
        if !subject.names.is_empty() {
            file(rule, table, subject.principals().collect(), &mut self.by_principal);
        } else if let Some(roles) = subject.roles.first() {
            file(rule, table, roles.clone(), &mut self.by_role);
        } else if let Some(scope) = subject.scopes.first() {
            self.scoped.add(rule, table.clone());
            self.by_scope.entry(scope.to_string()).or_default().add(rule, table);
        } else {
            self.general.add(rule, table);
        }
    }

    /// Returns whether a rule names this principal.
    pub(super) fn has(&self, principal: &Principal) -> bool {
        self.by_principal.contains_key(principal)
    }

    /// The principals that rules name.
    pub(super) fn principals(&self) -> impl Iterator<Item = &Principal> {
        self.by_principal.keys()
    }

    fn buckets<'i>(&'i self, caller: &'i Caller<'_>) -> impl Iterator<Item = &'i Bucket> {
        let by_principal = self.by_principal.get(caller.principal);
        let roles = (!self.by_role.is_empty()).then(|| caller.roles());
        let by_role = roles.into_iter().flatten().filter_map(|role| self.by_role.get(role));
        let scopes = (!self.by_scope.is_empty()).then(|| caller.principal.scopes());
        let by_scope = scopes.into_iter().flatten().filter_map(|scope| self.by_scope.get(scope));
        by_principal.into_iter().chain(by_role).chain(by_scope).chain([&self.general])
    }

    /// Calls `visit` with rules that match the name, and may be for the caller. A rule may be visited
    /// twice.
    pub(super) fn find<B>(
        &self,
        effect: Effect,
        caller: &Caller<'_>,
        wanted: &Wanted<'_>,
        mut visit: impl FnMut(usize) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        self.buckets(caller).try_for_each(|bucket| bucket.find(effect, wanted, &mut visit))
    }

    /// Does so with allow rules that would be for the caller if it had more scopes, and some that are.
    pub(super) fn find_scoped(
        &self,
        caller: &Caller<'_>,
        wanted: &Wanted<'_>,
        mut visit: impl FnMut(usize),
    ) {
        let mut visit = |rule| {
            visit(rule);
            ControlFlow::<()>::Continue(())
        };
        for bucket in self.buckets(caller).chain([&self.scoped]) {
            let _ = bucket.find(Effect::Allow, wanted, &mut visit);
        }
    }

    /// Calls `visit` with each rule that may be for the caller.
    pub(super) fn any(&self, caller: &Caller<'_>, is_for: impl Fn(usize) -> bool) -> bool {
        self.buckets(caller).flat_map(|bucket| &bucket.rules).any(|rule| is_for(*rule))
    }

    /// Does so with the rules for everything.
    pub(super) fn any_everything(
        &self,
        caller: &Caller<'_>,
        is_for: impl Fn(usize) -> bool,
    ) -> bool {
        self.buckets(caller)
            .flat_map(Bucket::tables)
            .flat_map(|table| &table.everything)
            .any(|rule| is_for(*rule))
    }
}

/// Files a rule in the bucket of each key.
fn file<K: Hash + Eq>(
    rule: usize,
    table: Table,
    mut keys: Vec<K>,
    buckets: &mut HashMap<K, Bucket>,
) {
    if keys.len() == 1 {
        if let Some(key) = keys.pop() {
            buckets.entry(key).or_default().add(rule, table);
        }
        return;
    }
    let table = Arc::new(table);
    for key in keys {
        let bucket = buckets.entry(key).or_default();
        bucket.rules.push(rule);
        bucket.shared.push(table.clone());
    }
}

impl Bucket {
    fn add(&mut self, rule: usize, table: Table) {
        self.rules.push(rule);
        self.own.merge(table);
    }

    fn tables(&self) -> impl Iterator<Item = &Table> {
        [&self.own].into_iter().chain(self.shared.iter().map(|table| &**table))
    }

    fn find<B>(
        &self,
        effect: Effect,
        wanted: &Wanted<'_>,
        visit: &mut impl FnMut(usize) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        self.tables().try_for_each(|table| table.find(effect, wanted, visit))
    }
}

impl Table {
    fn of(rule: usize, objects: Objects) -> Self {
        let Objects { tools, prompts, resources, methods, everything } = objects;
        let names = [tools, prompts, resources, methods].map(|patterns| {
            let mut names = Names::default();
            for pattern in patterns {
                names.add(pattern, rule);
            }
            names
        });
        Self { names, everything: if everything { vec![rule] } else { Vec::new() } }
    }

    fn merge(&mut self, other: Self) {
        for (own, names) in self.names.iter_mut().zip(other.names) {
            for (name, rules) in names.exact {
                own.exact.entry(name).or_default().extend(rules);
            }
            own.globs.extend(names.globs);
        }
        self.everything.extend(other.everything);
    }

    fn find<B>(
        &self,
        effect: Effect,
        wanted: &Wanted<'_>,
        visit: &mut impl FnMut(usize) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        self.everything.iter().try_for_each(|rule| visit(*rule))?;
        let names = &self.names[wanted.kind as usize];
        match effect {
            Effect::Allow => names.find(wanted.name, wanted.allows_globs(), visit),
            Effect::Deny => {
                names.find(wanted.name, true, visit)?;
                if let Some(decoded) = wanted.decoded() {
                    names.find(decoded, true, visit)?;
                }
                if !wanted.allows_globs() {
                    names.find_possible(wanted.name, visit)?;
                }
                ControlFlow::Continue(())
            }
        }
    }
}

impl Names {
    fn add(&mut self, pattern: Pattern, rule: usize) {
        if pattern.is_exact() {
            self.exact.entry(pattern.as_str().to_owned()).or_default().push(rule);
        } else {
            self.globs.push((pattern, rule));
        }
    }

    fn find<B>(
        &self,
        name: &str,
        globs: bool,
        visit: &mut impl FnMut(usize) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        if !self.exact.is_empty() {
            let exact = self.exact.get(name);
            exact.into_iter().flatten().try_for_each(|rule| visit(*rule))?;
        }
        if globs {
            let mut matching = self.globs.iter().filter(|(pattern, _)| pattern.matches(name));
            return matching.try_for_each(|(_, rule)| visit(*rule));
        }
        ControlFlow::Continue(())
    }

    /// Visits the rules that may be about a URI, as it cannot be compared with them.
    fn find_possible<B>(
        &self,
        uri: &str,
        visit: &mut impl FnMut(usize) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        let exact = self.exact.iter().map(|(name, rules)| (name.as_str(), rules.as_slice()));
        let globs =
            self.globs.iter().map(|(glob, rule)| (glob.as_str(), std::slice::from_ref(rule)));
        exact
            .chain(globs)
            .filter(|(pattern, _)| !differ_in_scheme(uri, pattern))
            .flat_map(|(_, rules)| rules)
            .try_for_each(|rule| visit(*rule))
    }
}
