//! Why a resource cannot be configured as it is.

use crate::text::{Shortened, without_user_info};

/// An error in the configuration of a [`Resource`](super::Resource).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{:?} cannot be {what}: {problem}", Shortened::new(.text))]
#[non_exhaustive]
pub struct InvalidResource {
    text: String,
    what: &'static str,
    problem: &'static str,
}

impl InvalidResource {
    pub(super) fn new(text: impl Into<String>, what: &'static str, problem: &'static str) -> Self {
        Self { text: without_user_info(text), what, problem }
    }
}
