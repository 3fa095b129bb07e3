//! Logout tokens (OpenID Connect Back-Channel Logout 1.0): `tokens` verifies one and applies it, `rules` decides what
//! its claims mean.

mod rules;
mod tokens;

pub use self::tokens::LogoutTokens;
