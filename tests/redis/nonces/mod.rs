//! Used nonces that replicas share, whatever happens to the data of Redis: for every signature at most one request
//! is served, by all processes together.

mod claims;
mod clocks;
mod cluster;
mod endpoint;
mod failures;
mod first_start;
mod load;
mod memory;
mod model;
mod rolling_change;
mod server_checks;
