//! The signatures of a request: which one counts, and its parameters.

use http::HeaderMap;
use sfv::BareItemFromInput;

use super::errors::malformed;
use super::keys::{Candidates, Keys};
use super::validity::Validity;
use super::wire::fields::{Dictionary, InnerList, Member};
use crate::auth::{Rejection, SIGNATURE, SIGNATURE_INPUT};

/// The maximum number of signatures. No client needs more, and each costs time.
const MAX_SIGNATURES: usize = 4;
/// The minimum length of a nonce, in characters: 96 bits in base64.
const MIN_NONCE: usize = 16;

/// All signatures of a request (RFC 9421 §4), whatever their keys.
pub(crate) struct Signatures<'f> {
    inputs: Dictionary<'f>,
    signatures: Dictionary<'f>,
}

/// The one signature that counts.
pub(crate) struct Signature<'s> {
    pub(crate) candidates: Candidates<'s>,
    /// Whether no other signature claims a known key ID.
    pub(crate) is_only_known_signature: bool,
    input: &'s InnerList<'s>,
    pub(crate) bytes: &'s [u8],
}

impl<'f> Signatures<'f> {
    /// Parses both fields; `None` if there is neither.
    pub(crate) fn parse(headers: &'f HeaderMap) -> Result<Option<Self>, Rejection> {
        let inputs =
            Dictionary::parse(headers, &SIGNATURE_INPUT).map_err(malformed("Signature-Input"))?;
        let signatures = Dictionary::parse(headers, &SIGNATURE).map_err(malformed("Signature"))?;
        match (inputs, signatures) {
            (None, None) => Ok(None),
            (Some(inputs), Some(signatures)) => Ok(Some(Self { inputs, signatures })),
            _ => Err(Rejection::bad_request(
                "`Signature` and `Signature-Input` must both be present",
            )),
        }
    }

    /// Returns the key IDs that the signatures claim.
    pub(crate) fn key_ids(&self) -> impl Iterator<Item = &str> {
        self.inputs.iter().filter_map(|(_, input)| match input {
            Member::InnerList(input) => string(input, "keyid"),
            Member::Item(_) => None,
        })
    }

    /// Returns the first signature with a known key ID, or else the first one.
    pub(crate) fn choose<'s>(&'s self, keys: &'s Keys) -> Result<Signature<'s>, Rejection> {
        if self.inputs.iter().len().max(self.signatures.iter().len()) > MAX_SIGNATURES {
            return Err(Rejection::bad_request("more than four signatures"));
        }
        let mut chosen: Option<Signature<'_>> = None;
        for (label, input) in self.inputs.iter() {
            let (
                Member::InnerList(input),
                Some(Member::Item(BareItemFromInput::ByteSequence(bytes))),
            ) = (input, self.signatures.get(label))
            else {
                return Err(Rejection::bad_request("malformed signature"));
            };
            let key_id = string(input, "keyid").unwrap_or_default();
            let candidates = keys.candidates(key_id);
            let signature = Signature { candidates, is_only_known_signature: true, input, bytes };
            match &mut chosen {
                None => chosen = Some(signature),
                Some(_) if bool::from(!candidates.is_known) => {}
                Some(chosen) if chosen.candidates.is_known.into() => {
                    chosen.is_only_known_signature = false;
                }
                Some(first) => *first = signature,
            }
        }
        chosen.ok_or_else(|| Rejection::bad_request("`Signature-Input` is empty"))
    }
}

impl<'s> Signature<'s> {
    /// Returns the names of the covered components.
    pub(crate) fn components(&self) -> Result<Vec<&'s str>, Rejection> {
        let mut names = Vec::with_capacity(self.input.items.len());
        for (item, parameters) in &self.input.items {
            let name = item.as_string().filter(|_| parameters.0.is_empty());
            let Some(name) = name.map(|name| name.as_str()) else {
                return Err(Rejection::bad_request("unknown covered component"));
            };
            if names.contains(&name) {
                return Err(Rejection::bad_request("duplicate covered component"));
            }
            names.push(name);
        }
        Ok(names)
    }

    /// Appends the covered components and the parameters (RFC 9421 §2.3): serialized strictly, in
    /// the order in which they came, with unknown parameters among them.
    pub(crate) fn push_input(&self, text: &mut String) {
        self.input.serialize_into(text);
    }

    /// Returns the nonce, if it is long enough to be unique (RFC 9421 §2.3).
    pub(crate) fn nonce(&self) -> Option<&'s str> {
        string(self.input, "nonce").filter(|nonce| nonce.len() >= MIN_NONCE)
    }

    /// Returns when it was created and when it expires.
    pub(crate) fn validity(&self) -> Option<Validity> {
        let (created, expires) = (self.seconds("created")?, self.seconds("expires")?);
        Some(Validity { created, expires })
    }

    fn seconds(&self, key: &str) -> Option<u64> {
        let value = self.input.parameters.get(key)?.as_integer()?;
        u64::try_from(i64::from(value)).ok()
    }

    /// Returns whether the algorithm is right. `alg` may be absent, because the key implies it.
    pub(crate) fn is_hmac_sha256(&self) -> bool {
        self.input.parameters.get("alg").is_none()
            || string(self.input, "alg") == Some("hmac-sha256")
    }

    pub(crate) fn has_tag(&self, required: Option<&str>) -> bool {
        required.is_none() || string(self.input, "tag") == required
    }
}

fn string<'s>(input: &'s InnerList<'_>, key: &str) -> Option<&'s str> {
    input.parameters.get(key)?.as_string().map(|text| text.as_str())
}
