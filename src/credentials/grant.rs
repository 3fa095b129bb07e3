//! What a credential grants: a principal, for a lifetime.

use std::time::SystemTime;

use crate::auth::{AuthScheme, Authenticated, Lifetime, Principal, Revocation};

/// What a credential grants.
#[derive(Clone)]
pub(crate) struct Grant {
    pub(crate) principal: Principal,
    lifetime: Lifetime,
}

impl Grant {
    pub(crate) fn new(principal: Principal) -> Self {
        Self { principal, lifetime: Lifetime::default() }
    }

    pub(crate) fn expires_at(mut self, time: Option<SystemTime>) -> Self {
        if let Some(time) = time {
            self.lifetime.set_expiry(time);
        }
        self
    }

    pub(crate) fn revoked_by(mut self, revocation: Revocation) -> Self {
        self.lifetime.add_revocation(revocation);
        self
    }

    /// Returns the time at which it expires, if it does.
    #[cfg(feature = "oauth-http")]
    pub(crate) fn expires(&self) -> Option<SystemTime> {
        self.lifetime.expires_at()
    }

    #[cfg(test)]
    pub(crate) fn is_bounded(&self) -> bool {
        self.lifetime.is_bounded()
    }

    #[cfg(test)]
    pub(crate) fn is_active(&self) -> bool {
        self.lifetime.is_active()
    }

    /// Returns whether both grant the same, for as long.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.principal.has_same_grants(&other.principal)
            && self.lifetime.expires_at() == other.lifetime.expires_at()
    }

    pub(crate) fn authenticated(&self, scheme: AuthScheme) -> Authenticated {
        Authenticated::new(self.principal.clone()).scheme(scheme).limited_to(&self.lifetime)
    }
}

impl From<Principal> for Grant {
    fn from(principal: Principal) -> Self {
        Self::new(principal)
    }
}
