//! What a rule allows or denies.

use std::fmt;
use std::sync::Arc;

use super::call::Call;
use super::methods::{Access, access};
use super::pattern::Pattern;
use super::reduced_uri::reduced_pattern;

/// What a rule allows or denies: tools, prompts, resources, methods, or everything.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Objects {
    pub(super) tools: Vec<Pattern>,
    pub(super) prompts: Vec<Pattern>,
    pub(super) resources: Vec<Pattern>,
    pub(super) methods: Vec<Pattern>,
    pub(super) everything: bool,
}

/// The tools of these names. [`Pattern`] describes what `*` means.
///
/// # Panics
///
/// If a text is not a pattern, or there are none.
#[track_caller]
pub fn tools<P>(names: impl IntoIterator<Item = P>) -> Objects
where
    P: TryInto<Pattern, Error: fmt::Display>,
{
    Objects { tools: patterns("tools", names), ..Objects::default() }
}

/// The prompts of these names, and the completion of their arguments.
///
/// # Panics
///
/// If a text is not a pattern, or there are none.
#[track_caller]
pub fn prompts<P>(names: impl IntoIterator<Item = P>) -> Objects
where
    P: TryInto<Pattern, Error: fmt::Display>,
{
    Objects { prompts: patterns("prompts", names), ..Objects::default() }
}

/// The resources of these URIs: to read, to subscribe to, and to complete, where it is a template.
///
/// Servers normalize URIs in different ways. A pattern without `*` allows exactly its text. One with `*`
/// allows only URIs that every server reads alike: without `.` and `..` segments, encoded separators, `\`,
/// control characters, white space and what is percent-encoded twice, and with a scheme in lower case. A
/// template is compared as a text, so `file:///{path}` is none of `file:///srv/*`.
///
/// A deny rule is as careful in the other direction: it also matches what is percent-encoded, whatever is not
/// read alike, unless its scheme differs, and what differs in parts that some servers ignore: a query, a fragment,
/// empty segments, what follows `;`, and dots at the end of a segment. Letters of another case are another name.
///
/// # Panics
///
/// If a text is not a pattern, or there are none.
#[track_caller]
pub fn resources<P>(uris: impl IntoIterator<Item = P>) -> Objects
where
    P: TryInto<Pattern, Error: fmt::Display>,
{
    Objects { resources: patterns("resources", uris), ..Objects::default() }
}

/// Methods, such as `tasks/get` and those of vendors.
///
/// An allow rule names methods that are neither always allowed nor decided by what they use. A deny rule may
/// name each method.
///
/// # Panics
///
/// If a text is not a pattern, or there are none; and for `*`, which would include every method that is ever
/// invented.
#[track_caller]
pub fn methods<P>(names: impl IntoIterator<Item = P>) -> Objects
where
    P: TryInto<Pattern, Error: fmt::Display>,
{
    let methods = patterns("methods", names);
    for method in &methods {
        if let Err(problem) = check_method(method) {
            panic!("policy::methods: {problem}");
        }
    }
    Objects { methods, ..Objects::default() }
}

/// Everything: all tools, prompts, resources and methods.
///
/// Nothing of a principal that may do everything, and that no deny rule is for, needs to be read.
pub fn everything() -> Objects {
    Objects { everything: true, ..Objects::default() }
}

#[track_caller]
fn patterns<P>(function: &str, texts: impl IntoIterator<Item = P>) -> Vec<Pattern>
where
    P: TryInto<Pattern, Error: fmt::Display>,
{
    let mut patterns = Vec::new();
    for text in texts {
        match text.try_into() {
            Ok(pattern) => patterns.push(pattern),
            Err(error) => panic!("policy::{function}: {error}"),
        }
    }
    assert!(!patterns.is_empty(), "policy::{function}: there are none: such a rule has no effect");
    patterns
}

