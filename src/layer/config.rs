//! The options of a layer.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum_core::body::Body;
use http::Response;

use super::authorization::Authorization;
use super::body_budget::Limits;
#[cfg(feature = "oauth")]
use super::signals::Receivers;
use crate::auth::{Hosts, Realm, Rejection};
use crate::checks::{Exemptions, Origins, ScopeRules};
use crate::revocation::Revocations;
use crate::session::SessionIds;

/// Renders the response to a rejected request.
pub(super) type RejectionResponse =
    dyn Fn(&Rejection, Response<Body>) -> Response<Body> + Send + Sync;

/// The options of a layer, none of which depends on the order in which they are set.
#[derive(Clone)]
pub(super) struct Config {
    pub(super) realm: Realm,
    pub(super) exemptions: Exemptions,
    pub(super) hosts: Hosts,
    pub(super) origins: Origins,
    pub(super) scopes: ScopeRules,
    pub(super) authorization: Authorization,
    pub(super) forward_authorization: bool,
    pub(super) authenticator_timeout: Duration,
    pub(super) body_limits: Limits,
    pub(super) session_ids: SessionIds,
    pub(super) revocations: Option<Revocations>,
    #[cfg(feature = "oauth")]
    pub(super) receivers: Receivers,
    pub(super) rejection_response: Option<Arc<RejectionResponse>>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            realm: Realm::default(),
            exemptions: Exemptions::default(),
            hosts: Hosts::default(),
            origins: Origins::default(),
            scopes: ScopeRules::default(),
            authorization: Authorization::default(),
            forward_authorization: false,
            authenticator_timeout: Duration::from_secs(10),
            body_limits: Limits::default(),
            session_ids: SessionIds::new(),
            revocations: None,
            #[cfg(feature = "oauth")]
            receivers: Receivers::default(),
            rejection_response: None,
        }
    }
}

impl Config {
    /// Logs an error if signals are received that cannot revoke anything.
    pub(super) fn log_missing_revocations(&self) {
        #[cfg(feature = "oauth")]
        if self.revocations.is_none() {
            self.receivers.log_missing_revocations();
        }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut fields = f.debug_struct("Config");
        #[cfg(feature = "oauth")]
        fields.field("receivers", &self.receivers);
        fields
            .field("realm", &self.realm)
            .field("exemptions", &self.exemptions)
            .field("hosts", &self.hosts)
            .field("origins", &self.origins)
            .field("scopes", &self.scopes)
            .field("authorization", &self.authorization)
            .field("forward_authorization", &self.forward_authorization)
            .field("authenticator_timeout", &self.authenticator_timeout)
            .field("body_limits", &self.body_limits)
            .field("session_ids", &self.session_ids)
            .field("revocations", &self.revocations)
            .finish_non_exhaustive()
    }
}
