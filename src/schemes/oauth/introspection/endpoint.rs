//! The introspection endpoint of an authorization server (RFC 7662).

use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use http::{HeaderValue, StatusCode};
use zeroize::Zeroizing;

use super::client_secret::{ClientSecret, Wiped, form_encoded};
use super::introspector::Endpoint;
use super::outage::Outage;
use super::response::evaluate;
use super::verdict::Refusal;
use crate::auth::parse_server_url;
use crate::credentials::Grant;
use crate::schemes::oauth::OAuthConfigError;
use crate::schemes::oauth::claim_rules::ClaimRules;
use crate::schemes::oauth::http::{Client, FetchError};

/// The limit of a response: the claims of one token, which may be in hundreds of groups. The claims stay in
/// the cache.
const MAX_RESPONSE: usize = 64 * 1024;

#[derive(Clone)]
pub(super) struct HttpEndpoint {
    url: String,
    authorization: HeaderValue,
    client: Client,
    outage: Arc<Outage>,
    pub(super) rules: ClaimRules,
}

impl HttpEndpoint {
    pub(super) fn new(
        url: String,
        client: &ClientSecret,
        rules: ClaimRules,
    ) -> Result<Self, OAuthConfigError> {
        if let Err(problem) = parse_server_url(&url) {
            return Err(OAuthConfigError::invalid_url("an introspection endpoint", url, problem));
        }
        Ok(Self {
            authorization: client.to_header()?,
            client: Client::new(&url)?,
            url,
            outage: Arc::default(),
            rules,
        })
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }
}

impl Endpoint for HttpEndpoint {
    async fn ask(&self, token: &str) -> Result<Grant, Refusal> {
        let mut form = Zeroizing::new(String::with_capacity(3 * token.len() + 64));
        form.push_str("token=");
        form.push_str(&form_encoded(token));
        form.push_str("&token_type_hint=access_token");
        let form = Bytes::from_owner(Wiped(form));
        let response =
            self.client.post_form(&self.url, self.authorization.clone(), form, MAX_RESPONSE).await;
        let verdict = match response {
            Ok(response) => evaluate(&self.rules, &response.bytes, SystemTime::now()),
            Err(error) => Err(unavailable(&error)),
        };
        match &verdict {
            Err(Refusal::Unavailable(reason)) => self.outage.failed(&self.url, reason),
            _ => self.outage.succeeded(&self.url),
        }
        verdict
    }
}

fn unavailable(error: &FetchError) -> Refusal {
    match error {
        FetchError::Status(StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
            Refusal::unavailable(format!("{error}: it refuses the client ID and secret"))
        }
        _ => Refusal::unavailable(error.to_string()),
    }
}
