//! Authorization: which principals may use which methods, tools, prompts and resources.
//!
//! [`McpAuthLayer::authorize`](crate::McpAuthLayer::authorize) enforces an [`Authorizer`], such as a [`Policy`].
//! [`Policy::explain`], and `cargo run --example policy`, show what a policy decides about a call.
//!
//! `message` reads what a client sends, and `lists` what a server answers to a list request. Both read strictly, by
//! `json`: they refuse what two parsers could read in different ways. The result is a [`Call`], or the elements of a
//! list; each has [`Target`]s. `methods` is the table of what decides about which method. `json_rpc` makes the errors
//! that clients receive.
//!
//! `rules` evaluates a [`Policy`], and looks rules up in an `index`; `file` reads it from a file. `authorizer` is the
//! trait for other ways to decide, and `changes` announces that decisions change.
//!
//! It uses `auth`, `credentials`, `event_stream`, `json`, `telemetry` and `text`. It reads header fields of
//! requests, and knows nothing of responses, sessions, schemes or the layer.

mod arguments;
mod authorizer;
mod boxed;
mod call;
mod changes;
mod combine;
mod decision;
mod explain;
mod ext;
#[cfg(feature = "policy")]
mod file;
mod function;
mod id;
mod index;
mod json;
pub(crate) mod json_rpc;
mod lists;
mod message;
mod methods;
#[cfg(test)]
mod mutations;
mod object;
#[cfg(test)]
mod oracle;
mod pattern;
mod reduced_uri;
mod rule;
mod rules;
mod subject;
mod target;
#[cfg(test)]
mod tests;
mod uri;

pub use self::authorizer::Authorizer;
pub use self::boxed::BoxAuthorizer;
pub use self::call::Call;
pub use self::changes::Changes;
pub use self::combine::{Both, both};
pub use self::decision::{Decision, Refusal, RefusalKind};
pub use self::explain::Explanation;
pub use self::ext::AuthorizerExt;
#[cfg(feature = "policy")]
pub use self::file::{PolicyFile, PolicyFileError, PolicyWarning};
pub use self::function::{AuthorizeFn, CallFn, authorize_fn};
pub(crate) use self::lists::{
    Classifier, EventFilter, ListError, Lists, MAX_UNDECIDED, Part, Verdict, WholeEvent,
};
pub(crate) use self::message::{Message, MessageError, Messages, is_json, read_messages};
pub use self::object::{Objects, ObjectsWhen, everything, methods, prompts, resources, tools};
pub use self::pattern::{InvalidPattern, Pattern};
pub use self::rule::RuleId;
pub use self::rules::Policy;
pub use self::subject::{Subject, anyone, principal, principals, role, roles, scope, scopes};
pub use self::target::{Target, TargetKind};
