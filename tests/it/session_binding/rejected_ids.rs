//! IDs that are rejected with 404: forged, unbound, duplicate, or under another spelling of the name.

use super::{EVENT, SESSION, UNBOUND, assert_unknown_session, bound_ids, layer, server};
use crate::support::{get, send};

#[tokio::test]
async fn forged_and_unbound_ids_are_rejected() {
    let (server, seen) = server();
    let app = server.layer(layer());
    let alice = bound_ids(&app, "alice").await;
    let other_kind = bound_ids(&app, "alice").await.event;
    let tag = alice.header.strip_prefix(UNBOUND).unwrap();
    let upper = alice.header.to_uppercase();
    let padded = format!("{}==", alice.header);
    let longer = format!("{}A", alice.header);
    let shorter = &alice.header[..alice.header.len() - 1];
    let other_id = format!("6f1c4f0f{tag}");
    let other_case = format!("6F1C4F0E{tag}");
    let inner = format!("x.{}", alice.header);
    let repeated = format!("{0}, {0}", alice.header);
    for session in [
        UNBOUND,
        ".",
        tag,
        &upper,
        &padded,
        &longer,
        shorter,
        &other_id,
        &other_case,
        &other_kind,
        &inner,
        &repeated,
        "never-was",
    ] {
        let by_header = get("/mcp", &[("x-who", "alice"), (SESSION, session)]);
        assert_unknown_session(&send(app.clone(), by_header).await);
        let target = format!("/mcp?session_id={}", session.replace(", ", ","));
        assert_unknown_session(&send(app.clone(), get(&target, &[("x-who", "alice")])).await);
    }
    for event in ["0/0", &alice.header, &alice.event[1..]] {
        assert_unknown_session(
            &send(app.clone(), get("/mcp", &[("x-who", "alice"), (EVENT, event)])).await,
        );
    }
    assert_eq!(seen.count(), 0);
    let valid = get("/mcp", &[("x-who", "alice"), (SESSION, &alice.header)]);
    assert_eq!(send(app, valid).await.status, 200);
}

#[tokio::test]
async fn duplicate_session_ids_are_rejected() {
    let (server, seen) = server();
    let app = server.layer(layer());
    let alice = bound_ids(&app, "alice").await;
    let (valid, bound) = (&*alice.header, alice.query());
    for fields in [
        [(SESSION, valid), (SESSION, valid)],
        [(SESSION, valid), (SESSION, UNBOUND)],
        [(SESSION, UNBOUND), (SESSION, valid)],
        [(SESSION, valid), (SESSION, "")],
        [(SESSION, valid), ("mcp_session_id", UNBOUND)],
        [("Mcp_Session-Id", UNBOUND), (SESSION, valid)],
        [(SESSION, valid), ("Mcp.Session.Id", UNBOUND)],
        [("Mcp!Session~Id", UNBOUND), (SESSION, valid)],
        [(EVENT, &*alice.event), (EVENT, &*alice.event)],
        [(EVENT, &*alice.event), ("last_event_id", "0/0")],
        [(EVENT, &*alice.event), ("Last.Event'Id", "0/0")],
    ] {
        let [first, second] = fields;
        let duplicate = get("/mcp", &[("x-who", "alice"), first, second]);
        assert_unknown_session(&send(app.clone(), duplicate).await);
        let single = [first, second].into_iter().find(|(_, value)| value.contains('.')).unwrap();
        assert_eq!(send(app.clone(), get("/mcp", &[("x-who", "alice"), single])).await.status, 200);
        seen.only();
    }
    for query in [
        format!("session_id={bound}&session_id={bound}"),
        format!("session_id={bound}&session_id={UNBOUND}"),
        format!("session_id={UNBOUND}&session_id={bound}"),
        format!("session_id={bound}&session_id="),
        format!("session_id={bound}&session_id"),
        format!("session_id={bound}&sessionId={UNBOUND}"),
        format!("sessionId={UNBOUND}&session_id={bound}"),
        format!("session_id={bound}&SESSION_ID={UNBOUND}"),
        format!("session_id={bound}&session%5Fid={UNBOUND}"),
        format!("session_id={bound}&%73ession%5fi%64={UNBOUND}"),
        format!("session_id={bound};session_id={UNBOUND}"),
        format!("a=1;session_id={UNBOUND}&session_id={bound}"),
        format!("session_id={bound}&session.id={UNBOUND}"),
        format!("session_id={bound}&session+id={UNBOUND}"),
        format!("session_id={bound}&session_id[]={UNBOUND}"),
        format!("session_id={bound}&&session_id%00={UNBOUND}"),
        format!("session_id={bound}&session_id={UNBOUND}#"),
        format!("session_id={bound}&sessionId[0]={UNBOUND}"),
        format!("session_id={bound}&sessionId%5B0%5D={UNBOUND}"),
        format!("session_id={bound}&[sessionId][a]={UNBOUND}"),
        format!("session_id={bound}&session_id%00x={UNBOUND}"),
    ] {
        let duplicate = get(&format!("/mcp?{query}"), &[("x-who", "alice")]);
        assert_unknown_session(&send(app.clone(), duplicate).await);
    }
    for query in [
        format!("session_id={bound}"),
        format!("sessionId={bound}"),
        format!("session%5Fid={bound}"),
        format!("session_id={bound}&my_session_id={UNBOUND}"),
        format!("session_id={bound}&session={UNBOUND}&sessionids={UNBOUND}"),
        format!("session_id={bound}&filter[session_id]={UNBOUND}&session[0]={UNBOUND}"),
        format!("session_id={bound}&session_id_x={UNBOUND}&session%00id0={UNBOUND}"),
        format!("sessionId[0]={bound}"),
        format!("a=session_id&session_id={bound}"),
    ] {
        let once = get(&format!("/mcp?{query}"), &[("x-who", "alice")]);
        assert_eq!(send(app.clone(), once).await.status, 200, "{query}");
        assert_eq!(seen.only().uri.query().unwrap(), query.replace(bound, UNBOUND));
    }
    let both = format!("/mcp?session_id={bound}");
    let both = get(&both, &[("x-who", "alice"), (SESSION, valid)]);
    assert_unknown_session(&send(app.clone(), both).await);
    assert_eq!(seen.count(), 0);
}

