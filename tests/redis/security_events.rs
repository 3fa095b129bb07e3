//! Security events of identity providers that reach every replica.
