//! Used nonces: what is stored of them, and how they are claimed.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::keys::{BUCKETS, Keys};
use super::link::{Link, LinkError, Script};
use crate::auth::BoxError;
use crate::crypto::{Mac, random};
use crate::stores::{NonceClaim, NonceStatus, StoreKey};

/// Claims nonces under keyed digests.
pub(super) struct Nonces {
    script: Script,
    digests: Mac,
    epochs: Mac,
    /// One, or in a cluster as many as its nodes should share.
    buckets: u8,
}

/// What the script is called with, but for the keys. Times are in milliseconds.
struct Call {
    created: u64,
    expires: u64,
    skew: u64,
    begins_epoch: bool,
}

/// The status of a script that did nothing: the clocks of Redis and of this process differ by more than the skew.
const CLOCKS_DIFFER: i64 = -4;

/// What the script returns.
struct Reply {
    status: i64,
    floor: u64,
    now: u64,
}

impl Nonces {
    pub(super) fn new(key: &StoreKey, is_cluster: bool) -> Self {
        Self {
            script: Script::new(include_str!("claim.lua")),
            digests: key.derive("nonces"),
            epochs: key.derive("epochs"),
            buckets: if is_cluster { BUCKETS } else { 1 },
        }
    }

    /// Claims a nonce.
    ///
    /// # Errors
    ///
    /// If the server does not answer, or its clock and the one of this process differ by more than the skew.
    pub(super) async fn claim(
        &self,
        link: &Link,
        keys: &Keys,
        claim: &NonceClaim<'_>,
    ) -> Result<NonceStatus, BoxError> {
        let digest = self.digest(claim.key_id, claim.nonce);
        let bucket = digest[0] % self.buckets;
        let call = Call {
            created: claim.created.saturating_mul(1000),
            expires: claim.expires.saturating_mul(1000),
            skew: millis(claim.skew),
            begins_epoch: false,
        };
        let script_keys = [keys.epoch(bucket), keys.nonce(bucket, &digest)];
        let Reply { status, floor, now } = self.call(link, &script_keys, &call).await?;
        match status {
            1 => Ok(NonceStatus::Fresh),
            0 => Ok(NonceStatus::Replayed),
            -1 => {
                // `created` is in whole seconds, so it is after the floor a second later at the latest.
                let retry_after = Duration::from_millis(floor.saturating_sub(now) + 1000);
                Ok(NonceStatus::Unknown { retry_after })
            }
            -2 => Ok(NonceStatus::Untimely),
            CLOCKS_DIFFER => Err(clocks_differ(now, claim.skew)),
            _ => Err(format!("the script of nonces returned {status}").into()),
        }
    }

    /// Begins the epochs if the server is new to them or has forgotten, or in any case if `anew` is set: the time in
    /// which claims are refused begins now. Returns false if it does not, as the clocks differ by more than the skew.
    ///
    /// Epochs of processes with another key or skew go on until this one claims a nonce. Otherwise each start of a
    /// process whose [`Connect::skew`](super::Connect::skew) is not that of its signatures would stop all others.
    pub(super) async fn begin_epochs(
        &self,
        link: &Link,
        keys: &Keys,
        skew: Duration,
        anew: bool,
    ) -> Result<bool, LinkError> {
        let mut have_begun = true;
        for bucket in 0..self.buckets {
            // A signature from 1970 is never valid, so no nonce is claimed.
            let call = Call { created: 0, expires: 0, skew: millis(skew), begins_epoch: anew };
            let script_keys = [keys.epoch(bucket), keys.nonce(bucket, &[])];
            let Reply { status, .. } = self.call(link, &script_keys, &call).await?;
            have_begun &= status != CLOCKS_DIFFER;
        }
        Ok(have_begun)
    }

    async fn call(
        &self,
        link: &Link,
        keys: &[Vec<u8>; 2],
        call: &Call,
    ) -> Result<Reply, LinkError> {
        let text = |number: u64| number.to_string().into_bytes();
        let arguments = [
            text(call.created),
            text(call.expires),
            text(call.skew),
            text(unix_millis()),
            random::<8>().to_vec(), // of this claim, not of each try
            self.fingerprint(call.skew),
            text(u64::from(call.begins_epoch)),
        ];
        let reply = link.call(&self.script, keys, &arguments).await?;
        let (status, floor, now) = redis::from_redis_value(reply)?;
        Ok(Reply { status, floor, now })
    }

    /// Returns the digest that stands for a nonce of a key ID.
    fn digest(&self, key_id: &str, nonce: &str) -> [u8; 16] {
        let tag = self.digests.clone().with_prefixed(key_id).with_prefixed(nonce).finish();
        let (digests, _) = tag.as_chunks();
        digests[0]
    }

    /// Returns eight characters that differ for processes with another key or another skew, which do not see each
    /// other's claims.
    fn fingerprint(&self, skew: u64) -> Vec<u8> {
        let tag = self.epochs.clone().with(skew.to_be_bytes()).finish();
        let hex = tag[..4].iter().map(|byte| format!("{byte:02x}"));
        hex.collect::<String>().into_bytes()
    }
}

fn clocks_differ(theirs: u64, skew: Duration) -> BoxError {
    let difference = unix_millis() as i64 - theirs as i64;
    format!(
        "the clock of this process is {:.1} s {} that of Redis, which is more than the skew of {skew:?}: set both by NTP",
        difference.unsigned_abs() as f64 / 1000.0,
        if difference < 0 { "behind" } else { "ahead of" },
    )
    .into()
}

fn millis(duration: Duration) -> u64 {
    duration.as_millis().try_into().unwrap_or(u64::MAX)
}

fn unix_millis() -> u64 {
    millis(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nonces(key: u8) -> Nonces {
        Nonces::new(&StoreKey::from([key; 32]), false)
    }

    #[test]
    fn digests_depend_on_key_key_id_and_nonce() {
        let digest = nonces(1).digest("ab", "c");
        assert_eq!(nonces(1).digest("ab", "c"), digest);
        assert_ne!(nonces(2).digest("ab", "c"), digest);
        assert_ne!(nonces(1).digest("a", "bc"), digest);
    }

    #[test]
    fn fingerprints_depend_on_key_and_skew() {
        let fingerprint = nonces(1).fingerprint(60_000);
        assert_eq!(fingerprint.len(), 8);
        assert_eq!(nonces(1).fingerprint(60_000), fingerprint);
        assert_ne!(nonces(2).fingerprint(60_000), fingerprint);
        assert_ne!(nonces(1).fingerprint(60_001), fingerprint);
    }
}
