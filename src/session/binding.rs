//! SessionIds without a table: an id leaves *sealed* for one principal, and opens for nobody else.
//!
//! ```text
//! sealed  = id "." base64url(HMAC-SHA-256(key, message)[..16])
//! message = "mcp-auth-layer/v1" kind issuer length(name) name length(id) id
//! issuer  = 0x00, where there is none, or 0x01 length(issuer) issuer
//! kind    = 0x01 for a session, 0x02 for an event; lengths are 64 bits, big-endian
//! ```
//!
//! Nothing is stored, so nothing can be evicted, leaked, or out of step with the sessions themselves.

use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq;

use crate::auth::Principal;
use crate::crypto::{Mac, random};

const CONTEXT: &[u8] = b"mcp-auth-layer/v1";
/// Half of the digest, 128 bits: nobody guesses that online, and there is no other way.
const SEAL_BYTES: usize = 16;
/// In base64 without padding.
const SEAL_LEN: usize = 22;
/// By how much a sealed id is longer.
pub(crate) const SEAL_ADDS: usize = 1 + SEAL_LEN;

/// What an id is of. One of the other kind does not open.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Session = 1,
    Event = 2,
}

/// The keys: the first one seals, and each of them opens.
#[derive(Clone)]
pub(crate) struct SessionBinder(Vec<Mac>);

impl SessionBinder {
    /// With the random key of this process, which all layers in it share: where `/sse` and
    /// `/messages/` have a layer each, the one opens what the other sealed.
    pub(crate) fn of_process() -> Self {
        static KEY: OnceLock<[u8; Mac::MIN_KEY]> = OnceLock::new();
        Self::new(KEY.get_or_init(random))
    }

    pub(crate) fn new(key: &[u8]) -> Self {
        Self(vec![Mac::new(key)])
    }

    /// Opens what this key sealed as well.
    pub(crate) fn and_opens(&mut self, key: &[u8]) {
        self.0.push(Mac::new(key));
    }

    /// Appends the sealed id.
    pub(crate) fn seal(&self, kind: Kind, of: &Principal, id: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(id);
        out.push(b'.');
        out.extend_from_slice(&seal(&self.0[0], kind, of, id));
    }

    /// The id in a sealed one, if it was sealed for this principal.
    pub(crate) fn open<'s>(
        &self,
        kind: Kind,
        of: &Principal,
        sealed: &'s [u8],
    ) -> Option<&'s [u8]> {
        let at = sealed.len().checked_sub(SEAL_LEN)?;
        let (id, presented) = sealed.split_at_checked(at)?;
        let id = id.strip_suffix(b".").filter(|id| !id.is_empty())?;
        // Compared as text: of several encodings of the same bytes only one opens.
        let opens = |key| seal(key, kind, of, id).ct_eq(presented).into();
        self.0.iter().any(opens).then_some(id)
    }
}

