//! An rmcp client that signs its requests.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;

use futures_core::Stream;
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue, Method, Request, Uri};
use reqwest::redirect::Policy;
use rmcp::model::ClientJsonRpcMessage;
use rmcp::transport::streamable_http_client::{
    SseError, StreamableHttpClient, StreamableHttpError, StreamableHttpPostResponse,
    StreamableHttpResponseLimits,
};
use sse_stream::Sse;

use super::signer::Signer;

type Headers = HashMap<HeaderName, HeaderValue>;
type Result<T> = std::result::Result<T, StreamableHttpError<reqwest::Error>>;
type Events = Pin<Box<dyn Stream<Item = std::result::Result<Sse, SseError>> + Send>>;

/// Signs every request of an rmcp client, each attempt anew.
///
/// ```
/// use mcp_auth_layer::schemes::{Signer, SigningClient};
/// use rmcp::ServiceExt;
/// use rmcp::transport::StreamableHttpClientTransport;
/// use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
///
/// # async fn connect(secret: [u8; 32]) -> Result<(), Box<dyn std::error::Error>> {
/// let client = SigningClient::new(Signer::new("ci", secret)?)?;
/// let config = StreamableHttpClientTransportConfig::with_uri("http://127.0.0.1:8000/mcp");
/// let transport = StreamableHttpClientTransport::with_client(client, config);
/// let session = ().serve(transport).await?;
/// # drop(session);
/// # Ok(())
/// # }
/// ```
///
/// Each request is sent by a client of reqwest as rmcp's own transport does it, with the headers of the
/// signature added. It follows no redirects, because a signature is made for one server.
#[derive(Clone, Debug)]
pub struct SigningClient {
    http: reqwest::Client,
    signer: Arc<Signer>,
}

/// The arguments that the inner client makes headers of.
#[derive(Default)]
struct HeaderArguments<'r> {
    session: Option<&'r str>,
    token: Option<&'r str>,
    last_event: Option<&'r str>,
}

impl SigningClient {
    /// Creates a client with reqwest's defaults.
    ///
    /// # Errors
    ///
    /// If reqwest cannot create it, see [`reqwest::ClientBuilder::build`].
    pub fn new(signer: Signer) -> std::result::Result<Self, reqwest::Error> {
        Self::with_builder(signer, reqwest::Client::builder())
    }

    /// Creates a client with these options of reqwest, except that it follows no redirects.
    ///
    /// # Errors
    ///
    /// If reqwest cannot create it, see [`reqwest::ClientBuilder::build`].
    pub fn with_builder(
        signer: Signer,
        builder: reqwest::ClientBuilder,
    ) -> std::result::Result<Self, reqwest::Error> {
        let http = builder.redirect(Policy::none()).build()?;
        Ok(Self { http, signer: Arc::new(signer) })
    }

    /// Returns the custom headers and those of the signature, for a request as the inner client sends
    /// it.
    fn signed(
        &self,
        method: Method,
        uri: &str,
        body: &[u8],
        arguments: HeaderArguments<'_>,
        mut custom: Headers,
    ) -> Result<Headers> {
        // As the inner client will send it.
        let uri = reqwest::Url::parse(uri).map_err(not_signed)?;
        let uri: Uri = uri.as_str().parse().map_err(not_signed)?;
        let (mut head, ()) = Request::new(()).into_parts();
        (head.method, head.uri) = (method, uri);
        let authorization = arguments.token.map(|token| format!("Bearer {token}"));
        for (name, value) in [
            ("authorization", authorization.as_deref()),
            ("mcp-session-id", arguments.session),
            ("last-event-id", arguments.last_event),
        ] {
            if let Some(value) = value {
                let value = HeaderValue::from_str(value).map_err(not_signed)?;
                head.headers.insert(name, value);
            }
        }
        head.headers.extend(custom.iter().map(|(name, value)| (name.clone(), value.clone())));
        if !body.is_empty() {
            head.headers
                .entry(CONTENT_TYPE)
                .or_insert(HeaderValue::from_static("application/json"));
        }
        self.signer.sign_head(&mut head, body).map_err(not_signed)?;
        for name in ["content-digest", "signature-input", "signature"] {
            if let Some(value) = head.headers.remove(name) {
                custom.insert(HeaderName::from_static(name), value);
            }
        }
        Ok(custom)
    }
}

/// Wraps the reason why a request was not signed, and keeps it as the source.
fn not_signed(
    error: impl std::error::Error + Send + Sync + 'static,
) -> StreamableHttpError<reqwest::Error> {
    StreamableHttpError::Io(std::io::Error::other(error))
}

impl StreamableHttpClient for SigningClient {
    type Error = reqwest::Error;

    async fn post_message(
        &self,
        uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session: Option<Arc<str>>,
        token: Option<String>,
        headers: Headers,
    ) -> Result<StreamableHttpPostResponse> {
        let limits = StreamableHttpResponseLimits::default();
        self.post_message_with_response_limits(uri, message, session, token, headers, limits).await
    }

    async fn post_message_with_response_limits(
        &self,
        uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session: Option<Arc<str>>,
        token: Option<String>,
        headers: Headers,
        limits: StreamableHttpResponseLimits,
    ) -> Result<StreamableHttpPostResponse> {
        // The inner client serializes the message in the same way: the signed bytes are those sent.
        let body = serde_json::to_vec(&message).map_err(StreamableHttpError::Deserialize)?;
        let arguments = HeaderArguments {
            session: session.as_deref(),
            token: token.as_deref(),
            ..HeaderArguments::default()
        };
        let headers = self.signed(Method::POST, &uri, &body, arguments, headers)?;
        let http = &self.http;
        http.post_message_with_response_limits(uri, message, session, token, headers, limits).await
    }

    async fn delete_session(
        &self,
        uri: Arc<str>,
        session: Arc<str>,
        token: Option<String>,
        headers: Headers,
    ) -> Result<()> {
        let arguments = HeaderArguments {
            session: Some(&session),
            token: token.as_deref(),
            ..HeaderArguments::default()
        };
        let headers = self.signed(Method::DELETE, &uri, &[], arguments, headers)?;
        self.http.delete_session(uri, session, token, headers).await
    }

    async fn get_stream(
        &self,
        uri: Arc<str>,
        session: Option<Arc<str>>,
        last_event_id: Option<String>,
        token: Option<String>,
        headers: Headers,
    ) -> Result<Events> {
        let arguments = HeaderArguments {
            session: session.as_deref(),
            token: token.as_deref(),
            last_event: last_event_id.as_deref(),
        };
        let headers = self.signed(Method::GET, &uri, &[], arguments, headers)?;
        self.http.get_stream(uri, session, last_event_id, token, headers).await
    }

    async fn get_stream_with_max_sse_event_size(
        &self,
        uri: Arc<str>,
        session: Option<Arc<str>>,
        last_event_id: Option<String>,
        token: Option<String>,
        headers: Headers,
        max_event_size: usize,
    ) -> Result<Events> {
        let arguments = HeaderArguments {
            session: session.as_deref(),
            token: token.as_deref(),
            last_event: last_event_id.as_deref(),
        };
        let headers = self.signed(Method::GET, &uri, &[], arguments, headers)?;
        let http = &self.http;
        http.get_stream_with_max_sse_event_size(
            uri,
            session,
            last_event_id,
            token,
            headers,
            max_event_size,
        )
        .await
    }
}
