//! IDs in event streams: those of events, and the session ID in the URL of an `endpoint` event.

use std::cell::Cell;

use tracing::warn;

use super::session_ids::SessionIds;
use super::{headers, query};
use crate::auth::Principal;
use crate::session::key::IdKind;
use crate::session::rewriter::BindIds;
use crate::telemetry::TARGET;

/// Binds the IDs in one event stream.
pub(crate) struct StreamBinding<'a> {
    pub(crate) session_ids: &'a SessionIds,
    pub(crate) principal: &'a Principal,
    /// Whether the stream is the response to a GET, as that of HTTP+SSE is.
    pub(crate) is_get: bool,
    /// Whether it was logged that an endpoint of this stream is not bound.
    pub(crate) has_warned: &'a Cell<bool>,
    /// Is called with the endpoint of the stream, before the client sees it.
    pub(crate) on_endpoint: &'a dyn Fn(EndpointUrl<'_>),
}

/// The URL that a client of HTTP+SSE sends its messages to, as the inner service has made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EndpointUrl<'u> {
    /// The session ID in it.
    Session(&'u [u8]),
    /// It has no session ID: this is all of it.
    WithoutSession(&'u [u8]),
}

impl BindIds for StreamBinding<'_> {
    fn bind_event_id(&self, id: &[u8], out: &mut Vec<u8>) {
        match self.session_ids.binder() {
            Some(binder) if !headers::is_blank(id) => {
                binder.bind(IdKind::Event, self.principal, id, out);
            }
            _ => out.extend_from_slice(id),
        }
    }

    /// The URL is the one that a client of HTTP+SSE sends its messages to.
    fn bind_endpoint(&self, url: &[u8], out: &mut Vec<u8>) {
        let parameter = &self.session_ids.parameter;
        let end = url.iter().position(|&byte| byte == b'#').unwrap_or(url.len());
        let question_mark = url[..end].iter().position(|&byte| byte == b'?');
        let query = question_mark.map_or(end, |at| at + 1);
        let value = parameter.values_in(&url[query..end]).next().map(|value| {
            let start = query + value.start;
            // White space that a server leaves there is not part of the ID.
            start..start + url[query..end][value].trim_ascii_end().len()
        });
        let Some(id) = value.filter(|id| !query::is_blank(&url[id.clone()])) else {
            if self.is_get {
                (self.on_endpoint)(EndpointUrl::WithoutSession(&url[..end]));
            }
            return out.extend_from_slice(url);
        };
        let reason = match parameter.count_in_url(url) {
            1 if self.is_get => None,
            1 => Some("it is in the response to another method than GET"),
            _ => Some("its URL has several session IDs"),
        };
        if let Some(reason) = reason {
            self.endpoint_not_bound(reason);
            return out.extend_from_slice(url);
        }
        (self.on_endpoint)(EndpointUrl::Session(&url[id.clone()]));
        let Some(binder) = self.session_ids.binder() else { return out.extend_from_slice(url) };
        out.extend_from_slice(&url[..id.start]);
        binder.bind(IdKind::Session, self.principal, &url[id.clone()], out);
        out.extend_from_slice(&url[id.end..]);
    }

    fn endpoint_not_bound(&self, reason: &'static str) {
        if self.session_ids.are_bound() && !self.has_warned.replace(true) {
            warn!(
                target: TARGET,
                principal = self.principal.name(),
                cause = reason,
                "an `endpoint` event is not bound"
            );
        }
    }
}
