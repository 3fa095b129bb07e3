use http::HeaderValue;
use proptest::prelude::*;

use super::*;

fn head(forwarded: &[&str]) -> Parts {
    let mut request = http::Request::new(());
    for line in forwarded {
        request.headers_mut().append(X_FORWARDED_FOR, line.parse().unwrap());
    }
    request.into_parts().0
}

fn client(address: &str) -> Client {
    address.parse::<IpAddr>().unwrap().into()
}

/// Returns the client of a request from this peer, where `10.0.0.0/24` and `2001:db8:10::7` are
/// proxies.
fn found_behind(peer: &str, forwarded: &[&str]) -> Client {
    let peer: IpAddr = peer.parse().unwrap();
    let proxies = ["10.0.0.0/24", "2001:db8:10::7"];
    let address = ClientIp::from_fn(move |_| Some(peer)).trusted_proxies(proxies).unwrap();
    address.find(&head(forwarded)).unwrap()
}

#[cfg(feature = "axum")]
#[test]
fn the_peer_is_the_one_that_axum_provides() {
    use axum::extract::ConnectInfo;
    use axum::extract::connect_info::MockConnectInfo;

    let peer = SocketAddr::from(([192, 0, 2, 1], 4711));
    let mut served = head(&["198.51.100.1"]);
    assert_eq!(ClientIp::peer().find(&served), None);
    served.extensions.insert(MockConnectInfo(SocketAddr::from(([192, 0, 2, 2], 1))));
    assert_eq!(ClientIp::peer().find(&served), Some(client("192.0.2.2")));
    served.extensions.insert(ConnectInfo(peer));
    assert_eq!(ClientIp::peer().find(&served), Some(client("192.0.2.1")));
}

#[cfg(feature = "axum")]
#[test]
fn a_peer_of_axum_that_forwards_is_reported_unless_trusted() {
    use axum::extract::ConnectInfo;

    let mut forwarded = head(&["198.51.100.1"]);
    forwarded.extensions.insert(ConnectInfo(SocketAddr::from(([192, 0, 2, 1], 4711))));
    assert!(ClientIp::peer().ignores_a_proxy(&forwarded));
    let trusting = ClientIp::peer().trusted_proxies(["192.0.2.1"]).unwrap();
    assert!(!trusting.ignores_a_proxy(&forwarded));
}

#[test]
fn a_function_finds_the_address_or_there_is_none() {
    let address =
        ClientIp::from_fn(|head| head.headers.get("x-real-ip")?.to_str().ok()?.parse().ok());
    let mut head = head(&[]);
    assert_eq!(address.find(&head), None);
    head.headers.insert("x-real-ip", "192.0.2.1".parse().unwrap());
    assert_eq!(address.find(&head), Some(client("192.0.2.1")));
}

#[test]
fn x_forwarded_for_is_read_from_trusted_peers_only() {
    assert_eq!(found_behind("10.0.0.1", &["192.0.2.1"]), client("192.0.2.1"));
    assert_eq!(found_behind("10.0.1.1", &["192.0.2.1"]), client("10.0.1.1"));
    assert_eq!(found_behind("2001:db8:10::7", &["192.0.2.1"]), client("192.0.2.1"));
    assert_eq!(found_behind("2001:db8:10::8", &["192.0.2.1"]), client("2001:db8:10::8"));
    assert_eq!(found_behind("::ffff:10.0.0.1", &["192.0.2.1"]), client("192.0.2.1"));
}

#[test]
fn the_rightmost_address_that_is_not_a_proxy_is_the_client() {
    let forged = &["203.0.113.9, 192.0.2.1", "10.0.0.3,\t2001:db8:10::7 , ::ffff:10.0.0.2"];
    assert_eq!(found_behind("10.0.0.1", forged), client("192.0.2.1"));
    // The same, but for the order of the lines.
    let other = &["10.0.0.3, 2001:db8:10::7, ::ffff:10.0.0.2", "203.0.113.9, 192.0.2.1"];
    assert_eq!(found_behind("10.0.0.1", other), client("192.0.2.1"));
    let other = &["10.0.0.3, 2001:db8:10::7, 10.0.1.2", "203.0.113.9, 10.0.0.4"];
    assert_eq!(found_behind("10.0.0.1", other), client("203.0.113.9"));
}

#[test]
fn if_all_addresses_are_proxies_the_leftmost_is_the_client() {
    assert_eq!(found_behind("10.0.0.1", &[]), client("10.0.0.1"));
    assert_eq!(found_behind("10.0.0.1", &["10.0.0.3, 10.0.0.2"]), client("10.0.0.3"));
}

