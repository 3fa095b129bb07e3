//! Where the keys of an issuer come from.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;

use super::absent::Absent;
use super::error::KeySetError;
use super::key_set::KeySet;
#[cfg(feature = "oauth-http")]
use super::remote::RemoteKeys;
use crate::credentials::CredentialFile;

/// Where the keys of an issuer come from.
#[derive(Clone)]
pub(in crate::schemes::oauth) enum KeySource {
    /// Keys in code.
    Fixed(Arc<KeySet>),
    /// A file, which is watched.
    File { keys: Arc<ArcSwap<KeySet>>, file: CredentialFile },
    /// An authorization server.
    #[cfg(feature = "oauth-http")]
    Remote(Arc<RemoteKeys>),
}

impl KeySource {
    #[cfg(feature = "files")]
    pub(in crate::schemes::oauth) fn watch(
        path: &Path,
    ) -> Result<Self, crate::credentials::CredentialFileError> {
        use crate::credentials::{Access, CredentialFileError, CredentialFileErrorKind};

        let keys = Arc::new(ArcSwap::from_pointee(KeySet::empty()));
        let active = keys.clone();
        let file = CredentialFile::watch(path, Access::Public, move |text| {
            let next = match text.map(str::trim) {
                // The file is gone, or empty: all keys are withdrawn.
                None | Some("") => KeySet::empty(),
                Some(text) => KeySet::parse(text.as_bytes()).map_err(|error| {
                    CredentialFileError::new(
                        CredentialFileErrorKind::InvalidKeySet,
                        error.to_string(),
                    )
                })?,
            };
            Ok(replace(&active, next))
        })?;
        Ok(Self::File { keys, file })
    }

    /// Calls `decide` with the current keys, without a lock.
    pub(in crate::schemes::oauth) fn with_current<T>(
        &self,
        decide: impl FnOnce(&KeySet) -> T,
    ) -> T {
        match self {
            Self::Fixed(keys) => decide(keys),
            Self::File { keys, .. } => decide(&keys.load()),
            #[cfg(feature = "oauth-http")]
            Self::Remote(keys) => keys.with_current(decide),
        }
    }

    /// Returns what it means that no key of this set fits. Call it in [`with_current`](Self::with_current): a set that
    /// was replaced meanwhile says nothing about keys of the next one.
    pub(in crate::schemes::oauth) fn absent(&self, from: &KeySet) -> Absent {
        match self {
            Self::Fixed(_) => Absent::Unknown,
            Self::File { keys, .. } if !std::ptr::eq(from, &**keys.load()) => Absent::Ask,
            Self::File { .. } if from.is_empty() => {
                Absent::Unavailable { retry_after: Duration::from_secs(10) }
            }
            Self::File { .. } => Absent::Unknown,
            #[cfg(feature = "oauth-http")]
            Self::Remote(keys) => keys.absent(from),
        }
    }

    /// Waits until the issuer was asked for its keys, if [`absent`](Self::absent) is [`Absent::Ask`] and not
    /// too many requests wait already.
    pub(in crate::schemes::oauth) async fn fetched(&self) {
        #[cfg(feature = "oauth-http")]
        if let Self::Remote(keys) = self {
            keys.fetched().await;
        }
    }

    /// Loads the keys now.
    pub(in crate::schemes::oauth) async fn refresh(&self) -> Result<(), KeySetError> {
        match self {
            Self::Fixed(_) => Ok(()),
            #[cfg(feature = "files")]
            Self::File { file, .. } => {
                // It may wait for a file server.
                let file = file.clone();
                let reloaded = tokio::task::spawn_blocking(move || file.reload()).await;
                match reloaded {
                    Ok(Ok(_)) => Ok(()),
                    Ok(Err(error)) => Err(KeySetError::Unavailable(Arc::new(error.into()))),
                    Err(error) => Err(KeySetError::Unavailable(Arc::new(error.into()))),
                }
            }
            #[cfg(not(feature = "files"))]
            Self::File { file, .. } => match *file {},
            #[cfg(feature = "oauth-http")]
            Self::Remote(keys) => keys.refresh().await,
        }
    }

    /// Returns whether there are keys.
    pub(in crate::schemes::oauth) fn is_ready(&self) -> bool {
        self.with_current(|keys| !keys.is_empty())
    }
}

/// Activates a set, revokes the keys that are gone, and returns how many there are.
pub(in crate::schemes::oauth) fn replace(active: &ArcSwap<KeySet>, next: KeySet) -> usize {
    let previous = active.load_full();
    let next = Arc::new(next.replacing(&previous));
    active.store(next.clone());
    previous.revoke_missing_from(&next);
    next.len()
}

#[cfg(all(test, feature = "files"))]
mod tests {
    use super::*;

    const KEYS: &str = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

    #[test]
    fn a_key_is_unknown_only_if_the_current_file_lacks_it() {
        let path = tempfile::NamedTempFile::new().unwrap().into_temp_path();
        std::fs::write(&path, KEYS).unwrap();
        let source = KeySource::watch(&path).unwrap();
        let KeySource::File { file, .. } = &source else { unreachable!("it is in a file") };
        source.with_current(|keys| {
            assert_eq!(source.absent(keys), Absent::Unknown);
            std::fs::write(&path, KEYS.replace(r#""a""#, r#""another""#)).unwrap();
            file.reload().unwrap();
            assert_eq!(source.absent(keys), Absent::Ask);
        });
        assert_eq!(source.with_current(|keys| source.absent(keys)), Absent::Unknown);
    }
}
