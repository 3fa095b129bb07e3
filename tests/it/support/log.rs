//! Captures what is logged on the current thread.
//!
//! One subscriber serves all threads of the process. `tracing` caches for each event whether a
//! subscriber wants it; an event that another thread emits for the first time while the subscriber is
//! being installed could be cached as unwanted. So the cache is rebuilt whenever a capture starts.

use std::cell::RefCell;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, Once};

use tracing_subscriber::filter::{LevelFilter, dynamic_filter_fn};
use tracing_subscriber::prelude::*;

thread_local! {
    /// The log that captures the events of this thread, and up to which level.
    static LOG: RefCell<Option<(LevelFilter, Log)>> = const { RefCell::new(None) };
}

/// Captures what is logged on this thread, until its guard is dropped.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

/// Stops the capture when dropped.
pub struct Guard;

impl Drop for Guard {
    fn drop(&mut self) {
        LOG.set(None);
    }
}

/// Installs the subscriber of this process.
pub fn set_up() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let wanted = dynamic_filter_fn(|event, _| {
            LOG.with_borrow(|log| log.as_ref().is_some_and(|(level, _)| event.level() <= level))
        });
        let lines = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(|| Capture);
        tracing_subscriber::registry().with(lines.with_filter(wanted)).init();
    });
}

/// Writes to the log of this thread.
struct Capture;

impl Write for Capture {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOG.with_borrow(|log| {
            if let Some((_, log)) = log {
                log.0.lock().unwrap().extend_from_slice(bytes);
            }
        });
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    pub fn start(level: LevelFilter) -> (Self, Guard) {
        set_up();
        tracing::callsite::rebuild_interest_cache();
        let log = Self::default();
        LOG.set(Some((level, log.clone())));
        (log, Guard)
    }

    /// The lines that this crate logged since the last call.
    pub fn lines(&self) -> Vec<String> {
        let text = String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap();
        text.lines().filter(|line| line.contains("mcp_auth_layer")).map(Into::into).collect()
    }
}
