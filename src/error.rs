//! The error type of what users implement.

/// An error of a backend, such as a store: any error that can be sent between threads.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
