//! Challenges: what `WWW-Authenticate` carries (RFC 9110 §11.6.1).

use std::borrow::Cow;

use http::HeaderValue;

use super::realm::Realm;
use super::token::{AuthParam, AuthScheme};

/// One challenge of a 401: a scheme and its parameters, sent in a `WWW-Authenticate` field of
/// its own (RFC 9110 §11.6.1).
///
/// The layer inserts its [realm](crate::McpAuthLayer::realm) as the first parameter.
///
/// ```
/// use mcp_auth_layer::auth::{AuthParam, AuthScheme, Challenge};
///
/// // Sent as `ApiKey realm="mcp", header="x-api-key"`.
/// let challenge = Challenge::new(AuthScheme::from_static("ApiKey"))
///     .param(AuthParam::from_static("header"), "x-api-key");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Challenge {
    scheme: AuthScheme,
    params: Vec<(AuthParam, Cow<'static, str>)>,
}

impl Challenge {
    /// Creates a challenge of this scheme, without parameters.
    pub fn new(scheme: AuthScheme) -> Self {
        Self { scheme, params: Vec::new() }
    }

    /// Creates the challenge of a credential that is wrong, expired or revoked. Bearer names the
    /// error (RFC 6750 §3.1).
    pub(crate) fn invalid(scheme: AuthScheme) -> Self {
        if scheme == AuthScheme::BEARER {
            Self::with_constant(scheme, AuthParam::ERROR, "invalid_token")
        } else {
            Self::new(scheme)
        }
    }

    /// Adds a parameter.
    ///
    /// Its value is sent as a quoted string, without the characters that such a string cannot
    /// carry: control characters and everything but ASCII.
    pub fn param(mut self, name: AuthParam, value: impl Into<String>) -> Self {
        self.params.push((name, Cow::Owned(value.into())));
        self
    }

    /// Creates a challenge with one parameter, whose value is a constant, without room for others.
    pub(crate) fn with_constant(scheme: AuthScheme, name: AuthParam, value: &'static str) -> Self {
        Self { scheme, params: vec![(name, Cow::Borrowed(value))] }
    }

    /// Returns the scheme.
    pub fn scheme(&self) -> &AuthScheme {
        &self.scheme
    }

    /// Adds the parameters that this challenge lacks and another one of its scheme has. The parameters of
    /// either appear once each (RFC 9110 §11.2), with their first value.
    pub(crate) fn join(mut self, other: &Self) -> Self {
        let params = std::mem::take(&mut self.params);
        for (name, value) in params.into_iter().chain(other.params.iter().cloned()) {
            if self.params.iter().all(|(known, _)| *known != name) {
                self.params.push((name, value));
            }
        }
        self
    }

    /// Completes a Bearer challenge with what the layer knows: the URL of the resource's metadata, which
    /// replaces another one, and the scopes that are required, unless it names some. They come last, in
    /// this order. Each parameter appears once.
    ///
    /// Clients find parameters by `name="([^"]*)"`, so that none may have an escaped quote. RFC 6750 §3
    /// allows none either.
    pub(crate) fn complete(self, resource_metadata: Option<&str>, scope: Option<&str>) -> Self {
        let scheme = self.scheme.clone();
        let mut complete = self.join(&Self::new(scheme));
        for (_, value) in &mut complete.params {
            if value.contains(['"', '\\']) {
                value.to_mut().retain(|c| !matches!(c, '"' | '\\'));
            }
        }
        let own_metadata = complete.remove(&AuthParam::RESOURCE_METADATA);
        let own_scope = complete.remove(&AuthParam::SCOPE);
        let owned = |text: &str| Cow::Owned(text.to_owned());
        let metadata = resource_metadata.map(owned).or(own_metadata);
        let scope = own_scope.or_else(|| scope.map(owned));
        complete.params.extend(metadata.map(|url| (AuthParam::RESOURCE_METADATA, url)));
        complete.params.extend(scope.map(|scope| (AuthParam::SCOPE, scope)));
        complete
    }

    /// Removes the error, which is for who presented a token (RFC 6750 §3.1).
    pub(crate) fn without_error(mut self) -> Self {
        self.params
            .retain(|(name, _)| *name != AuthParam::ERROR && *name != AuthParam::ERROR_DESCRIPTION);
        self
    }

    fn remove(&mut self, name: &AuthParam) -> Option<Cow<'static, str>> {
        let at = self.params.iter().position(|(known, _)| known == name)?;
        Some(self.params.remove(at).1)
    }

    /// Joins all Bearer challenges into one, which comes first: some clients read the first challenge
    /// alone, and others take each parameter from whichever challenge has it first.
    pub(crate) fn unify_bearer(challenges: &mut Vec<Self>) {
        let is_bearer = |challenge: &Self| challenge.scheme == AuthScheme::BEARER;
        if challenges.iter().filter(|challenge| is_bearer(challenge)).count() > 1 {
            let mut joined = Self::new(AuthScheme::BEARER);
            for bearer in challenges.iter().filter(|challenge| is_bearer(challenge)) {
                joined = joined.join(bearer);
            }
            challenges.retain(|challenge| !is_bearer(challenge));
            challenges.insert(0, joined);
        }
        Self::sort(challenges);
    }

    /// Sorts challenges for a response: Bearer first, as some clients read the first one alone.
    pub(crate) fn sort(challenges: &mut [Self]) {
        challenges.sort_by_key(|challenge| *challenge.scheme() != AuthScheme::BEARER);
    }

    pub(crate) fn to_header(&self, realm: &Realm) -> HeaderValue {
        let params = self.params.iter();
        let added = ", =\"\"".len();
        let params = params.map(|(name, value)| name.as_str().len() + value.len() + added);
        let begin = self.scheme.as_str().len() + " realm=\"\"".len() + realm.as_str().len();
        // The exact length, unless something has to be escaped: with spare room, the conversion allocates once more.
        let mut text = String::with_capacity(begin + params.sum::<usize>());
        text.push_str(self.scheme.as_str());
        text.push_str(" realm=");
        push_quoted(&mut text, realm.as_str());
        for (name, value) in &self.params {
            text.push_str(", ");
            text.push_str(name.as_str());
            text.push('=');
            push_quoted(&mut text, value);
        }
        HeaderValue::try_from(text).expect("tokens and quoted ASCII make a field value")
    }
}

