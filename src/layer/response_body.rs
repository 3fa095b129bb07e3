//! The answer on its way out: its handles sealed for whoever asked, and over when their time is.

use std::cell::Cell;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum_core::body::Body;
use axum_core::{BoxError, Error};
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body::Frame;
use tracing::{debug, error, info};

use super::config::Options;
use crate::auth::{CredentialExpired, Ending, Principal, Rejection, RejectionKind};
use crate::session::{Binding, Rewriter};
use crate::telemetry;
use crate::telemetry::OpenStream;

/// Who was let in, and what their answer is made under.
pub(crate) struct Admitted {
    pub(crate) principal: Principal,
    pub(crate) scheme: &'static str,
    pub(crate) options: Arc<Options>,
    /// Whether the request was a GET.
    pub(crate) is_get: bool,
}

impl Admitted {
    /// Completes when the answer must be over; `None` if it need not.
    pub(crate) fn ending(&self) -> Option<Ending> {
        let lifetime = self.principal.lifetime();
        lifetime.is_bounded().then(|| lifetime.ending())
    }

    /// The answer instead of the inner service's, which took longer than the principal had.
    pub(crate) fn ended(&self) -> Response<Body> {
        info!(principal = self.principal.name(), "ended before it was answered");
        telemetry::request(Some(self.scheme), "ended", RejectionKind::Invalid.as_str());
        self.options.render(self.options.expired(self.scheme))
    }

    /// The inner service's answer. If it was waited for, `ending` is what was waited for as well.
    pub(crate) fn answer<R>(self, response: Response<R>, ending: Option<Ending>) -> Response<Body>
    where
        R: http_body::Body<Data = Bytes> + Send + 'static,
        R::Error: Into<BoxError>,
    {
        let (mut head, body) = response.into_parts();
        let bounded = self.principal.lifetime().is_bounded();
        if bounded && head.status == StatusCode::SWITCHING_PROTOCOLS {
            // Nobody could end what is spoken then.
            return self.fault("the inner service upgraded, for a principal whose time may end");
        }
        self.options.handles.seal(&mut head.headers, &self.principal);
        // RFC 9111 §3.5 keeps shared caches from storing answers to `Authorization` alone.
        // An empty field says nothing.
        let mut directives = head.headers.get_all(CACHE_CONTROL).iter();
        if directives.all(|value| value.as_bytes().trim_ascii().is_empty()) {
            head.headers.insert(CACHE_CONTROL, HeaderValue::from_static("private"));
        }
        let is_stream = is_event_stream(&head.headers);
        let sealed = is_stream && self.options.handles.sealer.is_some();
        if sealed && is_encoded(&head.headers) {
            return self
                .fault("an encoded event stream cannot be sealed: compress it outside the layer");
        }
        // What is of known length is not touched: most of it is in memory already. A stream of events
        // is not, whatever length was announced.
        let bounded = bounded && (is_stream || body.size_hint().exact().is_none());
        let counted = is_stream.then(OpenStream::open);
        let watched = is_stream && OpenStream::IS_COUNTED;
        if !(sealed || bounded || watched) {
            return Response::from_parts(head, Body::new(body));
        }
        if is_stream {
            head.headers.remove(CONTENT_LENGTH);
        }
        let ending = bounded.then(|| ending.or_else(|| self.ending())).flatten();
        let rewriter = sealed.then(Rewriter::new);
        let body = Body::new(body);
        let body = Answer {
            body,
            rewriter,
            has_warned: Cell::new(false),
            is_stream,
            ending,
            admitted: self,
            _counted: counted,
        };
        Response::from_parts(head, Body::new(body))
    }

    /// An answer that cannot be protected is not given.
    fn fault(&self, why: &str) -> Response<Body> {
        error!(cause = why, "not answered");
        telemetry::request(
            Some(self.scheme),
            "refused",
            RejectionKind::UnprotectableResponse.as_str(),
        );
        self.options.render(Rejection::new(
            RejectionKind::UnprotectableResponse,
            "the server's answer cannot be protected",
        ))
    }
}

fn is_event_stream(headers: &HeaderMap) -> bool {
    headers.get_all(CONTENT_TYPE).iter().any(|value| {
        let essence = value.as_bytes().split(|&byte| byte == b';').next().unwrap_or_default();
        essence.trim_ascii().eq_ignore_ascii_case(b"text/event-stream")
    })
}

/// Whether there is a content coding. `none` is what servers write to keep others from compressing a
/// stream; clients ignore it.
fn is_encoded(headers: &HeaderMap) -> bool {
    let is_coding = |coding: &[u8]| {
        let nothing = [&b""[..], b"identity", b"none"];
        !nothing.iter().any(|nothing| coding.trim_ascii().eq_ignore_ascii_case(nothing))
    };
    let values = headers.get_all(CONTENT_ENCODING).iter();
    values.flat_map(|value| value.as_bytes().split(|byte| *byte == b',')).any(is_coding)
}

/// The body of an answer that is not passed on as it is.
struct Answer {
    body: Body,
    /// Of an event stream whose handles are sealed.
    rewriter: Option<Rewriter>,
    /// Whether it was said that an endpoint is not bound.
    has_warned: Cell<bool>,
    is_stream: bool,
    ending: Option<Ending>,
    admitted: Admitted,
    _counted: Option<OpenStream>,
}

impl http_body::Body for Answer {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = &mut *self;
        if let Some(ending) = &mut this.ending
            && ending.as_mut().poll(cx).is_ready()
        {
            return Poll::Ready(this.end());
        }
        let Some(rewriter) = &mut this.rewriter else {
            return Pin::new(&mut this.body).poll_frame(cx);
        };
        let Admitted { principal, options, is_get, .. } = &this.admitted;
        let seals = Binding {
            handles: &options.handles,
            of: principal,
            is_get: *is_get,
            has_warned: &this.has_warned,
        };
        loop {
            let bytes = match ready!(Pin::new(&mut this.body).poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => rewriter.push(data, &seals),
                    Err(_) => continue, // trailers, which no client of event streams reads
                },
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => {
                    let rest = rewriter.finish(&seals);
                    (this.body, this.rewriter) = (Body::empty(), None);
                    let rest = Some(rest).filter(|rest| !rest.is_empty());
                    return Poll::Ready(rest.map(|rest| Ok(Frame::data(rest))));
                }
            };
            if !bytes.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(bytes))));
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.rewriter.is_none() && self.body.is_end_stream()
    }
}

impl Answer {
    /// Ends before the inner service does, which is dropped. What is no stream of events ends with
    /// an error, so that nobody takes half an answer for a whole one.
    fn end(&mut self) -> Option<Result<Frame<Bytes>, Error>> {
        debug!(principal = self.admitted.principal.name(), "an answer ended with its credential");
        (self.body, self.rewriter, self.ending) = (Body::empty(), None, None);
        (!self.is_stream).then(|| Err(Error::new(CredentialExpired)))
    }
}
