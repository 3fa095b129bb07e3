//! The log of an example.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;

use super::cli::Failure;

/// Logs to stderr, at the levels of `RUST_LOG`. By default rejected requests are logged.
pub fn log_to_stderr() -> Result<(), Failure> {
    log_at("info,rmcp=warn")
}

/// Logs to stderr, at the levels of `RUST_LOG`. By default only problems are logged.
pub fn log_problems_to_stderr() -> Result<(), Failure> {
    log_at("warn")
}

fn log_at(default: &str) -> Result<(), Failure> {
    let levels = std::env::var("RUST_LOG").unwrap_or_else(|_| default.to_owned());
    let filter = EnvFilter::builder()
        .parse(levels)
        .map_err(|error| Failure::usage(format!("RUST_LOG in the environment: {error}")))?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .log_internal_errors(false) // reporting to a closed stderr would panic
        .init();
    Ok(())
}
