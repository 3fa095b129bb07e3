//! Where in which log a reader is.

use crate::stores::RevocationCursor;

/// A place in a log: the text of a cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The replication ID of the server, which changes whenever its data may have become older.
    pub(super) history: String,
    /// The name of the log, if there is a log.
    pub(super) log: Option<String>,
    /// The ID of the last entry that was read.
    pub(super) last: String,
}

/// The ID before the first entry.
const START: &str = "0-0";
/// Stands for the name of a log that does not exist yet.
const NO_LOG: &str = "-";

impl Place {
    /// Returns where a reader with this cursor continues in a log, and whether it has read another log before.
    pub(super) fn after(
        cursor: &RevocationCursor,
        history: String,
        log: Option<String>,
    ) -> (Self, bool) {
        let earlier = Self::parse(cursor);
        let is_same = |earlier: &Self| {
            // A log of which nothing was read has had nothing to lose.
            let is_unread = earlier.log.is_none() && earlier.last == START;
            earlier.history == history && (is_unread || earlier.log == log && log.is_some())
        };
        match earlier {
            Some(earlier) if is_same(&earlier) => {
                (Self { history, log, last: earlier.last }, false)
            }
            _ => (Self { history, log, last: START.to_owned() }, !cursor.is_start()),
        }
    }

    fn parse(cursor: &RevocationCursor) -> Option<Self> {
        let mut parts = cursor.as_str().split(' ').map(str::to_owned);
        let (history, log, last) = (parts.next()?, parts.next()?, parts.next()?);
        let log = Some(log).filter(|log| log != NO_LOG);
        parts.next().is_none().then_some(Self { history, log, last })
    }

    pub(super) fn cursor(&self) -> RevocationCursor {
        let log = self.log.as_deref().unwrap_or(NO_LOG);
        RevocationCursor::new(format!("{} {log} {}", self.history, self.last))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The place in a log of a reader that was at 5-0 in log `a` of history `h`.
    fn after(history: &str, log: Option<&str>) -> (String, bool) {
        let earlier = RevocationCursor::new("h a 5-0");
        let (place, lost) = Place::after(&earlier, history.to_owned(), log.map(str::to_owned));
        (place.last, lost)
    }

    #[test]
    fn reader_continues_in_the_same_log_alone() {
        assert_eq!(after("h", Some("a")), ("5-0".to_owned(), false));
        for (history, log) in [("g", Some("a")), ("h", Some("b")), ("h", None)] {
            assert_eq!(after(history, log), ("0-0".to_owned(), true), "{history} {log:?}");
        }
    }

    #[test]
    fn log_that_begins_to_exist_has_lost_nothing() {
        let (empty, lost) = Place::after(&RevocationCursor::start(), "h".to_owned(), None);
        assert!(!lost);
        let (place, lost) = Place::after(&empty.cursor(), "h".to_owned(), Some("a".to_owned()));
        assert_eq!((place.last.as_str(), lost), ("0-0", false));
        let (_, lost) = Place::after(&empty.cursor(), "g".to_owned(), None);
        assert!(lost, "the server is another one");
    }

    /// It was flushed while it was read.
    #[test]
    fn log_that_was_read_and_has_no_name_is_lost() {
        for (last, is_lost) in [("0-0", false), ("5-0", true)] {
            for log in [None, Some("a".to_owned())] {
                let cursor = RevocationCursor::new(format!("h - {last}"));
                let (place, lost) = Place::after(&cursor, "h".to_owned(), log);
                assert_eq!((place.last.as_str(), lost), ("0-0", is_lost));
            }
        }
    }

    #[test]
    fn cursor_of_another_store_is_of_another_log() {
        for text in ["5-0", "h a", "h a 5-0 x"] {
            let (place, lost) =
                Place::after(&RevocationCursor::new(text), "h".to_owned(), Some("a".to_owned()));
            assert_eq!((place.last.as_str(), lost), ("0-0", true), "{text}");
        }
    }
}
