//! The principal: the identity behind a request.

use std::any::{Any, TypeId};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// The identity behind an authenticated request.
///
/// Issuer and name together identify a principal: the same issuer and name are the same principal,
/// whichever credential a request has. Clones are cheap.
///
/// ```
/// use mcp_auth_layer::Principal;
///
/// #[derive(Debug, PartialEq)]
/// struct Tenant(u32);
///
/// let alice = Principal::new("alice")
///     .issued_by("https://id.example.com")
///     .with_scopes(["tools:read"])
///     .with_data(Tenant(7));
///
/// assert_eq!(alice.name(), "alice");
/// assert_eq!(alice.data::<Tenant>(), Some(&Tenant(7)));
/// ```
///
/// # In a handler
///
/// The layer inserts the principal into the extensions of the request. It is an axum extractor,
/// which responds with 401 if there is no principal, as on a public path or a route outside of the
/// layer; `Option<Principal>` accepts both. With feature `rmcp` it is also an argument of `#[tool]`
/// functions.
///
/// ```
/// # use mcp_auth_layer::Principal;
/// async fn whoami(caller: Principal) -> String {
///     caller.name().to_owned()
/// }
/// # let _: axum::Router = axum::Router::new().route("/", axum::routing::get(whoami));
/// ```
#[derive(Clone)]
#[must_use]
pub struct Principal(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    name: String,
    issuer: Option<String>,
    scopes: Vec<String>,
    roles: Vec<String>,
    /// One value of each type. There are few, so that looking at each is faster than a hash.
    data: Vec<(TypeId, Arc<dyn Any + Send + Sync>)>,
}

impl Principal {
    /// Creates a principal of this name, without issuer, scopes, roles or data.
    pub fn new(name: impl Into<String>) -> Self {
        Self(Arc::new(Inner {
            name: name.into(),
            issuer: None,
            scopes: Vec::new(),
            roles: Vec::new(),
            data: Vec::new(),
        }))
    }

    /// Sets the issuer of the name, such as the URL of an identity provider.
    ///
    /// The same name of different issuers is different principals. No issuer differs from an empty
    /// one.
    pub fn issued_by(mut self, issuer: impl Into<String>) -> Self {
        self.edit().issuer = Some(issuer.into());
        self
    }

    /// Sets the granted scopes, and replaces earlier ones.
    pub fn with_scopes(mut self, scopes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.edit().scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the roles or groups that the issuer says the principal has, and replaces earlier ones.
    ///
    /// Scopes are what a credential grants, roles what a person is. The layer evaluates no roles.
    pub fn with_roles(mut self, roles: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.edit().roles = roles.into_iter().map(Into::into).collect();
        self
    }

    /// Attaches data of the application, one value of each type. A second value of the same type
    /// replaces the first one.
    ///
    /// It never appears in `Debug`.
    pub fn with_data<T: Send + Sync + 'static>(mut self, data: T) -> Self {
        let values = &mut self.edit().data;
        values.retain(|(id, _)| *id != TypeId::of::<T>());
        values.push((TypeId::of::<T>(), Arc::new(data)));
        self
    }

    /// Returns the name.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Returns the issuer of the name, if there is one.
    pub fn issuer(&self) -> Option<&str> {
        self.0.issuer.as_deref()
    }

    /// Returns the granted scopes.
    pub fn scopes(&self) -> impl Iterator<Item = &str> {
        self.0.scopes.iter().map(String::as_str)
    }

    /// Returns whether this scope is granted, compared byte by byte (RFC 6749 §3.3).
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scopes().any(|granted| granted == scope)
    }

    /// Returns the roles.
    pub fn roles(&self) -> impl Iterator<Item = &str> {
        self.0.roles.iter().map(String::as_str)
    }

    /// Returns whether the principal has this role, compared byte by byte.
    pub fn has_role(&self, role: &str) -> bool {
        self.roles().any(|own| own == role)
    }

    /// Returns the data of this type that [`with_data`](Self::with_data) attached.
    pub fn data<T: 'static>(&self) -> Option<&T> {
        self.0.data.iter().find(|(id, _)| *id == TypeId::of::<T>())?.1.downcast_ref()
    }

    /// Returns whether both are the same principal with the same scopes and roles.
    pub(crate) fn has_same_grants(&self, other: &Self) -> bool {
        self == other && self.0.scopes == other.0.scopes && self.0.roles == other.0.roles
    }

    fn edit(&mut self) -> &mut Inner {
        Arc::make_mut(&mut self.0)
    }
}

/// Creates a principal of this name.
impl From<&str> for Principal {
    fn from(name: &str) -> Self {
        Self::new(name)
    }
}

/// Creates a principal of this name.
impl From<&String> for Principal {
    fn from(name: &String) -> Self {
        Self::new(name)
    }
}

/// Creates a principal of this name.
impl From<String> for Principal {
    fn from(name: String) -> Self {
        Self::new(name)
    }
}

/// Compares issuer and name. Scopes, roles and data do not count.
impl PartialEq for Principal {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name() && self.issuer() == other.issuer()
    }
}

impl Eq for Principal {}

/// Hashes issuer and name, as they are compared.
impl Hash for Principal {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.issuer(), self.name()).hash(state);
    }
}

/// The name.
impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Debug for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Principal")
            .field("name", &self.0.name)
            .field("issuer", &self.0.issuer)
            .field("scopes", &self.0.scopes)
            .field("roles", &self.0.roles)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn issuer_and_name_identify_a_principal() {
        let alice = Principal::new("alice");
        assert_eq!(alice, Principal::new("alice").with_scopes(["a"]).with_data(1_u8));
        assert_ne!(alice, Principal::new("Alice"));
        assert_ne!(alice, Principal::new("alice").issued_by(""));
    }

    #[test]
    fn changing_a_clone_leaves_the_original() {
        let alice = Principal::new("alice").with_data("first");
        let edited = alice.clone().with_data("second").with_scopes(["a"]);
        assert_eq!(alice.data::<&str>(), Some(&"first"));
        assert_eq!(edited.data::<&str>(), Some(&"second"));
        assert!(edited.has_scope("a") && !edited.has_scope("A") && !alice.has_scope("a"));
    }

    #[test]
    fn roles_are_grants_and_no_part_of_the_identity() {
        let alice = Principal::new("alice").with_roles(["staff"]);
        assert!(alice.has_role("staff") && !alice.has_role("Staff") && !alice.has_scope("staff"));
        assert_eq!(alice, Principal::new("alice"));
        assert!(alice.has_same_grants(&alice.clone()));
        assert!(!alice.has_same_grants(&Principal::new("alice")));
    }

    #[test]
    fn debug_does_not_show_data() {
        let shown = format!("{:?}", Principal::new("alice").with_data("hunter2"));
        assert!(shown.contains("alice") && !shown.contains("hunter2"), "{shown}");
    }
}
