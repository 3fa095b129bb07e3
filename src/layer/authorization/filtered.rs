//! In which responses lists are filtered.

/// In which responses lists are filtered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::layer) enum Filtered {
    /// In none.
    Nothing,
    /// In an event stream, which may have the response to any request.
    Streams,
    /// In every response, though the client asked for no list. It may be the answer to an earlier request: many servers
    /// find the response to write to by the ID of a request, which a client may use twice.
    Unasked,
    /// In every response, as the client asked for a list.
    Everything,
}
