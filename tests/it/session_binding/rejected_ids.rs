//! IDs that are rejected with 404: forged, unbound, duplicate, or under another spelling of the name.

use super::{BARE, EVENT, SESSION, given, is_unknown, layer, server};
use crate::support::{get, send};

#[tokio::test]
async fn forged_and_unbound_ids_are_rejected() {
    let (server, seen) = server();
    let app = server.layer(layer());
    let alice = given(&app, "alice").await;
    let other_kind = given(&app, "alice").await.event;
    let seal = alice.header.strip_prefix(BARE).unwrap();
    let upper = alice.header.to_uppercase();
    let padded = format!("{}==", alice.header);
    let longer = format!("{}A", alice.header);
    let shorter = &alice.header[..alice.header.len() - 1];
    let other_id = format!("6f1c4f0f{seal}");
    let other_case = format!("6F1C4F0E{seal}");
    let inner = format!("x.{}", alice.header);
    let twice = format!("{0}, {0}", alice.header);
    for session in [
        BARE,
        ".",
        seal,
        &upper,
        &padded,
        &longer,
        shorter,
        &other_id,
        &other_case,
        &other_kind,
        &inner,
        &twice,
        "never-was",
    ] {
        let by_header = get("/mcp", &[("x-who", "alice"), (SESSION, session)]);
        is_unknown(&send(app.clone(), by_header).await);
        let target = format!("/mcp?session_id={}", session.replace(", ", ","));
        is_unknown(&send(app.clone(), get(&target, &[("x-who", "alice")])).await);
    }
    for event in ["0/0", &alice.header, &alice.event[1..]] {
        is_unknown(&send(app.clone(), get("/mcp", &[("x-who", "alice"), (EVENT, event)])).await);
    }
    assert_eq!(seen.count(), 0);
    let good = get("/mcp", &[("x-who", "alice"), (SESSION, &alice.header)]);
    assert_eq!(send(app, good).await.status, 200);
}

#[tokio::test]
async fn duplicate_session_ids_are_rejected() {
    let (server, seen) = server();
    let app = server.layer(layer());
    let alice = given(&app, "alice").await;
    let (good, sealed) = (&*alice.header, alice.query());
    for fields in [
        [(SESSION, good), (SESSION, good)],
        [(SESSION, good), (SESSION, BARE)],
        [(SESSION, BARE), (SESSION, good)],
        [(SESSION, good), (SESSION, "")],
        [(SESSION, good), ("mcp_session_id", BARE)],
        [("Mcp_Session-Id", BARE), (SESSION, good)],
        [(SESSION, good), ("Mcp.Session.Id", BARE)],
        [("Mcp!Session~Id", BARE), (SESSION, good)],
        [(EVENT, &*alice.event), (EVENT, &*alice.event)],
        [(EVENT, &*alice.event), ("last_event_id", "0/0")],
        [(EVENT, &*alice.event), ("Last.Event'Id", "0/0")],
    ] {
        let [first, second] = fields;
        let doubled = get("/mcp", &[("x-who", "alice"), first, second]);
        is_unknown(&send(app.clone(), doubled).await);
        let alone = [first, second].into_iter().find(|(_, value)| value.contains('.')).unwrap();
        assert_eq!(send(app.clone(), get("/mcp", &[("x-who", "alice"), alone])).await.status, 200);
        seen.only();
    }
    for query in [
        format!("session_id={sealed}&session_id={sealed}"),
        format!("session_id={sealed}&session_id={BARE}"),
        format!("session_id={BARE}&session_id={sealed}"),
        format!("session_id={sealed}&session_id="),
        format!("session_id={sealed}&session_id"),
        format!("session_id={sealed}&sessionId={BARE}"),
        format!("sessionId={BARE}&session_id={sealed}"),
        format!("session_id={sealed}&SESSION_ID={BARE}"),
        format!("session_id={sealed}&session%5Fid={BARE}"),
        format!("session_id={sealed}&%73ession%5fi%64={BARE}"),
        format!("session_id={sealed};session_id={BARE}"),
        format!("a=1;session_id={BARE}&session_id={sealed}"),
        format!("session_id={sealed}&session.id={BARE}"),
        format!("session_id={sealed}&session+id={BARE}"),
        format!("session_id={sealed}&session_id[]={BARE}"),
        format!("session_id={sealed}&&session_id%00={BARE}"),
        format!("session_id={sealed}&session_id={BARE}#"),
        format!("session_id={sealed}&sessionId[0]={BARE}"),
        format!("session_id={sealed}&sessionId%5B0%5D={BARE}"),
        format!("session_id={sealed}&[sessionId][a]={BARE}"),
        format!("session_id={sealed}&session_id%00x={BARE}"),
    ] {
        let doubled = get(&format!("/mcp?{query}"), &[("x-who", "alice")]);
        is_unknown(&send(app.clone(), doubled).await);
    }
    for query in [
        format!("session_id={sealed}"),
        format!("sessionId={sealed}"),
        format!("session%5Fid={sealed}"),
        format!("session_id={sealed}&my_session_id={BARE}"),
        format!("session_id={sealed}&session={BARE}&sessionids={BARE}"),
        format!("session_id={sealed}&filter[session_id]={BARE}&session[0]={BARE}"),
        format!("session_id={sealed}&session_id_x={BARE}&session%00id0={BARE}"),
        format!("sessionId[0]={sealed}"),
        format!("a=session_id&session_id={sealed}"),
    ] {
        let once = get(&format!("/mcp?{query}"), &[("x-who", "alice")]);
        assert_eq!(send(app.clone(), once).await.status, 200, "{query}");
        assert_eq!(seen.only().uri.query().unwrap(), query.replace(sealed, BARE));
    }
    let both = format!("/mcp?session_id={sealed}");
    let both = get(&both, &[("x-who", "alice"), (SESSION, good)]);
    is_unknown(&send(app.clone(), both).await);
    assert_eq!(seen.count(), 0);
}

