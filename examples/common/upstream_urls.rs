//! Absolute URLs of the upstream in its responses become paths, so that clients stay behind the
//! proxy. The upstream sends them in `Location`, in `Content-Location`, and in the `endpoint` event
//! of HTTP+SSE.

use axum::body::{Body, Bytes};
use axum::response::Response;
use futures::{StreamExt, future, stream};
use http::header::{
    CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_LOCATION, CONTENT_TYPE, Entry, LOCATION,
};
use http::uri::Authority;
use http::{HeaderMap, HeaderValue, Uri};

use super::local_hosts::is_loopback;

/// The maximum of bytes that are buffered of an event until its type is known. A longer event is
/// forwarded unchanged: no URL is that long.
const MAX_BUFFERED: usize = 8 * 1024;

/// The origin of the upstream.
#[derive(Clone)]
pub struct UpstreamOrigin {
    host: String,
    port: u16,
}

impl UpstreamOrigin {
    /// Returns the origin of an `http://` URL.
    pub fn from_url(url: &Uri) -> Self {
        let host = url.host().unwrap_or_default().to_ascii_lowercase();
        Self { host, port: url.port_u16().unwrap_or(80) }
    }

    /// Returns the path, query and fragment of a URL of this origin: `http://host:port/path` or
    /// `//host:port/path`.
    pub fn strip_from(&self, url: &str) -> Option<String> {
        let without_scheme = match url.get(..5) {
            Some(scheme) if scheme.eq_ignore_ascii_case("http:") => &url[5..],
            _ => url,
        };
        let rest = without_scheme.strip_prefix("//")?;
        let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let authority: Authority = authority.trim_end_matches(':').parse().ok()?;
        let has_port = !authority.as_str().ends_with(authority.host());
        let port = if has_port { authority.port_u16() } else { Some(80) };
        if !self.is_host(authority.host()) || port != Some(self.port) {
            return None;
        }
        Some(match path.as_bytes() {
            // A path that begins with two slashes would be parsed as a host.
            [b'/' | b'\\', b'/' | b'\\', ..] => format!("/.{path}"),
            [b'/', ..] => path.to_owned(),
            _ => format!("/{path}"),
        })
    }

    /// Returns whether this host is the upstream. On this machine it has several names.
    fn is_host(&self, host: &str) -> bool {
        self.host.eq_ignore_ascii_case(host) || is_loopback(&self.host) && is_loopback(host)
    }

    /// Rewrites the headers of a response.
    pub fn rewrite_headers(&self, response: &mut Response) {
        for name in [LOCATION, CONTENT_LOCATION] {
            let Entry::Occupied(mut entry) = response.headers_mut().entry(name) else { continue };
            for value in entry.iter_mut() {
                let path = value.to_str().ok().and_then(|url| self.strip_from(url.trim()));
                if let Some(path) = path.and_then(|path| HeaderValue::try_from(path).ok()) {
                    *value = path;
                }
            }
        }
    }

    /// Rewrites the `endpoint` event of a response, if it is an event stream.
    pub fn rewrite_endpoint_event(&self, mut response: Response) -> Response {
        if !is_event_stream(response.headers()) {
            return response;
        }
        response.headers_mut().remove(CONTENT_LENGTH);
        let mut rewriter = EndpointRewriter::new(self.clone());
        response.map(|body| {
            let chunks = body.into_data_stream().map(Some);
            let chunks = chunks.chain(stream::once(future::ready(None))).map(move |chunk| {
                Ok::<_, axum::Error>(match chunk {
                    Some(chunk) => rewriter.rewrite(&chunk?),
                    None => rewriter.finish(),
                })
            });
            Body::from_stream(chunks.filter(|chunk| future::ready(!is_empty(chunk))))
        })
    }
}

fn is_empty(chunk: &Result<Bytes, axum::Error>) -> bool {
    chunk.as_ref().is_ok_and(Bytes::is_empty)
}

/// Returns whether a response is an event stream that is not compressed.
fn is_event_stream(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media_type = content_type.and_then(|value| value.split(';').next()).unwrap_or_default();
    let is_encoded = headers.get(CONTENT_ENCODING).is_some_and(|encoding| {
        ![&b""[..], b"identity", b"none"].contains(&&*encoding.as_bytes().to_ascii_lowercase())
    });
    media_type.trim().eq_ignore_ascii_case("text/event-stream") && !is_encoded
}

/// Rewrites the `endpoint` events of a stream.
pub struct EndpointRewriter {
    origin: UpstreamOrigin,
    /// The incomplete event, unless it is forwarded.
    buffered: Vec<u8>,
    /// Whether the incomplete event is too long and is forwarded.
    is_forwarding: bool,
    /// The length of the incomplete line.
    line: usize,
    is_after_cr: bool,
}

impl EndpointRewriter {
    pub fn new(origin: UpstreamOrigin) -> Self {
        Self { origin, buffered: Vec::new(), is_forwarding: false, line: 0, is_after_cr: false }
    }

    /// Returns what can be forwarded after this chunk.
    pub fn rewrite(&mut self, chunk: &[u8]) -> Bytes {
        let mut out = Vec::with_capacity(chunk.len() + self.buffered.len());
        for &byte in chunk {
            let ends_crlf = byte == b'\n' && std::mem::take(&mut self.is_after_cr);
            self.is_after_cr = byte == b'\r';
            if self.is_forwarding || ends_crlf && self.buffered.is_empty() {
                out.push(byte);
            } else {
                self.buffered.push(byte);
            }
            if ends_crlf {
                continue; // the line has ended with CR
            }
            if byte != b'\n' && byte != b'\r' {
                self.line += 1;
                if self.buffered.len() > MAX_BUFFERED {
                    out.append(&mut self.buffered);
                    self.is_forwarding = true;
                }
                continue;
            }
            let line = std::mem::take(&mut self.line);
            if line == 0 {
                let event = std::mem::take(&mut self.buffered);
                out.append(&mut self.rewrite_event(event));
                self.is_forwarding = false;
            } else if self.buffered.len() == line + 1 && self.buffered[0] == b':' {
                out.append(&mut self.buffered); // a comment, which keeps the connection alive
            }
        }
        out.into()
    }

    /// Returns the incomplete event at the end of the stream, which clients ignore.
    pub fn finish(&mut self) -> Bytes {
        std::mem::take(&mut self.buffered).into()
    }

    fn rewrite_event(&self, mut event: Vec<u8>) -> Vec<u8> {
        let found = str::from_utf8(&event).ok().and_then(|text| {
            let url = endpoint_url(text)?;
            let start = url.as_ptr() as usize - text.as_ptr() as usize;
            Some((start..start + url.len(), self.origin.strip_from(url.trim())?))
        });
        if let Some((range, path)) = found {
            event.splice(range, format!(" {path}").into_bytes());
        }
        event
    }
}

/// Returns the data of an `endpoint` event, with the space before it.
fn endpoint_url(event: &str) -> Option<&str> {
    let kind = fields(event, "event").next_back()?;
    if kind.strip_prefix(' ').unwrap_or(kind) != "endpoint" {
        return None;
    }
    let mut data = fields(event, "data");
    let url = data.next()?;
    data.next().is_none().then_some(url)
}

/// Returns the values of the fields with this name.
fn fields<'e>(event: &'e str, name: &'e str) -> impl DoubleEndedIterator<Item = &'e str> {
    let lines = event.trim_start_matches('\u{feff}').split(['\n', '\r']);
    lines.filter_map(move |line| line.strip_prefix(name)?.strip_prefix(':'))
}
