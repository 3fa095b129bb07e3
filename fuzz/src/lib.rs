//! What several fuzz targets use. No oracle here uses a parser of the crate that is tested, so that it does not repeat
//! its faults.

pub mod fragments;
pub mod glob;
pub mod lines;
pub mod plain_keys;
pub mod plain_policy;
pub mod plain_signals;
pub mod rfc3339;
pub mod runtime;
pub mod session;
pub mod structured_fields;
pub mod temporary_file;
pub mod tokens;
