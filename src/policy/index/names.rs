//! The names that rules have without `*`, each once.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use super::super::object::Objects;
use super::super::pattern::Pattern;
use super::number::number;
use super::wanted::{Effect, Kind, Wanted};

/// The number of a name of one kind.
pub(super) type NameId = u32;

/// The names of all rules. One look-up here finds the number by which each table has the name: comparing numbers
/// reads no text, and those of several names are in one cache line.
#[derive(Clone, Default)]
pub(super) struct Names {
    ids: [HashMap<Arc<str>, NameId>; Kind::ALL.len()],
    /// By their numbers.
    texts: Vec<(Kind, Arc<str>)>,
}

/// What a rule is about.
pub(super) struct Entries {
    pub(super) exact: Vec<NameId>,
    pub(super) globs: [Vec<Pattern>; Kind::ALL.len()],
    pub(super) everything: bool,
    /// Which kinds of names it has.
    has: [bool; Kind::ALL.len()],
}

impl Entries {
    /// Returns whether the rule may be about a name of this kind.
    pub(super) fn has(&self, kind: Kind) -> bool {
        self.everything || self.has[kind as usize]
    }
}

/// A name that is looked up in tables.
pub(super) struct Sought<'s> {
    pub(super) effect: Effect,
    pub(super) wanted: &'s Wanted<'s>,
    pub(super) exact: Option<NameId>,
    /// The other spellings that a deny rule matches, and their numbers.
    pub(super) spellings: Vec<(Cow<'s, str>, Option<NameId>)>,
}

impl Names {
    /// Numbers the names of a rule.
    pub(super) fn add(&mut self, objects: Objects) -> Entries {
        let Objects { tools, prompts, resources, methods, everything } = objects;
        let mut exact = Vec::new();
        let mut lists = [tools, prompts, resources, methods];
        let has = lists.each_ref().map(|patterns| !patterns.is_empty());
        for (kind, patterns) in Kind::ALL.into_iter().zip(&mut lists) {
            patterns.retain(|pattern| {
                if pattern.is_exact() {
                    exact.push(self.id(kind, pattern.as_str()));
                }
                !pattern.is_exact()
            });
        }
        Entries { exact, globs: lists, everything, has }
    }

    fn id(&mut self, kind: Kind, name: &str) -> NameId {
        if let Some(id) = self.find(kind, name) {
            return id;
        }
        let (id, name) = (number(self.texts.len()), Arc::<str>::from(name));
        self.ids[kind as usize].insert(name.clone(), id);
        self.texts.push((kind, name));
        id
    }

    fn find(&self, kind: Kind, name: &str) -> Option<NameId> {
        let ids = &self.ids[kind as usize];
        if ids.is_empty() { None } else { ids.get(name).copied() }
    }

    /// Returns the name of this number if it is of this kind.
    pub(super) fn text(&self, id: NameId, kind: Kind) -> Option<&str> {
        let (own, name) = self.texts.get(id as usize)?;
        (*own == kind).then_some(name)
    }

    /// Looks up a name, and for a deny rule its other spellings.
    pub(super) fn seek<'s>(&self, effect: Effect, wanted: &'s Wanted<'_>) -> Sought<'s> {
        let spellings = match effect {
            Effect::Allow => Vec::new(),
            Effect::Deny => wanted.spellings(),
        };
        let numbered = spellings.into_iter().map(|name| (self.find(wanted.kind, &name), name));
        Sought {
            effect,
            wanted,
            exact: self.find(wanted.kind, wanted.name),
            spellings: numbered.map(|(id, name)| (name, id)).collect(),
        }
    }
}
