//! What Redis and the network see: no name, address, token or nonce.
