//! Where the handles of sessions and events stand in a request and in an answer: the session
//! header, the session parameter of a query, `Last-Event-ID`. They are opened on their way in,
//! sealed on their way out, and taken off what nobody vouches for.

use std::cell::Cell;
use std::ops::Range;

use http::header::{ACCEPT, ACCEPT_ENCODING, Entry};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use percent_encoding::percent_decode;
use tracing::warn;

use super::binding::{Kind, SEAL_ADDS, SessionBinder};
use super::event_stream::Seals;
use crate::auth::{LAST_EVENT_ID, Principal, Rejection, RejectionKind, SESSION_ID, is_spelling_of};

/// Where handles stand, and what seals them.
#[derive(Clone)]
pub(crate) struct SessionIds {
    /// `None` where it was turned off.
    pub(crate) sealer: Option<SessionBinder>,
    pub(crate) header: HeaderName,
    /// The query parameter of HTTP+SSE: the lower-case letters and digits of its name.
    parameter: String,
}

impl SessionIds {
    pub(crate) fn new() -> Self {
        Self {
            sealer: Some(SessionBinder::of_process()),
            header: SESSION_ID.clone(),
            parameter: "sessionid".to_owned(),
        }
    }

    /// Takes another parameter for the session's; false if its name has no letter or digit.
    pub(crate) fn set_parameter(&mut self, name: &str) -> bool {
        self.parameter = name.to_ascii_lowercase();
        self.parameter.retain(|c| c.is_ascii_alphanumeric());
        !self.parameter.is_empty()
    }

    /// Opens what the request brings. A handle that is not this principal's, or that stands there
    /// twice, was never there: servers differ in which of two they read.
    pub(crate) fn open(&self, head: &mut Parts, of: &Principal) -> Result<(), Rejection> {
        let Some(sealer) = &self.sealer else { return Ok(()) };
        let headers = &mut head.headers;
        let by_header = open_only(headers, &self.header, |id| sealer.open(Kind::Session, of, id))?;
        open_only(headers, &LAST_EVENT_ID, |id| sealer.open(Kind::Event, of, id))?;
        if let Some(uri) = self.open_in(&head.uri, sealer, of, by_header)? {
            head.uri = uri;
        }
        #[cfg(feature = "axum")]
        if let Some(original) = head.extensions.get_mut::<axum::extract::OriginalUri>()
            && let Some(uri) = self.open_in(&original.0, sealer, of, by_header)?
        {
            original.0 = uri;
        }
        Ok(())
    }

    /// The URI with its session id opened; `None` where it has none.
    fn open_in(
        &self,
        uri: &Uri,
        sealer: &SessionBinder,
        of: &Principal,
        by_header: bool,
    ) -> Result<Option<Uri>, Rejection> {
        let Some(query) = uri.query() else { return Ok(None) };
        let mut values = self.values_in(query.as_bytes());
        let value = match (values.next(), values.next()) {
            (None, _) => return Ok(None),
            (Some(value), None)
                if !by_header || is_blank_value(query[value.clone()].as_bytes()) =>
            {
                value
            }
            _ => return Err(unknown()),
        };
        let sealed = query[value.clone()].as_bytes();
        if is_blank_value(sealed) {
            return Ok(None);
        }
        let id = sealer.open(Kind::Session, of, sealed).ok_or_else(unknown)?;
        let end = value.start + id.len();
        let target = format!("{}?{}{}", uri.path(), &query[..end], &query[value.end..]);
        with_target(uri, &target).map(Some).ok_or_else(unknown)
    }

    /// Where the values of the session parameter stand in a query, however its name is spelled.
    ///
    /// Servers differ in what separates two pairs.
    fn values_in<'q>(&'q self, query: &'q [u8]) -> impl Iterator<Item = Range<usize>> + 'q {
        let mut next = 0;
        query.split(|byte| matches!(byte, b'&' | b';')).filter_map(move |pair| {
            let (start, end) = (next, next + pair.len());
            next = end + 1;
            let name = pair.split(|&byte| byte == b'=').next().unwrap_or_default();
            let value = (start + name.len() + 1).min(end)..end;
            self.is_parameter(name).then_some(value)
        })
    }

