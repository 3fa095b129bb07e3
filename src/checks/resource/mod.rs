//! The protected resource (RFC 9728): its identifier, its metadata document, and which resource of a
//! layer a request is for.
//!
//! Everything that is sent is made of the configuration. A request only chooses among it.

mod document;
mod error;
mod identifier;
mod protected_resource;
mod resources;
mod service;

pub use self::error::InvalidResource;
pub use self::protected_resource::Resource;
pub(crate) use self::resources::{Published, Resources};
pub use self::service::ResourceService;
