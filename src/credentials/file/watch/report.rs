//! What is logged about a file: each failure once, however often the file is tried.

use std::path::Path;

use tracing::{error, info, warn};

use super::outcome::{GRACE, Outcome};
use super::permissions::{self, Access};
use crate::credentials::file::error::CredentialFileError;
use crate::telemetry::TARGET;

/// What was logged about a file, where `C` identifies a content.
pub(super) struct Report<C> {
    /// How many credentials or rules are active.
    pub(super) count: usize,
    /// The content that failed last, if it could be read, and the error that was logged.
    failure: Option<(Option<C>, String)>,
}

impl<C> Default for Report<C> {
    fn default() -> Self {
        Self { count: 0, failure: None }
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
        access: Access,
        outcome: &Result<Outcome, CredentialFileError>,
        content: Option<C>,
        is_missing: bool,
    ) {
        let (file, credentials, rules) = match access {
            Access::Policy => ("policy", None, Some(self.count)),
            Access::Public | Access::Private => ("credential", Some(self.count), None),
        };
        match outcome {
            Ok(Outcome::Applied) => {
                self.failure = None;
                if credentials == Some(0) {
                    error!(
                        target: TARGET,
                        ?path,
                        "no credentials are left in the file: all of them are revoked, and no client \
                         can authenticate with it"
                    );
                } else {
                    info!(target: TARGET, ?path, credentials, rules, "{file} file reloaded");
                }
            }
            Ok(Outcome::Unchanged) => {
                if self.failure.take().is_some() {
                    info!(
                        target: TARGET,
                        ?path,
                        credentials,
                        rules,
                        "{file} file valid again, unchanged"
                    );
                }
            }
            Err(problem) => {
                let failure = Some((content, problem.to_string()));
                if self.failure == failure {
                    return;
                }
                self.failure = failure;
                let error = tracing::field::display(problem);
                match (is_missing, access) {
                    (true, Access::Policy) => error!(
                        target: TARGET,
                        ?path,
                        error,
                        rules,
                        "the policy file is missing: the previous policy stays active"
                    ),
                    (true, Access::Public | Access::Private) => error!(
                        target: TARGET,
                        ?path,
                        error,
                        credentials,
                        seconds = GRACE.as_secs(),
                        "the credential file is missing: its credentials stay active for so many \
                         seconds and are then revoked"
                    ),
                    (false, _) => warn!(
                        target: TARGET,
                        ?path,
                        error,
                        credentials,
                        rules,
                        "reload failed, keeping the previous version"
                    ),
                }
            }
        }
    }
}
