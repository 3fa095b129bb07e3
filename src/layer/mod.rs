//! The layer, its service and the way of a request through it: `service` reads from top to bottom.
//!
//! It uses every other room, and no other room uses it.

mod body_budget;
mod builder;
mod collect_body;
mod config;
mod constructors;
mod deadline;
mod future;
mod request_body;
mod response_body;
mod service;

pub use self::builder::McpAuthLayer;
pub use self::future::ResponseFuture;
pub use self::service::McpAuthService;
