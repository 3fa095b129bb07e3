//! Binds session and event IDs to principals, without a table: an ID leaves with a tag that is
//! computed for one principal, and is valid for this principal alone.
//!
//! ```text
//! bound   = id "." base64url(HMAC-SHA-256(key of the kind, message)[..16])
//! message = length(issuer) issuer length(name) name id
//! length  = one byte below 255; or 255 and 64 bits, big-endian. No issuer has 0, and another one counts one more
//! key     = HMAC-SHA-256(session key, "mcp-auth-layer/v2 session") or the same with "event"
//! ```
//!
//! With short names and a UUID the message is one block of SHA-256.
//!
//! Nothing is stored, so nothing can be evicted, leaked, or out of step with the sessions themselves.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::key::{IdKind, SessionKey};
use crate::auth::Principal;
use crate::crypto::equal;

/// Half of the digest: 128 bits resist guessing online, which is the only attack.
const TAG_BYTES: usize = 16;
/// The length in base64 without padding.
const TAG_LEN: usize = 22;
/// The length by which a bound ID is longer: that of the dot and the tag.
pub(super) const ADDED_LEN: usize = 1 + TAG_LEN;

/// Binds IDs with the current key, and verifies them with the current and the previous one.
#[derive(Clone, Debug)]
pub(super) struct SessionBinder {
    current: SessionKey,
    previous: Option<SessionKey>,
}

/// An ID that was bound to a principal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Verified<'b> {
    pub(super) id: &'b [u8],
    /// Whether it was bound with the current key, so that binding it again makes the same bytes.
    pub(super) is_current: bool,
}

impl SessionBinder {
    pub(super) fn new(current: SessionKey) -> Self {
        Self { current, previous: None }
    }

    pub(super) fn set_current_key(&mut self, key: SessionKey) {
        self.current = key;
    }

    pub(super) fn set_previous_key(&mut self, key: SessionKey) {
        self.previous = Some(key);
    }

    /// Appends the ID, bound to the principal.
    pub(super) fn bind(&self, kind: IdKind, principal: &Principal, id: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(id);
        out.push(b'.');
        out.extend_from_slice(&tag(&self.current, kind, principal, id));
    }

    /// Returns the ID in a bound one, if it was bound to this principal.
    pub(super) fn verify<'b>(
        &self,
        kind: IdKind,
        principal: &Principal,
        bound: &'b [u8],
    ) -> Option<Verified<'b>> {
        let (id, presented) = bound.split_last_chunk()?;
        let id = id.strip_suffix(b".").filter(|id| !id.is_empty())?;
        // Compared as text: of several encodings of the same bytes only one is valid.
        let is_valid = |key: &SessionKey| equal(&tag(key, kind, principal, id), presented);
        let is_current = is_valid(&self.current);
        let is_verified = is_current || self.previous.as_ref().is_some_and(is_valid);
        is_verified.then_some(Verified { id, is_current })
    }
}

fn tag(key: &SessionKey, kind: IdKind, principal: &Principal, id: &[u8]) -> [u8; TAG_LEN] {
    let (issuer, name) = (principal.issuer(), principal.name());
    let issuer_length = Length::new(issuer.map_or(0, |issuer| issuer.len() as u64 + 1));
    let name_length = Length::new(name.len() as u64);
    let message = [
        issuer_length.as_bytes(),
        issuer.unwrap_or_default().as_bytes(),
        name_length.as_bytes(),
        name.as_bytes(),
        id,
    ];
    let digest = key.mac(kind).with_all(&message).finish();
    let mut text = [0; TAG_LEN];
    let written = URL_SAFE_NO_PAD.encode_slice(&digest[..TAG_BYTES], &mut text);
    debug_assert_eq!(written, Ok(TAG_LEN));
    text
}

/// A length as it is in a message, of which no one is the beginning of another one.
struct Length {
    bytes: [u8; 9],
    count: usize,
}

impl Length {
    fn new(length: u64) -> Self {
        let mut bytes = [u8::MAX; 9];
        let count = match u8::try_from(length) {
            Ok(short) if short < u8::MAX => {
                bytes[0] = short;
                1
            }
            _ => {
                bytes[1..].copy_from_slice(&length.to_be_bytes());
                9
            }
        };
        Self { bytes, count }
    }

    fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.count]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::crypto::Mac;

    const KEY: [u8; 32] = [7; 32];

    fn binder() -> SessionBinder {
        SessionBinder::new(KEY.into())
    }

    fn bound(binder: &SessionBinder, kind: IdKind, principal: &Principal, id: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        binder.bind(kind, principal, id, &mut out);
        out
    }

    fn current(id: &[u8]) -> Option<Verified<'_>> {
        Some(Verified { id, is_current: true })
    }

    fn any_principal() -> impl Strategy<Value = Principal> {
        (".{0,40}", proptest::option::of(".{0,40}")).prop_map(|(name, issuer)| match issuer {
            Some(issuer) => Principal::new(name).issued_by(issuer),
            None => Principal::new(name),
        })
    }

    proptest! {
        #[test]
        fn bound_ids_are_valid_for_their_principal_alone(
            principal in any_principal(),
            other in any_principal(),
            id in prop::collection::vec(any::<u8>(), 1..80),
        ) {
            let binder = binder();
            let bound = bound(&binder, IdKind::Session, &principal, &id);
            prop_assert_eq!(binder.verify(IdKind::Session, &principal, &bound), current(&id));
            prop_assert_eq!(binder.verify(IdKind::Event, &principal, &bound), None);
            let is_valid = binder.verify(IdKind::Session, &other, &bound).is_some();
            prop_assert_eq!(is_valid, principal == other);
        }

        #[test]
        fn bound_ids_with_one_changed_bit_are_invalid(
            principal in any_principal(),
            id in prop::collection::vec(any::<u8>(), 1..40),
            bit: prop::sample::Index,
        ) {
            let binder = binder();
            let mut bound = bound(&binder, IdKind::Event, &principal, &id);
            let bit = bit.index(bound.len() * 8);
            bound[bit / 8] ^= 1 << (bit % 8);
            prop_assert_eq!(binder.verify(IdKind::Event, &principal, &bound), None);
        }
    }

    #[test]
    fn bound_id_has_the_documented_form() {
        let key = |label: &str| Mac::new(&Mac::new(&KEY).with(label).finish());
        let long = "i".repeat(300);
        for (kind, label) in [
            (IdKind::Session, "mcp-auth-layer/v2 session"),
            (IdKind::Event, "mcp-auth-layer/v2 event"),
        ] {
            for (issuer, message) in [
                (None, b"\0\x05alice0/0".to_vec()),
                (Some("id"), b"\x03id\x05alice0/0".to_vec()),
                (
                    Some(&*long),
                    [b"\xff\0\0\0\0\0\0\x01\x2d", long.as_bytes(), b"\x05alice0/0"].concat(),
                ),
            ] {
                let tag = URL_SAFE_NO_PAD.encode(&key(label).with(message).finish()[..16]);
                let alice = Principal::new("alice");
                let alice = match issuer {
                    Some(issuer) => alice.issued_by(issuer),
                    None => alice,
                };
                let bound = bound(&binder(), kind, &alice, b"0/0");
                assert_eq!(bound, format!("0/0.{tag}").into_bytes());
            }
        }
    }

    #[test]
    fn no_length_is_the_beginning_of_another_one() {
        let lengths = [0, 1, 254, 255, 256, u64::MAX].map(Length::new);
        for (one, other) in
            lengths.iter().flat_map(|one| lengths.iter().map(move |other| (one, other)))
        {
            let is_beginning = one.as_bytes().starts_with(other.as_bytes());
            assert_eq!(is_beginning, std::ptr::eq(one, other));
        }
    }

    #[test]
    fn parts_of_the_tagged_message_cannot_be_shifted() {
        let binder = binder();
        let (ab, a) = (Principal::new("ab"), Principal::new("a"));
        assert_ne!(
            bound(&binder, IdKind::Session, &ab, b"c")[2..],
            bound(&binder, IdKind::Session, &a, b"bc")[3..]
        );
        let without_issuer = bound(&binder, IdKind::Session, &a, b"id");
        let empty_issuer = a.clone().issued_by("");
        let verify = |principal| binder.verify(IdKind::Session, principal, &without_issuer);
        assert_eq!(verify(&a), current(b"id"));
        assert_eq!(verify(&empty_issuer), None);
    }

    #[test]
    fn short_unbound_and_empty_ids_are_invalid() {
        let (binder, alice) = (binder(), Principal::new("alice"));
        let bound = bound(&binder, IdKind::Session, &alice, b"id");
        let verify = |bound: &[u8]| binder.verify(IdKind::Session, &alice, bound).is_some();
        for length in 0..bound.len() {
            assert!(!verify(&bound[..length]), "{length}");
        }
        let tag_of_empty = tag(&binder.current, IdKind::Session, &alice, b"");
        assert!(!verify(&[b".", &tag_of_empty[..]].concat()));
        assert!(!verify(&tag_of_empty));
    }

    #[test]
    fn rotation_binds_with_current_key_and_verifies_with_both() {
        let (old, mut new) = (binder(), SessionBinder::new([8; 32].into()));
        let (alice, only_new) = (Principal::new("alice"), new.clone());
        let before = bound(&old, IdKind::Session, &alice, b"id");
        assert_eq!(new.verify(IdKind::Session, &alice, &before), None);
        new.set_previous_key(KEY.into());
        let previous = Verified { id: b"id", is_current: false };
        assert_eq!(new.verify(IdKind::Session, &alice, &before), Some(previous));
        let after = bound(&new, IdKind::Session, &alice, b"id");
        assert_eq!(new.verify(IdKind::Session, &alice, &after), current(b"id"));
        assert_eq!(only_new.verify(IdKind::Session, &alice, &after), current(b"id"));
        assert_eq!(old.verify(IdKind::Session, &alice, &after), None);
    }
}
