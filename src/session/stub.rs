//! Placeholder until the typed options are merged.
use std::str::FromStr;
/// Key.
#[derive(Clone)]
pub struct SessionKey(pub(crate) Vec<u8>);
impl SessionKey {
    /// Creates one from a literal.
    pub fn from_static(key: &'static [u8]) -> Self {
        Self::try_from(key).expect("32 bytes or more")
    }
}
impl TryFrom<&[u8]> for SessionKey {
    type Error = String;
    fn try_from(k: &[u8]) -> Result<Self, String> {
        if k.len() < 32 { Err("32 bytes or more".into()) } else { Ok(Self(k.to_vec())) }
    }
}
/// Parameter.
#[derive(Clone)]
pub struct SessionParameter(pub(crate) String);
impl SessionParameter {
    /// Creates one from a literal.
    pub fn from_static(p: &'static str) -> Self {
        p.parse().expect("a name")
    }
}
impl FromStr for SessionParameter {
    type Err = String;
    fn from_str(t: &str) -> Result<Self, String> {
        if t.chars().any(|c| c.is_ascii_alphanumeric()) {
            Ok(Self(t.to_owned()))
        } else {
            Err("letters and digits".into())
        }
    }
}
