//! Servers, and what the tests share.