#[test]
fn an_invalid_address_ends_the_search_at_the_last_proxy() {
    let bad = [
        "unknown",
        "_hidden",
        "192.0.2",
        "192.0.2.1:",
        "192.0.2.1:65536",
        "192.0.2.1:http",
        "192.0.2.1%eth0",
        "192.0.2.1:80%eth0",
        "[2001:db8::1]%eth0",
        "[2001:db8::1]:80%eth0",
        "[192.0.2.1]",
        "[2001:db8::1",
        "2001:db8::1]",
        "[2001:db8::1]80",
        "[[2001:db8::1]]",
        "\"192.0.2.1\"",
        "192.0.2.1 10.0.0.9",
        "192.0.2.01",
        "for=192.0.2.1",
    ];
    for bad in bad {
        let list = format!("203.0.113.9, {bad}, 10.0.0.2");
        assert_eq!(found_behind("10.0.0.1", &[&list]), client("10.0.0.2"), "{bad:?}");
    }
    let list = "203.0.113.9, 10.0.0.3, 10.0.0.2";
    assert_eq!(found_behind("10.0.0.1", &[list]), client("203.0.113.9"));

    let mut head = head(&["203.0.113.9"]);
    head.headers.append(X_FORWARDED_FOR, HeaderValue::from_bytes(b"\xff").unwrap());
    let address = ClientIp::from_fn(|_| Some([10, 0, 0, 1].into()));
    let address = address.trusted_proxies(["10.0.0.1"]).unwrap();
    assert_eq!(address.find(&head), Some(client("10.0.0.1")));
}

/// RFC 9110 §5.6.1: a recipient ignores empty elements of a list.
#[test]
fn empty_elements_of_x_forwarded_for_are_skipped() {
    for list in
        ["192.0.2.1,", ",192.0.2.1", "192.0.2.1, ,10.0.0.2", " , 192.0.2.1 ,\t, ", "192.0.2.1,,"]
    {
        assert_eq!(found_behind("10.0.0.1", &[list]), client("192.0.2.1"), "{list:?}");
    }
    assert_eq!(found_behind("10.0.0.1", &["192.0.2.1", ""]), client("192.0.2.1"));
    assert_eq!(found_behind("10.0.0.1", &["", " , "]), client("10.0.0.1"), "nothing else");
}

#[test]
fn an_untrusted_forwarding_peer_is_reported() {
    let forwarded = head(&["192.0.2.1"]);
    let peer = |address: ClientIp| ClientIp { source: Source::Peer, ..address };
    let found = || ClientIp::from_fn(|_| Some([10, 0, 0, 1].into()));
    assert!(peer(found()).ignores_a_proxy(&forwarded));
    assert!(!peer(found()).ignores_a_proxy(&head(&[])));
    assert!(!peer(found().trusted_proxies(["10.0.0.1"]).unwrap()).ignores_a_proxy(&forwarded));
    assert!(!found().ignores_a_proxy(&forwarded), "a function may read other fields");
    let mut rfc_7239 = head(&[]);
    rfc_7239.headers.insert(FORWARDED, HeaderValue::from_static("for=192.0.2.1"));
    assert!(peer(found()).ignores_a_proxy(&rfc_7239));
}

#[test]
fn ports_brackets_and_zones_are_not_part_of_an_address() {
    let v4 = ["192.0.2.1", "192.0.2.1:4711", "::ffff:192.0.2.1", "[::ffff:192.0.2.1]:4711"];
    for element in v4 {
        assert_eq!(hop(element.as_bytes()), "192.0.2.1".parse().ok(), "{element}");
    }
    let v6 = ["fe80::1", "[fe80::1]", "[fe80::1]:4711", "fe80::1%eth0", "[fe80::1%25eth0]:80"];
    for element in v6 {
        assert_eq!(hop(element.as_bytes()), "fe80::1".parse().ok(), "{element}");
    }
}

#[test]
fn typed_networks_are_trusted_like_strings() {
    let networks = ["10.0.0.0/24".parse().unwrap()];
    let address = ClientIp::from_fn(|_| Some([10, 0, 0, 1].into())).trusted_networks(networks);
    assert_eq!(address.find(&head(&["192.0.2.1"])), Some(client("192.0.2.1")));
}

proptest! {
    #[test]
    fn clients_cannot_forge_what_a_proxy_reports(
        sent in prop::collection::vec("[0-9a-f.:%,\\[\\] ]{0,40}|[ -~\\x80-\\xff]{0,40}", 0..3),
    ) {
        let mut head = head(&[]);
        for line in sent {
            let line = HeaderValue::from_bytes(line.as_bytes()).unwrap();
            head.headers.append(X_FORWARDED_FOR, line);
        }
        let address = ClientIp::from_fn(|_| Some([10, 0, 0, 1].into()));
        let address = address.trusted_proxies(["10.0.0.1"]).unwrap();
        prop_assert!(address.find(&head).is_some());
        head.headers.append(X_FORWARDED_FOR, HeaderValue::from_static("192.0.2.1"));
        prop_assert_eq!(address.find(&head), Some(client("192.0.2.1")));
    }
}
