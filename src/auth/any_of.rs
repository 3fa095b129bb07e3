//! Several schemes, tried in order.

use http::HeaderName;
use http::request::Parts;

use super::attempt::Attempt;
use super::authenticated::Authenticated;
use super::authenticator::Authenticator;
use super::boxed::BoxAuthenticator;
use super::challenge::Challenge;
use super::context::LayerContext;
use super::rejection::Rejection;

type Verdict = Result<Authenticated, Rejection>;

/// Tries several schemes in order: a tuple of two to eight, or a list of boxed ones.
///
/// A credential that is missing, of another scheme, malformed or wrong lets the next scheme try.
/// A [conclusive](Rejection::conclusive) rejection (a backend that is down, an invalid signature of
/// a known key) does not: no other scheme may authenticate the request then. If no scheme
/// authenticates it, the most specific rejection is sent. A 401 carries the challenges of all
/// schemes, Bearer first.
///
/// Put schemes that verify cheaply first, and password files last.
///
/// ```
/// use mcp_auth_layer::auth::{AuthenticatorExt, BoxAuthenticator, any_of};
/// use mcp_auth_layer::{Basic, Bearer, McpAuthLayer};
///
/// # fn main() -> Result<(), mcp_auth_layer::CredentialError> {
/// let people = Basic::new([("alice", "correct horse")])?;
/// let machines = Bearer::new([("ci", "dG9rZW4tb2YtdGhlLWNp")])?;
/// let layer = McpAuthLayer::new(any_of((machines, people)));
///
/// // Schemes that are chosen at run time.
/// let mut schemes: Vec<BoxAuthenticator> = Vec::new();
/// schemes.push(Basic::new([("alice", "correct horse")])?.boxed());
/// let layer = McpAuthLayer::new(any_of(schemes));
/// # Ok(())
/// # }
/// ```
pub fn any_of<S: Schemes>(schemes: S) -> AnyOf<S> {
    AnyOf { schemes }
}

/// Several authenticators, see [`any_of`].
#[derive(Clone, Debug)]
pub struct AnyOf<S> {
    schemes: S,
}

/// What [`any_of`] takes: a tuple of two to eight authenticators, a `Vec` or an array of
/// [`BoxAuthenticator`].
///
/// It is sealed: there are no other implementations.
pub trait Schemes: Send + Sync + 'static + sealed::Sealed {}

mod sealed {
    use http::request::Parts;

    use super::{Authenticator, Tried, Verdict};

    pub trait Sealed: Send + Sync + 'static {
        fn authenticate(
            &self,
            head: &Parts,
            tried: &mut Tried,
        ) -> impl Future<Output = Verdict> + Send;
        fn authenticate_now(&self, head: &Parts, tried: &mut Tried) -> Option<Verdict>;
        fn for_each(&self, visit: &mut dyn FnMut(&dyn AnyScheme));
    }

    /// The part of [`Authenticator`] that is the same for all schemes of a list.
    pub trait AnyScheme {
        fn credential_headers(&self) -> Vec<http::HeaderName>;
        fn challenges(&self) -> Vec<super::Challenge>;
        fn attempt(&self, head: &Parts) -> Option<super::Attempt>;
        fn needs_rate_limit(&self) -> bool;
        fn configure(&self, context: &super::LayerContext);
    }

    impl<A: Authenticator> AnyScheme for A {
        fn credential_headers(&self) -> Vec<http::HeaderName> {
            Authenticator::credential_headers(self)
        }

        fn challenges(&self) -> Vec<super::Challenge> {
            Authenticator::challenges(self)
        }

        fn attempt(&self, head: &Parts) -> Option<super::Attempt> {
            Authenticator::attempt(self, head)
        }

        fn needs_rate_limit(&self) -> bool {
            Authenticator::needs_rate_limit(self)
        }

        fn configure(&self, context: &super::LayerContext) {
            Authenticator::configure(self, context);
        }
    }

    macro_rules! tuples {
        ($($name:ident),+) => {
            impl<$($name: Authenticator),+> super::Schemes for ($($name,)+) {}

            #[allow(non_snake_case, reason = "the names of the types are those of the values")]
            impl<$($name: Authenticator),+> Sealed for ($($name,)+) {
                async fn authenticate(&self, head: &Parts, tried: &mut Tried) -> Verdict {
                    let ($($name,)+) = self;
                    $(if let Some(verdict) = tried.next($name.authenticate(head).await) {
                        return verdict;
                    })+
                    tried.rejected()
                }

                fn authenticate_now(&self, head: &Parts, tried: &mut Tried) -> Option<Verdict> {
                    let ($($name,)+) = self;
                    $(if let Some(verdict) = tried.next($name.authenticate_now(head)?) {
                        return Some(verdict);
                    })+
                    Some(tried.rejected())
                }

                fn for_each(&self, visit: &mut dyn FnMut(&dyn AnyScheme)) {
                    let ($($name,)+) = self;
                    $(visit($name);)+
                }
            }
        };
    }

    tuples!(A, B);
    tuples!(A, B, C);
    tuples!(A, B, C, D);
    tuples!(A, B, C, D, E);
    tuples!(A, B, C, D, E, F);
    tuples!(A, B, C, D, E, F, G);
    tuples!(A, B, C, D, E, F, G, H);

    macro_rules! lists {
        ($(($($generics:tt)*) $list:ty),+) => {$(
            impl<$($generics)*> super::Schemes for $list {}

            impl<$($generics)*> Sealed for $list {
                async fn authenticate(&self, head: &Parts, tried: &mut Tried) -> Verdict {
                    for scheme in self {
                        if let Some(verdict) = tried.next(scheme.authenticate(head).await) {
                            return verdict;
                        }
                    }
                    tried.rejected()
                }

                fn authenticate_now(&self, head: &Parts, tried: &mut Tried) -> Option<Verdict> {
                    for scheme in self {
                        if let Some(verdict) = tried.next(scheme.authenticate_now(head)?) {
                            return Some(verdict);
                        }
                    }
                    Some(tried.rejected())
                }

                fn for_each(&self, visit: &mut dyn FnMut(&dyn AnyScheme)) {
                    self.iter().for_each(|scheme| visit(scheme));
                }
            }
        )+};
    }

    lists!(() Vec<super::BoxAuthenticator>, (const N: usize) [super::BoxAuthenticator; N]);
}

