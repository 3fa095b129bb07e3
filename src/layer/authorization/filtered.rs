//! In which responses lists are filtered.

/// In which responses lists are filtered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::layer) enum Filtered {
    /// In none: no list was asked for.
    Nothing,
    /// In an event stream, which may bring the response to any request.
    Streams,
    /// In every response: a list was asked for.
    Everything,
}
