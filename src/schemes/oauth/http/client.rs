//! The HTTP client.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderValue;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use reqwest::redirect::Policy;

use super::fetch_error::FetchError;
use super::freshness::max_age;
use crate::schemes::oauth::OAuthConfigError;

/// How many seconds a request may take, from the look-up of the host's name to the end of the body.
const TIMEOUT: u64 = 5;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const ACCEPTED: &str = "application/json, application/jwk-set+json;q=0.9";

/// An HTTP client for the requests of this crate to one authorization server. Clones share connections.
#[derive(Clone)]
pub(in crate::schemes::oauth) struct Client(reqwest::Client);

/// The body of a response with status 200.
#[derive(Debug)]
pub(in crate::schemes::oauth) struct Response {
    pub(in crate::schemes::oauth) bytes: Vec<u8>,
    /// How long the server says that the response is fresh, if it does.
    pub(in crate::schemes::oauth) max_age: Option<Duration>,
}

impl Client {
    /// Creates a client for requests to this URL, and to those that its server names.
    ///
    /// If the URL is `https`, so must be all others. If it is `http`, its host is this machine: no
    /// request is sent to a proxy, where the plain text would leave the machine.
    ///
    /// # Errors
    ///
    /// If TLS cannot be set up, such as on a machine without root certificates.
    pub(in crate::schemes::oauth) fn new(url: &str) -> Result<Self, OAuthConfigError> {
        Self::build(url, |builder| builder)
    }

    /// The same without connections that are kept open, for rare requests. A connection that is kept
    /// belongs to the Tokio runtime of its first request and fails in another one.
    pub(in crate::schemes::oauth) fn for_rare_requests(
        url: &str,
    ) -> Result<Self, OAuthConfigError> {
        Self::build(url, |builder| builder.pool_max_idle_per_host(0))
    }

    fn build(
        url: &str,
        options: impl FnOnce(reqwest::ClientBuilder) -> reqwest::ClientBuilder,
    ) -> Result<Self, OAuthConfigError> {
        // Another crate may enable the features of reqwest that decode bodies: a small body could then
        // become a large one.
        let builder = reqwest::Client::builder()
            .user_agent(concat!("mcp-auth-layer/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::none())
            .timeout(Duration::from_secs(TIMEOUT))
            .connect_timeout(CONNECT_TIMEOUT)
            .no_gzip()
            .no_brotli()
            .no_zstd()
            .no_deflate();
        let is_plain = url.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("http://"));
        let builder = if is_plain { builder.no_proxy() } else { builder.https_only(true) };
        options(builder).build().map(Self).map_err(|error| OAuthConfigError::http_client(&error))
    }

    /// Gets the JSON at this URL.
    ///
    /// # Errors
    ///
    /// If the status is not 200, or the body has more than `limit` bytes.
    pub(in crate::schemes::oauth) async fn get(
        &self,
        url: &str,
        limit: usize,
    ) -> Result<Response, FetchError> {
        send(self.0.get(url), limit).await
    }

    /// Posts a form, which is encoded already, and returns the JSON of the response. The value of
    /// `Authorization` should be [sensitive](HeaderValue::set_sensitive).
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    pub(in crate::schemes::oauth) async fn post_form(
        &self,
        url: &str,
        authorization: HeaderValue,
        form: impl Into<Bytes>,
        limit: usize,
    ) -> Result<Response, FetchError> {
        let request = (self.0.post(url))
            .header(AUTHORIZATION, authorization)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form.into());
        send(request, limit).await
    }
}

async fn send(request: reqwest::RequestBuilder, limit: usize) -> Result<Response, FetchError> {
    let failed = |error: reqwest::Error| FetchError::of(&error, TIMEOUT);
    let mut response = request.header(ACCEPT, ACCEPTED).send().await.map_err(failed)?;
    FetchError::unless_ok(response.status())?;
    let max_age = max_age(response.headers());
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(failed)? {
        if chunk.len() > limit - bytes.len() {
            return Err(FetchError::TooLarge(limit));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(Response { bytes, max_age })
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Client")
    }
}
