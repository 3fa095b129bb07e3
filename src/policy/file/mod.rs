//! Policies in files: read as TOML (`document`, `rules`), reloaded when the file changes (`policy_file`).
//!
//! It uses `credentials` to watch the file.

mod document;
mod error;
mod policy_file;
mod rules;
#[cfg(test)]
mod tests;
mod warning;

pub use self::error::PolicyFileError;
pub use self::policy_file::PolicyFile;
pub use self::warning::PolicyWarning;
