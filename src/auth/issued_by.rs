//! An authenticator whose principals have an issuer.

use http::HeaderName;
use http::request::Parts;

use super::attempt::Attempt;
use super::authenticated::Authenticated;
use super::authenticator::Authenticator;
use super::challenge::Challenge;
use super::context::LayerContext;
use super::rejection::Rejection;

type Verdict = Result<Authenticated, Rejection>;

/// An authenticator whose principals have an issuer, see
/// [`AuthenticatorExt::issued_by`](super::AuthenticatorExt::issued_by).
#[derive(Clone, Debug)]
pub struct IssuedBy<A> {
    inner: A,
    issuer: String,
}

impl<A: Authenticator> IssuedBy<A> {
    pub(super) fn new(inner: A, issuer: String) -> Self {
        Self { inner, issuer }
    }

    fn with_issuer(&self, verdict: Verdict) -> Verdict {
        verdict.map(|authenticated| {
            authenticated.map_principal(|principal| match principal.issuer() {
                Some(_) => principal,
                None => principal.issued_by(&*self.issuer),
            })
        })
    }
}

impl<A: Authenticator> Authenticator for IssuedBy<A> {
    async fn authenticate(&self, head: &Parts) -> Verdict {
        self.with_issuer(self.inner.authenticate(head).await)
    }

    fn authenticate_now(&self, head: &Parts) -> Option<Verdict> {
        Some(self.with_issuer(self.inner.authenticate_now(head)?))
    }

    fn challenges(&self) -> Vec<Challenge> {
        self.inner.challenges()
    }

    fn credential_headers(&self) -> Vec<HeaderName> {
        self.inner.credential_headers()
    }

    fn attempt(&self, head: &Parts) -> Option<Attempt> {
        self.inner.attempt(head)
    }

    fn needs_rate_limit(&self) -> bool {
        self.inner.needs_rate_limit()
    }

    fn configure(&self, context: &LayerContext) {
        self.inner.configure(context);
    }
}

#[cfg(test)]
mod tests {
    use std::future::ready;

    use super::*;
    use crate::auth::{AuthenticatorExt, Principal, authenticate_fn};

    fn head() -> Parts {
        http::Request::new(()).into_parts().0
    }

    /// Says which user a request claims to be.
    struct Claiming;

    impl Authenticator for Claiming {
        async fn authenticate(&self, _: &Parts) -> Verdict {
            Ok(Principal::new("alice").into())
        }

        fn attempt(&self, _: &Parts) -> Option<Attempt> {
            Some(Attempt::claiming("alice"))
        }
    }

    #[tokio::test]
    async fn principals_without_an_issuer_get_one() {
        for (own, issuer) in [(None, "ours"), (Some("theirs"), "theirs")] {
            let inner = authenticate_fn(move |_: &Parts| {
                let principal = Principal::new("alice");
                ready(Ok::<_, Rejection>(match own {
                    Some(own) => principal.issued_by(own),
                    None => principal,
                }))
            });
            let verdict = inner.issued_by("ours").authenticate(&head()).await.unwrap();
            assert_eq!(verdict.principal().issuer(), Some(issuer));
        }
    }

    #[test]
    fn attempts_with_an_issuer_are_those_without() {
        let attempt = Claiming.issued_by("ours").attempt(&head());
        assert_eq!(attempt, Some(Attempt::claiming("alice")));
        let no_claim = authenticate_fn(|_: &Parts| ready(Ok::<_, Rejection>(Principal::new("a"))));
        assert_eq!(no_claim.issued_by("ours").attempt(&head()).unwrap_or_default().user, None);
    }
}
