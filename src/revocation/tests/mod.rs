//! Tests of revocations.
