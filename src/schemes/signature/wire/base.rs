//! The signature base (RFC 9421 §2.5): the text that is signed. Signer and verifier share this code.

use std::borrow::Cow;

use http::header::HOST;
use http::request::Parts;
use http::{HeaderMap, HeaderName, Method, Uri, Version};

/// The supported derived components (RFC 9421 §2.2).
pub(crate) const METHOD: &str = "@method";
pub(crate) const AUTHORITY: &str = "@authority";
pub(crate) const PATH: &str = "@path";
pub(crate) const QUERY: &str = "@query";
const TARGET_URI: &str = "@target-uri";
const SCHEME: &str = "@scheme";
const REQUEST_TARGET: &str = "@request-target";
/// The last line of a base. It is not a component.
const SIGNATURE_PARAMS: &str = "@signature-params";

/// A base cannot be made. The verifier rejects the request with 400.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BaseError {
    #[error("a covered component is unknown, or not one of a request")]
    Component,
    #[error("a covered header is missing")]
    MissingField,
    #[error("a covered header has other characters than visible ASCII")]
    FieldValue,
    #[error("the request names no host, or two that differ")]
    Authority,
}

/// A request, as far as it can be covered by a signature.
pub(crate) struct Message<'r> {
    pub(crate) method: &'r Method,
    pub(crate) scheme: &'r str,
    /// Normalized: lower case, without the scheme's default port.
    pub(crate) authority: &'r str,
    /// The prefix that a router or proxy stripped from the path.
    pub(crate) prefix: &'r str,
    /// The URI that has the path and query.
    pub(crate) uri: &'r Uri,
    pub(crate) headers: &'r HeaderMap,
    /// Whether there is a request line, which may have the URI in another form than its path
    /// (RFC 9112 §3.2).
    pub(crate) has_request_line: bool,
}

/// Returns whether these components cover this one: the target URI includes authority, path and
/// query, and the request target includes path and query.
pub(crate) fn cover(components: &[&str], required: &str) -> bool {
    let including: &[&str] = match required {
        AUTHORITY => &[TARGET_URI],
        PATH | QUERY => &[TARGET_URI, REQUEST_TARGET],
        _ => &[],
    };
    components.contains(&required)
        || including.iter().any(|component| components.contains(component))
}

impl<'r> Message<'r> {
    /// Creates a message from a head whose path has no prefix stripped.
    pub(crate) fn from_head(head: &'r Parts, scheme: &'r str, authority: &'r str) -> Self {
        Self {
            method: &head.method,
            scheme,
            authority,
            prefix: "",
            uri: &head.uri,
            headers: &head.headers,
            has_request_line: head.version < Version::HTTP_2,
        }
    }

    /// Appends the base for these components. `push_input` appends the end of its last line: the
    /// serialized components and parameters.
    pub(crate) fn push_base(
        &self,
        base: &mut String,
        components: &[&str],
        push_input: impl FnOnce(&mut String),
    ) -> Result<(), BaseError> {
        for component in components {
            base.extend(["\"", component, "\": "]);
            self.push_value(base, component)?;
            base.push('\n');
        }
        base.extend(["\"", SIGNATURE_PARAMS, "\": "]);
        push_input(base);
        Ok(())
    }

    fn push_value(&self, base: &mut String, component: &str) -> Result<(), BaseError> {
        match component {
            METHOD => base.push_str(self.method.as_str()),
            AUTHORITY => base.push_str(self.authority),
            PATH => self.push_path(base),
            QUERY => base.extend(["?", self.uri.query().unwrap_or_default()]),
            SCHEME => base.push_str(self.scheme),
            TARGET_URI => {
                base.extend([self.scheme, "://", self.authority]);
                self.push_path_and_query(base);
            }
            REQUEST_TARGET => self.push_request_target(base),
            _ => self.push_field(base, component)?,
        }
        Ok(())
    }

    /// Appends `@request-target` in the form that the request line has (RFC 9421 §2.2.5).
    fn push_request_target(&self, base: &mut String) {
        let authority = self.uri.authority().filter(|_| self.has_request_line);
        let authority = authority.map_or("", |authority| authority.as_str());
        match self.uri.scheme_str().filter(|_| self.has_request_line) {
            Some(scheme) => base.extend([scheme, "://", authority]),
            // CONNECT has nothing else.
            None if !authority.is_empty() => return base.push_str(authority),
            None => {}
        }
        self.push_path_and_query(base);
    }

    fn push_path_and_query(&self, base: &mut String) {
        self.push_path(base);
        if let Some(query) = self.uri.query() {
            base.extend(["?", query]);
        }
    }

    /// Appends `@path` as it was sent, and `/` if it is empty (RFC 9421 §2.2.6).
    fn push_path(&self, base: &mut String) {
        match (self.prefix, self.uri.path()) {
            ("", "") => base.push('/'),
            (prefix, path) => base.extend([prefix, path]),
        }
    }

