//! The lifetime of a credential: until it expires or is revoked.

use std::fmt;
use std::future::{pending, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, SystemTime};

use tokio_util::sync::CancellationToken;

/// Revokes the credentials that depend on it, for ever. Clones revoke the same credentials.
///
/// See [`Authenticated::revoked_by`](super::Authenticated::revoked_by).
#[derive(Clone)]
pub struct Revocation(Arc<Shared>);

/// Behind a pointer, by which revocations are told apart.
struct Shared {
    token: CancellationToken,
    /// Whether it happens because a table no longer has the credential.
    is_removal: bool,
}

impl Revocation {
    /// Creates a revocation that has not happened.
    pub fn new() -> Self {
        Self::with(false)
    }

    /// Creates the revocation of a credential that is removed from a table.
    pub(crate) fn by_removal() -> Self {
        Self::with(true)
    }

    fn with(is_removal: bool) -> Self {
        Self(Arc::new(Shared { token: CancellationToken::new(), is_removal }))
    }

    /// Revokes. Requests are rejected and event streams end from now on.
    pub fn revoke(&self) {
        self.0.token.cancel();
    }

    /// Returns whether it has happened.
    pub fn is_revoked(&self) -> bool {
        self.0.token.is_cancelled()
    }

    /// Returns whether both revoke the same credentials.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Returns how many clones there are: each of its holders has one, and so has each lifetime that
    /// depends on it.
    pub(crate) fn holders(&self) -> usize {
        Arc::strong_count(&self.0)
    }
}

impl Default for Revocation {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Revocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Revocation").field("is_revoked", &self.is_revoked()).finish()
    }
}

/// The lifetime of the credential with which a request was authenticated.
///
/// The layer inserts it into the extensions of a request whose credential can expire or be revoked.
/// A handler that works for long can stop in time:
///
/// ```
/// use axum::Extension;
/// use mcp_auth_layer::auth::Lifetime;
///
/// async fn long_poll(Extension(lifetime): Extension<Lifetime>) -> &'static str {
///     tokio::select! {
///         () = lifetime.ended() => "the credential has expired or was revoked",
///         () = async { /* the work */ } => "done",
///     }
/// }
/// ```
///
/// Clones are cheap.
#[derive(Clone, Default)]
pub struct Lifetime(Option<Arc<Inner>>);

#[derive(Clone, Default)]
struct Inner {
    expires_at: Option<SystemTime>,
    revocations: Vec<Revocation>,
}

/// The error of a body that ends before it is complete.
#[derive(Debug, thiserror::Error)]
#[error("the credential of this request has expired or was revoked")]
pub(crate) struct CredentialExpired;

/// Completes when a lifetime has ended.
pub(crate) type Ended = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The longest sleep. A timer measures the time that the machine was awake, whereas an expiry is a
/// wall-clock time. That clock can be set, and continues while the machine sleeps.
const MAX_SLEEP: Duration = Duration::from_secs(30);

impl Lifetime {
    /// Returns the time at which the credential expires, if it does.
    pub fn expires_at(&self) -> Option<SystemTime> {
        self.0.as_ref()?.expires_at
    }

    /// Returns whether the credential has neither expired nor been revoked.
    pub fn is_active(&self) -> bool {
        let Some(inner) = &self.0 else { return true };
        let has_expired = inner.expires_at.is_some_and(|at| left_until(at).is_none());
        !has_expired && !inner.revocations.iter().any(Revocation::is_revoked)
    }

    /// Waits until the credential expires or is revoked. It needs a Tokio runtime with timers if
    /// the credential expires.
    pub async fn ended(&self) {
        let Some(inner) = self.0.clone() else { return pending().await };
        let mut revoked: Vec<_> = (inner.revocations.iter())
            .map(|revocation| Box::pin(revocation.0.token.clone().cancelled_owned()))
            .collect();
        let mut expired = pin!(expiry(inner.expires_at));
        poll_fn(|cx| {
            if revoked.iter_mut().any(|revoked| revoked.as_mut().poll(cx).is_ready()) {
                Poll::Ready(())
            } else {
                expired.as_mut().poll(cx)
            }
        })
        .await;
    }

