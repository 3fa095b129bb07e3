//! The rules of a policy file.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::document::{Error, Lines, Value};
use super::warning::PolicyWarning;
use crate::auth::Scope;
use crate::policy::index::Effect;
use crate::policy::object::{Objects, check_allowed_method, check_method};
use crate::policy::pattern::Pattern;
use crate::policy::rule::RuleId;
use crate::policy::rules::Policy;
use crate::policy::subject::{Subject, anyone};

const TOP: [&str; 3] = ["allow", "deny", "roles"];
const SUBJECTS: [&str; 4] = ["principals", "roles", "scopes", "anyone"];
const OBJECTS: [&str; 5] = ["tools", "prompts", "resources", "methods", "everything"];
const RULE: [&str; 10] = [
    "principals",
    "issuer",
    "roles",
    "scopes",
    "anyone",
    "tools",
    "prompts",
    "resources",
    "methods",
    "everything",
];

/// Reads a policy, and what in it is probably not meant.
pub(super) fn read(text: &str) -> Result<(Policy, Vec<PolicyWarning>), Error> {
    let lines = Lines::new(text);
    let document = lines.parse(text)?;
    let mut reader =
        Reader { lines, policy: Policy::new(), names: BTreeMap::new(), roles: HashSet::new() };
    for (key, value) in &document {
        match &**key.get_ref() {
            "allow" => reader.rules("allow", Effect::Allow, value)?,
            "deny" => reader.rules("deny", Effect::Deny, value)?,
            "roles" => {}
            unknown => return Err(reader.lines.unknown_key(unknown, &key.span(), &TOP)),
        }
    }
    if reader.policy.len() == 0 {
        let message = "the file has no rules: to refuse everything, write [[deny]] with anyone = true and \
                       everything = true";
        return Err(Error::new(
            crate::credentials::CredentialFileErrorKind::NoCredentials,
            message,
        ));
    }
    let mut warnings = reader.warnings();
    if let Some(roles) = document.get("roles") {
        warnings.extend(reader.assigned_roles(roles)?);
    }
    warnings.sort_by_key(PolicyWarning::line);
    Ok((reader.policy, warnings))
}

struct Reader {
    lines: Lines,
    policy: Policy,
    /// Where each name is without an issuer, and where with one.
    names: BTreeMap<String, [Option<usize>; 2]>,
    /// The roles that rules are for.
    roles: HashSet<String>,
}

impl Reader {
    fn rules(&mut self, key: &str, effect: Effect, value: &Value<'_>) -> Result<(), Error> {
        let expected = || format!("`{key}` must be a list of rules, each after a line [[{key}]]");
        let DeValue::Array(rules) = value.get_ref() else {
            return Err(self.lines.error(&value.span(), expected()));
        };
        for rule in rules.iter() {
            let DeValue::Table(keys) = rule.get_ref() else {
                return Err(self.lines.error(&rule.span(), expected()));
            };
            self.rule(effect, keys, &rule.span())?;
        }
        Ok(())
    }

    fn rule(
        &mut self,
        effect: Effect,
        keys: &DeTable<'_>,
        span: &Range<usize>,
    ) -> Result<(), Error> {
        for key in keys.keys() {
            if !RULE.contains(&&**key.get_ref()) {
                return Err(self.lines.unknown_key(key.get_ref(), &key.span(), &RULE));
            }
        }
        let subject = self.subject(keys, span)?;
        let objects = self.objects(effect, keys, span)?;
        let line = self.lines.line(span);
        for name in &subject.names {
            let seen = self.names.entry(name.clone()).or_default();
            seen[usize::from(subject.issuer.is_some())].get_or_insert(line);
        }
        self.roles.extend(subject.roles.iter().flatten().cloned());
        let (id, policy) = (RuleId::at_line(line), std::mem::take(&mut self.policy));
        self.policy = match effect {
            Effect::Allow => policy.with_allow(id, subject, objects.into()),
            Effect::Deny => policy.with_deny(id, subject, objects),
        };
        Ok(())
    }