    /// How often the session parameter stands in the URL of an endpoint, wherever one part of it may
    /// be read as another: a server that repeats what a client wrote may repeat `?` and `#` as well,
    /// and then its own parameter is in another's value or in the fragment.
    fn count_in_url(&self, url: &[u8]) -> usize {
        url.split(|byte| matches!(byte, b'?' | b'#' | b'&' | b';'))
            .skip(1)
            .filter(|pair| {
                self.is_parameter(pair.split(|&byte| byte == b'=').next().unwrap_or_default())
            })
            .count()
    }

    /// Whether some server takes this for the parameter's name. Some go by its letters and digits
    /// alone. PHP reads up to a NUL. Express makes a list of `name[0]`, and JavaScript of the list,
    /// where it is a key, its only element.
    fn is_parameter(&self, name: &[u8]) -> bool {
        let mut left = self.parameter.as_bytes();
        for byte in percent_decode(name) {
            left = match (byte, left) {
                (b'[' | b']' | 0, []) => return true,
                (byte, [first, rest @ ..]) if byte.eq_ignore_ascii_case(first) => rest,
                (byte, _) if byte.is_ascii_alphanumeric() => return false,
                _ => left,
            };
        }
        left.is_empty()
    }

    /// Asks the inner service for an event stream that is not compressed: the IDs in another one
    /// could not be bound. A client that names no coding gets none.
    pub(crate) fn ask_for_identity(&self, headers: &mut HeaderMap) {
        let names_codings = self.sealer.is_some() && headers.contains_key(ACCEPT_ENCODING);
        if names_codings && accepts_event_stream(headers) {
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        }
    }

    /// Seals the session id that an answer gives.
    pub(crate) fn seal(&self, headers: &mut HeaderMap, of: &Principal) {
        let Some(sealer) = &self.sealer else { return };
        if !headers.contains_key(&self.header) {
            return; // an entry would make room for it
        }
        let Entry::Occupied(mut entry) = headers.entry(&self.header) else { return };
        for id in entry.iter_mut().filter(|id| !is_blank(id.as_bytes())) {
            let mut sealed = Vec::with_capacity(id.len() + SEAL_ADDS);
            sealer.seal(Kind::Session, of, id.as_bytes(), &mut sealed);
            // What was a field value is one with a seal behind it. If not, it opens nothing.
            *id = HeaderValue::try_from(sealed).unwrap_or(HeaderValue::from_static(""));
        }
    }

    /// Takes off a request whatever could act in somebody's session.
    pub(crate) fn take_off(&self, head: &mut Parts) {
        let ours = |name: &&HeaderName| {
            is_spelling_of(name.as_str(), &self.header)
                || is_spelling_of(name.as_str(), &LAST_EVENT_ID)
        };
        let taken_off: Vec<_> = head.headers.keys().filter(ours).cloned().collect();
        for name in taken_off {
            head.headers.remove(name);
        }
        if let Some(uri) = self.without_session(&head.uri) {
            head.uri = uri;
        }
        #[cfg(feature = "axum")]
        if let Some(original) = head.extensions.get_mut::<axum::extract::OriginalUri>()
            && let Some(uri) = self.without_session(&original.0)
        {
            original.0 = uri;
        }
    }

    /// The URI without session ids in its query; `None` where there are none.
    fn without_session(&self, uri: &Uri) -> Option<Uri> {
        let query = uri.query()?;
        self.values_in(query.as_bytes()).next()?;
        let is_session =
            |pair: &&str| self.is_parameter(pair.split('=').next().unwrap_or_default().as_bytes());
        let pairs = query.split(['&', ';']);
        let kept: Vec<_> = pairs.filter(|pair| !is_session(pair)).collect();
        match kept.is_empty() {
            true => with_target(uri, uri.path()),
            false => with_target(uri, &format!("{}?{}", uri.path(), kept.join("&"))),
        }
    }
}

/// What seals the handles in one stream of events.
pub(crate) struct Binding<'a> {
    pub(crate) handles: &'a SessionIds,
    pub(crate) of: &'a Principal,
    /// Whether the stream answers a GET, as that of HTTP+SSE does.
    pub(crate) is_get: bool,
    /// Whether it was said that an endpoint of this stream is not bound.
    pub(crate) has_warned: &'a Cell<bool>,
}

