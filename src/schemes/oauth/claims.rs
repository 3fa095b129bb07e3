//! The claims of a token (RFC 7519 §4, RFC 9068 §2.2), and of a response of introspection (RFC 7662 §2.2).

use std::borrow::Cow;

use serde::de::MapAccess;

use super::members::{Members, NumericDate, ObjectError, OneOrMany, Value, read_object};
use crate::json::Text;

/// The claims that decide about a token. None of them is trusted before the signature is verified.
#[derive(Default)]
pub(super) struct Claims<'t> {
    pub(super) iss: Option<Cow<'t, str>>,
    pub(super) sub: Option<Cow<'t, str>>,
    pub(super) aud: Option<OneOrMany<'t>>,
    pub(super) exp: Option<NumericDate>,
    pub(super) nbf: Option<NumericDate>,
    pub(super) iat: Option<NumericDate>,
    pub(super) jti: Option<Cow<'t, str>>,
    /// `scope`: separated by spaces. Some servers send an array.
    pub(super) scope: Option<OneOrMany<'t>>,
    pub(super) scp: Option<OneOrMany<'t>>,
    pub(super) client_id: Option<Cow<'t, str>>,
    pub(super) azp: Option<Cow<'t, str>>,
    pub(super) cid: Option<Cow<'t, str>>,
    pub(super) appid: Option<Cow<'t, str>>,
    /// Of a response of introspection. Anything but a boolean refuses the response.
    pub(super) active: Option<bool>,
    pub(super) is_bound: bool,
    /// A claim that only tokens of another kind have, such as ID tokens.
    pub(super) other_token: Option<&'static str>,
}

impl<'t> Claims<'t> {
    /// Reads claims.
    ///
    /// # Errors
    ///
    /// If they are not one JSON object in UTF-8, have a member twice, or if one of the claims above has
    /// another type than it must have.
    pub(super) fn read(json: &'t [u8]) -> Result<Self, ObjectError> {
        let mut claims = Self::default();
        read_object(json, &mut claims)?;
        Ok(claims)
    }

    /// Returns the client that the token was issued to.
    pub(super) fn client(&self) -> Option<&str> {
        [&self.client_id, &self.azp, &self.cid, &self.appid]
            .into_iter()
            .flatten()
            .next()
            .map(|id| &**id)
    }
}

impl<'de> Members<'de> for Claims<'de> {
    fn member<A: MapAccess<'de>>(
        &mut self,
        name: &str,
        value: Value<'_, A>,
    ) -> Result<(), A::Error> {
        let text = |value: Value<'_, A>, name| Ok(Some(value.read::<Text>(name)?.0));
        match name {
            "iss" => self.iss = text(value, "iss")?,
            "sub" => self.sub = text(value, "sub")?,
            "aud" => self.aud = Some(value.read("aud")?),
            "exp" => self.exp = Some(value.read("exp")?),
            "nbf" => self.nbf = Some(value.read("nbf")?),
            "iat" => self.iat = Some(value.read("iat")?),
            "jti" => self.jti = text(value, "jti")?,
            "scope" => self.scope = Some(value.read("scope")?),
            "scp" => self.scp = Some(value.read("scp")?),
            "client_id" => self.client_id = text(value, "client_id")?,
            "azp" => self.azp = text(value, "azp")?,
            "cid" => self.cid = text(value, "cid")?,
            "appid" => self.appid = text(value, "appid")?,
            "active" => self.active = Some(value.read("active")?),
            "cnf" => {
                self.is_bound = true;
                value.skip()?;
            }
            // Keycloak writes `Bearer`, and `ID`, `Refresh`, `Offline` and others for other tokens.
            "typ" => {
                let typ = value.read::<Text>("typ")?.0;
                let is_access = ["Bearer", "DPoP", "JWT", "at+jwt"]
                    .iter()
                    .any(|own| typ.eq_ignore_ascii_case(own));
                self.note_other("typ", !is_access);
            }
            // Amazon Cognito, and Ory Hydra in responses of introspection.
            "token_use" => {
                let token_use = value.read::<Text>("token_use")?.0;
                let is_access = ["access", "access_token"].contains(&&*token_use);
                self.note_other("token_use", !is_access);
            }
            // ID tokens (OpenID Connect Core §3.3.2.11).
            "at_hash" => {
                self.note_other("at_hash", true);
                value.skip()?;
            }
            "c_hash" => {
                self.note_other("c_hash", true);
                value.skip()?;
            }
            // Logout tokens and security events (RFC 8417 §2.2).
            "events" => {
                self.note_other("events", true);
                value.skip()?;
            }
            _ => value.skip()?,
        }
        Ok(())
    }
}

impl Claims<'_> {
    fn note_other(&mut self, name: &'static str, is_other: bool) {
        if is_other {
            self.other_token = Some(name);
        }
    }
}
