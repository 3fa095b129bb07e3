//! The endpoints of HTTP+SSE, by which a refused message finds the event stream that its answer belongs on.

use http::Uri;
use http::request::Parts;

use crate::auth::original_uri;
use crate::session::{EndpointUrl, SessionIds};

/// The endpoint to which a client of HTTP+SSE sends its messages. It identifies the stream of the client.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Endpoint {
    /// The session ID in the query, as the inner service made it.
    Session(Box<[u8]>),
    /// The path and the query, if it has no session ID.
    Path(Box<str>),
}

impl Endpoint {
    /// Returns the endpoint that a request is sent to. Its session ID was verified.
    pub(super) fn of(head: &Parts, session_ids: &SessionIds) -> Self {
        let uri = original_uri(head);
        match session_ids.session_in_query(uri) {
            Some(id) => Self::Session(id.as_bytes().into()),
            None => Self::Path(path_and_query(uri).into()),
        }
    }

    /// Returns the endpoint in an event of a stream at this path.
    pub(super) fn in_event(url: EndpointUrl<'_>, path: &str) -> Option<Self> {
        match url {
            EndpointUrl::Session(id) => Some(Self::Session(id.into())),
            EndpointUrl::WithoutSession(url) => {
                let url = str::from_utf8(url).ok()?;
                let target = match url.parse::<Uri>() {
                    Ok(uri) if uri.scheme().is_some() => path_and_query(&uri).to_owned(),
                    _ => resolved(url, path),
                };
                Some(Self::Path(target.into()))
            }
        }
    }

    pub(super) fn is_session(&self) -> bool {
        matches!(self, Self::Session(_))
    }
}

/// Resolves a reference relative to a path, as clients do (RFC 3986 §5.2).
fn resolved(reference: &str, base: &str) -> String {
    let end = reference.find('?').unwrap_or(reference.len());
    let (path, query) = reference.split_at(end);
    let folder = &base[..base.rfind('/').map_or(0, |slash| slash + 1)];
    let joined = match path {
        "" => base.to_owned(),
        _ if path.starts_with('/') => path.to_owned(),
        _ => format!("{folder}{path}"),
    };
    let mut segments = Vec::new();
    for segment in joined.split('/').skip(1) {
        match segment {
            "." => {}
            ".." => _ = segments.pop(),
            segment => segments.push(segment),
        }
    }
    if matches!(joined.rsplit('/').next(), Some("." | "..")) {
        segments.push("");
    }
    format!("/{}{query}", segments.join("/"))
}

fn path_and_query(uri: &Uri) -> &str {
    uri.path_and_query().map_or("/", |target| target.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_resolved_as_clients_do() {
        for (reference, expected) in [
            ("/messages?a=b", "/messages?a=b"),
            ("messages/", "/api/messages/"),
            ("../messages?x=../y", "/messages?x=../y"),
            ("./messages", "/api/messages"),
            ("/a/./b/../c", "/a/c"),
            ("../../..", "/"),
            ("..", "/"),
            (".", "/api/"),
            ("?a", "/api/sse?a"),
            ("https://example.com/messages?a", "/messages?a"),
            ("https://example.com", "/"),
        ] {
            let url = EndpointUrl::WithoutSession(reference.as_bytes());
            let endpoint = Endpoint::in_event(url, "/api/sse");
            assert_eq!(endpoint, Some(Endpoint::Path(expected.into())), "{reference}");
        }
    }
}
