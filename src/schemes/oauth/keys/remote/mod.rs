//! Keys that an authorization server publishes, fetched beside the requests.
//!
//! Requests read a snapshot (`RemoteKeys`). One task of its own makes every request to the authorization
//! server (`task`), when the `schedule` says so, from the `endpoint` that the metadata of the issuer names.

mod endpoint;
mod error;
mod fetch;
mod metadata;
mod moment;
mod remote_keys;
mod report;
mod schedule;
mod task;

pub(in crate::schemes::oauth) use self::endpoint::Endpoint;
pub(in crate::schemes::oauth) use self::remote_keys::RemoteKeys;

#[cfg(test)]
mod tests;
