//! The error that any cause can become.

/// The boxed error of a cause, of an inner body, or of a store.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
