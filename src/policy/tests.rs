//! Decisions of policies, by the numbers of the specification, and compared with a plain oracle.

mod authorizers;
mod decisions;
mod oracle;
mod scopes;
mod uris;

use super::*;
use crate::auth::Principal;

/// The policy of the numbered cases.
fn policy() -> Policy {
    without_deny().deny(anyone(), tools(["*_internal"]))
}

fn without_deny() -> Policy {
    Policy::new()
        .allow(principal("ci"), tools(["search", "read_*"]))
        .allow(principal("ci"), prompts(["review"]))
        .allow(principal("ci"), resources(["docs://*"]))
        .allow(principal("alice"), everything())
        .allow(scope("w"), tools(["write_*"]))
}

fn ci() -> Principal {
    Principal::new("ci")
}

fn alice() -> Principal {
    Principal::new("alice")
}

fn tool(name: &str) -> Call<'_> {
    Call::new("tools/call").with_target(Target::tool(name))
}

fn resource(uri: &str) -> Call<'_> {
    Call::new("resources/read").with_target(Target::resource(uri))
}

fn decide(policy: &impl Authorizer, who: &Principal, call: &Call<'_>) -> Decision {
    policy.authorize_now(who, call).unwrap()
}

fn allows(policy: &impl Authorizer, who: &Principal, call: &Call<'_>) -> bool {
    decide(policy, who, call).is_allowed()
}
