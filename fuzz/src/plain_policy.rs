//! A plain reading of policy files: each rule is compared with each call.

use mcp_auth_layer::Principal;
use toml::{Table, Value};

use crate::glob::matches;

/// A call, by what decides about it.
#[derive(Clone, Copy, Debug)]
pub enum PlainCall {
    Tool(&'static str),
    Prompt(&'static str),
    Method(&'static str),
}

impl PlainCall {
    fn method(self) -> &'static str {
        match self {
            Self::Tool(_) => "tools/call",
            Self::Prompt(_) => "prompts/get",
            Self::Method(method) => method,
        }
    }
}

/// The tables of a policy file that is valid.
pub struct PlainPolicy(Table);

/// Methods that are always allowed, and those that are decided by what they use.
const NO_RULE: [&str; 13] = [
    "initialize",
    "ping",
    "server/discover",
    "logging/setLevel",
    "notifications/initialized",
    "notifications/roots/list_changed",
    "notifications/cancelled",
    "notifications/progress",
    "notifications/tasks/status",
    "tools/list",
    "prompts/list",
    "resources/list",
    "resources/templates/list",
];
const BY_TARGETS: [&str; 7] = [
    "tools/call",
    "prompts/get",
    "resources/read",
    "resources/subscribe",
    "resources/unsubscribe",
    "completion/complete",
    "subscriptions/listen",
];

impl PlainPolicy {
    /// Reads a policy; `None` if it is not valid.
    pub fn read(text: &str) -> Option<Self> {
        let table: Table = text.parse().ok()?;
        let policy = Self(table);
        let keys_are_known =
            policy.0.keys().all(|key| ["allow", "deny", "roles"].contains(&&**key));
        let rules_are_valid = ["allow", "deny"].iter().all(|effect| {
            let rules =
                policy.0.get(*effect).map_or(Some(&[][..]), |rules| Some(rules.as_array()?));
            rules.is_some_and(|rules| {
                rules.iter().all(|rule| {
                    rule.as_table().is_some_and(|rule| is_valid(rule, *effect == "allow"))
                })
            })
        });
        let roles_are_valid = policy.0.get("roles").is_none_or(|roles| {
            roles.as_table().is_some_and(|roles| {
                roles.iter().all(|(role, names)| is_name(role) && are(names, is_name))
            })
        });
        let is_empty = policy.rules("allow").chain(policy.rules("deny")).next().is_none();
        (keys_are_known && rules_are_valid && roles_are_valid && !is_empty).then_some(policy)
    }

    /// Returns whether the policy allows a call.
    pub fn allows(&self, caller: &Principal, call: PlainCall) -> bool {
        let method = call.method();
        let names = |rule: &Table, key: &str, name: &str| {
            texts(rule.get(key)).any(|pattern| matches(pattern.as_bytes(), name.as_bytes()))
        };
        let has_target = |rule: &Table| match call {
            PlainCall::Tool(name) => names(rule, "tools", name),
            PlainCall::Prompt(name) => names(rule, "prompts", name),
            PlainCall::Method(_) => false,
        };
        let is_everything = |rule: &Table| rule.contains_key("everything");
        let is_for = |rule: &&Table| self.is_for(rule, caller);
        let is_denied = self
            .rules("deny")
            .filter(is_for)
            .any(|rule| is_everything(rule) || names(rule, "methods", method) || has_target(rule));
        let is_by_method = matches!(call, PlainCall::Method(_));
        let is_allowed = self.rules("allow").filter(is_for).any(|rule| {
            is_everything(rule)
                || has_target(rule)
                || is_by_method && names(rule, "methods", method)
        });
        !is_denied && (is_allowed || NO_RULE.contains(&method))
    }

    fn rules(&self, effect: &str) -> impl Iterator<Item = &Table> {
        let rules = self.0.get(effect).and_then(Value::as_array);
        rules.into_iter().flatten().filter_map(Value::as_table)
    }

    fn is_for(&self, rule: &Table, caller: &Principal) -> bool {
        let issuer = rule.get("issuer").and_then(Value::as_str);
        let is_of_issuer = match issuer {
            None => !rule.contains_key("principals") || caller.issuer().is_none(),
            issuer => caller.issuer() == issuer,
        };
        let is_assigned = |role: &str| {
            let names = self.0.get("roles").and_then(|roles| roles.get(role));
            caller.issuer().is_none() && texts(names).any(|name| name == caller.name())
        };
        let has_role = |role: &str| caller.has_role(role) || is_assigned(role);
        let if_given = |key, holds: bool| !rule.contains_key(key) || holds;
        is_of_issuer
            && if_given(
                "principals",
                texts(rule.get("principals")).any(|name| name == caller.name()),
            )
            && if_given("roles", texts(rule.get("roles")).any(has_role))
            && texts(rule.get("scopes")).all(|scope| caller.has_scope(scope))
    }
}

fn texts(value: Option<&Value>) -> impl Iterator<Item = &str> {
    value.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

/// Returns whether it is a list of such texts, and not empty.
fn are(value: &Value, fits: impl Fn(&str) -> bool) -> bool {
    value
        .as_array()
        .is_some_and(|all| !all.is_empty() && all.iter().all(|one| one.as_str().is_some_and(&fits)))
}

fn is_valid(rule: &Table, allows: bool) -> bool {
    let has_any = |keys: &[&str]| keys.iter().any(|key| rule.contains_key(*key));
    let subjects = ["principals", "roles", "scopes"];
    let objects = ["tools", "prompts", "resources", "methods"];
    let is_method = |method: &str| {
        is_pattern(method)
            && method.bytes().any(|byte| byte != b'*')
            && !(allows && (NO_RULE.contains(&method) || BY_TARGETS.contains(&method)))
    };
    let values_are_valid = rule.iter().all(|(key, value)| match &**key {
        "principals" | "roles" => are(value, is_name),
        "issuer" => value.as_str().is_some_and(is_name),
        "scopes" => are(value, is_scope),
        "tools" | "prompts" | "resources" => are(value, is_pattern),
        "methods" => are(value, is_method),
        "anyone" | "everything" => value.as_bool() == Some(true),
        _ => false,
    });
    values_are_valid
        && has_any(&subjects) != rule.contains_key("anyone")
        && has_any(&objects) != rule.contains_key("everything")
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && !text.contains(char::is_control) && text.trim() == text
}

fn is_pattern(text: &str) -> bool {
    let has_space = text.starts_with(' ') || text.ends_with(' ');
    !text.is_empty() && !has_space && !text.bytes().any(|byte| byte.is_ascii_control())
}

/// Returns whether it is a scope token (RFC 6749 §3.3).
pub fn is_scope(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| matches!(byte, b'!' | b'#'..=b'[' | b']'..=b'~'))
}
