//! The log of revocations, a stream: entries are added by a script (`publish.lua`), and read on connections of their
//! own (`readers`), as a command that waits holds up those after it.

mod encoding;
mod log;
mod place;
mod readers;

pub(super) use self::log::Log;