/// Servers that treat other spellings as the same name must not receive unverified IDs.
#[tokio::test]
async fn aliases_of_session_id_names_are_recognized() {
    let (server, seen) = server();
    let app = server.layer(layer());
    let alice = given(&app, "alice").await;
    for (name, sealed) in [
        ("Mcp_Session_Id", &alice.header),
        ("Mcp.Session.Id", &alice.header), // PHP
        ("Mcp!Session~Id", &alice.header), // CGI behind lighttpd
        ("Last.Event.Id", &alice.event),
    ] {
        let bare = sealed.rsplit_once('.').unwrap().0;
        is_unknown(&send(app.clone(), get("/mcp", &[("x-who", "bob"), (name, bare)])).await);
        is_unknown(&send(app.clone(), get("/mcp", &[("x-who", "bob"), (name, sealed)])).await);
        let own = get("/mcp", &[("x-who", "alice"), (name, sealed)]);
        assert_eq!(send(app.clone(), own).await.status, 200, "{name}");
        assert_eq!(seen.only().headers[name], bare);
        let anonymous = get("/public", &[(name, bare)]);
        assert_eq!(send(app.clone(), anonymous).await.status, 200);
        assert!(!seen.only().headers.contains_key(name), "{name}");
    }
    let sealed = alice.query();
    for name in [
        "sessionId[0]", // an array in Express, which as a key equals its only element
        "sessionId[]",
        "sessionId%5b1%5D",
        "[sessionId]",
        "[sessionId][0]",
        "session_id]",
        "session.id",
        "session[id",
        "session_id%00x", // PHP reads up to the NUL
        "session[id%00x",
    ] {
        let target = |id| format!("/mcp?a=1&{name}={id}");
        is_unknown(&send(app.clone(), get(&target(BARE), &[("x-who", "bob")])).await);
        is_unknown(&send(app.clone(), get(&target(sealed), &[("x-who", "bob")])).await);
        let own = get(&target(sealed), &[("x-who", "alice")]);
        assert_eq!(send(app.clone(), own).await.status, 200, "{name}");
        assert_eq!(seen.only().uri, *target(BARE));
        let anonymous = get(&format!("/public?a=1&{name}={BARE}"), &[]);
        assert_eq!(send(app.clone(), anonymous).await.status, 200);
        assert_eq!(seen.only().uri, "/public?a=1", "{name}");
    }
    assert_eq!(seen.count(), 0);
}

/// Empty IDs count neither in requests nor in responses.
#[tokio::test]
async fn empty_session_ids_are_ignored_unless_duplicate() {
    let (server, seen) = server();
    let app = server.layer(layer());
    let alice = given(&app, "alice").await;
    for empty in ["", " ", "\t"] {
        let fields = [("x-who", "alice"), (SESSION, empty), (EVENT, empty)];
        assert_eq!(send(app.clone(), get("/mcp", &fields)).await.status, 200, "{empty:?}");
        seen.only();
    }
    for query in ["session_id=", "sessionId", "session_id=%20", "session_id=+&a", "a&session_id="] {
        let request = get(&format!("/mcp?{query}"), &[("x-who", "alice")]);
        assert_eq!(send(app.clone(), request).await.status, 200, "{query}");
        seen.only();
    }
    // An empty parameter next to the header is ignored; of two values in one place, either could be
    // used.
    let own = [("x-who", "alice"), (SESSION, &alice.header)];
    assert_eq!(send(app.clone(), get("/mcp?session_id=", &own)).await.status, 200);
    assert_eq!(seen.only().headers[SESSION], BARE);
    let two = format!("/mcp?session_id=&session_id={}", alice.query());
    is_unknown(&send(app.clone(), get(&two, &[("x-who", "alice")])).await);
    let two = [("x-who", "alice"), (SESSION, ""), (SESSION, &alice.header)];
    is_unknown(&send(app, get("/mcp", &two)).await);
}

/// The same rule for responses.
#[tokio::test]
async fn empty_ids_in_responses_are_not_bound() {
    let events =
        "event: endpoint\ndata: /messages?session_id=\n\nid: \ndata: 1\n\nid:  \ndata: 2\n\n";
    let answer = move || async move {
        let fields = [("content-type", "text/event-stream"), (SESSION, "")];
        (fields, events)
    };
    let app = axum::Router::new().route("/", axum::routing::get(answer)).layer(layer());
    let answer = send(app, get("/", &[("x-who", "alice")])).await;
    assert_eq!(answer.headers[SESSION], "");
    assert_eq!(answer.body, events);
}
