//! Who is asking.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::SystemTime;

use tokio_util::sync::CancellationToken;

use super::lifetime::Lifetime;

/// Who is asking: what an [`Authenticator`](crate::Authenticator) found out and a handler wants
/// to know.
///
/// Issuer and name together are its identity: whatever credential was used, the same issuer and
/// name are the same person. Cloning is cheap.
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
///     .with(Tenant(7));
///
/// assert_eq!(alice.name(), "alice");
/// assert_eq!(alice.get::<Tenant>(), Some(&Tenant(7)));
/// ```
///
/// # In a handler
///
/// The layer puts the principal into the request's extensions. It is an axum extractor, which
/// answers 401 where there is none (a public path, or a route outside the layer);
/// `Option<Principal>` accepts both. With feature `rmcp` a `#[tool]` function takes it as an
/// argument.
///
/// ```
/// # use mcp_auth_layer::Principal;
/// async fn whoami(who: Principal) -> String {
///     who.name().to_owned()
/// }
/// # let _: axum::Router = axum::Router::new().route("/", axum::routing::get(whoami));
/// ```
#[derive(Clone)]
pub struct Principal(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    name: String,
    issuer: Option<String>,
    scopes: Vec<String>,
    lifetime: Lifetime,
    data: HashMap<TypeId, Arc<dyn Any + Send + Sync>>,
}

impl Principal {
    /// A principal of this name, without issuer, scopes or data.
    pub fn new(name: impl Into<String>) -> Self {
        Self(Arc::new(Inner {
            name: name.into(),
            issuer: None,
            scopes: Vec::new(),
            lifetime: Lifetime::default(),
            data: HashMap::new(),
        }))
    }

    /// Says who vouches for the name, such as an OpenID issuer.
    ///
    /// Names of different issuers are different people; no issuer differs from an empty one.
    pub fn issued_by(mut self, issuer: impl Into<String>) -> Self {
        self.edit().issuer = Some(issuer.into());
        self
    }

    /// Replaces the scopes that were granted.
    pub fn with_scopes(mut self, scopes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.edit().scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// Says until when the credential is good. A principal that has expired is refused with 401,
    /// and an answer that is not complete by then ends: see [`revoked_by`](Self::revoked_by).
    ///
    /// Of two times the earlier one counts. Any time will do, however far or past.
    pub fn expires_at(mut self, time: SystemTime) -> Self {
        self.edit().lifetime.until(time);
        self
    }

    /// Ends when this token is cancelled: new requests are then refused with 401, one that still
    /// waits for its answer gets 401, a stream of events ends as if the server had closed it, and
    /// any other body whose length is not known ends with an error, so that half an answer is not
    /// taken for a whole one.
    ///
    /// A body of known length goes on to its end. Over HTTP/2 nobody asks for the next frame of a
    /// stream whose client does not read: it is sent nothing more, and ends once it reads or hangs up.
    ///
    /// Of several tokens each one suffices. The request of a principal whose time may end cannot
    /// upgrade to another protocol, as nobody could end that.
    ///
    /// ```
    /// use std::time::{Duration, SystemTime};
    /// use mcp_auth_layer::Principal;
    /// use tokio_util::sync::CancellationToken;
    ///
    /// let logout = CancellationToken::new();
    /// let alice = Principal::new("alice")
    ///     .expires_at(SystemTime::now() + Duration::from_secs(3600))
    ///     .revoked_by(logout.clone());
    /// assert!(!alice.has_ended());
    ///
    /// logout.cancel();
    /// assert!(alice.has_ended());
    /// ```
    pub fn revoked_by(mut self, token: CancellationToken) -> Self {
        self.edit().lifetime.or_when(token);
        self
    }

    /// Ends when this token is cancelled, because a table no longer has the credential.
    pub(crate) fn until_removed(mut self, token: CancellationToken) -> Self {
        self.edit().lifetime.or_when_removed(token);
        self
    }

    /// Attaches data of your own, one value of each type; a second one of the same type
    /// replaces the first.
    ///
    /// It never appears in `Debug`.
    pub fn with<T: Send + Sync + 'static>(mut self, data: T) -> Self {
        self.edit().data.insert(TypeId::of::<T>(), Arc::new(data));
        self
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Who vouches for the name, if anybody was named.
    pub fn issuer(&self) -> Option<&str> {
        self.0.issuer.as_deref()
    }

    /// The scopes that were granted.
    pub fn scopes(&self) -> impl Iterator<Item = &str> {
        self.0.scopes.iter().map(String::as_str)
    }

    /// Whether this scope was granted, compared byte for byte (RFC 6749 §3.3).
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scopes().any(|granted| granted == scope)
    }