fn seal(key: &Mac, kind: Kind, of: &Principal, id: &[u8]) -> [u8; SEAL_LEN] {
    let mac = key.clone().with(CONTEXT).with([kind as u8]);
    let mac = match of.issuer() {
        None => mac.with([0]),
        Some(issuer) => mac.with([1]).with_prefixed(issuer),
    };
    let digest = mac.with_prefixed(of.name()).with_prefixed(id).finish();
    let mut text = [0; SEAL_LEN];
    let written = URL_SAFE_NO_PAD.encode_slice(&digest[..SEAL_BYTES], &mut text);
    debug_assert_eq!(written, Ok(SEAL_LEN));
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEY: [u8; 32] = [7; 32];

    fn sealed(sealer: &SessionBinder, kind: Kind, of: &Principal, id: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        sealer.seal(kind, of, id, &mut out);
        out
    }

    fn whoever() -> impl Strategy<Value = Principal> {
        (".{0,40}", proptest::option::of(".{0,40}")).prop_map(|(name, issuer)| match issuer {
            Some(issuer) => Principal::new(name).issued_by(issuer),
            None => Principal::new(name),
        })
    }

    proptest! {
        #[test]
        fn every_id_comes_back_to_its_owner_alone(
            who in whoever(),
            other in whoever(),
            id in prop::collection::vec(any::<u8>(), 1..80),
        ) {
            let sealer = SessionBinder::new(&KEY);
            let sealed = sealed(&sealer, Kind::Session, &who, &id);
            prop_assert_eq!(sealer.open(Kind::Session, &who, &sealed), Some(&*id));
            prop_assert_eq!(sealer.open(Kind::Event, &who, &sealed), None);
            prop_assert_eq!(sealer.open(Kind::Session, &other, &sealed).is_some(), who == other);
        }

        #[test]
        fn one_bit_of_difference_is_refused(
            who in whoever(),
            id in prop::collection::vec(any::<u8>(), 1..40),
            bit: prop::sample::Index,
        ) {
            let sealer = SessionBinder::new(&KEY);
            let mut sealed = sealed(&sealer, Kind::Event, &who, &id);
            let bit = bit.index(sealed.len() * 8);
            sealed[bit / 8] ^= 1 << (bit % 8);
            prop_assert_eq!(sealer.open(Kind::Event, &who, &sealed), None);
        }
    }

    #[test]
    fn it_has_the_form_that_is_documented() {
        let mac = Mac::new(&KEY)
            .with(b"mcp-auth-layer/v1\x02\x01\0\0\0\0\0\0\0\x02id")
            .with(b"\0\0\0\0\0\0\0\x05alice\0\0\0\0\0\0\0\x030/0");
        let seal = URL_SAFE_NO_PAD.encode(&mac.finish()[..16]);
        let alice = Principal::new("alice").issued_by("id");
        let sealed = sealed(&SessionBinder::new(&KEY), Kind::Event, &alice, b"0/0");
        assert_eq!(sealed, format!("0/0.{seal}").into_bytes());
    }

    #[test]
    fn the_parts_of_what_is_sealed_do_not_run_into_each_other() {
        let sealer = SessionBinder::new(&KEY);
        let (ab, a) = (Principal::new("ab"), Principal::new("a"));
        assert_ne!(
            sealed(&sealer, Kind::Session, &ab, b"c")[2..],
            sealed(&sealer, Kind::Session, &a, b"bc")[3..]
        );
        let none = sealed(&sealer, Kind::Session, &a, b"id");
        let empty = a.clone().issued_by("");
        assert_eq!(sealer.open(Kind::Session, &a, &none), Some(&b"id"[..]));
        assert_eq!(sealer.open(Kind::Session, &empty, &none), None);
    }

    #[test]
    fn what_is_short_or_bare_or_empty_does_not_open() {
        let (sealer, alice) = (SessionBinder::new(&KEY), Principal::new("alice"));
        let sealed = sealed(&sealer, Kind::Session, &alice, b"id");
        for length in 0..sealed.len() {
            assert_eq!(sealer.open(Kind::Session, &alice, &sealed[..length]), None, "{length}");
        }
        let empty = super::seal(&sealer.0[0], Kind::Session, &alice, b"");
        assert_eq!(sealer.open(Kind::Session, &alice, &[b".", &empty[..]].concat()), None);
        assert_eq!(sealer.open(Kind::Session, &alice, &empty), None);
    }

    #[test]
    fn in_rotation_the_first_key_seals_and_both_open() {
        let (old, mut new) = (SessionBinder::new(&KEY), SessionBinder::new(&[8; 32]));
        let (alice, only_new) = (Principal::new("alice"), new.clone());
        let before = sealed(&old, Kind::Session, &alice, b"id");
        assert_eq!(new.open(Kind::Session, &alice, &before), None);
        new.and_opens(&KEY);
        assert_eq!(new.open(Kind::Session, &alice, &before), Some(&b"id"[..]));
        let after = sealed(&new, Kind::Session, &alice, b"id");
        assert_eq!(only_new.open(Kind::Session, &alice, &after), Some(&b"id"[..]));
        assert_eq!(old.open(Kind::Session, &alice, &after), None);
    }
}
