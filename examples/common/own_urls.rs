//! URLs in which an upstream names itself, made into paths: a client must not be sent past the proxy.
//! They stand in `Location` and `Content-Location`, and in the `endpoint` event of HTTP+SSE.

use axum::body::{Body, Bytes};
use axum::response::Response;
use futures::{StreamExt, future, stream};
use http::header::{
    CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_LOCATION, CONTENT_TYPE, Entry, LOCATION,
};
use http::uri::Authority;
use http::{HeaderMap, HeaderValue, Uri};

use super::hosts::is_loopback;

/// What is held of an event until it is known whether it is an `endpoint`. A longer one is passed on:
/// no URL is that long.
const HELD: usize = 8 * 1024;

/// The origin of the upstream, by whatever spelling.
#[derive(Clone)]
pub struct Origin {
    host: String,
    port: u16,
}

impl Origin {
    /// Of an `http://` URL.
    pub fn of(url: &Uri) -> Self {
        let host = url.host().unwrap_or_default().to_ascii_lowercase();
        Self { host, port: url.port_u16().unwrap_or(80) }
    }

    /// The path, with query and fragment, of a URL of this origin: `http://host:port/path` or
    /// `//host:port/path`.
    pub fn path_of(&self, url: &str) -> Option<String> {
        let behind = match url.get(..5) {
            Some(scheme) if scheme.eq_ignore_ascii_case("http:") => &url[5..],
            _ => url,
        };
        let behind = behind.strip_prefix("//")?;
        let end = behind.find(['/', '?', '#', '\\']).unwrap_or(behind.len());
        let (authority, path) = behind.split_at(end);
        let authority: Authority = authority.trim_end_matches(':').parse().ok()?;
        let portless = authority.as_str().ends_with(authority.host());
        let port = if portless { Some(80) } else { authority.port_u16() };
        if !self.is_host(authority.host()) || port != Some(self.port) {
            return None;
        }
        Some(match path.as_bytes() {
            // A path that begins with two slashes would be read as another host.
            [b'/' | b'\\', b'/' | b'\\', ..] => format!("/.{path}"),
            [b'/', ..] => path.to_owned(),
            _ => format!("/{path}"),
        })
    }

    /// An upstream on this machine may call itself `localhost` or 127.0.0.1.
    fn is_host(&self, host: &str) -> bool {
        self.host.eq_ignore_ascii_case(host) || is_loopback(&self.host) && is_loopback(host)
    }

    /// Rewrites an answer. `events` is whether an `endpoint` event may come, as to a GET.
    pub fn rewrite(&self, mut answer: Response, events: bool) -> Response {
        let headers = answer.headers_mut();
        for name in [LOCATION, CONTENT_LOCATION] {
            let Entry::Occupied(mut entry) = headers.entry(name) else { continue };
            for value in entry.iter_mut() {
                let path = value.to_str().ok().and_then(|url| self.path_of(url.trim()));
                if let Some(path) = path.and_then(|path| HeaderValue::try_from(path).ok()) {
                    *value = path;
                }
            }
        }
        if !events || !is_event_stream(headers) {
            return answer;
        }
        headers.remove(CONTENT_LENGTH);
        let mut endpoints = Endpoints::of(self.clone());
        answer.map(|body| {
            let chunks = body.into_data_stream().map(Some);
            let chunks = chunks.chain(stream::once(future::ready(None))).map(move |chunk| {
                Ok::<_, axum::Error>(match chunk {
                    Some(chunk) => endpoints.rewrite(&chunk?),
                    None => endpoints.finish(),
                })
            });
            let empty = |chunk: &Result<Bytes, _>| chunk.as_ref().is_ok_and(Bytes::is_empty);
            Body::from_stream(chunks.filter(move |chunk| future::ready(!empty(chunk))))
        })
    }
}

fn is_event_stream(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media = content_type.and_then(|value| value.split(';').next()).unwrap_or_default();
    let coded = headers.get(CONTENT_ENCODING).is_some_and(|coding| {
        // What is not known to mean "none" cannot be looked into.
        ![&b""[..], b"identity", b"none"].contains(&&*coding.as_bytes().to_ascii_lowercase())
    });
    media.trim().eq_ignore_ascii_case("text/event-stream") && !coded
}

/// Rewrites `endpoint` events as they pass.
pub struct Endpoints {
    origin: Origin,
    /// The event that has begun, unless it is passed on.
    held: Vec<u8>,
    passing: bool,
    /// Bytes of the line that has begun.
    line: usize,
    after_cr: bool,
}

impl Endpoints {
    pub fn of(origin: Origin) -> Self {
        Self { origin, held: Vec::new(), passing: false, line: 0, after_cr: false }
    }

    pub fn rewrite(&mut self, chunk: &[u8]) -> Bytes {
        let mut out = Vec::with_capacity(chunk.len() + self.held.len());
        for &byte in chunk {
            let line_goes_on = byte == b'\n' && std::mem::take(&mut self.after_cr);
            self.after_cr = byte == b'\r';
            if self.passing || line_goes_on && self.held.is_empty() {
                out.push(byte);
            } else {
                self.held.push(byte);
            }
            if line_goes_on {
                continue; // CR LF is one end of a line
            }
            if byte != b'\n' && byte != b'\r' {
                self.line += 1;
                if self.held.len() > HELD {
                    out.append(&mut self.held);
                    self.passing = true;
                }
                continue;
            }
            let line = std::mem::take(&mut self.line);
            if line == 0 {
                let event = std::mem::take(&mut self.held);
                out.append(&mut self.rewritten(event));
                self.passing = false;
            } else if self.held.len() == line + 1 && self.held[0] == b':' {
                out.append(&mut self.held); // a comment keeps the connection alive
            }
        }
        out.into()
    }

    /// What is left where the stream ends: no event, as the empty line is missing.
    pub fn finish(&mut self) -> Bytes {
        std::mem::take(&mut self.held).into()
    }

    fn rewritten(&self, event: Vec<u8>) -> Vec<u8> {
        let path = str::from_utf8(&event).ok().and_then(|event| {
            let fields = |name| {
                let lines = event.trim_start_matches('\u{feff}').split(['\n', '\r']);
                lines.filter_map(move |line| line.strip_prefix(name)?.strip_prefix(':'))
            };
            let kind = fields("event").next_back()?;
            let mut data = fields("data");
            let (Some(url), None) = (data.next(), data.next()) else { return None };
            let is_endpoint = kind.strip_prefix(' ').unwrap_or(kind) == "endpoint";
            let path = self.origin.path_of(url.trim()).filter(|_| is_endpoint)?;
            let start = url.as_ptr() as usize - event.as_ptr() as usize;
            Some((start..start + url.len(), path))
        });
        let mut event = event;
        if let Some((place, path)) = path {
            event.splice(place, format!(" {path}").into_bytes());
        }
        event
    }
}
