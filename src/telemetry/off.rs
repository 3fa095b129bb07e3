//! Stands in for `on` where feature `metrics` is disabled: nothing is recorded.

use std::borrow::Cow;
use std::time::Duration;

pub(crate) fn describe() {}

#[derive(Clone, Debug, Default)]
pub(crate) struct LayerCounters(());

impl LayerCounters {
    pub(super) fn authenticated(&self, _: Cow<'static, str>) {}

    pub(super) fn rejected(&self, _: Option<Cow<'static, str>>, _: &'static str) {}

    pub(super) fn decision(&self, _: &'static str, _: &'static str) {}
}

pub(super) fn request(_: Option<Cow<'static, str>>, _: &'static str, _: &'static str) {}

pub(super) fn decision(_: &'static str, _: &'static str) {}

pub(crate) fn rate_limited() {}

pub(crate) fn reloaded(_: &'static str) {}

pub(crate) fn keys_refreshed(_: &'static str) {}

pub(crate) fn key_age(_: &str, _: Duration) {}

pub(crate) fn revocations_heard(_: Duration) {}

pub(crate) struct Verification;

impl Verification {
    pub(crate) fn start() -> Self {
        Self
    }
}

pub(crate) struct OpenStream;

impl OpenStream {
    pub(crate) const IS_COUNTED: bool = false;

    pub(crate) fn open() -> Self {
        Self
    }
}
