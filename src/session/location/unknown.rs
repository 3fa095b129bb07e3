//! The rejection of unknown IDs.

use crate::auth::{Rejection, RejectionKind};

/// Rejects an unknown session ID, and one that is bound to another principal, in the same way.
pub(super) fn unknown_session() -> Rejection {
    Rejection::new(RejectionKind::UnknownSession, "no such session: initialize a new one")
}
