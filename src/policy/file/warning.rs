//! What in a policy file is valid, and probably not meant.

use std::fmt;

/// What in a policy file is valid, and probably not meant. `Display` is one line, such as
/// `line 3: no rule is for the role "ops"`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyWarning {
    pub(super) line: usize,
    pub(super) message: String,
}

impl PolicyWarning {
    /// Returns the number of the line, counted from 1.
    pub fn line(&self) -> usize {
        self.line
    }
}

impl fmt::Display for PolicyWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)
    }
}
