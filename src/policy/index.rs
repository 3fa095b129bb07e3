//! Rules by whom they are for, and then by what they name, so that a decision looks at few of them.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ops::ControlFlow;
use std::sync::Arc;

use super::object::Objects;
use super::pattern::{Pattern, matches};
use super::subject::{Caller, Subject};
use super::target::{Target, TargetKind};
use super::uri::{Uri, differ_in_scheme};
use crate::auth::Principal;

/// Rules of one effect.
#[derive(Clone, Default)]
pub(super) struct Index {
    /// By the names of principals without an issuer.
    of_no_issuer: HashMap<String, Bucket>,
    /// By issuers, and the names of their principals.
    by_issuer: HashMap<String, HashMap<String, Bucket>>,
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
    exact: HashMap<String, Rules>,
    globs: Globs,
}

/// The rules that have one name. There is nearly always one, which is then found without another pointer.
#[derive(Clone)]
struct Rules {
    first: usize,
    more: Vec<usize>,
}

/// Patterns one after the other in one text, as all of them are looked at in their order.
#[derive(Clone, Default)]
struct Globs {
    text: String,
    /// Where each pattern ends, and its rule.
    ends: Vec<(usize, usize)>,
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
            let by_name = match &subject.issuer {
                None => &mut self.of_no_issuer,
                Some(issuer) => self.by_issuer.entry(issuer.clone()).or_default(),
            };
            file(rule, table, subject.names.clone(), by_name);
        } else if let Some(roles) = subject.roles.first() {
            file(rule, table, roles.clone(), &mut self.by_role);
        } else if let Some(scope) = subject.scopes.first() {
            self.scoped.add(rule, table.clone());
            self.by_scope.entry(scope.to_string()).or_default().add(rule, table);
        } else {
            self.general.add(rule, table);
        }
    }

    fn of_principal(&self, principal: &Principal) -> Option<&Bucket> {
        match principal.issuer() {
            None => self.of_no_issuer.get(principal.name()),
            Some(issuer) => self.by_issuer.get(issuer)?.get(principal.name()),
        }
    }

    fn buckets<'i>(&'i self, caller: &'i Caller<'_>) -> impl Iterator<Item = &'i Bucket> {
        let by_principal = self.of_principal(caller.principal);
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

    /// Does so with the allow rules for scopes, whether or not the caller has them.
    pub(super) fn find_scoped(&self, wanted: &Wanted<'_>, mut visit: impl FnMut(usize)) {
        let _ = self.scoped.find(Effect::Allow, wanted, &mut |rule| {
            visit(rule);
            ControlFlow::<()>::Continue(())
        });
    }

    /// Returns whether `is_for` holds for any of the rules that may be for the caller.
    pub(super) fn any(&self, caller: &Caller<'_>, is_for: impl Fn(usize) -> bool) -> bool {
        self.buckets(caller).flat_map(|bucket| &bucket.rules).any(|rule| is_for(*rule))
    }

    /// Returns whether it does for any of those for everything.
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
fn file(rule: usize, table: Table, mut keys: Vec<String>, buckets: &mut HashMap<String, Bucket>) {
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
                names.add(&pattern, rule);
            }
            names
        });
        Self { names, everything: if everything { vec![rule] } else { Vec::new() } }
    }

    fn merge(&mut self, other: Self) {
        for (own, names) in self.names.iter_mut().zip(other.names) {
            for (name, rules) in names.exact {
                for rule in rules.iter() {
                    own.add_exact(name.clone(), rule);
                }
            }
            for (pattern, rule) in names.globs.iter() {
                own.globs.add(pattern, rule);
            }
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
    fn add(&mut self, pattern: &Pattern, rule: usize) {
        if pattern.is_exact() {
            self.add_exact(pattern.as_str().to_owned(), rule);
        } else {
            self.globs.add(pattern.as_str(), rule);
        }
    }

    fn add_exact(&mut self, name: String, rule: usize) {
        match self.exact.entry(name) {
            Entry::Vacant(vacant) => {
                vacant.insert(Rules { first: rule, more: Vec::new() });
            }
            Entry::Occupied(mut occupied) => occupied.get_mut().more.push(rule),
        }
    }

    fn find<B>(
        &self,
        name: &str,
        globs: bool,
        visit: &mut impl FnMut(usize) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        if !self.exact.is_empty() {
            self.exact.get(name).into_iter().flat_map(Rules::iter).try_for_each(&mut *visit)?;
        }
        if globs {
            let mut matching = self.globs.iter().filter(|(pattern, _)| matches(pattern, name));
            return matching.try_for_each(|(_, rule)| visit(rule));
        }
        ControlFlow::Continue(())
    }

    /// Visits the rules that may be about a URI, as it cannot be compared with them.
    fn find_possible<B>(
        &self,
        uri: &str,
        visit: &mut impl FnMut(usize) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        let exact = self.exact.iter();
        let exact = exact.flat_map(|(name, rules)| rules.iter().map(move |rule| (&**name, rule)));
        exact
            .chain(self.globs.iter())
            .filter(|(pattern, _)| !differ_in_scheme(uri, pattern))
            .try_for_each(|(_, rule)| visit(rule))
    }
}

impl Rules {
    fn iter(&self) -> impl Iterator<Item = usize> {
        [self.first].into_iter().chain(self.more.iter().copied())
    }
}

impl Globs {
    fn add(&mut self, pattern: &str, rule: usize) {
        self.text.push_str(pattern);
        self.ends.push((self.text.len(), rule));
    }

    fn iter(&self) -> impl Iterator<Item = (&str, usize)> {
        let mut start = 0;
        self.ends.iter().map(move |(end, rule)| {
            let pattern = &self.text[start..*end];
            start = *end;
            (pattern, *rule)
        })
    }
}
