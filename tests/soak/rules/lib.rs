//! The rules of the soak, over what its clients recorded. Nothing here sends, waits or measures, so that tests show of each
//! rule that it can be broken.

#![allow(
    missing_docs,
    reason = "the root package, which has these tests as well, is a library with documentation"
)]

mod answer;
mod minute;
mod outage;
mod record;
mod report;
mod revocation;
mod rule;
mod sample;

pub use self::answer::{Answer, Expected, Scheme};
pub use self::outage::Outages;
pub use self::record::{Plan, Record};
pub use self::report::{json, table};
pub use self::revocation::Revocation;
pub use self::rule::{Broken, Rule};
pub use self::sample::Sample;