    /// Appends all fields of that name, each trimmed, joined by a comma and a space (RFC 9421 §2.1).
    fn push_field(&self, base: &mut String, name: &str) -> Result<(), BaseError> {
        // Searching the names is faster than a look-up by text, which would ignore case.
        let Some(name) = self.headers.keys().find(|other| other.as_str() == name) else {
            return Err(match HeaderName::from_lowercase(name.as_bytes()) {
                Ok(_) => BaseError::MissingField,
                Err(_) => BaseError::Component,
            });
        };
        let mut separator = "";
        for field in self.headers.get_all(name) {
            let text = field.to_str().map_err(|_| BaseError::FieldValue)?;
            base.extend([separator, text.trim_matches([' ', '\t'])]);
            separator = ", ";
        }
        Ok(())
    }
}

/// Returns the components of a base.
pub(crate) fn components_of(base: &str) -> impl Iterator<Item = &str> {
    base.lines()
        .filter_map(|line| line.strip_prefix('"')?.split_once('"'))
        .map(|(component, _)| component)
        .filter(|component| *component != SIGNATURE_PARAMS)
}

/// Returns the authority that a request itself names, normalized (RFC 9421 §2.2.3).
///
/// It may be in the URI (HTTP/2, or absolute form), in `Host`, or in both. If they differ, or there
/// are two, the host is ambiguous, and it is an error. `X-Forwarded-*` does not count.
pub(crate) fn authority_of<'r>(head: &'r Parts, scheme: &str) -> Result<Cow<'r, str>, BaseError> {
    let named = head.uri.authority().map(|authority| Ok(authority.as_str()));
    let fields = head.headers.get_all(HOST).iter().map(|host| host.to_str());
    let mut hosts = named
        .into_iter()
        .chain(fields)
        .map(|host| host.map(|host| normalized(host, scheme)).map_err(|_| BaseError::Authority));
    let authority = hosts.next().ok_or(BaseError::Authority)??;
    for other in hosts {
        if other? != authority {
            return Err(BaseError::Authority);
        }
    }
    if authority.is_empty() || authority.contains('@') {
        return Err(BaseError::Authority);
    }
    Ok(authority)
}

