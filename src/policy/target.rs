//! What a message wants to use, and what an element of a list is.

use std::borrow::Cow;
use std::fmt;

use crate::text::Shortened;

/// What kind of thing a [`Target`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum TargetKind {
    /// A tool, by its name: `tools/call`.
    Tool,
    /// A prompt, by its name: `prompts/get`, and the completion of its arguments.
    Prompt,
    /// A resource, by its URI: `resources/read`, and subscriptions to it.
    Resource,
    /// A resource template, by its URI template: in lists, and the completion of its variables.
    ResourceTemplate,
    /// A task, by its ID: `tasks/get` and others.
    Task,
}

impl TargetKind {
    /// Returns the name of the kind in a sentence: `resource template`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tool => "tool",
            Self::Prompt => "prompt",
            Self::Resource => "resource",
            Self::ResourceTemplate => "resource template",
            Self::Task => "task",
        }
    }
}

impl fmt::Display for TargetKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One thing that a message wants to use, or one element of a list.
///
/// `Display` shows it in a sentence, with its name escaped and cut: ``tool `search` ``.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Target<'c> {
    kind: TargetKind,
    name: Cow<'c, str>,
}

impl<'c> Target<'c> {
    /// Makes a target. The name is a URI if the kind is a resource, and an ID if it is a task.
    pub fn new(kind: TargetKind, name: impl Into<Cow<'c, str>>) -> Self {
        Self { kind, name: name.into() }
    }

    /// Makes a target that is the tool of this name.
    pub fn tool(name: impl Into<Cow<'c, str>>) -> Self {
        Self::new(TargetKind::Tool, name)
    }

    /// Makes a target that is the prompt of this name.
    pub fn prompt(name: impl Into<Cow<'c, str>>) -> Self {
        Self::new(TargetKind::Prompt, name)
    }

    /// Makes a target that is the resource at this URI.
    pub fn resource(uri: impl Into<Cow<'c, str>>) -> Self {
        Self::new(TargetKind::Resource, uri)
    }

    /// Returns the kind.
    pub fn kind(&self) -> TargetKind {
        self.kind
    }

    /// Returns the name, the URI, the URI template or the ID, as the message has it: nothing is normalized.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for Target<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} `{}`", self.kind, Shortened::new(&*self.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_shown_escaped_and_cut() {
        assert_eq!(Target::tool("write_file").to_string(), "tool `write_file`");
        let template = Target::new(TargetKind::ResourceTemplate, "a\r\nb");
        assert_eq!(template.to_string(), "resource template `a\\r\\nb`");
        assert!(Target::resource("x".repeat(60_000)).to_string().len() < 400);
    }
}
