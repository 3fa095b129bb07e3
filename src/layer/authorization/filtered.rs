//! In which responses lists are filtered.

/// In which responses lists are filtered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::layer) enum Filtered {
    /// In none.
    Nothing,
    /// In an event stream, which may bring the response to any request.
    Streams,
    /// In every response, though no list was asked for. A server may answer an earlier request by it: many of them find
    /// the response to write to by the ID of a request, which a client may use twice.
    Unasked,
    /// In every response: a list was asked for.
    Everything,
}
