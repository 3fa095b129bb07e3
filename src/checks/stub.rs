//! Placeholder until the typed options are merged.
use std::str::FromStr;
macro_rules! stub {
    ($n:ident, $check:expr) => {
        /// Typed option.
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub struct $n(pub(crate) String);
        impl $n {
            /// Creates one from a literal.
            pub fn from_static(text: &'static str) -> Self {
                match text.parse() {
                    Ok(v) => v,
                    Err(e) => panic!("{e}"),
                }
            }
        }
        impl $n {
            /// Returns the text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl FromStr for $n {
            type Err = String;
            fn from_str(t: &str) -> Result<Self, String> {
                if $check(t) { Ok(Self(t.to_owned())) } else { Err(format!("{t:?} is invalid")) }
            }
        }
    };
}
stub!(Origin, super::is_origin);
stub!(OriginScheme, |t: &str| t != "http" && t != "https" && !t.is_empty());
stub!(PublicPath, |t: &str| t.starts_with('/')
    && t.chars().all(|c: char| c.is_ascii_graphic() && !"?#*{}".contains(c)));
