//! Session IDs in the query of a URI, as HTTP+SSE has them.

use http::Uri;
use http::request::Parts;
use http::uri::PathAndQuery;
use percent_encoding::percent_decode;

use super::unknown::unknown_session;
use crate::auth::Rejection;
use crate::session::binding::Verified;
use crate::session::parameter::SessionParameter;

/// Edits every URI of a request: its own and the one from before `Router::nest`. `None` leaves a
/// URI as it is.
pub(super) fn for_each_uri<E>(
    head: &mut Parts,
    edit: impl Fn(&Uri) -> Result<Option<Uri>, E>,
) -> Result<(), E> {
    if let Some(uri) = edit(&head.uri)? {
        head.uri = uri;
    }
    #[cfg(feature = "axum")]
    if let Some(original) = head.extensions.get_mut::<axum::extract::OriginalUri>()
        && let Some(uri) = edit(&original.0)?
    {
        original.0 = uri;
    }
    Ok(())
}

/// Returns the URI with its session ID verified; `None` if it has no ID.
///
/// Two IDs are rejected, one of which may be in the session header.
pub(super) fn verify(
    uri: &Uri,
    parameter: &SessionParameter,
    has_header: bool,
    verify: impl for<'b> Fn(&'b [u8]) -> Option<Verified<'b>>,
) -> Result<Option<Uri>, Rejection> {
    let Some(query) = uri.query() else { return Ok(None) };
    let mut values = parameter.values_in(query.as_bytes());
    let value = match (values.next(), values.next()) {
        (None, _) => return Ok(None),
        (Some(value), None) => value,
        (Some(_), Some(_)) => return Err(unknown_session()),
    };
    let bound = query[value.clone()].as_bytes();
    if is_blank(bound) {
        return Ok(None);
    }
    if has_header {
        return Err(unknown_session());
    }
    let Verified { id, .. } = verify(bound).ok_or_else(unknown_session)?;
    let end = value.start + id.len();
    let target = format!("{}?{}{}", uri.path(), &query[..end], &query[value.end..]);
    with_target(uri, &target).map(Some).ok_or_else(unknown_session)
}

/// Returns the URI without the session parameter; `None` if it has none.
pub(super) fn without(uri: &Uri, parameter: &SessionParameter) -> Option<Uri> {
    let query = uri.query()?;
    parameter.values_in(query.as_bytes()).next()?;
    match parameter.without(query) {
        Some(others) => with_target(uri, &format!("{}?{others}", uri.path())),
        None => with_target(uri, uri.path()),
    }
}

fn with_target(uri: &Uri, target: &str) -> Option<Uri> {
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(target).ok()?);
    Uri::from_parts(parts).ok()
}

/// Returns whether an ID in a query is empty, which is none. Forms encode white space.
pub(super) fn is_blank(id: &[u8]) -> bool {
    percent_decode(id).all(|byte| byte.is_ascii_whitespace() || byte == b'+')
}
