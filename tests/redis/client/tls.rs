//! Connections over TLS.
