//! The guide: one page for each task. It is documentation alone; the code on its pages is compiled.
//!
//! | page | answers |
//! | --- | --- |
//! | [`clients`] | How do I configure Claude Code, VS Code, Cursor, Codex and the SDKs? |
//! | [`responses`] | What does the layer respond and log? |
//! | [`credential_files`] | How do I keep users, tokens and keys in files, and rotate them? |
//! | [`recipes`] | How do I do the five usual things, from the start to the end? |
//! | [`rate_limiting`] | How are failed attempts limited, and what remains possible? |
//! | [`oauth`] | How do users log in at an identity provider, and which tokens are accepted? |
//! | [`signals`] | How does an identity provider end the sessions of a user at once? |
//! | [`authorization`] | Who may use which tool, prompt and resource, and what do clients see of a refusal? |
//! | [`signatures`] | How do requests have to be signed, and what does that protect? |
//! | [`sessions`] | Whose is a session, and when does a stream end? |
//! | [`revocation`] | How do I revoke a credential on every replica, and what if the store is away? |
//! | [`deployment`] | How do I run it behind TLS, nginx and Kubernetes, and for browsers? |
//! | [`monitoring`] | What do I watch in production, and what do I do at an alert? |
//! | [`replicas`] | How do several replicas work as one, and what happens when Redis fails? |
//! | [`writing_an_authenticator`] | How do I add a scheme, and test handlers that need a principal? |

#[doc = include_str!("authorization.md")]
pub mod authorization {}
#[doc = include_str!("clients.md")]
pub mod clients {}
#[doc = include_str!("credential_files.md")]
pub mod credential_files {}
#[doc = include_str!("deployment.md")]
pub mod deployment {}
#[doc = include_str!("monitoring.md")]
pub mod monitoring {}
#[cfg(feature = "oauth-http")]
#[doc = include_str!("oauth.md")]
pub mod oauth {}
#[doc = include_str!("rate_limiting.md")]
pub mod rate_limiting {}
#[doc = include_str!("recipes.md")]
pub mod recipes {}
#[cfg(feature = "redis")]
#[doc = include_str!("replicas.md")]
pub mod replicas {}
#[doc = include_str!("responses.md")]
pub mod responses {}
#[doc = include_str!("revocation.md")]
pub mod revocation {}
#[doc = include_str!("sessions.md")]
pub mod sessions {}
#[cfg(feature = "oauth-http")]
#[doc = include_str!("signals.md")]
pub mod signals {}
#[doc = include_str!("signatures.md")]
pub mod signatures {}
#[doc = include_str!("writing_an_authenticator.md")]
pub mod writing_an_authenticator {}

/// The code of the README, which is compiled as well.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub mod readme {}
