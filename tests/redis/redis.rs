//! What replicas share, against a real `redis-server`. Each test starts the servers that it needs on free
//! ports. CASES.md maps the numbered cases of the design to tests.

mod process;
mod support;

mod attempts;
mod cli;
mod client;
mod nonces;
mod replicas;
mod revocations;
mod secret_scan;
mod security_events;
mod suites;
