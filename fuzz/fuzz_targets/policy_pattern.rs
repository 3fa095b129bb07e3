//! A policy allows the tools that one of its patterns matches by their definition, but for those that a pattern of its
//! deny rules matches.

#![no_main]

use libfuzzer_sys::fuzz_target;
use mcp_auth_layer::Principal;
use mcp_auth_layer::policy::{Authorizer, Call, Pattern, Policy, Target, anyone, tools};
use mcp_auth_layer_fuzz::glob::matches;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = str::from_utf8(data) else { return };
    // Names, and below a blank line patterns, of which those after a `!` deny.
    let (names, patterns) = text.split_once("\n\n").unwrap_or((text, ""));
    let (mut policy, mut allowing, mut denying) = (Policy::new(), Vec::new(), Vec::new());
    for line in patterns.split('\n').take(16) {
        let (denies, line) = line.strip_prefix('!').map_or((false, line), |line| (true, line));
        let pattern = line.parse::<Pattern>();
        let has_space = line.starts_with(' ') || line.ends_with(' ');
        let has_control = line.bytes().any(|byte| byte.is_ascii_control());
        assert_eq!(pattern.is_ok(), !line.is_empty() && !has_space && !has_control, "{line:?}");
        let Ok(pattern) = pattern else { continue };
        if denies {
            policy = policy.deny(anyone(), tools([pattern]));
            denying.push(line);
        } else {
            policy = policy.allow(anyone(), tools([pattern]));
            allowing.push(line);
        }
    }
    let caller = Principal::new("alice");
    let names: Vec<_> = names.split('\n').take(8).collect();
    let targets: Vec<_> = names.iter().map(|name| Target::tool(*name)).collect();
    let shown = policy.visible_now(&caller, &targets).unwrap();
    for (name, is_shown) in names.iter().zip(shown) {
        let is_matched = |patterns: &[&str]| {
            patterns.iter().any(|pattern| matches(pattern.as_bytes(), name.as_bytes()))
        };
        let expected = is_matched(&allowing) && !is_matched(&denying);
        let call = Call::new("tools/call").with_target(Target::tool(*name));
        let is_allowed = policy.authorize_now(&caller, &call).unwrap().is_allowed();
        assert_eq!((is_allowed, is_shown), (expected, expected), "{name:?} of {text:?}");
    }
});
