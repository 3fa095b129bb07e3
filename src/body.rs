//! A request body that must be seen whole before anything acts on it.

use std::time::Duration;

use axum_core::body::Body;
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};

use crate::{Reason, Rejection};

/// As much as rmcp accepts.
pub(crate) const DEFAULT_LIMIT: usize = 4 * 1024 * 1024;

/// How long a body may take to arrive.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// Collects the body. Trailers are dropped: no check covers them.
pub(crate) async fn collect(body: Body, limit: usize) -> Result<Bytes, Rejection> {
    match tokio::time::timeout(READ_TIMEOUT, Limited::new(body, limit).collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Rejection::new(
            Reason::BodyTooLarge,
            format!("the body is larger than {limit} bytes"),
        )),
        Ok(Err(error)) => {
            Err(Rejection::bad_request("the body could not be read").caused_by(error))
        }
        Err(_) => Err(Rejection::bad_request("the body did not arrive in time")),
    }
}
