//! May they still? When a principal's time is over: at its expiry, or when its credential is
//! revoked.

use std::future::{pending, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, SystemTime};

use tokio_util::sync::CancellationToken;

/// How long a principal may act.
#[derive(Clone, Default)]
pub(crate) struct Lifetime {
    expires: Option<SystemTime>,
    revocations: Vec<Arc<Revocation>>,
}

/// Behind a pointer, as tokens themselves cannot be told apart.
struct Revocation {
    token: CancellationToken,
    /// Whether it is cancelled when a table no longer has the credential.
    by_removal: bool,
}

/// Why a body ends before it is complete.
#[derive(Debug, thiserror::Error)]
#[error("the credential that asked for this has expired or was revoked")]
pub(crate) struct CredentialExpired;

/// Completes when a lifetime is over.
pub(crate) type Ending = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A timer measures the time that the machine was awake, while expiry is told by the clock on the
/// wall, which is set and goes on in sleep: it is looked at again after so long.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

impl Lifetime {
    /// The earlier of this time and one that was set before.
    pub(crate) fn until(&mut self, time: SystemTime) {
        self.expires = Some(self.expires.map_or(time, |before| before.min(time)));
    }

    /// Or when this is cancelled, beside what was named before.
    pub(crate) fn or_when(&mut self, token: CancellationToken) {
        self.revocations.push(Arc::new(Revocation { token, by_removal: false }));
    }

    /// Or when this is cancelled, because a table no longer has the credential.
    pub(crate) fn or_when_removed(&mut self, token: CancellationToken) {
        self.revocations.push(Arc::new(Revocation { token, by_removal: true }));
    }

    /// Or when the other one is over, whatever of it is in this one already.
    pub(crate) fn within(&mut self, other: Self) {
        if let Some(time) = other.expires {
            self.until(time);
        }
        for token in other.revocations {
            if !self.revocations.iter().any(|own| Arc::ptr_eq(own, &token)) {
                self.revocations.push(token);
            }
        }
    }

    pub(crate) fn expires(&self) -> Option<SystemTime> {
        self.expires
    }

    /// Whether it ever ends.
    pub(crate) fn is_bounded(&self) -> bool {
        self.expires.is_some() || !self.revocations.is_empty()
    }

    pub(crate) fn is_over(&self) -> bool {
        self.has_expired() || self.revocations.iter().any(|one| one.token.is_cancelled())
    }

    /// Whether a table no longer has the credential. The one that took its place may have it, too.
    pub(crate) fn was_removed(&self) -> bool {
        self.revocations.iter().any(|one| one.by_removal && one.token.is_cancelled())
    }

    fn has_expired(&self) -> bool {
        self.expires.is_some_and(|at| left_until(at).is_none())
    }

    /// Waits until it is over. The expiry needs a tokio runtime with timers.
    pub(crate) fn ending(&self) -> Ending {
        let Self { expires, revocations } = self.clone();
        match revocations.len() {
            0 => Box::pin(expiry(expires)),
            _ => Box::pin(async move {
                let mut revoked: Vec<_> = (revocations.into_iter())
                    .map(|one| Box::pin(one.token.clone().cancelled_owned()))
                    .collect();
                let mut expired = pin!(expiry(expires));
                poll_fn(|cx| {
                    let revoked = revoked.iter_mut().any(|one| one.as_mut().poll(cx).is_ready());
                    match revoked {
                        true => Poll::Ready(()),
                        false => expired.as_mut().poll(cx),
                    }
                })
                .await;
            }),
        }
    }
}

async fn expiry(at: Option<SystemTime>) {
    let Some(at) = at else { return pending().await };
    while let Some(left) = left_until(at) {
        tokio::time::sleep(left.min(LOOK_AGAIN)).await;
    }
}

/// `None` once the time has come.
fn left_until(at: SystemTime) -> Option<Duration> {
    at.duration_since(SystemTime::now()).ok().filter(|left| !left.is_zero())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn within_another_it_has_each_end_once() {
        let (early, late) = (SystemTime::UNIX_EPOCH, SystemTime::now());
        let (mut one, mut two) = (Lifetime::default(), Lifetime::default());
        one.until(late);
        one.or_when(CancellationToken::new());
        let mut more = one.clone();
        more.or_when(CancellationToken::new());
        two.until(early);
        for (other, expires) in [(one, late), (Lifetime::default(), late), (two, early)] {
            more.within(other);
            assert_eq!((more.revocations.len(), more.expires), (2, Some(expires)));
        }
        let mut another = Lifetime::default();
        another.or_when(CancellationToken::new());
        more.within(another);
        assert_eq!(more.revocations.len(), 3);
    }
}