/// Returns whether a `quoted-string` (RFC 9110 §5.6.4) and a JSON string have this text as it is: it is printable ASCII
/// without quotes and backslashes. All bytes are looked at, which the compiler does several at a time.
pub(super) fn needs_no_escape(text: &str) -> bool {
    let is_plain = |byte| matches!(byte, b' '..=b'~') & !matches!(byte, b'"' | b'\\');
    text.bytes().fold(true, |all, byte| all & is_plain(byte))
}

/// Appends `text` as a `quoted-string` (RFC 9110 §5.6.4).
fn push_quoted(out: &mut String, text: &str) {
    out.push('"');
    if needs_no_escape(text) {
        out.push_str(text);
    } else {
        for c in text.chars().filter(|c| matches!(c, ' '..='~')) {
            if matches!(c, '"' | '\\') {
                out.push('\\');
            }
            out.push(c);
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bearer(params: &[(&'static str, &str)]) -> Challenge {
        params.iter().fold(Challenge::new(AuthScheme::BEARER), |challenge, (name, value)| {
            challenge.param(AuthParam::from_static(name), *value)
        })
    }

    #[test]
    fn joined_challenges_keep_the_first_value_of_each_parameter() {
        let first = bearer(&[("error", "a"), ("Error", "b"), ("x", "1")]);
        let second = bearer(&[("scope", "s"), ("error", "c"), ("X", "2")]);
        let joined = bearer(&[("error", "a"), ("x", "1"), ("scope", "s")]);
        assert_eq!(first.join(&second), joined);
    }

    #[test]
    fn complete_challenges_end_with_metadata_and_scope() {
        let own = bearer(&[("scope", "a"), ("resource_metadata", "old"), ("error", "say \"x\\\"")]);
        assert_eq!(
            own.clone().complete(Some("new"), Some("b")),
            bearer(&[("error", "say x"), ("resource_metadata", "new"), ("scope", "a")])
        );
        assert_eq!(
            own.complete(None, None),
            bearer(&[("error", "say x"), ("resource_metadata", "old"), ("scope", "a")])
        );
        assert_eq!(bearer(&[]).complete(None, Some("b c")), bearer(&[("scope", "b c")]));
    }

    #[test]
    fn complete_challenges_have_no_escaped_quote() {
        let quoted = "a\", error=\"\\x";
        for name in ["scope", "resource_metadata", "hint"] {
            for (metadata, scope) in [(None, None), (None, Some("s")), (Some("u"), Some("s"))] {
                let own = bearer(&[(name, quoted)]).complete(metadata, scope);
                let header = own.to_header(&Realm::default());
                assert!(!header.to_str().unwrap().contains('\\'), "{header:?}");
            }
        }
    }

    #[test]
    fn complete_challenges_have_each_parameter_once() {
        for name in ["scope", "resource_metadata", "error"] {
            let own =
                bearer(&[(name, "1"), (name, "2"), ("x", "3")]).complete(Some("u"), Some("s"));
            let header = own.to_header(&Realm::default());
            assert_eq!(
                header.to_str().unwrap().matches(&format!(" {name}=")).count(),
                1,
                "{header:?}"
            );
        }
    }

    #[test]
    fn bearer_challenges_become_one_and_the_first() {
        let basic = || Challenge::new(AuthScheme::BASIC);
        let mut challenges = vec![basic(), bearer(&[]), bearer(&[("error", "a")])];
        Challenge::unify_bearer(&mut challenges);
        assert_eq!(challenges, [bearer(&[("error", "a")]), basic()]);
        let mut without = vec![basic()];
        Challenge::unify_bearer(&mut without);
        assert_eq!(without, [basic()]);
    }

    #[test]
    fn a_challenge_without_escapes_has_exactly_the_length_that_is_reserved() {
        let challenge = bearer(&[("error", "invalid_token"), ("scope", "a b")]);
        let made = allocation_counter::measure(|| drop(challenge.to_header(&Realm::default())));
        assert_eq!(made.count_total, 1);
        let escaped = bearer(&[("scope", "a\"b")]);
        let header = escaped.to_header(&Realm::default());
        assert_eq!(header, r#"Bearer realm="mcp", scope="a\"b""#);
    }

    #[test]
    fn every_byte_that_has_to_be_escaped_is_found_wherever_it_is() {
        for at in [0, 1, 15, 16, 40] {
            for character in (0..=0x100).filter_map(char::from_u32) {
                let text = format!("{}{character}{}", "a".repeat(at), "b".repeat(40 - at));
                let is_plain = matches!(character, ' '..='~') && !"\"\\".contains(character);
                assert_eq!(needs_no_escape(&text), is_plain, "{text:?}");
            }
        }
    }

    #[test]
    fn quotes_and_line_breaks_stay_inside_the_string() {
        let challenge = Challenge::new(AuthScheme::from_static("ApiKey"))
            .param(AuthParam::from_static("hint"), "a\r\nSet-Cookie: b=\"c\\d\" é");
        assert_eq!(
            challenge.to_header(&Realm::from_static("say \"mcp\"")),
            r#"ApiKey realm="say \"mcp\"", hint="aSet-Cookie: b=\"c\\d\" ""#
        );
    }
}
