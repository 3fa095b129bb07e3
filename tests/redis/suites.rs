//! The rules of every store, against Redis.
