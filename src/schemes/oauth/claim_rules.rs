//! The rules for claims, whichever way they were verified.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::audience::Audience;
use super::claims::Claims;
use super::error::OAuthConfigError;
use super::issuer::Issuer;
use super::members::{NumericDate, OneOrMany};
use super::time::system_time;
use super::token_claims::TokenClaims;
use super::token_error::TokenError;
use crate::auth::{AuthScheme, Authenticated, Principal};
use crate::text::Shortened;

/// The greatest leeway. Clocks that differ by more are a fault to fix.
const MAX_LEEWAY: Duration = Duration::from_secs(300);

/// The greatest length of a subject, in bytes (OpenID Connect Core §2).
const MAX_SUBJECT: usize = 255;

type Check = dyn Fn(&TokenClaims) -> bool + Send + Sync;

/// What the claims of an access token must be, and what they make of the principal.
#[derive(Clone)]
pub(super) struct ClaimRules {
    pub(super) issuer: Issuer,
    audiences: Vec<Audience>,
    pub(super) sole_audience: bool,
    clients: Option<Vec<String>>,
    pub(super) scope_claim: Option<String>,
    pub(super) roles_claim: Option<String>,
    leeway: Duration,
    /// Whether `exp` may be missing, as in a response of introspection.
    pub(super) may_not_expire: bool,
    pub(super) max_age: Option<Duration>,
    required: Vec<(String, String)>,
    checks: Vec<Arc<Check>>,
}

impl ClaimRules {
    /// Creates the rules for tokens of this issuer and audience.
    ///
    /// # Errors
    ///
    /// If the audience is empty.
    pub(super) fn new(issuer: Issuer, audience: Audience) -> Result<Self, OAuthConfigError> {
        if audience.is_empty() {
            return Err(OAuthConfigError::EmptyAudience);
        }
        Ok(Self {
            issuer,
            audiences: vec![audience],
            sole_audience: false,
            clients: None,
            scope_claim: None,
            roles_claim: None,
            leeway: Duration::from_secs(60),
            may_not_expire: false,
            max_age: None,
            required: Vec::new(),
            checks: Vec::new(),
        })
    }

    /// Adds an audience. An empty one matches no token.
    pub(super) fn add_audience(&mut self, audience: Audience) {
        if !audience.is_empty() {
            self.audiences.push(audience);
        }
    }

    pub(super) fn allow_clients(&mut self, clients: impl Iterator<Item = String>) {
        self.clients.get_or_insert_default().extend(clients);
    }

    pub(super) fn require(&mut self, claim: String, value: String) {
        self.required.push((claim, value));
    }

    pub(super) fn add_check(&mut self, check: Arc<Check>) {
        self.checks.push(check);
    }

    pub(super) fn set_leeway(&mut self, leeway: Duration) {
        self.leeway = leeway.min(MAX_LEEWAY);
    }

    /// Returns an error unless the token names the issuer. It is checked before anything costs a look-up
    /// of a key.
    pub(super) fn check_issuer(&self, claims: &Claims<'_>) -> Result<(), TokenError> {
        match &claims.iss {
            Some(issuer) if **issuer == *self.issuer.as_str() => Ok(()),
            Some(other) => Err(TokenError::Issuer(shown(other))),
            None => Err(TokenError::MissingClaim("iss")),
        }
    }

    /// Applies the rules to claims whose origin is verified, and makes the grant. `json` is the text that
    /// the claims were read from, and `subject` the claim that names the principal.
    pub(super) fn apply(
        &self,
        claims: &Claims<'_>,
        subject: Option<&str>,
        json: &[u8],
        now: SystemTime,
    ) -> Result<Authenticated, TokenError> {
        if let Some(other) = claims.other_token {
            return Err(TokenError::OtherToken(other));
        }
        if claims.is_bound {
            return Err(TokenError::Bound);
        }
        self.check_audience(claims)?;
        let expires_at = self.check_times(claims, now)?;
        let subject = subject.ok_or(TokenError::MissingClaim("sub"))?;
        let has_control = subject.contains(char::is_control);
        if subject.is_empty() || subject.len() > MAX_SUBJECT || has_control {
            return Err(TokenError::Subject);
        }
        self.check_client(claims)?;
        let token_claims = TokenClaims::new(self.issuer.shared(), subject, json);
        self.check_further(&token_claims)?;

        let mut principal = Principal::new(subject)
            .issued_by_shared(self.issuer.shared())
            .with_scopes(self.scopes(claims, &token_claims)?);
        if let Some(claim) = &self.roles_claim {
            principal = principal.with_roles(token_claims.list(claim, whole));
        }
        let principal = principal.with_data(token_claims);
        let mut authenticated = Authenticated::new(principal).scheme(AuthScheme::BEARER);
        if let Some(expires_at) = expires_at {
            authenticated = authenticated.expires_at(expires_at);
        }
        Ok(authenticated)
    }

    fn check_audience(&self, claims: &Claims<'_>) -> Result<(), TokenError> {
        let Some(audiences) = &claims.aud else {
            let client = claims.client();
            let is_allowed = self.audiences.iter().any(|ours| ours.stands_for_client(client));
            return is_allowed.then_some(()).ok_or(TokenError::MissingClaim("aud"));
        };
        let is_ours = |audience: &str| self.audiences.iter().any(|ours| ours.matches(audience));
        if !audiences.iter().any(is_ours) {
            return Err(TokenError::Audience(shown_list(audiences)));
        }
        if self.sole_audience && !audiences.iter().all(is_ours) {
            return Err(TokenError::ForeignAudience(shown_list(audiences)));
        }
        Ok(())
    }