impl Seals for Binding<'_> {
    fn seal_event(&self, id: &[u8], out: &mut Vec<u8>) {
        match &self.handles.sealer {
            Some(sealer) if !is_blank(id) => {
                sealer.seal(Kind::Event, self.of, id, out);
            }
            _ => out.extend_from_slice(id),
        }
    }

    /// The URL that a client of HTTP+SSE is to post to.
    fn seal_endpoint(&self, url: &[u8], out: &mut Vec<u8>) {
        let Some(sealer) = &self.handles.sealer else { return out.extend_from_slice(url) };
        let end = url.iter().position(|&byte| byte == b'#').unwrap_or(url.len());
        let query = match url[..end].iter().position(|&byte| byte == b'?') {
            Some(question_mark) => question_mark + 1,
            None => end,
        };
        let Some(value) = self.handles.values_in(&url[query..end]).next() else {
            return out.extend_from_slice(url);
        };
        // White space that a server leaves there is none of the ID.
        let id = url[query..end][value.clone()].trim_ascii_end();
        if is_blank_value(id) {
            return out.extend_from_slice(url);
        }
        let why = match self.handles.count_in_url(url) {
            1 if self.is_get => None,
            1 => Some("it answers another method than GET"),
            _ => Some("its URL has several session IDs"),
        };
        if let Some(why) = why {
            self.not_bound(why);
            return out.extend_from_slice(url);
        }
        let (start, behind) = (query + value.start, query + value.start + id.len());
        out.extend_from_slice(&url[..start]);
        sealer.seal(Kind::Session, self.of, id, out);
        out.extend_from_slice(&url[behind..]);
    }

    fn not_bound(&self, why: &'static str) {
        if self.handles.sealer.is_some() && !self.has_warned.replace(true) {
            warn!(principal = self.of.name(), cause = why, "an `endpoint` event is not bound");
        }
    }
}

/// Opens the only field of this name, and returns whether there is one. An empty one is none.
fn open_only(
    headers: &mut HeaderMap,
    name: &HeaderName,
    open: impl for<'s> Fn(&'s [u8]) -> Option<&'s [u8]>,
) -> Result<bool, Rejection> {
    let mut fields = headers.iter_mut().filter(|(field, _)| is_spelling_of(field.as_str(), name));
    let field = match (fields.next(), fields.next()) {
        (None, _) => return Ok(false),
        (Some((_, field)), None) => field,
        _ => return Err(unknown()),
    };
    if is_blank(field.as_bytes()) {
        return Ok(false);
    }
    let id = open(field.as_bytes()).ok_or_else(unknown)?;
    *field = HeaderValue::from_bytes(id).map_err(|_| unknown())?;
    Ok(true)
}

/// Whether a response may be an event stream (RFC 9110 §12.5.1). An empty list accepts as much as none.
fn accepts_event_stream(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(ACCEPT).iter();
    let mut ranges = lines
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b','))
        .filter(|range| !is_blank(range))
        .peekable();
    ranges.peek().is_none() || ranges.any(is_range_with_event_streams)
}

fn is_range_with_event_streams(range: &[u8]) -> bool {
    let mut parts = range.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
    let media_type = parts.next().unwrap_or_default();
    let is_refused = |part: &[u8]| match part {
        [b'q' | b'Q', b'=', b'0', rest @ ..] => rest.iter().all(|byte| matches!(byte, b'.' | b'0')),
        _ => false,
    };
    let ranges = [&b"*/*"[..], b"text/*", b"text/event-stream"];
    ranges.iter().any(|wanted| media_type.eq_ignore_ascii_case(wanted)) && !parts.any(is_refused)
}

/// Whether an ID is empty, which is none. White space around a header field is none of its value.
fn is_blank(id: &[u8]) -> bool {
    id.trim_ascii().is_empty()
}

/// The same in a query, where a form encodes white space.
fn is_blank_value(id: &[u8]) -> bool {
    percent_decode(id).all(|byte| byte.is_ascii_whitespace() || byte == b'+')
}

fn with_target(uri: &Uri, target: &str) -> Option<Uri> {
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(target).ok()?);
    Uri::from_parts(parts).ok()
}

/// Somebody else's handle, and one that never was.
fn unknown() -> Rejection {
    Rejection::new(RejectionKind::UnknownSession, "no such session: initialize a new one")
}
