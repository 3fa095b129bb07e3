//! Strict reading of JSON: by visitors that see every member of an object, so that duplicates and almost equal
//! names are found. Values that do not decide are skipped.

mod alike;
mod members;
mod strict;
mod text;

pub(super) use self::alike::is_alike;
pub(super) use self::members::{Fault, MemberList, Members, all_members};
pub(super) use self::strict::reads_alike;
pub(super) use self::text::{is_null, name_of};
