//! The options of the authenticator.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::authenticator::{Introspection, MAX_CACHED};
use crate::schemes::oauth::TokenClaims;
use crate::schemes::oauth::audience::Audience;
use crate::schemes::oauth::claim_rules::ClaimRules;

impl Introspection {
    /// Leaves JWTs alone, which another authenticator verifies.
    pub fn opaque_only(mut self) -> Self {
        self.opaque_only = true;
        self
    }

    /// Sets how long an active token is active without another call: 30 seconds by default, and at most. With
    /// zero, each request asks. A revoked token works for that long, and its streams are open about a second
    /// longer.
    pub fn cached_for(mut self, time: Duration) -> Self {
        self.introspector = OnceLock::new();
        self.cached_for = time.min(MAX_CACHED);
        self
    }

    /// Accepts tokens of this audience as well. An empty one has no effect.
    ///
    /// Each audience is accepted at every path of the layer. Endpoints whose tokens must not be used at each
    /// other need a layer each.
    pub fn audience(mut self, audience: impl Into<Audience>) -> Self {
        self.rules().add_audience(audience.into());
        self
    }

    /// Rejects tokens that name a further audience, which another server would accept as well.
    pub fn sole_audience(mut self) -> Self {
        self.rules().sole_audience = true;
        self
    }

    /// Accepts only tokens that were issued to one of these clients: `client_id`, else `azp`, `cid` or
    /// `appid`. Use it where many applications share an audience.
    pub fn clients(mut self, clients: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.rules().allow_clients(clients.into_iter().map(Into::into));
        self
    }

    /// Reads the scopes from this member of the response: an array of strings, or a string whose parts are
    /// separated by spaces. By default that is `scope` or, if there is none, `scp`.
    pub fn scope_claim(mut self, name: impl Into<String>) -> Self {
        self.rules().scope_claim = Some(name.into());
        self
    }

    /// Reads the [roles](crate::Principal::roles) of the principal from this member: an array of strings, or
    /// one string, which is one role even if it has spaces. By default there are none.
    pub fn roles_claim(mut self, name: impl Into<String>) -> Self {
        self.rules().roles_claim = Some(name.into());
        self
    }

    /// Accepts only tokens whose response has a member with this string as its value, such as the ID of a
    /// tenant.
    pub fn require_claim(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.rules().require(name.into(), value.into());
        self
    }

    /// Accepts only tokens for whose claims the function returns `true`. It is called after all other checks,
    /// for each response of the endpoint.
    pub fn check(mut self, check: impl Fn(&TokenClaims) -> bool + Send + Sync + 'static) -> Self {
        self.rules().add_check(Arc::new(check));
        self
    }

    /// Sets how much the clocks of the authorization server and of this server may differ: 60 seconds by
    /// default, and 300 at most.
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.rules().set_leeway(leeway);
        self
    }

    /// Rejects tokens that were issued longer ago, and those without `iat`. Streams end then, too.
    pub fn max_age(mut self, age: Duration) -> Self {
        self.rules().max_age = Some(age);
        self
    }

    /// Changes the rules. What was learned with the previous ones is forgotten.
    fn rules(&mut self) -> &mut ClaimRules {
        self.introspector = OnceLock::new();
        &mut self.endpoint.rules
    }
}
