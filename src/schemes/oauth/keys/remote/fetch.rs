//! What fetches keys.

use std::pin::Pin;
use std::time::Duration;

use super::error::RemoteError;
use crate::schemes::oauth::keys::KeySet;

/// Keys, and for how long the server says that they are fresh, if it does.
pub(in crate::schemes::oauth) struct Fetched {
    pub(super) keys: KeySet,
    pub(super) max_age: Option<Duration>,
}

pub(super) type Fetching<'f> =
    Pin<Box<dyn Future<Output = Result<Fetched, RemoteError>> + Send + 'f>>;

/// Fetches keys: from an authorization server or, in tests, from the test.
pub(super) trait Fetch: Send + Sync + 'static {
    /// Fetches the keys. The caller limits the time.
    fn fetch(&self) -> Fetching<'_>;
}
