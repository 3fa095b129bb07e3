//! A revoked credential's streams end at every replica.
