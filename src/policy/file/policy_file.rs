//! A policy in a file that is watched.

use std::path::Path;
use std::sync::Arc;

use arc_swap::ArcSwap;
use tracing::warn;

use super::error::PolicyFileError;
use super::rules::read;
use super::warning::PolicyWarning;
use crate::auth::Principal;
use crate::credentials::{Access, CredentialFile};
use crate::policy::authorizer::Authorizer;
use crate::policy::call::Call;
use crate::policy::changes::Changes;
use crate::policy::decision::{Decision, Refusal};
use crate::policy::rules::Policy;
use crate::policy::target::Target;
use crate::telemetry::TARGET;

/// A policy in a file, which is watched. Clones share it.
///
/// The file is TOML:
///
/// ```toml
/// [[allow]]
/// principals = ["ci", "nightly"]     # with issuer = "https://id.example.com": names of that issuer
/// tools = ["search", "read_*"]
/// prompts = ["review"]
/// resources = ["docs://*"]
///
/// [[allow]]
/// scopes = ["tools:write"]           # every credential that has all of these
/// tools = ["write_*"]
///
/// [[allow]]
/// roles = ["ops"]                    # any of these
/// scopes = ["tools:write"]           # several kinds of subject in one rule: all must match
/// tools = ["deploy"]
///
/// [[allow]]
/// principals = ["alice"]
/// everything = true
///
/// [[allow]]
/// anyone = true
/// tools = ["whoami"]
/// methods = ["tasks/get"]            # methods outside of the known ones
///
/// [[deny]]                           # wins over every allow rule
/// anyone = true
/// tools = ["*_internal"]
///
/// [roles]                            # for principals without an issuer
/// ops = ["alice", "bob"]
/// ```
///
/// [`Policy`] describes what the rules mean, [`Pattern`](crate::policy::Pattern) what `*` does. Conditions
/// on arguments need code: join both by [`both`](crate::policy::both).
///
/// The file is loaded again within about a second of a change. If it is invalid, has no rules or is missing,
/// the previous policy stays active, which is logged. Replace the file by a rename: while it is written in
/// place, a part of it may look complete. On Unix, the file must belong to root or to the user of this
/// process, and no other user may be able to write it.
#[derive(Clone, Debug)]
pub struct PolicyFile {
    policy: Arc<ArcSwap<Policy>>,
    changes: Changes,
    file: CredentialFile,
}

impl PolicyFile {
    /// Opens a policy file, and watches it.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, is not a regular file, has other permissions or more than 16 MiB. If it is
    /// not TOML, has an unknown key, or has a rule without a subject, without an object, or without an effect;
    /// and if it has no rules.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, PolicyFileError> {
        let path = path.as_ref();
        let policy = Arc::new(ArcSwap::from_pointee(Policy::new()));
        let changes = Changes::new();
        let (active, shown, changed) = (policy.clone(), path.to_owned(), changes.clone());
        let file = CredentialFile::watch(path, Access::Policy, move |text| {
            // A missing policy stays active, so there is always a text.
            let (policy, warnings) = read(text.unwrap_or_default())?;
            for warning in warnings {
                warn!(target: TARGET, path = ?shown, %warning, "policy file");
            }
            let count = policy.len();
            active.store(Arc::new(policy));
            changed.announce();
            Ok(count)
        });
        Ok(Self { policy, changes, file: file? })
    }

    /// Returns the policy that is active now. It is a copy, which does not change with the file.
    pub fn policy(&self) -> Policy {
        Policy::clone(&self.policy.load())
    }

    /// Reads the file now. Returns whether it has changed. It blocks for ten seconds at most.
    ///
    /// # Errors
    ///
    /// Those of [`open`](Self::open). The previous policy then stays active.
    pub fn reload(&self) -> Result<bool, PolicyFileError> {
        Ok(self.file.reload()?)
    }
}

impl Policy {
    /// Reads a policy from a text, in the format of [`PolicyFile`], and returns it with what in it is
    /// probably not meant.
    ///
    /// ```
    /// use mcp_auth_layer::policy::Policy;
    ///
    /// let (policy, warnings) = Policy::from_toml("[[allow]]\nanyone = true\ntools = ['whoami']")?;
    /// assert!(warnings.is_empty());
    ///
    /// let error = Policy::from_toml("[[allow]]\nanyone = true\ntool = ['whoami']").unwrap_err();
    /// assert!(error.to_string().starts_with("line 3: unknown key \"tool\""));
    /// # Ok::<(), mcp_auth_layer::policy::PolicyFileError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`PolicyFile::open`] about the content.
    pub fn from_toml(text: &str) -> Result<(Self, Vec<PolicyWarning>), PolicyFileError> {
        Ok(read(text)?)
    }
}

/// Each decision is by one version of the file.
impl Authorizer for PolicyFile {
    async fn authorize(&self, caller: &Principal, call: &Call<'_>) -> Decision {
        self.policy.load().decide(caller, call)
    }

    fn authorize_now(&self, caller: &Principal, call: &Call<'_>) -> Option<Decision> {
        self.policy.load().authorize_now(caller, call)
    }

    async fn visible(
        &self,
        caller: &Principal,
        targets: &[Target<'_>],
    ) -> Result<Vec<bool>, Refusal> {
        self.policy.load_full().visible(caller, targets).await
    }

    fn visible_now(&self, caller: &Principal, targets: &[Target<'_>]) -> Option<Vec<bool>> {
        self.policy.load().visible_now(caller, targets)
    }

    fn is_unrestricted(&self, caller: &Principal) -> bool {
        self.policy.load().is_unrestricted(caller)
    }

    fn changes(&self) -> Vec<Changes> {
        vec![self.changes.clone()]
    }
}
