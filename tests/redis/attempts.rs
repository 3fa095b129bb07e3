//! Failed attempts that replicas count together.
