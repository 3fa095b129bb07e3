//! A policy file is accepted if a plain reading of its TOML is, and then it allows the calls that this reading allows.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use mcp_auth_layer::Principal;
use mcp_auth_layer::policy::{Authorizer, Call, Policy, Target};
use mcp_auth_layer_fuzz::fragments;
use mcp_auth_layer_fuzz::plain_policy::{PlainCall, PlainPolicy};

/// Each byte from 0x80 on stands for one of these.
const FRAGMENTS: &[&str] = &[
    "[[allow]]\n",
    "[[deny]]\n",
    "[roles]\n",
    "[[allow]]\nanyone = true\ntools = ['a', 'b_*']\n",
    "[[allow]]\nroles = ['ops']\nscopes = ['x']\neverything = true\n",
    "[[deny]]\nprincipals = ['alice']\nissuer = 'https://id.example.com'\nprompts = ['*']\n",
    "anyone = true\n",
    "everything = true\n",
    "principals = ['alice', 'ci']\n",
    "principals = ['bob']\n",
    "issuer = 'https://id.example.com'\n",
    "issuer = 'https://other'\n",
    "roles = ['ops']\n",
    "roles = ['dev', 'ops']\n",
    "scopes = ['x']\n",
    "scopes = ['x', 'y']\n",
    "tools = ['a']\n",
    "tools = ['b_*', '*c']\n",
    "tools = ['*']\n",
    "prompts = ['a']\n",
    "methods = ['tasks/get', 'v/*']\n",
    "methods = ['tools/call']\n",
    "methods = ['*']\n",
    "resources = ['docs://*']\n",
    "ops = ['alice', 'ci']\n",
    "dev = ['bob']\n",
    "false",
    "[]",
    "['']",
    "\"\"\"",
    "\\u0000",
    "\u{feff}",
    "\u{85}",
];

static CALLERS: LazyLock<[Principal; 5]> = LazyLock::new(|| {
    let alice = || Principal::new("alice").with_scopes(["x"]);
    [
        alice(),
        alice().issued_by("https://id.example.com").with_roles(["ops"]),
        Principal::new("bob").with_scopes(["x", "y"]),
        Principal::new("ci").with_roles(["dev"]),
        Principal::new("eve").issued_by("https://other"),
    ]
});

const CALLS: [PlainCall; 8] = [
    PlainCall::Tool("a"),
    PlainCall::Tool("b_1"),
    PlainCall::Tool("abc"),
    PlainCall::Prompt("a"),
    PlainCall::Prompt("z"),
    PlainCall::Method("tasks/get"),
    PlainCall::Method("v/x"),
    PlainCall::Method("ping"),
];

fuzz_target!(|data: &[u8]| {
    let text = fragments::text(data, 128, FRAGMENTS);
    let Ok(text) = str::from_utf8(&text) else { return };
    let plain = PlainPolicy::read(text);
    let policy = match Policy::from_toml(text) {
        Ok((policy, _)) => policy,
        Err(error) => {
            assert!(plain.is_none(), "{error}: {text:?}");
            return;
        }
    };
    let plain = plain.unwrap_or_else(|| panic!("it is accepted: {text:?}"));
    for caller in &*CALLERS {
        let mut is_all_allowed = true;
        for call in CALLS {
            let is_allowed = policy.authorize_now(caller, &of(call)).unwrap().is_allowed();
            assert_eq!(is_allowed, plain.allows(caller, call), "{caller:?} {call:?}: {text:?}");
            is_all_allowed &= is_allowed;
        }
        let is_unrestricted = policy.is_unrestricted(caller);
        assert!(is_all_allowed || !is_unrestricted, "{caller:?}: {text:?}");
    }
});

fn of(call: PlainCall) -> Call<'static> {
    match call {
        PlainCall::Tool(name) => Call::new("tools/call").with_target(Target::tool(name)),
        PlainCall::Prompt(name) => Call::new("prompts/get").with_target(Target::prompt(name)),
        PlainCall::Method(method) => Call::new(method),
    }
}