    /// Until when the credential is good, if that was said.
    pub fn expiry(&self) -> Option<SystemTime> {
        self.0.lifetime.expires()
    }

    /// Whether it has expired or been revoked.
    pub fn has_ended(&self) -> bool {
        self.0.lifetime.is_over()
    }

    pub(crate) fn lifetime(&self) -> &Lifetime {
        &self.0.lifetime
    }

    /// Ends no later than this.
    pub(crate) fn within(mut self, lifetime: Lifetime) -> Self {
        if lifetime.is_bounded() {
            self.edit().lifetime.within(lifetime);
        }
        self
    }

    /// The data of this type that was attached with [`with`](Self::with).
    pub fn get<T: 'static>(&self) -> Option<&T> {
        self.0.data.get(&TypeId::of::<T>())?.downcast_ref()
    }

    /// Whether a credential that makes this principal is as good as one that makes the other.
    #[cfg(feature = "files")]
    pub(crate) fn has_same_grants(&self, other: &Self) -> bool {
        self == other && self.0.scopes == other.0.scopes && self.expiry() == other.expiry()
    }

    fn edit(&mut self) -> &mut Inner {
        Arc::make_mut(&mut self.0)
    }
}

/// A principal of this name.
impl From<&str> for Principal {
    fn from(name: &str) -> Self {
        Self::new(name)
    }
}

/// A principal of this name.
impl From<&String> for Principal {
    fn from(name: &String) -> Self {
        Self::new(name)
    }
}

/// A principal of this name.
impl From<String> for Principal {
    fn from(name: String) -> Self {
        Self::new(name)
    }
}

/// Equal identity: issuer and name. Scopes, lifetime and data do not count.
impl PartialEq for Principal {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name() && self.issuer() == other.issuer()
    }
}

impl Eq for Principal {}

/// Of issuer and name, as they are compared.
impl Hash for Principal {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.issuer(), self.name()).hash(state);
    }
}

impl fmt::Debug for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Principal")
            .field("name", &self.0.name)
            .field("issuer", &self.0.issuer)
            .field("scopes", &self.0.scopes)
            .field("expires", &self.expiry())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identity_is_issuer_and_name() {
        let alice = Principal::new("alice");
        assert_eq!(alice, Principal::new("alice").with_scopes(["a"]).with(1_u8));
        assert_ne!(alice, Principal::new("Alice"));
        assert_ne!(alice, Principal::new("alice").issued_by(""));
    }

    #[test]
    fn editing_a_clone_leaves_the_original() {
        let alice = Principal::new("alice").with("first");
        let edited = alice.clone().with("second").with_scopes(["a"]);
        assert_eq!(alice.get::<&str>(), Some(&"first"));
        assert_eq!(edited.get::<&str>(), Some(&"second"));
        assert!(edited.has_scope("a") && !edited.has_scope("A") && !alice.has_scope("a"));
    }

    #[test]
    fn debug_shows_no_data() {
        let shown = format!("{:?}", Principal::new("alice").with("hunter2"));
        assert!(shown.contains("alice") && !shown.contains("hunter2"), "{shown}");
    }
}
