//! Ports of servers.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;

/// Below the ports that Linux gives to outgoing connections, so that none of them takes the port of a server
/// while it restarts.
const FIRST: u32 = 16_384;
const COUNT: u32 = 16_000;

/// Returns a port of the loopback interface that no server uses. This process never returns it again, so two
/// tests do not get the same one. Another process may take it, hence a server that cannot bind must try another.
pub fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    // Programs that start at the same time begin at different places.
    let start = std::process::id().wrapping_mul(61);
    for _ in 0..COUNT {
        let number = start.wrapping_add(NEXT.fetch_add(1, Relaxed)) % COUNT;
        let port = u16::try_from(FIRST + number).expect("ports are below 65,536");
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
    panic!("no port from {FIRST} on is free");
}
