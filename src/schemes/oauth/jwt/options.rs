//! The options of a verifier.

use std::sync::Arc;
use std::time::Duration;

use super::authenticator::Jwt;
use crate::schemes::oauth::audience::Audience;
use crate::schemes::oauth::token_claims::TokenClaims;

impl Jwt {
    /// Accepts tokens of this audience as well. An empty one has no effect.
    ///
    /// Each audience is accepted at every path of the layer. Endpoints whose tokens must not be used at each
    /// other need a layer each.
    pub fn audience(mut self, audience: impl Into<Audience>) -> Self {
        self.verifier.rules.add_audience(audience.into());
        self
    }

    /// Rejects tokens that name a further audience, which another server would accept as well.
    pub fn sole_audience(mut self) -> Self {
        self.verifier.rules.sole_audience = true;
        self
    }

    /// Accepts only tokens that were issued to one of these clients: `client_id`, else `azp`, `cid` or
    /// `appid`. Use it where many applications share an audience.
    pub fn clients(mut self, clients: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.verifier.rules.allow_clients(clients.into_iter().map(Into::into));
        self
    }

    /// Reads the scopes from this claim: an array of strings, or a string whose parts are separated by
    /// spaces. By default that is `scope` or, if there is none, `scp`.
    pub fn scope_claim(mut self, name: impl Into<String>) -> Self {
        self.verifier.rules.scope_claim = Some(name.into());
        self
    }

    /// Reads the [roles](crate::Principal::roles) of the principal from this claim: an array of strings, or
    /// one string, which is one role even if it has spaces. By default there are none.
    pub fn roles_claim(mut self, name: impl Into<String>) -> Self {
        self.verifier.rules.roles_claim = Some(name.into());
        self
    }

    /// Accepts only tokens whose `typ` is `at+jwt` (RFC 9068 §2.1). Many issuers write `JWT`.
    pub fn require_at_jwt(mut self) -> Self {
        self.verifier.require_at_jwt = true;
        self
    }

    /// Accepts only tokens that have a claim with this string as its value, such as the ID of a tenant.
    pub fn require_claim(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.verifier.rules.require(name.into(), value.into());
        self
    }

    /// Accepts only tokens for whose claims the function returns `true`. It is called after all other
    /// checks, for each request.
    pub fn check(mut self, check: impl Fn(&TokenClaims) -> bool + Send + Sync + 'static) -> Self {
        self.verifier.rules.add_check(Arc::new(check));
        self
    }

    /// Sets how much the clocks of the issuer and of this server may differ: 60 seconds by default, and 300
    /// at most. Tokens are accepted, and streams stay open, for as long after `exp`.
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.verifier.rules.set_leeway(leeway);
        self
    }

    /// Rejects tokens that were issued longer ago, and those without `iat`. Streams end then, too.
    pub fn max_age(mut self, age: Duration) -> Self {
        self.verifier.rules.max_age = Some(age);
        self
    }
}
