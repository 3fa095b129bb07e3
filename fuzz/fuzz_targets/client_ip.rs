//! Behind trusted proxies, the client of a request is the one that a plain reading of `X-Forwarded-For` from the
//! right finds.

#![no_main]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;

use client_ip::{ClientIp, counter};
use http::{HeaderValue, Request};
use libfuzzer_sys::fuzz_target;

#[path = "../parts/client_ip.rs"]
mod client_ip;

/// Addresses of peers: the first byte of the data chooses one.
const PEERS: [&str; 4] = ["10.0.0.1", "::ffff:10.0.0.2", "2001:db8:10::7", "192.0.2.9"];

static ADDRESSES: LazyLock<[ClientIp; 4]> = LazyLock::new(|| {
    PEERS.map(|peer| {
        let peer = peer.parse().unwrap();
        let proxies = ["10.0.0.0/24", "2001:db8:10::7"];
        ClientIp::from_fn(move |_| Some(peer)).trusted_proxies(proxies).unwrap()
    })
});

fuzz_target!(|data: &[u8]| {
    let (first, data) = data.split_first().unwrap_or((&0, data));
    let peer = usize::from(*first) % PEERS.len();
    let mut request = Request::new(());
    let mut elements = Vec::new();
    for line in data.split(|byte| *byte == b'\n') {
        let Ok(value) = HeaderValue::from_bytes(line) else { continue };
        request.headers_mut().append("x-forwarded-for", value);
        elements.extend(line.split(|byte| *byte == b','));
    }
    let (head, ()) = request.into_parts();
    let expected = expected(PEERS[peer].parse().unwrap(), elements);
    let shown = data.escape_ascii();
    assert_eq!(counter(&ADDRESSES[peer], &head), Some(expected), "{} {shown}", PEERS[peer]);
});

fn expected(peer: IpAddr, mut elements: Vec<&[u8]>) -> u128 {
    let mut client = peer;
    while is_trusted(client) {
        match elements.pop().map(|element| element.trim_ascii()) {
            None => break,
            Some(b"") => {}
            Some(element) => match str::from_utf8(element).ok().and_then(address) {
                Some(address) => client = address,
                None => break,
            },
        }
    }
    counted(client)
}

fn is_trusted(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => address.octets()[..3] == [10, 0, 0],
        IpAddr::V6(address) => address.segments() == [0x2001, 0xdb8, 0x10, 0, 0, 0, 0, 7],
    }
}

/// Reads `192.0.2.1`, `2001:db8::1` or `[2001:db8::1]`; the first and the last perhaps with a port, and IPv6 perhaps
/// with a zone.
fn address(text: &str) -> Option<IpAddr> {
    let ipv6 = |text: &str| {
        let (address, zone) = text.split_once('%').unwrap_or((text, ""));
        let address = address.parse::<Ipv6Addr>().ok().filter(|_| !zone.contains(']'));
        address.map(IpAddr::V6)
    };
    let is_port = |text: &str| {
        let digits = text.trim_start_matches('0');
        let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
        is_number && !text.is_empty() && digits.len() <= 5 && digits.parse().unwrap_or(0) < 65_536
    };
    if let Some(text) = text.strip_prefix('[') {
        let (address, port) = text.split_once(']')?;
        let is_valid = port.is_empty() || port.strip_prefix(':').is_some_and(is_port);
        return is_valid.then(|| ipv6(address))?;
    }
    let (before, port) = text.split_once(':').map_or((text, None), |(a, b)| (a, Some(b)));
    match before.parse::<Ipv4Addr>() {
        Ok(address) => port.is_none_or(is_port).then_some(address.into()),
        Err(_) => ipv6(text),
    }
}

/// Returns the IPv4 address, which may be inside an IPv6 address, or the /64 network of an IPv6 address.
fn counted(address: IpAddr) -> u128 {
    let address = match address.to_canonical() {
        IpAddr::V4(address) => return address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address,
    };
    let bytes = address.octets();
    let ipv4 = if bytes[..12] == [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0] {
        Some([bytes[12], bytes[13], bytes[14], bytes[15]])
    } else if bytes[..2] == [0x20, 0x02] {
        Some([bytes[2], bytes[3], bytes[4], bytes[5]])
    } else if bytes[..4] == [0x20, 0x01, 0, 0] {
        Some([!bytes[12], !bytes[13], !bytes[14], !bytes[15]])
    } else {
        None
    };
    match ipv4 {
        Some(octets) => Ipv4Addr::from(octets).to_ipv6_mapped().to_bits(),
        None => address.to_bits() & !u128::from(u64::MAX),
    }
}
