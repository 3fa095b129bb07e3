//! The options of authorization: which authorizer decides, about which requests, and how.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use http::Method;
use http::request::Parts;

use super::filtered::Filtered;
use crate::auth::{LAST_EVENT_ID, Principal};
use crate::checks::ExactPath;
use crate::policy::{Authorizer as _, BoxAuthorizer};

/// What errors call the authorizer.
pub(super) const AUTHORIZER: &str = "the authorizer";

/// The options of authorization. Without an authorizer, everything is allowed and nothing is read.
#[derive(Clone)]
pub(in crate::layer) struct Authorization {
    pub(super) authorizer: Option<BoxAuthorizer>,
    pub(super) not_mcp: Vec<ExactPath>,
    pub(super) refuses_by_status: bool,
    pub(super) is_dry_run: bool,
    /// The maximum of a list, in bytes.
    pub(super) list_limit: usize,
}

impl Default for Authorization {
    fn default() -> Self {
        Self {
            authorizer: None,
            not_mcp: Vec::new(),
            refuses_by_status: false,
            is_dry_run: false,
            list_limit: 4 * 1024 * 1024,
        }
    }
}

impl Authorization {
    /// Returns the authorizer that decides about a request. `None` if the path is not an MCP endpoint.
    pub(super) fn authorizer(&self, head: &Parts) -> Option<&BoxAuthorizer> {
        let authorizer = self.authorizer.as_ref()?;
        (!self.not_mcp.iter().any(|path| path.is_of(head))).then_some(authorizer)
    }

    /// Returns whether an authorizer decides about a request.
    pub(in crate::layer) fn decides(&self, head: &Parts) -> bool {
        self.authorizer(head).is_some()
    }

    /// Returns whether the messages of a request must be read, because its principal is restricted.
    pub(in crate::layer) fn must_read(&self, head: &Parts, principal: &Principal) -> bool {
        self.authorizer(head).is_some_and(|authorizer| is_restricted(authorizer, principal))
    }

    /// Returns in which responses to a request lists are filtered, as far as its head decides that. A stream that is
    /// resumed, or that the client keeps open, may have the responses to earlier requests.
    pub(in crate::layer) fn filtered(&self, head: &Parts) -> Filtered {
        if self.is_dry_run || self.authorizer(head).is_none() {
            return Filtered::Nothing;
        }
        let is_resumed = head.headers.contains_key(&LAST_EVENT_ID);
        if head.method == Method::POST && !is_resumed {
            Filtered::Nothing
        } else {
            Filtered::Streams
        }
    }

    /// Returns the maximum of a list, in bytes.
    pub(in crate::layer) fn list_limit(&self) -> usize {
        self.list_limit
    }

    /// Returns whether lists in responses to this principal are filtered now.
    pub(super) fn filters(&self, principal: &Principal) -> bool {
        let authorizer = self.authorizer.as_ref().filter(|_| !self.is_dry_run);
        authorizer.is_some_and(|authorizer| is_restricted(authorizer, principal))
    }
}

/// Returns whether a principal is restricted. It is, if the authorizer panics.
fn is_restricted(authorizer: &BoxAuthorizer, principal: &Principal) -> bool {
    !catch_unwind(AssertUnwindSafe(|| authorizer.is_unrestricted(principal))).unwrap_or(false)
}

impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authorization")
            .field("authorizer", &self.authorizer)
            .field("not_mcp", &self.not_mcp)
            .field("refuses_by_status", &self.refuses_by_status)
            .field("is_dry_run", &self.is_dry_run)
            .field("list_limit", &self.list_limit)
            .finish()
    }
}
