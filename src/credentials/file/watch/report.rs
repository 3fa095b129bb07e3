//! What is logged about a file: each failure once, however often the file is tried.

use std::path::Path;

use tracing::{error, info, warn};

use super::outcome::{GRACE, Outcome};
use super::permissions;
use crate::credentials::file::error::CredentialFileError;
use crate::telemetry::TARGET;

/// What was logged about a file, where `C` identifies a content.
pub(super) struct Report<C> {
    /// How many credentials are active.
    pub(super) credentials: usize,
    /// The content that failed last, if it could be read, and the error that was logged.
    failure: Option<(Option<C>, String)>,
}

impl<C> Default for Report<C> {
    fn default() -> Self {
        Self { credentials: 0, failure: None }
    }
}

impl<C: PartialEq> Report<C> {
    /// Warns of directories in which other users can replace the file.
    pub(super) fn directories(&self, path: &Path) {
        for directory in permissions::open_directories(path) {
            warn!(
                target: TARGET,
                ?path,
                ?directory,
                "users other than its owner may write to the directory and replace the file: \
                 `chmod go-w` it"
            );
        }
    }

    /// Logs the outcome of a read of this content, unless it was logged before.
    pub(super) fn outcome(
        &mut self,
        path: &Path,
        outcome: &Result<Outcome, CredentialFileError>,
        content: Option<C>,
        is_missing: bool,
    ) {
        let credentials = self.credentials;
        match outcome {
            Ok(Outcome::Applied) => {
                self.failure = None;
                if credentials == 0 {
                    error!(
                        target: TARGET,
                        ?path,
                        "no credentials are left in the file: all of them are revoked, and no client \
                         can authenticate with it"
                    );
                } else {
                    info!(target: TARGET, ?path, credentials, "credential file reloaded");
                }
            }
            Ok(Outcome::Unchanged) => {
                if self.failure.take().is_some() {
                    info!(target: TARGET, ?path, credentials, "credential file valid again, unchanged");
                }
            }
            Err(problem) => {
                let failure = Some((content, problem.to_string()));
                if self.failure == failure {
                    return;
                }
                self.failure = failure;
                if is_missing {
                    error!(
                        target: TARGET,
                        ?path,
                        error = %problem,
                        credentials,
                        seconds = GRACE.as_secs(),
                        "the credential file is missing: its credentials stay active for so many \
                         seconds and are then revoked"
                    );
                } else {
                    warn!(
                        target: TARGET,
                        ?path,
                        error = %problem,
                        credentials,
                        "reload failed, keeping the previous version"
                    );
                }
            }
        }
    }

    /// The same for a policy.
    pub(super) fn policy(
        &mut self,
        path: &Path,
        outcome: &Result<Outcome, CredentialFileError>,
        content: Option<C>,
        is_missing: bool,
    ) {
        let rules = self.credentials;
        match outcome {
            Ok(Outcome::Applied) => {
                self.failure = None;
                info!(target: TARGET, ?path, rules, "policy file reloaded");
            }
            Ok(Outcome::Unchanged) => {
                if self.failure.take().is_some() {
                    info!(target: TARGET, ?path, rules, "policy file valid again, unchanged");
                }
            }
            Err(problem) => {
                let failure = Some((content, problem.to_string()));
                if self.failure == failure {
                    return;
                }
                self.failure = failure;
                if is_missing {
                    error!(
                        target: TARGET,
                        ?path,
                        error = %problem,
                        rules,
                        "the policy file is missing: the previous policy stays active"
                    );
                } else {
                    warn!(
                        target: TARGET,
                        ?path,
                        error = %problem,
                        rules,
                        "reload failed, keeping the previous policy"
                    );
                }
            }
        }
    }
}
