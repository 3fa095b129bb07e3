//! The session header of a request, which most responses repeat.

use http::HeaderValue;

use crate::session::binding::ADDED_LEN;

/// The session header that a client sent, and that was verified.
///
/// The same ID is bound to the same principal with the same key as the same bytes. So if the response has that ID,
/// it gets this value, without another MAC. The client sent the value itself: it cannot learn a bound ID from it.
#[derive(Clone)]
pub(crate) struct Presented {
    bound: HeaderValue,
    is_current: bool,
}

impl Presented {
    /// `is_current` is whether the value was bound with the current key.
    pub(super) fn new(bound: HeaderValue, is_current: bool) -> Self {
        Self { bound, is_current }
    }

    /// Returns the value if it is this ID bound with the current key. One of the previous key is bound anew, so that
    /// the client has a valid one when that key is gone.
    pub(super) fn bound(&self, id: &[u8]) -> Option<HeaderValue> {
        let (own, _tag) = self.bound.as_bytes().split_last_chunk::<ADDED_LEN>()?;
        // Not in constant time: the client knows the ID that it sent, and receives the one of the response.
        (self.is_current && own == id).then(|| self.bound.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAGGED: HeaderValue = HeaderValue::from_static("id.0123456789abcdefghijkl");

    #[test]
    fn only_the_same_id_has_the_presented_value() {
        let presented = Presented::new(TAGGED, true);
        assert_eq!(presented.bound(b"id"), Some(TAGGED));
        for other in [&b""[..], b"i", b"ID", b"id.", b"id ", b"idd", b"di", TAGGED.as_bytes()] {
            assert_eq!(presented.bound(other), None, "{other:?}");
        }
    }

    #[test]
    fn value_of_the_previous_key_is_not_repeated() {
        assert_eq!(Presented::new(TAGGED, true).bound(b"id"), Some(TAGGED));
        assert_eq!(Presented::new(TAGGED, false).bound(b"id"), None);
    }

    #[test]
    fn value_without_a_tag_is_no_id() {
        for short in ["", "id", "0123456789abcdefghijkl"] {
            let presented = Presented::new(HeaderValue::from_static(short), true);
            assert_eq!(presented.bound(b""), None, "{short}");
        }
    }
}
