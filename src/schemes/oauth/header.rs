//! The header of a token (RFC 7515 §4).

use std::borrow::Cow;

use serde::de::MapAccess;

use super::algorithm::{Algorithm, algorithm};
use super::members::{Members, ObjectError, Value, read_object};
use super::token_error::TokenError;
use crate::json::Text;
use crate::text::Shortened;

/// The greatest length of a key ID, in bytes.
const MAX_KEY_ID: usize = 1024;

/// What a header says about the key, and about the kind of the token.
pub(super) struct Header<'t> {
    pub(super) algorithm: Algorithm,
    pub(super) key_id: Option<Cow<'t, str>>,
    pub(super) token_type: Option<Cow<'t, str>>,
}

/// Keys in the header (`jwk`, `jku`, `x5c`, `x5u`) are not read: the issuer's keys are known.
#[derive(Default)]
struct Fields<'t> {
    alg: Option<Cow<'t, str>>,
    kid: Option<Cow<'t, str>>,
    typ: Option<Cow<'t, str>>,
    /// A parameter that changes the meaning of the token.
    refused: Option<&'static str>,
}

impl<'de> Members<'de> for Fields<'de> {
    fn member<A: MapAccess<'de>>(
        &mut self,
        name: &str,
        value: Value<'_, A>,
    ) -> Result<(), A::Error> {
        let refused = ["crit", "b64", "zip", "enc"];
        match name {
            "alg" => self.alg = Some(value.read::<Text>("alg")?.0),
            "kid" => self.kid = Some(value.read::<Text>("kid")?.0),
            "typ" => self.typ = Some(value.read::<Text>("typ")?.0),
            _ => {
                self.refused =
                    self.refused.or_else(|| refused.into_iter().find(|refused| *refused == name));
                value.skip()?;
            }
        }
        Ok(())
    }
}

impl<'t> Header<'t> {
    pub(super) fn read(json: &'t [u8]) -> Result<Self, TokenError> {
        let mut fields = Fields::default();
        read_object(json, &mut fields).map_err(TokenError::Header)?;
        if let Some(refused) = fields.refused {
            return Err(TokenError::RefusedHeader(refused));
        }
        let alg = fields.alg.ok_or(TokenError::Header(ObjectError::WrongType("alg")))?;
        let Some(algorithm) = algorithm(&alg) else {
            return Err(TokenError::Algorithm(Shortened::new(&*alg).to_string()));
        };
        if fields.kid.as_ref().is_some_and(|kid| kid.len() > MAX_KEY_ID) {
            return Err(TokenError::KeyIdTooLong);
        }
        Ok(Self { algorithm, key_id: fields.kid, token_type: fields.typ })
    }

    /// Returns whether the token may be an access token (RFC 9068 §2.1, RFC 8725 §3.11). Many issuers write
    /// `JWT` or nothing; the types of other tokens are refused.
    pub(super) fn is_access_token(&self, must_be_explicit: bool) -> bool {
        let explicit = ["at+jwt", "application/at+jwt"];
        match &self.token_type {
            None => !must_be_explicit,
            Some(typ) => {
                explicit.iter().any(|explicit| typ.eq_ignore_ascii_case(explicit))
                    || !must_be_explicit && typ.eq_ignore_ascii_case("JWT")
            }
        }
    }
}