    /// Returns [`ended`](Self::ended) as a future that owns what it needs.
    pub(crate) fn ended_owned(&self) -> Ended {
        let lifetime = self.clone();
        Box::pin(async move { lifetime.ended().await })
    }

    /// Returns whether it ever ends.
    pub(crate) fn is_bounded(&self) -> bool {
        self.0.is_some()
    }

    /// Returns whether it ended because a table no longer has the credential. The table that
    /// replaced it may have the same credential.
    pub(crate) fn was_removed(&self) -> bool {
        self.0.as_ref().is_some_and(|inner| {
            let removals = inner.revocations.iter().filter(|revocation| revocation.0.is_removal);
            removals.into_iter().any(Revocation::is_revoked)
        })
    }

    /// Ends it at this time at the latest.
    pub(crate) fn set_expiry(&mut self, time: SystemTime) {
        let inner = self.edit();
        inner.expires_at = Some(inner.expires_at.map_or(time, |earlier| earlier.min(time)));
    }

    /// Ends it by this revocation, too.
    pub(crate) fn add_revocation(&mut self, revocation: Revocation) {
        let inner = self.edit();
        if !inner.revocations.iter().any(|known| known.is_same(&revocation)) {
            inner.revocations.push(revocation);
        }
    }

    /// Ends it when the other one ends at the latest.
    pub(crate) fn limit_to(&mut self, other: &Self) {
        let Some(other_inner) = &other.0 else { return };
        if self.0.is_none() {
            self.0 = Some(other_inner.clone());
            return;
        }
        if let Some(time) = other_inner.expires_at {
            self.set_expiry(time);
        }
        for revocation in &other_inner.revocations {
            self.add_revocation(revocation.clone());
        }
    }

    fn edit(&mut self) -> &mut Inner {
        Arc::make_mut(self.0.get_or_insert_default())
    }
}

async fn expiry(at: Option<SystemTime>) {
    let Some(at) = at else { return pending().await };
    while let Some(left) = left_until(at) {
        tokio::time::sleep(left.min(MAX_SLEEP)).await;
    }
}

/// Returns the time that is left, or `None` once there is none.
fn left_until(at: SystemTime) -> Option<Duration> {
    at.duration_since(SystemTime::now()).ok().filter(|left| !left.is_zero())
}

impl fmt::Debug for Lifetime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lifetime")
            .field("expires_at", &self.expires_at())
            .field("is_active", &self.is_active())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn revocations(lifetime: &Lifetime) -> usize {
        lifetime.0.as_ref().map_or(0, |inner| inner.revocations.len())
    }

    #[test]
    fn a_limited_lifetime_has_each_revocation_once() {
        let (early, late) = (SystemTime::UNIX_EPOCH, SystemTime::now());
        let (mut one, mut two) = (Lifetime::default(), Lifetime::default());
        one.set_expiry(late);
        one.add_revocation(Revocation::new());
        let mut limited = one.clone();
        limited.add_revocation(Revocation::new());
        two.set_expiry(early);
        for (other, expires_at) in [(one, late), (Lifetime::default(), late), (two, early)] {
            limited.limit_to(&other);
            assert_eq!((revocations(&limited), limited.expires_at()), (2, Some(expires_at)));
        }
        let mut another = Lifetime::default();
        another.add_revocation(Revocation::new());
        limited.limit_to(&another);
        assert_eq!(revocations(&limited), 3);
    }

    #[test]
    fn clones_of_a_revocation_revoke_the_same_credentials() {
        let revocation = Revocation::new();
        let mut lifetime = Lifetime::default();
        assert!(lifetime.is_active() && !lifetime.is_bounded());
        lifetime.add_revocation(revocation.clone());
        let clone = lifetime.clone();
        assert!(clone.is_active() && clone.is_bounded());
        revocation.revoke();
        assert!(!lifetime.is_active() && !clone.is_active());
        assert!(!lifetime.was_removed());
    }

    #[test]
    fn a_lifetime_knows_whether_its_credential_was_removed() {
        let removal = Revocation::by_removal();
        let mut lifetime = Lifetime::default();
        lifetime.add_revocation(removal.clone());
        assert!(!lifetime.was_removed());
        removal.revoke();
        assert!(lifetime.was_removed() && !lifetime.is_active());
    }
}