    /// Checks the times (RFC 7519 §4.1), and returns when the grant expires: with the same leeway, so that
    /// what is accepted here is not rejected as expired by the layer.
    fn check_times(
        &self,
        claims: &Claims<'_>,
        now: SystemTime,
    ) -> Result<Option<SystemTime>, TokenError> {
        let since_1970 = now.duration_since(UNIX_EPOCH).map_err(|_| TokenError::Clock)?;
        let now_seconds = since_1970.as_secs_f64();
        let leeway = self.leeway.as_secs_f64();
        if claims.exp.is_none() && !self.may_not_expire {
            return Err(TokenError::MissingClaim("exp"));
        }
        if let Some(exp) = claims.exp
            && now_seconds >= exp.0 + leeway
        {
            return Err(TokenError::Expired(between(exp.0, now_seconds)));
        }
        if let Some(nbf) = claims.nbf
            && nbf.0 > now_seconds + leeway
        {
            return Err(TokenError::NotYetValid(between(now_seconds, nbf.0)));
        }
        if let Some(iat) = claims.iat
            && iat.0 > now_seconds + leeway
        {
            return Err(TokenError::IssuedInFuture(between(now_seconds, iat.0)));
        }
        let expires_at = claims.exp.map(|exp| exp.0 + leeway);
        let Some(max_age) = self.max_age else {
            return Ok(expires_at.and_then(|at| system_time(NumericDate(at))));
        };
        let iat = claims.iat.ok_or(TokenError::MissingClaim("iat"))?;
        let too_old_at = iat.0 + max_age.as_secs_f64() + leeway;
        if now_seconds >= too_old_at {
            return Err(TokenError::TooOld(between(iat.0, now_seconds)));
        }
        let ends_at = expires_at.map_or(too_old_at, |at| at.min(too_old_at));
        Ok(system_time(NumericDate(ends_at)))
    }

    fn check_client(&self, claims: &Claims<'_>) -> Result<(), TokenError> {
        let Some(allowed) = &self.clients else { return Ok(()) };
        match claims.client() {
            Some(client) if allowed.iter().any(|allowed| allowed == client) => Ok(()),
            Some(client) => Err(TokenError::Client(shown(client))),
            None => Err(TokenError::MissingClaim("client_id")),
        }
    }

    fn check_further(&self, claims: &TokenClaims) -> Result<(), TokenError> {
        for (name, value) in &self.required {
            if claims.get::<String>(name).as_ref() != Some(value) {
                return Err(TokenError::RequiredClaim(shown(name)));
            }
        }
        if self.checks.iter().all(|check| check(claims)) { Ok(()) } else { Err(TokenError::Check) }
    }

    fn scopes(
        &self,
        claims: &Claims<'_>,
        token_claims: &TokenClaims,
    ) -> Result<Vec<String>, TokenError> {
        let scopes: Vec<String> = match &self.scope_claim {
            Some(name) => token_claims.list(name, split),
            None => claims.scope.as_ref().or(claims.scp.as_ref()).map(list).unwrap_or_default(),
        };
        let is_token = |scope: &String| {
            scope.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
        };
        if scopes.iter().all(is_token) { Ok(scopes) } else { Err(TokenError::Scope) }
    }
}

impl TokenClaims {
    /// Returns a claim that is a list: an array of strings, or one string, of which `read` makes a list.
    fn list(&self, name: &str, read: fn(&str) -> Vec<String>) -> Vec<String> {
        let array = self.get::<Vec<String>>(name);
        let list = array.or_else(|| self.get::<String>(name).map(|text| read(&text)));
        list.unwrap_or_default().into_iter().filter(|part| !part.is_empty()).collect()
    }
}

fn list(claim: &OneOrMany<'_>) -> Vec<String> {
    match claim {
        OneOrMany::One(text) => split(text),
        OneOrMany::Many(many) => {
            let parts = many.iter().filter(|part| !part.is_empty());
            parts.map(|part| part.clone().into_owned()).collect()
        }
    }
}

/// The name of a role may have spaces, and parts of it are other roles.
fn whole(role: &str) -> Vec<String> {
    vec![role.to_owned()]
}

fn split(text: &str) -> Vec<String> {
    text.split(' ').filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

fn between(earlier: f64, later: f64) -> Duration {
    Duration::try_from_secs_f64(later - earlier).unwrap_or_default()
}

pub(super) fn shown(text: &str) -> String {
    format!("{:?}", Shortened::new(text))
}

fn shown_list(audiences: &OneOrMany<'_>) -> String {
    shown(&audiences.iter().collect::<Vec<_>>().join(" "))
}

impl fmt::Debug for ClaimRules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClaimRules")
            .field("issuer", &self.issuer)
            .field("audiences", &self.audiences)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_token_is_valid_before_1970() {
        let issuer = Issuer::parse("https://id.example.com").unwrap();
        let rules = ClaimRules::new(issuer, Audience::from("tools")).unwrap();
        let json = br#"{"iss":"https://id.example.com","aud":"tools","sub":"alice","exp":1}"#;
        let claims = Claims::read(json).unwrap();
        let apply = |now| rules.apply(&claims, claims.sub.as_deref(), json, now);
        assert!(apply(UNIX_EPOCH).is_ok());
        assert!(apply(UNIX_EPOCH + Duration::from_secs(60)).is_ok());
        assert!(apply(UNIX_EPOCH + Duration::from_secs(61)).is_err());
        let error = apply(UNIX_EPOCH - Duration::from_nanos(1)).unwrap_err();
        assert_eq!(error, TokenError::Clock);
    }
}
