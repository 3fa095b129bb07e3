//! The signatures of a request: which one counts, and what it says.

use http::HeaderMap;
use sfv::BareItemFromInput;

use super::clock::{Clock, Reading, Terms};
use super::errors::malformed;
use super::keys::{Key, Keys};
use super::wire::fields::{Dictionary, InnerList, Member};
use crate::auth::Rejection;

pub(crate) use crate::auth::{SIGNATURE, SIGNATURE_INPUT};

/// More than these nobody needs, and each costs.
const MAX_SIGNATURES: usize = 4;
/// The least length of a nonce, in characters: 96 bits in base64.
const MIN_NONCE: usize = 16;

/// All signatures of a request (RFC 9421 §4), anybody's.
pub(crate) struct Signatures<'f> {
    inputs: Dictionary<'f>,
    signatures: Dictionary<'f>,
}

/// The one signature that counts.
pub(crate) struct Signature<'s> {
    /// The key, if it is one of ours. If not, the signature is looked at all the same, so that the
    /// answer does not tell.
    pub(crate) key: Option<&'s [Key]>,
    /// Whether no other signature is of a key that is known.
    pub(crate) alone: bool,
    input: &'s InnerList<'s>,
    pub(crate) bytes: &'s [u8],
}

/// When a signature was made and until when it is good, in seconds since 1970.
#[derive(Clone, Copy)]
pub(crate) struct Validity {
    pub(crate) created: u64,
    pub(crate) expires: u64,
}

impl<'f> Signatures<'f> {
    /// Reads both fields; `None` if there is neither.
    pub(crate) fn parse(headers: &'f HeaderMap) -> Result<Option<Self>, Rejection> {
        let read = |name, shown| Dictionary::parse(headers, name).map_err(malformed(shown));
        let inputs = read(&SIGNATURE_INPUT, "Signature-Input")?;
        let signatures = read(&SIGNATURE, "Signature")?;
        match (inputs, signatures) {
            (None, None) => Ok(None),
            (Some(inputs), Some(signatures)) => Ok(Some(Self { inputs, signatures })),
            _ => Err(Rejection::bad_request("Signature and Signature-Input go together")),
        }
    }

    /// The key ids that the signatures claim.
    pub(crate) fn key_ids(&self) -> impl Iterator<Item = &str> {
        self.inputs.iter().filter_map(|(_, input)| match input {
            Member::InnerList(input) => string(input, "keyid"),
            Member::Item(_) => None,
        })
    }

    /// The only signature of a key that is known, or else the first one.
    pub(crate) fn choose<'s>(&'s self, keys: &'s Keys) -> Result<Signature<'s>, Rejection> {
        if self.inputs.iter().len().max(self.signatures.iter().len()) > MAX_SIGNATURES {
            return Err(Rejection::bad_request("more than four signatures"));
        }
        let mut of_known: Option<Signature<'_>> = None;
        let mut first = None;
        for (label, input) in self.inputs.iter() {
            let (
                Member::InnerList(input),
                Some(Member::Item(BareItemFromInput::ByteSequence(bytes))),
            ) = (input, self.signatures.get(label))
            else {
                return Err(Rejection::bad_request("a signature does not have its form"));
            };
            let key_id = string(input, "keyid").unwrap_or_default();
            let key = keys.get(key_id);
            let signature = Signature { key, alone: true, input, bytes };
            match &mut of_known {
                _ if key.is_none() => _ = first.get_or_insert(signature),
                Some(chosen) => chosen.alone = false,
                None => of_known = Some(signature),
            }
        }
        of_known.or(first).ok_or_else(|| Rejection::bad_request("Signature-Input is empty"))
    }
}

impl<'s> Signature<'s> {
    /// The names of what is covered.
    pub(crate) fn components(&self) -> Result<Vec<&'s str>, Rejection> {
        let mut names = Vec::with_capacity(self.input.items.len());
        for (item, parameters) in &self.input.items {
            let name = item.as_string().filter(|_| parameters.0.is_empty());
            let Some(name) = name.map(|name| name.as_str()) else {
                return Err(Rejection::bad_request("a covered component is not known here"));
            };
            if names.contains(&name) {
                return Err(Rejection::bad_request("a component is covered twice"));
            }
            names.push(name);
        }
        Ok(names)
    }

    /// What is covered and the parameters as RFC 9421 §2.3 wants them: serialized strictly, in the
    /// order in which they came, those that nobody knows among them.
    pub(crate) fn push_input(&self, text: &mut String) {
        self.input.serialize_into(text);
    }

    /// The nonce, if it is long enough to be unique (RFC 9421 §2.3).
    pub(crate) fn nonce(&self) -> Option<&'s str> {
        string(self.input, "nonce").filter(|nonce| nonce.len() >= MIN_NONCE)
    }

    /// When it was made and until when it is good.
    pub(crate) fn validity(&self) -> Option<Validity> {
        let (created, expires) = (self.seconds("created")?, self.seconds("expires")?);
        Some(Validity { created, expires })
    }

    fn seconds(&self, key: &str) -> Option<u64> {
        let value = self.input.parameters.get(key)?.as_integer()?;
        u64::try_from(i64::from(value)).ok()
    }

    /// `alg` may be left out, as the key implies it.
    pub(crate) fn is_hmac_sha256(&self) -> bool {
        self.input.parameters.get("alg").is_none()
            || string(self.input, "alg") == Some("hmac-sha256")
    }

    pub(crate) fn has_tag(&self, wanted: Option<&str>) -> bool {
        wanted.is_none() || string(self.input, "tag") == wanted
    }
}

impl Validity {
    /// Whether this is now, and nothing can have been served that was forgotten since.
    pub(crate) fn is_now(
        self,
        clock: &Clock,
        reading: Reading,
        terms: Terms,
        of_earlier_runs: bool,
    ) -> bool {
        let Self { created, expires } = self;
        let now = reading.now;
        created < expires
            && expires - created <= terms.window
            && created <= now.saturating_add(terms.skew)
            && now <= expires.saturating_add(terms.skew)
            && (of_earlier_runs || !clock.is_before_start(created))
            && !clock.may_be_forgotten(created, terms)
    }
}

fn string<'s>(input: &'s InnerList<'_>, key: &str) -> Option<&'s str> {
    input.parameters.get(key)?.as_string().map(|text| text.as_str())
}
