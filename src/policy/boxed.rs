//! An authorizer whose type is erased.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use super::authorizer::Authorizer;
use super::call::Call;
use super::changes::Changes;
use super::decision::{Decision, Refusal};
use super::target::Target;
use crate::auth::Principal;

/// An authorizer whose type is erased, as for one that is chosen at run time. Clones share it.
#[derive(Clone)]
pub struct BoxAuthorizer(Arc<dyn Erased>);

impl BoxAuthorizer {
    /// Erases the type of an authorizer.
    pub fn new(authorizer: impl Authorizer) -> Self {
        Self(Arc::new(authorizer))
    }
}

impl fmt::Debug for BoxAuthorizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BoxAuthorizer")
    }
}

impl Authorizer for BoxAuthorizer {
    async fn authorize(&self, caller: &Principal, call: &Call<'_>) -> Decision {
        self.0.erased_authorize(caller, call).await
    }

    fn authorize_now(&self, caller: &Principal, call: &Call<'_>) -> Option<Decision> {
        self.0.erased_authorize_now(caller, call)
    }

    async fn visible(
        &self,
        caller: &Principal,
        targets: &[Target<'_>],
    ) -> Result<Vec<bool>, Refusal> {
        self.0.erased_visible(caller, targets).await
    }

    fn visible_now(&self, caller: &Principal, targets: &[Target<'_>]) -> Option<Vec<bool>> {
        self.0.erased_visible_now(caller, targets)
    }

    fn is_unrestricted(&self, caller: &Principal) -> bool {
        self.0.erased_is_unrestricted(caller)
    }

    fn changes(&self) -> Vec<Changes> {
        self.0.erased_changes()
    }
}

type Boxed<'f, T> = Pin<Box<dyn Future<Output = T> + Send + 'f>>;

/// [`Authorizer`] with boxed futures, which make it object safe.
trait Erased: Send + Sync {
    fn erased_authorize<'a>(
        &'a self,
        caller: &'a Principal,
        call: &'a Call<'_>,
    ) -> Boxed<'a, Decision>;
    fn erased_authorize_now(&self, caller: &Principal, call: &Call<'_>) -> Option<Decision>;
    fn erased_visible<'a>(
        &'a self,
        caller: &'a Principal,
        targets: &'a [Target<'_>],
    ) -> Boxed<'a, Result<Vec<bool>, Refusal>>;
    fn erased_visible_now(&self, caller: &Principal, targets: &[Target<'_>]) -> Option<Vec<bool>>;
    fn erased_is_unrestricted(&self, caller: &Principal) -> bool;
    fn erased_changes(&self) -> Vec<Changes>;
}

impl<Z: Authorizer> Erased for Z {
    fn erased_authorize<'a>(
        &'a self,
        caller: &'a Principal,
        call: &'a Call<'_>,
    ) -> Boxed<'a, Decision> {
        Box::pin(self.authorize(caller, call))
    }

    fn erased_authorize_now(&self, caller: &Principal, call: &Call<'_>) -> Option<Decision> {
        self.authorize_now(caller, call)
    }

    fn erased_visible<'a>(
        &'a self,
        caller: &'a Principal,
        targets: &'a [Target<'_>],
    ) -> Boxed<'a, Result<Vec<bool>, Refusal>> {
        Box::pin(self.visible(caller, targets))
    }

    fn erased_visible_now(&self, caller: &Principal, targets: &[Target<'_>]) -> Option<Vec<bool>> {
        self.visible_now(caller, targets)
    }

    fn erased_is_unrestricted(&self, caller: &Principal) -> bool {
        self.is_unrestricted(caller)
    }

    fn erased_changes(&self) -> Vec<Changes> {
        self.changes()
    }
}
