//! What is logged, to look into.
//!
//! One subscriber serves all threads, and is there before the first event: were it set up by the
//! test that reads it, an event that another thread emits for the first time meanwhile would be
//! taken for one that nobody wants.

use std::cell::RefCell;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, Once};

use tracing_subscriber::filter::{LevelFilter, dynamic_filter_fn};
use tracing_subscriber::prelude::*;

thread_local! {
    /// What collects the events of this thread, and up to which level.
    static LOG: RefCell<Option<(LevelFilter, Log)>> = const { RefCell::new(None) };
}

/// Collects what is logged on this thread while its guard lives.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

/// Ends the collection.
pub struct Guard;

impl Drop for Guard {
    fn drop(&mut self) {
        LOG.set(None);
    }
}

/// Sets up the subscriber, before anything is logged.
pub fn set_up() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let wanted = dynamic_filter_fn(|event, _| {
            LOG.with_borrow(|log| log.as_ref().is_some_and(|(level, _)| event.level() <= level))
        });
        let lines = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(|| Collector);
        tracing_subscriber::registry().with(lines.with_filter(wanted)).init();
    });
}

/// Writes to the log of this thread.
struct Collector;

impl Write for Collector {
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
        let log = Self::default();
        LOG.set(Some((level, log.clone())));
        (log, Guard)
    }

    /// The lines of this crate since the last look.
    pub fn lines(&self) -> Vec<String> {
        let text = String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap();
        text.lines().filter(|line| line.contains("mcp_auth_layer")).map(Into::into).collect()
    }
}