/// Checks that a pattern for methods does not include all of them.
///
/// # Errors
///
/// What is wrong with it, as a clause.
pub(super) fn check_method(method: &Pattern) -> Result<(), &'static str> {
    if method.is_universal() {
        Err("`*` would include every method that is ever invented: name them, or use everything")
    } else {
        Ok(())
    }
}

/// Checks that a rule which allows this method has an effect.
///
/// # Errors
///
/// What is wrong with it, as a clause.
pub(super) fn check_allowed_method(method: &Pattern) -> Result<(), String> {
    if !method.is_exact() {
        return Ok(());
    }
    match access(method.as_str()) {
        Access::Always | Access::List => {
            Err(format!("`{method}` is always allowed: a rule that allows it has no effect"))
        }
        Access::ByTargets => Err(format!(
            "`{method}` is decided by what it uses: allow tools, prompts or resources instead"
        )),
        Access::ByMethod => Ok(()),
    }
}

pub(super) type Condition = Arc<dyn Fn(&Call<'_>) -> bool + Send + Sync>;

/// What a rule allows under a condition, see [`Objects::when`].
#[derive(Clone)]
#[must_use]
pub struct ObjectsWhen {
    pub(super) objects: Objects,
    pub(super) condition: Option<Condition>,
}

impl Objects {
    /// Adds to the URIs those that deny rules compare with reduced ones.
    pub(super) fn add_reduced_uris(&mut self) {
        let reduced = self
            .resources
            .iter()
            .filter_map(|pattern| reduced_pattern(pattern.as_str())?.parse().ok());
        let reduced: Vec<Pattern> = reduced.collect();
        self.resources.extend(reduced);
    }

    /// Allows them only for calls that meet a condition, such as one on an argument.
    ///
    /// A call that fails the condition alone is answered with a tool result that is an error, so that a
    /// model can correct its arguments. Lists show the tool. A condition that panics refuses the call.
    ///
    /// Only allow rules have conditions. A deny rule whose condition cannot read an argument would allow
    /// the call.
    ///
    /// ```
    /// use mcp_auth_layer::policy::{Policy, principal, tools};
    ///
    /// let policy = Policy::new().allow(
    ///     principal("ci"),
    ///     tools(["execute_command"])
    ///         .when(|call| call.argument::<String>("command").as_deref() == Some("id")),
    /// );
    /// ```
    pub fn when(
        self,
        condition: impl Fn(&Call<'_>) -> bool + Send + Sync + 'static,
    ) -> ObjectsWhen {
        ObjectsWhen { objects: self, condition: Some(Arc::new(condition)) }
    }
}

impl From<Objects> for ObjectsWhen {
    fn from(objects: Objects) -> Self {
        Self { objects, condition: None }
    }
}

impl fmt::Debug for ObjectsWhen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObjectsWhen")
            .field("objects", &self.objects)
            .field("has_condition", &self.condition.is_some())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allow_rules_name_methods_that_need_them() {
        let check = |method: &str| check_allowed_method(&method.parse().unwrap());
        for good in ["tasks/get", "tasks/*", "tools/*", "vendor/x", "resources/directory/read"] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for (bad, reason) in [
            ("initialize", "`initialize` is always allowed"),
            ("logging/setLevel", "`logging/setLevel` is always allowed"),
            ("tools/list", "`tools/list` is always allowed"),
            ("tools/call", "`tools/call` is decided by what it uses"),
        ] {
            assert!(check(bad).unwrap_err().starts_with(reason), "{bad}");
        }
    }

    #[test]
    #[should_panic(expected = "policy::methods: `*` would include every method")]
    fn every_method_is_no_pattern_for_methods() {
        let _ = methods(["a", "**"]);
    }

    #[test]
    #[should_panic(expected = "policy::tools: there are none")]
    fn objects_without_patterns_panic() {
        let _ = tools(Vec::<Pattern>::new());
    }

    #[test]
    #[should_panic(expected = "policy::tools: \"\" is not a pattern")]
    fn objects_with_an_empty_pattern_panic() {
        let _ = tools(["a", ""]);
    }
}
