//! Revocation on every replica: the option, and what the layer knows of the credential of a request.

use std::time::Duration;

use http::header::AUTHORIZATION;
use http::request::Parts;

use super::builder::McpAuthLayer;
use super::gate::Gate;
use crate::auth::{AuthScheme, Authenticated, Rejection};
use crate::revocation::{Credential, Revocations};
use crate::schemes::credential;

/// When a client may try again while the store of revocations is silent.
const RETRY_AFTER: Duration = Duration::from_secs(5);

impl<A> McpAuthLayer<A> {
    /// Rejects credentials that these [`Revocations`] revoke, as if they had expired, and ends their open streams.
    ///
    /// They apply to every scheme: to principals, to the bearer token of `Authorization`, and to the claims of access
    /// tokens. Every request whose credential can be revoked [cannot
    /// upgrade](crate::auth::Authenticated::revoked_by) to another protocol.
    pub fn revocations(mut self, revocations: Revocations) -> Self {
        self.config().revocations = Some(revocations);
        self
    }
}

impl<A> Gate<A> {
    /// Lets the credential of an authenticated request end when it is revoked. If it is revoked already, its lifetime
    /// has ended, which is handled as for any other credential.
    pub(super) fn revocable(
        &self,
        head: &Parts,
        verdict: Result<Authenticated, Rejection>,
    ) -> Result<Authenticated, Rejection> {
        let Some(revocations) = &self.state.config.revocations else { return verdict };
        let authenticated = verdict?;
        if let Some(silence) = revocations.silence() {
            let seconds = silence.as_secs();
            let cause = format!("the store of revocations has not answered for {seconds} seconds");
            let rejection = Rejection::unavailable().with_retry_after(RETRY_AFTER);
            return Err(rejection.caused_by(cause).already_reported());
        }
        let field = head.headers.get(AUTHORIZATION);
        let token = field.and_then(|field| credential(field.as_bytes(), &AuthScheme::BEARER));
        let revocation = claims::watch(revocations, authenticated.principal(), token);
        Ok(authenticated.revoked_by(revocation))
    }
}

#[cfg(feature = "oauth")]
mod claims {
    use super::{Credential, Revocations};
    use crate::auth::{Principal, Revocation};
    use crate::revocation::TokenIds;
    use crate::schemes::TokenClaims;

    /// Watches a credential, with the claims of an access token.
    pub(super) fn watch(
        revocations: &Revocations,
        principal: &Principal,
        token: Option<&[u8]>,
    ) -> Revocation {
        let claims = principal.data::<TokenClaims>();
        let credential = Credential { principal, token, claims: claims.map(TokenClaims::json) };
        revocations.watch(&credential, || {
            claims.map(|claims| TokenIds {
                issuer: claims.issuer(),
                subject: claims.subject(),
                id: claims.jti(),
                issued_at: claims.issued_at(),
            })
        })
    }
}

#[cfg(not(feature = "oauth"))]
mod claims {
    use super::{Credential, Revocations};
    use crate::auth::{Principal, Revocation};

    /// Watches a credential. There are no access tokens.
    pub(super) fn watch(
        revocations: &Revocations,
        principal: &Principal,
        token: Option<&[u8]>,
    ) -> Revocation {
        revocations.watch(&Credential { principal, token, claims: None }, || None)
    }
}
