//! What rules are looked up for.

use std::borrow::Cow;

use super::super::reduced_uri::reduced;
use super::super::target::{Target, TargetKind};
use super::super::uri::Uri;

/// What a list of patterns is for.
#[derive(Clone, Copy, PartialEq)]
pub(in super::super) enum Kind {
    Tools,
    Prompts,
    Resources,
    Methods,
}

impl Kind {
    pub(super) const ALL: [Self; 4] = [Self::Tools, Self::Prompts, Self::Resources, Self::Methods];
}

/// Whether rules are looked up to allow or to deny: what cannot be read in one way is not allowed, and is
/// denied.
#[derive(Clone, Copy, PartialEq)]
pub(in super::super) enum Effect {
    Allow,
    Deny,
}

/// A name that rules are looked up for.
pub(in super::super) struct Wanted<'n> {
    pub(super) kind: Kind,
    pub(super) name: &'n str,
    /// How the name can be read, if it is the URI of a resource.
    uri: Option<Uri<'n>>,
}

impl<'n> Wanted<'n> {
    pub(in super::super) fn target(target: &'n Target<'_>) -> Self {
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

    pub(in super::super) fn method(name: &'n str) -> Self {
        Self { kind: Kind::Methods, name, uri: None }
    }

    /// Returns whether an allow rule may match it with a pattern that has `*`.
    pub(super) fn allows_globs(&self) -> bool {
        !matches!(self.uri, Some(Uri::Ambiguous))
    }

    /// Returns the other spellings of the name, which a deny rule matches as well.
    pub(super) fn spellings(&self) -> Vec<Cow<'_, str>> {
        let Some(Uri::Plain { decoded }) = &self.uri else { return Vec::new() };
        let until = |end| Cow::Borrowed(decoded.split(end).next().unwrap_or_default());
        let mut spellings =
            vec![Cow::Borrowed(&**decoded), until('#'), until('?'), Cow::Owned(reduced(decoded))];
        spellings.dedup();
        spellings.retain(|spelling| *spelling != self.name);
        spellings
    }

    /// Returns the name without percent-encoding, if it has any.
    pub(super) fn decoded(&self) -> Option<&str> {
        match &self.uri {
            Some(Uri::Plain { decoded }) if *decoded != self.name => Some(decoded),
            _ => None,
        }
    }
}