/// Servers that treat other spellings as the same name must not receive unverified IDs.
#[tokio::test]
async fn aliases_of_session_id_names_are_recognized() {
    let (server, seen) = server();
    let app = server.layer(layer());
    let alice = bound_ids(&app, "alice").await;
    for (name, bound) in [
        ("Mcp_Session_Id", &alice.header),
        ("Mcp.Session.Id", &alice.header), // PHP
        ("Mcp!Session~Id", &alice.header), // CGI behind lighttpd
        ("Last.Event.Id", &alice.event),
    ] {
        let unbound = bound.rsplit_once('.').unwrap().0;
        assert_unknown_session(
            &send(app.clone(), get("/mcp", &[("x-who", "bob"), (name, unbound)])).await,
        );
        assert_unknown_session(
            &send(app.clone(), get("/mcp", &[("x-who", "bob"), (name, bound)])).await,
        );
        let own = get("/mcp", &[("x-who", "alice"), (name, bound)]);
        assert_eq!(send(app.clone(), own).await.status, 200, "{name}");
        assert_eq!(seen.only().headers[name], unbound);
        let anonymous = get("/public", &[(name, unbound)]);
        assert_eq!(send(app.clone(), anonymous).await.status, 200);
        assert!(!seen.only().headers.contains_key(name), "{name}");
    }
    let bound = alice.query();
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
        assert_unknown_session(
            &send(app.clone(), get(&target(UNBOUND), &[("x-who", "bob")])).await,
        );
        assert_unknown_session(&send(app.clone(), get(&target(bound), &[("x-who", "bob")])).await);
        let own = get(&target(bound), &[("x-who", "alice")]);
        assert_eq!(send(app.clone(), own).await.status, 200, "{name}");
        assert_eq!(seen.only().uri, *target(UNBOUND));
        let anonymous = get(&format!("/public?a=1&{name}={UNBOUND}"), &[]);
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
    let alice = bound_ids(&app, "alice").await;
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
    assert_eq!(seen.only().headers[SESSION], UNBOUND);
    let two = format!("/mcp?session_id=&session_id={}", alice.query());
    assert_unknown_session(&send(app.clone(), get(&two, &[("x-who", "alice")])).await);
    let two = [("x-who", "alice"), (SESSION, ""), (SESSION, &alice.header)];
    assert_unknown_session(&send(app, get("/mcp", &two)).await);
}

/// The same rule for responses.
#[tokio::test]
async fn empty_ids_in_responses_are_not_bound() {
    let events =
        "event: endpoint\ndata: /messages?session_id=\n\nid: \ndata: 1\n\nid:  \ndata: 2\n\n";
    let response = move || async move {
        let fields = [("content-type", "text/event-stream"), (SESSION, "")];
        (fields, events)
    };
    let app = axum::Router::new().route("/", axum::routing::get(response)).layer(layer());
    let response = send(app, get("/", &[("x-who", "alice")])).await;
    assert_eq!(response.headers[SESSION], "");
    assert_eq!(response.body, events);
}
