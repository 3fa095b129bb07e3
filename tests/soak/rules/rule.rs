//! What must hold.

use std::fmt;

/// A rule of the soak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    ValidIsServed,
    InvalidIsRefused,
    StreamsStayOpen,
    RevokedInTime,
    MemoryIsFlat,
    DescriptorsReturn,
    TasksReturn,
    RunIsComplete,
}

impl Rule {
    pub const ALL: [Self; 8] = [
        Self::ValidIsServed,
        Self::InvalidIsRefused,
        Self::StreamsStayOpen,
        Self::RevokedInTime,
        Self::MemoryIsFlat,
        Self::DescriptorsReturn,
        Self::TasksReturn,
        Self::RunIsComplete,
    ];

    /// Returns the rule as a sentence.
    pub fn text(self) -> &'static str {
        match self {
            Self::ValidIsServed => "every request with a valid credential is served",
            Self::InvalidIsRefused => "every request without a valid credential is refused",
            Self::StreamsStayOpen => "streams stay open while their credential is valid",
            Self::RevokedInTime => "a revoked credential ends within a second",
            Self::MemoryIsFlat => "resident memory stays within 5 % after the warm-up",
            Self::DescriptorsReturn => "file descriptors return to the number of the start",
            Self::TasksReturn => "tasks return to the number of the start",
            Self::RunIsComplete => "the run did everything that it should test",
        }
    }
}

/// A rule that was broken, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    pub rule: Rule,
    pub how: String,
}

impl Broken {
    pub fn new(rule: Rule, how: impl Into<String>) -> Self {
        Self { rule, how: how.into() }
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "broken: {}: {}", self.rule.text(), self.how)
    }
}
