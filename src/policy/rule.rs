//! One rule of a policy.

use std::fmt;

use super::object::Condition;
use super::subject::Subject;

/// Which rule of a policy decided.
///
/// `Display` is `rule 3`, counted from 1 in the order in which rules were added, or `line 12` for a rule of
/// a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RuleId(Place);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Place {
    Number(u32),
    Line(u32),
}

impl RuleId {
    /// The rule at this index.
    pub(super) fn at(index: usize) -> Self {
        Self(Place::Number(u32::try_from(index + 1).unwrap_or(u32::MAX)))
    }

    /// The rule that begins in this line of a file, counted from 1.
    pub(super) fn at_line(line: usize) -> Self {
        Self(Place::Line(u32::try_from(line).unwrap_or(u32::MAX)))
    }

    /// Returns the line in which the rule begins, if it is a rule of a file.
    pub fn line(&self) -> Option<usize> {
        match self.0 {
            Place::Line(line) => Some(line as usize),
            Place::Number(_) => None,
        }
    }
}

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Place::Number(number) => write!(f, "rule {number}"),
            Place::Line(line) => write!(f, "line {line}"),
        }
    }
}

/// What a decision needs to know of nearly every rule. It is small, as decisions of many callers read many of them.
#[derive(Clone, Copy)]
pub(super) struct Rule {
    pub(super) id: RuleId,
    /// Whether there is nothing in its terms that the index has not checked.
    pub(super) is_plain: bool,
}

/// The rest of a rule, but for its names: the index has them.
#[derive(Clone)]
pub(super) struct Terms {
    pub(super) subject: Subject,
    pub(super) condition: Option<Condition>,
}
