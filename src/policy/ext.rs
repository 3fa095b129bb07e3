//! Methods that every authorizer has.

use super::authorizer::Authorizer;
use super::boxed::BoxAuthorizer;

/// Methods that every [`Authorizer`] has.
pub trait AuthorizerExt: Authorizer + Sized {
    /// Erases the type, for authorizers that are chosen at run time.
    fn boxed(self) -> BoxAuthorizer {
        BoxAuthorizer::new(self)
    }
}

impl<Z: Authorizer> AuthorizerExt for Z {}
