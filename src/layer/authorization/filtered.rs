//! In which responses lists are filtered.

/// In which responses lists are filtered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::layer) enum Filtered {
    /// In none, as the client did not ask for a list.
    Nothing,
    /// In an event stream, which may have the response to any request.
    Streams,
    /// In every response, as the client asked for a list.
    Everything,
}