/// The schemes that have been tried.
#[derive(Default)]
pub struct Tried {
    rejection: Option<Rejection>,
    count: usize,
    /// The indices of the schemes that found their credential wrong or malformed.
    failed: Vec<usize>,
}

impl Tried {
    /// Returns the final verdict, if the next scheme reached one.
    ///
    /// A conclusive 401 lets the other schemes reject the request as well. Otherwise the response
    /// would reveal whether the scheme knows the credential.
    fn next(&mut self, verdict: Verdict) -> Option<Verdict> {
        let index = self.count;
        self.count += 1;
        let rejection = match (verdict, self.rejection.take()) {
            (Ok(_), Some(earlier)) if earlier.is_conclusive() => return Some(Err(earlier)),
            (Ok(authenticated), _) => return Some(Ok(authenticated)),
            (Err(rejection), earlier) => {
                if rejection.has_failed() {
                    self.failed.push(index);
                }
                let is_final = rejection.is_conclusive()
                    && rejection.status() != http::StatusCode::UNAUTHORIZED;
                let merged = match earlier {
                    None => rejection,
                    Some(earlier) => earlier.merge(rejection),
                };
                if is_final {
                    return Some(Err(merged));
                }
                merged
            }
        };
        self.rejection = Some(rejection);
        None
    }

    /// Returns the rejection after the last scheme. An empty list knows no credential.
    fn rejected(&mut self) -> Verdict {
        Err(self.rejection.take().unwrap_or_else(Rejection::no_schemes))
    }
}

impl<S: Schemes> AnyOf<S> {
    fn complete(&self, head: &Parts, tried: &Tried, verdict: Verdict) -> Verdict {
        let mut authenticated = match verdict {
            Ok(authenticated) => authenticated,
            rejected => return self.with_all_challenges(rejected),
        };
        if !tried.failed.is_empty() {
            authenticated.has_failed_claim |= self.has_failed_claim(head, tried);
        }
        Ok(authenticated)
    }

    /// Returns whether a scheme that failed claims a user that the last scheme, which succeeded, does
    /// not. Without that, a valid credential of one scheme would make wrong passwords of another one
    /// free. A credential that several schemes know is no failure of the first of them.
    fn has_failed_claim(&self, head: &Parts, tried: &Tried) -> bool {
        let (mut failed, mut proven, mut index) = (Vec::new(), Vec::new(), 0);
        self.schemes.for_each(&mut |scheme| {
            if tried.failed.contains(&index) {
                failed.extend(scheme.attempt(head));
            } else if index + 1 == tried.count {
                proven.extend(scheme.attempt(head));
            }
            index += 1;
        });
        let is_proven = |user| proven.iter().flat_map(Attempt::users).any(|proven| proven == user);
        failed.iter().flat_map(Attempt::users).any(|user| !is_proven(user))
    }

    /// Sends the challenges of all schemes, also of those that were not asked.
    fn with_all_challenges(&self, verdict: Verdict) -> Verdict {
        verdict.map_err(|rejection| {
            if rejection.status() != http::StatusCode::UNAUTHORIZED {
                return rejection;
            }
            let mut challenges = rejection.challenges().to_vec();
            for challenge in self.challenges() {
                if !challenges.iter().any(|known| known.scheme() == challenge.scheme()) {
                    challenges.push(challenge);
                }
            }
            Challenge::sort(&mut challenges);
            rejection.with_challenges(challenges)
        })
    }
}

impl<S: Schemes> Authenticator for AnyOf<S> {
    async fn authenticate(&self, head: &Parts) -> Verdict {
        let mut tried = Tried::default();
        let verdict = self.schemes.authenticate(head, &mut tried).await;
        self.complete(head, &tried, verdict)
    }

    fn authenticate_now(&self, head: &Parts) -> Option<Verdict> {
        let mut tried = Tried::default();
        let verdict = self.schemes.authenticate_now(head, &mut tried)?;
        Some(self.complete(head, &tried, verdict))
    }

    fn challenges(&self) -> Vec<Challenge> {
        let mut challenges = Vec::new();
        self.schemes.for_each(&mut |scheme| challenges.extend(scheme.challenges()));
        Challenge::unify_bearer(&mut challenges);
        challenges
    }

    fn credential_headers(&self) -> Vec<HeaderName> {
        let mut headers = Vec::new();
        self.schemes.for_each(&mut |scheme| headers.extend(scheme.credential_headers()));
        headers
    }

    fn attempt(&self, head: &Parts) -> Option<Attempt> {
        let mut joined: Option<Attempt> = None;
        self.schemes.for_each(&mut |scheme| {
            joined = match (joined.take(), scheme.attempt(head)) {
                (Some(first), Some(second)) => Some(first.and(second)),
                (first, second) => first.or(second),
            };
        });
        joined
    }

    fn needs_rate_limit(&self) -> bool {
        let mut needs = false;
        self.schemes.for_each(&mut |scheme| needs |= scheme.needs_rate_limit());
        needs
    }

    fn configure(&self, context: &LayerContext) {
        self.schemes.for_each(&mut |scheme| scheme.configure(context));
    }
}
