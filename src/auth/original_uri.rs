//! The URI that the client sent.

use http::Uri;
use http::request::Parts;

/// Returns the URI that the client sent: from before `Router::nest` stripped a prefix.
pub(crate) fn original_uri(head: &Parts) -> &Uri {
    #[cfg(feature = "axum")]
    if let Some(original) = head.extensions.get::<axum::extract::OriginalUri>() {
        return &original.0;
    }
    &head.uri
}
