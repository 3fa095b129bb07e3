//! Failed attempts at all replicas meet one limit.
