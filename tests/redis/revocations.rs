//! Revocations that arrive at every replica.
