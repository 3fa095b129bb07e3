//! Measures how long a policy decides: ten rules for one principal, and 10,000 rules for 1,000 principals.
//!
//! ```sh
//! cargo bench --bench policy_decisions
//! ```

#[allow(dead_code, reason = "there is no service here")]
mod harness;

use harness::{contender, measure, measuring};
use mcp_auth_layer::Principal;
use mcp_auth_layer::policy::{
    Authorizer, Call, Policy, Target, anyone, principal, resources, role, scope, tools,
};

/// Ten rules for each of these principals.
fn policy(principals: usize) -> Policy {
    let rules = (0..principals).flat_map(|who| (0..8).map(move |rule| (who, rule)));
    let policy = rules.fold(Policy::new(), |policy, (who, rule)| {
        let names = [format!("tool_{rule}"), format!("read_{who}_{rule}_*")];
        policy.allow(principal(format!("user_{who}")), tools(names))
    });
    (0..principals).fold(policy, |policy, who| {
        policy
            .allow(role(format!("role_{who}")), resources([format!("docs://{who}/*")]))
            .allow(scope(format!("scope_{who}").as_str()), tools([format!("write_{who}")]))
    })
}

fn main() {
    let rounds = if measuring() { 4000 } else { 1 };
    let (small, large) = (policy(1), policy(1000));
    let [small_with_deny, large_with_deny] =
        [1, 1000].map(|principals| policy(principals).deny(anyone(), tools(["*_internal"])));
    let user = |who: usize| Principal::new(format!("user_{who}")).with_scopes(["scope_0"]);
    let users: Vec<_> = (0..1000).map(user).collect();
    // As many as there are users, so that reading them takes as long.
    let first_users: Vec<_> = (0..1000).map(|_| user(0)).collect();
    let decide = |policy: &Policy, who: &Principal, tool: &'static str| {
        let call = Call::new("tools/call").with_target(Target::tool(tool));
        let decision = policy.authorize_now(who, &call);
        decision.is_some_and(|decision| decision.is_allowed())
    };
    assert!(decide(&small, &users[0], "tool_7") && decide(&large, &users[999], "tool_7"));
    assert!(!decide(&small, &users[0], "other") && !decide(&large, &users[999], "other"));

    for (case, tool) in [("allowed", "tool_7"), ("refused", "other")] {
        let [mut zero, mut one, mut two] = [(); 3].map(|()| (0..1000).cycle());
        let contenders = vec![
            contender("10 rules", || (), |()| decide(&small, &users[0], tool)),
            contender(
                "10 rules, 1,000 copies of one caller",
                || zero.next().unwrap_or_default(),
                |copy| decide(&small, &first_users[copy], tool),
            ),
            contender("10,000 rules, one caller", || (), |()| decide(&large, &users[0], tool)),
            contender(
                "10,000 rules, each caller in turn",
                || one.next().unwrap_or_default(),
                |who| decide(&large, &users[who], tool),
            ),
            contender(
                "10 rules and a deny rule",
                || (),
                |()| decide(&small_with_deny, &users[0], tool),
            ),
            contender(
                "10,000 rules and a deny rule",
                || two.next().unwrap_or_default(),
                |who| decide(&large_with_deny, &users[who], tool),
            ),
        ];
        measure(case, rounds, contenders);
    }

    let names: Vec<_> = (0..200).map(|tool| format!("tool_{tool}")).collect();
    let list: Vec<_> = names.iter().map(|name| Target::tool(name.as_str())).collect();
    let contenders = vec![
        contender("10 rules", || (), |()| small.visible_now(&users[0], &list)),
        contender("10,000 rules", || (), |()| large.visible_now(&users[0], &list)),
    ];
    measure("a list of 200 tools", rounds, contenders);
}
