//! What is logged and measured: each outage once.

use std::fmt::Display;
use std::time::Duration;

use tracing::{debug, error, info, warn};

use crate::telemetry::{TARGET, revocations_heard};

/// Reports how long ago the store answered.
pub(super) fn heard(ago: Duration) {
    revocations_heard(ago);
}

/// Reports the first failure of an outage.
pub(super) fn deaf(error: &dyn Display) {
    error!(
        target: TARGET, %error,
        "the store of revocations does not answer: revocations of other replicas are not seen"
    );
}

/// Reports a further failure of an outage.
pub(super) fn still_deaf(error: &dyn Display) {
    debug!(target: TARGET, %error, "the store of revocations does not answer");
}

/// Reports the end of an outage.
pub(super) fn hears_again(silence: Duration) {
    let seconds = silence.as_secs();
    info!(target: TARGET, seconds, "the store of revocations answers again");
}

/// Reports that the log is another one than before.
pub(super) fn lost_history(known: usize) {
    warn!(
        target: TARGET, known,
        "the store of revocations has another history: its log is read again, and what it lost is added again"
    );
}

/// Reports that the log is read again, as the clock of this process was put back.
pub(super) fn clock_put_back() {
    warn!(target: TARGET, "the clock was put back: the log of revocations is read again");
}

/// Reports entries that were added again.
pub(super) fn added_again(entries: usize) {
    info!(target: TARGET, entries, "revocations added to the store again");
}

/// Reports that entries could not be added.
pub(super) fn not_added(error: &dyn Display) {
    debug!(target: TARGET, %error, "revocations not added to the store yet");
}

/// Reports entries that were made with another key. It is reported once.
pub(super) fn other_key() {
    error!(
        target: TARGET,
        "the store has revocations that were made with another store key, which have no effect here: \
         give all replicas the same key"
    );
}

/// Reports entries that were read.
pub(super) fn applied(entries: usize, ended: usize) {
    if entries > 0 {
        info!(target: TARGET, entries, credentials_in_use = ended, "revocations applied");
    }
}

/// Reports that the task ended by a panic.
pub(super) fn reader_panicked() {
    error!(target: TARGET, "the reader of revocations panicked: revocations of other replicas are not seen");
}
