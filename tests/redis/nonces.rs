//! Used nonces that replicas share, whatever happens to the data of Redis.
