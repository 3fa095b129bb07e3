//! Where an issuer publishes its keys.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::error::RemoteError;
use super::fetch::{Fetch, Fetched, Fetching};
use super::metadata::{check, jwks_uri, locations, transmitter_locations};
use crate::schemes::oauth::OAuthConfigError;
use crate::schemes::oauth::http::{Client, Response};
use crate::schemes::oauth::issuer::Issuer;
use crate::schemes::oauth::keys::KeySet;
use crate::schemes::oauth::keys::key_set::MAX_SET;

/// The keys of an issuer, at a URL that is configured, or that the metadata of the issuer names.
pub(in crate::schemes::oauth) struct Endpoint {
    issuer: String,
    client: Client,
    url: Url,
}

enum Url {
    Configured(String),
    /// Discovered from metadata at one of these places.
    Discovered {
        locations: Vec<String>,
        /// When it was found, as long as it works and is young.
        found: Mutex<Option<(String, Instant)>>,
    },
}

/// How long a discovered URL is used. A host that the metadata does not name any more, and that somebody else
/// may own by now, must not provide keys for ever.
const MAX_URL_AGE: Duration = Duration::from_secs(3600);

impl Url {
    fn at(locations: Vec<String>) -> Self {
        Self::Discovered { locations, found: Mutex::default() }
    }
}

impl Endpoint {
    /// Creates the endpoint that the issuer's metadata names.
    pub(in crate::schemes::oauth) fn discovered(issuer: &Issuer) -> Result<Self, OAuthConfigError> {
        Self::new(issuer, Url::at(locations(issuer.as_str())))
    }

    /// Creates the endpoint that the metadata of a transmitter of security events names.
    pub(in crate::schemes::oauth) fn of_transmitter(
        issuer: &Issuer,
    ) -> Result<Self, OAuthConfigError> {
        Self::new(issuer, Url::at(transmitter_locations(issuer.as_str())))
    }

    /// Creates the endpoint at this URL.
    pub(in crate::schemes::oauth) fn configured(
        issuer: &Issuer,
        url: String,
    ) -> Result<Self, OAuthConfigError> {
        match check(issuer.as_str(), &url) {
            Ok(()) => Self::new(issuer, Url::Configured(url)),
            Err(problem) => Err(OAuthConfigError::invalid_url("a JWK set", url, problem)),
        }
    }

    fn new(issuer: &Issuer, url: Url) -> Result<Self, OAuthConfigError> {
        let client = Client::for_rare_requests(issuer.as_str())?;
        Ok(Self { issuer: issuer.as_str().to_owned(), client, url })
    }

    pub(in crate::schemes::oauth) fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Fetches the keys. A URL that fails is discovered again the next time, and every URL after an hour.
    async fn load(&self) -> Result<Fetched, RemoteError> {
        let (locations, discovered) = match &self.url {
            Url::Configured(url) => return self.keys(url).await,
            Url::Discovered { locations, found } => (locations, found),
        };
        // It is taken, so that a fetch that never ends forgets it as well.
        let known = lock(discovered).take().filter(|(_, found)| found.elapsed() < MAX_URL_AGE);
        let (url, found) = match known {
            Some(known) => known,
            None => (self.discover(locations).await?, Instant::now()),
        };
        let fetched = self.keys(&url).await?;
        *lock(discovered) = Some((url, found));
        Ok(fetched)
    }

    /// Finds the URL of the keys.
    ///
    /// # Errors
    ///
    /// The first one, unless a later one says more.
    async fn discover(&self, locations: &[String]) -> Result<String, RemoteError> {
        let mut reported: Option<RemoteError> = None;
        for url in locations {
            let response = self.get(url).await;
            match response.and_then(|response| jwks_uri(&self.issuer, url, &response.bytes)) {
                Ok(jwks_uri) => return Ok(jwks_uri),
                Err(error) => {
                    let is_last = error.is_of_the_server();
                    if reported.is_none() || error.is_of_the_metadata() {
                        reported = Some(error);
                    }
                    if is_last {
                        break;
                    }
                }
            }
        }
        let url = self.issuer.clone();
        Err(reported.unwrap_or(RemoteError::Metadata { url, problem: "it has no metadata" }))
    }

    async fn keys(&self, url: &str) -> Result<Fetched, RemoteError> {
        let Response { bytes, max_age } = self.get(url).await?;
        match KeySet::parse(&bytes) {
            Ok(keys) => Ok(Fetched { keys, max_age }),
            Err(error) => Err(RemoteError::Keys { url: url.to_owned(), error }),
        }
    }

    async fn get(&self, url: &str) -> Result<Response, RemoteError> {
        let response = self.client.get(url, MAX_SET).await;
        response.map_err(|error| RemoteError::Fetch { url: url.to_owned(), error })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Fetch for Endpoint {
    fn fetch(&self) -> Fetching<'_> {
        Box::pin(self.load())
    }
}