    fn subject(&self, keys: &DeTable<'_>, span: &Range<usize>) -> Result<Subject, Error> {
        let lines = &self.lines;
        if !SUBJECTS.iter().any(|key| keys.contains_key(*key)) {
            let message =
                "the rule has no subject: add `principals`, `roles`, `scopes` or `anyone`";
            return Err(lines.error(span, message));
        }
        let mut subject = anyone();
        if let Some(value) = keys.get("anyone") {
            lines.is_true("anyone", value)?;
            if let Some(other) = SUBJECTS[..3].iter().find(|key| keys.contains_key(**key)) {
                let message = format!("`anyone` and `{other}` in one rule: remove one of them");
                return Err(lines.error(&value.span(), message));
            }
        }
        if let Some(value) = keys.get("principals") {
            subject.names = owned(lines.names("principals", value)?);
        }
        if let Some(value) = keys.get("roles") {
            subject.roles = vec![owned(lines.names("roles", value)?)];
        }
        if let Some(value) = keys.get("scopes") {
            for (scope, span) in lines.strings("scopes", value)? {
                let scope: Scope =
                    scope.parse().map_err(|error| lines.error(&span, format!("{error}")))?;
                subject.scopes.push(scope);
            }
        }
        if let Some(value) = keys.get("issuer") {
            let DeValue::String(issuer) = value.get_ref() else {
                return Err(lines.error(&value.span(), "`issuer` must be a string"));
            };
            subject.issuer = Some(lines.name("issuer", issuer, &value.span())?.to_owned());
        }
        Ok(subject)
    }

    fn objects(
        &self,
        effect: Effect,
        keys: &DeTable<'_>,
        span: &Range<usize>,
    ) -> Result<Objects, Error> {
        let lines = &self.lines;
        if !OBJECTS.iter().any(|key| keys.contains_key(*key)) {
            let message = "the rule is about nothing: add `tools`, `prompts`, `resources`, `methods` or \
                           `everything`";
            return Err(lines.error(span, message));
        }
        if let Some(value) = keys.get("everything") {
            lines.is_true("everything", value)?;
            if let Some(other) = OBJECTS[..4].iter().find(|key| keys.contains_key(**key)) {
                let message = format!("`everything` includes `{other}`: remove one of them");
                return Err(lines.error(&value.span(), message));
            }
        }
        let patterns = |key: &str| -> Result<Vec<Pattern>, Error> {
            let Some(value) = keys.get(key) else { return Ok(Vec::new()) };
            let texts = lines.strings(key, value)?.into_iter();
            texts
                .map(|(text, span)| {
                    let pattern: Pattern =
                        text.parse().map_err(|error| lines.error(&span, format!("{error}")))?;
                    if key == "methods" {
                        check_method(&pattern).map_err(|problem| lines.error(&span, problem))?;
                        if effect == Effect::Allow {
                            check_allowed_method(&pattern)
                                .map_err(|problem| lines.error(&span, problem))?;
                        }
                    }
                    Ok(pattern)
                })
                .collect()
        };
        Ok(Objects {
            tools: patterns("tools")?,
            prompts: patterns("prompts")?,
            resources: patterns("resources")?,
            methods: patterns("methods")?,
            everything: keys.contains_key("everything"),
        })
    }

    /// Reads `[roles]`, and warns of roles that no rule is for.
    fn assigned_roles(&mut self, roles: &Value<'_>) -> Result<Vec<PolicyWarning>, Error> {
        let DeValue::Table(table) = roles.get_ref() else {
            let message =
                "`roles` must be a table, with a line such as ops = [\"alice\"] for each role";
            return Err(self.lines.error(&roles.span(), message));
        };
        let mut assigned: HashMap<&str, Vec<&str>> = HashMap::new();
        let mut warnings = Vec::new();
        for (role, names) in table {
            let name = self.lines.name("roles", role.get_ref(), &role.span())?;
            assigned.insert(name, self.lines.names(name, names)?);
            if !self.roles.contains(name) {
                let line = self.lines.line(&role.span());
                let message = format!("no rule is for the role {name:?}");
                warnings.push(PolicyWarning { line, message });
            }
        }
        let policy = std::mem::take(&mut self.policy);
        self.policy = assigned
            .into_iter()
            .fold(policy, |policy, (role, names)| policy.assign_role(role, names));
        Ok(warnings)
    }

    /// Warns of names that are with an issuer in one place and without one in another: those are two
    /// principals, and one of them probably does not exist.
    fn warnings(&self) -> Vec<PolicyWarning> {
        let both = self.names.iter().filter_map(|(name, [without, with])| {
            let (line, with) = ((*without)?, (*with)?);
            let message = format!(
                "{name:?} has no issuer here, and one in line {with}: they are two principals"
            );
            Some(PolicyWarning { line, message })
        });
        both.collect()
    }
}

fn owned(names: Vec<&str>) -> Vec<String> {
    names.into_iter().map(str::to_owned).collect()
}
