//! The integration tests: one binary, so that the library is linked once. Each module covers one
//! area; a test is named after the rule that it checks.
//!
//! `cargo test --test it signatures::` runs one area. The tests share a process: they use free ports,
//! temporary directories and per-thread logs, and set no environment variables.

mod support;

// Credentials in requests.
mod any_of;
mod authorization_header;
mod credential_headers;
mod credential_validation;
mod failing_authenticators;
mod rate_limiting;

// Signed requests.
mod signatures;
mod signing_client;

// OAuth: access tokens, and the layer as a resource.
mod introspection;
mod jwt;
mod oauth_resource;
mod remote_keys;
mod required_scopes;

// Signals of identity providers, which end sessions.
mod signals;

// Credentials in files.
mod credential_files;
mod htpasswd;
mod reload;

// Which messages a principal may send.
mod authorization;

// Requests that need no credentials, and requests from browsers.
mod discovery;
mod origins_and_hosts;
mod public_paths;

// Responses to rejected requests.
mod rejection_delivery;
mod rejections;

// Sessions, their event streams, and the lifetime of credentials.
mod credential_lifetime;
mod revocation;
mod session_binding;
#[cfg(unix)]
mod session_hijacking;

// Authorization.
mod authorization_changes;
mod authorization_lists;

// Request bodies.
mod body_budget;
mod verified_bodies;

// The layer among other services.
mod builder_options;
mod placement;
mod readiness;

// Secrets.
#[cfg(unix)]
mod secret_scan;
mod secrets_in_debug;
mod secrets_in_logs;

// The example programs as child processes.
#[cfg(unix)]
mod example_servers;
#[cfg(unix)]
mod metrics;
#[cfg(unix)]
mod proxy;
