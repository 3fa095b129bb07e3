//! The layer, its service, and the path of a request through it.
//!
//! `handling` has the order of the steps and nothing of the steps, and `service` carries out what it decides. `gate`
//! authenticates, `authorization` decides about messages and filters lists, `admit` prepares what is forwarded, and
//! `reject` responds to what is not. `response` processes the response of the inner service; `event_stages` and
//! `response_body` are what its body passes through. `builder`, `constructors`, `resource_options`, `revocation` and
//! `authorization` have the options, and `config` holds them.
//!
//! It uses every other room, and no other room uses it.

mod admit;
mod authorization;
mod body_budget;
mod builder;
mod collect_body;
mod config;
mod constructors;
mod deadline;
mod event_stages;
mod exchange;
mod future;
mod gate;
mod guarded;
mod handling;
mod reject;
mod request_body;
mod resource_options;
mod response;
mod response_body;
mod revocation;
mod service;
#[cfg(feature = "oauth")]
mod signals;
mod state;
mod stream_data;

pub use self::builder::McpAuthLayer;
pub use self::future::ResponseFuture;
pub use self::service::McpAuthService;
pub use crate::checks::{
    Discovery, ExactPath, InvalidExactPath, InvalidOrigin, InvalidOriginScheme, InvalidResource,
    Origin, OriginScheme, Resource, ResourceService,
};
pub use crate::session::{SessionKey, SessionKeyError, SessionParameter, SessionParameterError};
