//! What a scheme says about a request before it verifies the credential.

/// What one request attempts: whom it claims to be, and what it costs to verify that. The layer's
/// [rate limit](crate::McpAuthLayer::rate_limit) counts by it.
///
/// ```
/// use mcp_auth_layer::Attempt;
///
/// // A password of alice's, which has to be hashed.
/// let attempt = Attempt::claiming("alice").expensive();
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attempt {
    pub(crate) user: Option<Vec<u8>>,
    /// Further users, where several schemes present a credential.
    pub(crate) others: Vec<Vec<u8>>,
    pub(crate) cost: Cost,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cost {
    /// Counted once the credential turns out to be wrong.
    Unguessable,
    /// Counted before verification, and given back unless the credential is wrong.
    #[default]
    Ordinary,
    /// Counted before verification, and given back only if the credential is right.
    Expensive,
}

impl Attempt {
    /// Creates an attempt that claims no user, as a bearer token or an API key does.
    ///
    /// Only the limit of the address applies to it.
    pub fn new() -> Self {
        Self::default()
    }

    /// Creates an attempt to be this user, whether or not the user exists.
    pub fn claiming(user: impl Into<Vec<u8>>) -> Self {
        Self { user: Some(user.into()), ..Self::default() }
    }

    /// Marks the verification as expensive, such as the hash of a password.
    ///
    /// The attempt then counts even if its outcome stays unknown: the client disconnects, or the
    /// server has too much to do.
    pub fn expensive(mut self) -> Self {
        self.cost = Cost::Expensive;
        self
    }

    /// Marks the secret as one that cannot be guessed, such as an HMAC key of 256 random bits.
    ///
    /// Concurrent requests are then not limited before one of them fails.
    pub fn unguessable(mut self) -> Self {
        self.cost = Cost::Unguessable;
        self
    }

    /// Joins the attempts of two schemes at one request. Each claimed user is counted: otherwise a
    /// made-up credential of one scheme would hide the user that the other one claims.
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.cost = self.cost.max(other.cost);
        for user in other.user.into_iter().chain(other.others) {
            if self.user.is_none() {
                self.user = Some(user);
            } else if self.user.as_ref() != Some(&user) && !self.others.contains(&user) {
                self.others.push(user);
            }
        }
        self
    }

    pub(crate) fn users(&self) -> impl Iterator<Item = &[u8]> {
        self.user.iter().chain(&self.others).map(Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joined_attempts_claim_each_user_once() {
        let alice = || Attempt::claiming("alice");
        let joined = alice().and(alice()).and(Attempt::claiming("bob")).and(Attempt::new());
        let joined = joined.and(Attempt::claiming("bob")).and(Attempt::claiming("carol"));
        assert!(joined.users().eq(["alice", "bob", "carol"].map(str::as_bytes)));
        assert_eq!(Attempt::new().and(alice()), alice());
    }

    #[test]
    fn joined_attempts_have_the_higher_cost() {
        let joined = Attempt::new().unguessable().and(Attempt::new());
        assert_eq!(joined.cost, Cost::Ordinary);
        let joined = Attempt::new().expensive().and(Attempt::new().unguessable());
        assert_eq!(joined.cost, Cost::Expensive);
    }
}