/// Returns the authority in lower case, without the default port of the scheme.
pub(crate) fn normalized<'a>(authority: &'a str, scheme: &str) -> Cow<'a, str> {
    let default_port = if scheme == "https" { ":443" } else { ":80" };
    let authority = authority.strip_suffix(default_port).unwrap_or(authority);
    if authority.contains(|c: char| c.is_ascii_uppercase()) {
        return authority.to_ascii_lowercase().into();
    }
    authority.into()
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use http::Request;

    use super::*;
    use crate::crypto::Mac;

    fn head(target: &str, headers: &[(&str, &str)]) -> Parts {
        let mut request = Request::post(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    fn base(head: &Parts, components: &[&str], parameters: &str) -> Result<String, BaseError> {
        let scheme = head.uri.scheme_str().unwrap_or("http");
        let authority = authority_of(head, scheme)?;
        let mut base = String::new();
        let message = Message::from_head(head, scheme, &authority);
        message.push_base(&mut base, components, |base| base.push_str(parameters))?;
        Ok(base)
    }

    fn value_of(
        component: &str,
        target: &str,
        headers: &[(&str, &str)],
    ) -> Result<String, BaseError> {
        let base = base(&head(target, headers), &[component], "()")?;
        let line = base.lines().next().unwrap();
        Ok(line.strip_prefix(&format!("\"{component}\": ")).unwrap().to_owned())
    }

    #[test]
    fn vector_of_rfc_9421_b_2_5() {
        let vector =
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/rfc9421_hmac.json"));
        let vector: serde_json::Value = serde_json::from_str(vector).unwrap();
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        let headers: Vec<(String, String)> = vector["request"]["headers"]
            .as_array()
            .unwrap()
            .iter()
            .map(|pair| (text(&pair[0]), text(&pair[1])))
            .collect();
        let headers: Vec<_> = headers.iter().map(|(name, value)| (&**name, &**value)).collect();
        let input = text(&vector["signature_input"]);
        let parameters = input.strip_prefix("sig-b25=").unwrap();
        let target = text(&vector["request"]["target"]);

        for target in [target.clone(), format!("https://example.com{target}")] {
            let components = ["date", "@authority", "content-type"];
            let base = base(&head(&target, &headers), &components, parameters).unwrap();
            assert_eq!(base, text(&vector["signature_base"]), "{target}");
            let secret = STANDARD.decode(text(&vector["key"]["secret_base64"])).unwrap();
            let mac = Mac::new(&secret).with(&base);
            let signature = STANDARD.encode(mac.finish());
            assert_eq!(format!("sig-b25=:{signature}:"), text(&vector["signature"]));
        }
    }

    #[test]
    fn derived_components_of_rfc_9421_2_2() {
        let host: &[_] = &[("host", "Example.COM:80")];
        for (component, target, value) in [
            (METHOD, "/", "POST"),
            (AUTHORITY, "/", "example.com"),
            (AUTHORITY, "https://example.com:80/", "example.com:80"),
            (PATH, "/", "/"),
            (PATH, "http://example.com", "/"),
            (PATH, "/a/%2e%2e/B//c;d", "/a/%2e%2e/B//c;d"),
            (QUERY, "/a", "?"),
            (QUERY, "/a?", "?"),
            (QUERY, "/a?b=%20&c", "?b=%20&c"),
            (TARGET_URI, "/a?b", "http://example.com/a?b"),
            (TARGET_URI, "http://example.com/a", "http://example.com/a"),
            (TARGET_URI, "/a?", "http://example.com/a?"),
            (SCHEME, "/", "http"),
            (SCHEME, "https://example.com/", "https"),
            (REQUEST_TARGET, "/a?b=%20", "/a?b=%20"),
            (REQUEST_TARGET, "/a?", "/a?"),
            (REQUEST_TARGET, "http://example.com/a?b", "http://example.com/a?b"),
            // The examples of RFC 9421 §2.2.
            (AUTHORITY, "https://www.example.com/", "www.example.com"),
            (
                TARGET_URI,
                "https://www.example.com/path?param=value",
                "https://www.example.com/path?param=value",
            ),
            (REQUEST_TARGET, "/path?param=value", "/path?param=value"),
            (
                REQUEST_TARGET,
                "https://www.example.com/path?param=value",
                "https://www.example.com/path?param=value",
            ),
            (REQUEST_TARGET, "example.com:80", "example.com:80"),
            (REQUEST_TARGET, "*", "*"),
            (PATH, "/path?param=value", "/path"),
            (
                QUERY,
                "/path?param=value&foo=bar&baz=bat%2Dman",
                "?param=value&foo=bar&baz=bat%2Dman",
            ),
            (QUERY, "/path?queryString", "?queryString"),
            (QUERY, "/path?", "?"),
        ] {
            let host = if target.starts_with("https") { &[][..] } else { host };
            assert_eq!(
                value_of(component, target, host).as_deref(),
                Ok(value),
                "{component} {target}"
            );
        }
    }

    #[test]
    fn fields_are_trimmed_and_joined() {
        let headers = [("host", "a"), ("x", " one\t"), ("x", ""), ("X", "two, three")];
        assert_eq!(value_of("x", "/", &headers).as_deref(), Ok("one, , two, three"));
        let unknown = Err(BaseError::Component);
        for name in ["X", "@status", "@query-param", "@signature-params", "a b", "", "@", "@SCHEME"]
        {
            assert_eq!(value_of(name, "/", &headers), unknown, "{name}");
        }
        assert_eq!(value_of("y", "/", &headers), Err(BaseError::MissingField));
        let odd = [("host", "a"), ("x", "é")];
        assert_eq!(value_of("x", "/", &odd), Err(BaseError::FieldValue));
    }

    #[test]
    fn components_are_read_from_a_base() {
        let components = [METHOD, AUTHORITY, "x", QUERY];
        let odd = [("host", "a"), ("x", "\"@path\": /, \"y\": z")];
        let parameters = "(\"x\");nonce=\"\\\"n\\\": 1\"";
        let base = base(&head("/", &odd), &components, parameters).unwrap();
        assert_eq!(components_of(&base).collect::<Vec<_>>(), components);
        assert_eq!(components_of("\"@signature-params\": ()").count(), 0);
    }

    #[test]
    fn ambiguous_authorities_are_errors() {
        let authority = |target, headers: &[_]| {
            authority_of(&head(target, headers), "http").map(Cow::into_owned)
        };
        assert_eq!(authority("/", &[("host", "a")]).as_deref(), Ok("a"));
        assert_eq!(authority("http://A/", &[("host", "a:80")]).as_deref(), Ok("a"));
        assert_eq!(authority("http://[::1]:80/", &[]).as_deref(), Ok("[::1]"));
        assert_eq!(authority("/", &[("host", "a:443")]).as_deref(), Ok("a:443"));
        for (target, headers) in [
            ("/", &[][..]),
            ("/", &[("x-forwarded-host", "a")]),
            ("/", &[("host", "")]),
            ("/", &[("host", "a"), ("host", "b")]),
            ("http://a/", &[("host", "b")]),
            ("/", &[("host", "é")]),
            ("http://user:password@a/", &[]),
        ] {
            assert_eq!(
                authority(target, headers),
                Err(BaseError::Authority),
                "{target} {headers:?}"
            );
        }
    }
}
