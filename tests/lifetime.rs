//! An answer ends with the credential that asked for it.

mod common;

use std::convert::Infallible;
use std::future::{pending, ready};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use axum::body::{Body, Bytes, HttpBody};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get as get_route};
use axum::{Router, extract::Request};
use common::{get, recorder, request, send, with_authorization};
use futures::executor::block_on;
use futures::{FutureExt, Stream, StreamExt, stream};
use http::header::CONTENT_TYPE;
use http::{Method, StatusCode, request::Parts};
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt;
use mcp_auth_layer::{
    Authenticated, Authenticator, Basic, Bearer, BearerHandle, CredentialErrorKind, HttpSignature,
    KeyError, McpAuthLayer, Principal, Rejection, RejectionKind, Signer, any_of, authenticate_fn,
};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

/// Lets everybody in as this principal.
fn as_principal(principal: Principal) -> impl Authenticator {
    authenticate_fn(move |_: &Parts| {
        let principal = principal.clone();
        async move { Ok::<_, Rejection>(principal) }
    })
}

fn revoked_by(token: &CancellationToken) -> McpAuthLayer<impl Authenticator> {
    McpAuthLayer::new(as_principal(Principal::new("alice").revoked_by(token.clone())))
}

/// Two events, and then nothing for ever. The receiver learns when the stream is dropped.
fn endless() -> (impl Stream<Item = Result<Bytes, Infallible>>, oneshot::Receiver<()>) {
    let (held, dropped) = oneshot::channel::<()>();
    let events =
        stream::iter([Ok(Bytes::from("data: 1\n\n")), Ok(Bytes::from("data: 2\n\ndata: hal"))]);
    (events.chain(stream::pending().inspect(move |_: &Result<_, _>| _ = &held)), dropped)
}

/// An app that answers with an endless stream of this type, and what tells that it is dropped.
fn streaming(kind: &'static str) -> (Router, oneshot::Receiver<()>) {
    let (stream, dropped) = endless();
    let once = Arc::new(std::sync::Mutex::new(Some(Body::from_stream(stream))));
    let answer = move || {
        let body = once.lock().unwrap().take().expect("asked once");
        async move { ([(CONTENT_TYPE, kind)], body).into_response() }
    };
    (Router::new().route("/", get_route(answer)), dropped)
}

async fn body_of(app: Router, fields: &[(&str, &str)]) -> Body {
    let response = app.oneshot(get("/", fields)).await.unwrap();
    assert_eq!(response.status(), 200);
    response.into_body()
}

async fn next(body: &mut Body) -> Option<Result<Bytes, axum::Error>> {
    Some(body.frame().await?.map(|frame| frame.into_data().expect("no trailers")))
}

#[tokio::test]
async fn a_revoked_stream_of_events_ends_cleanly_and_at_once() {
    let revocation = CancellationToken::new();
    let (app, dropped) = streaming("text/event-stream");
    let mut body = body_of(app.layer(revoked_by(&revocation)), &[]).await;
    assert_eq!(next(&mut body).await.unwrap().unwrap(), "data: 1\n\n");
    revocation.cancel();
    // Not even what is ready already.
    assert!(next(&mut body).await.is_none());
    assert!(next(&mut body).await.is_none());
    dropped.await.expect_err("the inner stream is dropped, while the body is still held");
    drop(body);
}

#[tokio::test]
async fn any_other_body_of_unknown_length_ends_with_an_error() {
    let revocation = CancellationToken::new();
    let (app, dropped) = streaming("application/octet-stream");
    let mut body = body_of(app.layer(revoked_by(&revocation)), &[]).await;
    next(&mut body).await.unwrap().unwrap();
    revocation.cancel();
    let error = next(&mut body).await.unwrap().unwrap_err();
    assert!(error.to_string().contains("expired or was revoked"), "{error}");
    assert!(next(&mut body).await.is_none());
    dropped.await.expect_err("the inner stream is dropped");
}

#[tokio::test]
async fn a_body_of_known_length_is_not_touched() {
    let revocation = CancellationToken::new();
    let app = Router::new().route("/", get_route(|| async { "all of it" }));
    let body = body_of(app.layer(revoked_by(&revocation)), &[]).await;
    revocation.cancel();
    assert_eq!(body.collect().await.unwrap().to_bytes(), "all of it");
}

/// A stream of events whose length was announced, as by the upstream of a proxy, is a stream.
#[tokio::test]
async fn a_stream_of_events_ends_whatever_its_length() {
    struct Announced(Body);
    impl HttpBody for Announced {
        type Data = Bytes;
        type Error = axum::Error;
        fn poll_frame(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
            Pin::new(&mut self.0).poll_frame(cx)
        }
        fn size_hint(&self) -> SizeHint {
            SizeHint::with_exact(1000)
        }
    }
    for shared in [false, true] {
        let revocation = CancellationToken::new();
        let (stream, dropped) = endless();
        let body = Announced(Body::from_stream(stream));
        let once = Arc::new(std::sync::Mutex::new(Some(Body::new(body))));
        let answer = move || {
            let body = once.lock().unwrap().take().expect("asked once");
            async move { ([(CONTENT_TYPE, "text/event-stream")], body).into_response() }
        };
        let layer = revoked_by(&revocation);
        let layer = if shared { layer.danger_disable_session_binding() } else { layer };
        let app = Router::new().route("/", get_route(answer)).layer(layer);
        let mut body = body_of(app, &[]).await;
        assert_eq!(body.size_hint().exact(), None);
        next(&mut body).await.unwrap().unwrap();
        revocation.cancel();
        assert!(next(&mut body).await.is_none());
        dropped.await.expect_err("the inner stream is dropped");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_ends_within_a_second_of_the_expiry() {
    // Paused, timers fire in their order as soon as nothing else can be done; the clock on the
    // wall goes on by itself.
    let soon = SystemTime::now() + Duration::from_millis(300);
    let (app, dropped) = streaming("text/event-stream");
    let layer = McpAuthLayer::new(as_principal(Principal::new("alice").expires_at(soon)));
    let mut body = body_of(app.layer(layer), &[]).await;
    for data in ["data: 1\n\n", "data: 2\n\ndata: hal"] {
        assert_eq!(next(&mut body).await.unwrap().unwrap(), data);
    }
    assert!(next(&mut body).await.is_none());
    assert!(SystemTime::now() >= soon, "not before its time");
    dropped.await.expect_err("the inner stream is dropped");
}

/// Outside of any runtime a timer panics.
#[test]
fn there_is_a_timer_only_where_there_is_an_expiry() {
    let read = |principal: Principal| {
        let layer = McpAuthLayer::new(Bearer::new([(principal, "one")]).unwrap());
        let (app, _dropped) = streaming("text/event-stream");
        let mut body = block_on(body_of(app.layer(layer), &[("authorization", "Bearer one")]));
        block_on(next(&mut body)).unwrap().unwrap()
    };
    let never = || Principal::new("alice");
    let in_an_hour = SystemTime::now() + Duration::from_secs(3600);
    assert_eq!(read(never()), "data: 1\n\n");
    assert_eq!(read(never().revoked_by(CancellationToken::new())), "data: 1\n\n");
    std::panic::catch_unwind(|| read(never().expires_at(in_an_hour))).expect_err("a timer");
}

#[tokio::test]
async fn far_and_past_times_are_times() {
    let year = Duration::from_secs(365 * 24 * 3600);
    let far = [year, year * 1000, Duration::from_secs(1 << 62), Duration::MAX];
    let far = far.map(|far| SystemTime::UNIX_EPOCH.checked_add(far));
    for far in far.into_iter().flatten().filter(|far| *far > SystemTime::now()) {
        let principal = Principal::new("alice").expires_at(far);
        assert!(!principal.has_ended());
        let (app, _dropped) = streaming("text/event-stream");
        let layer = McpAuthLayer::new(as_principal(principal));
        let mut body = body_of(app.layer(layer), &[]).await;
        for _ in 0..2 {
            next(&mut body).await.unwrap().unwrap();
        }
        let more = tokio::time::timeout(Duration::from_millis(20), next(&mut body)).await;
        assert!(more.is_err(), "it goes on");
    }
    for past in [SystemTime::UNIX_EPOCH, SystemTime::UNIX_EPOCH - year, SystemTime::now()] {
        let (app, seen) = recorder();
        let layer = McpAuthLayer::new(as_principal(Principal::new("alice").expires_at(past)));
        let answer = send(app.layer(layer), get("/", &[])).await;
        assert_eq!(answer.status, 401, "{past:?}");
        assert_eq!(answer.extensions.get::<Rejection>().unwrap().kind(), RejectionKind::Invalid);
        assert_eq!(seen.count(), 0);
    }
}

#[test]
fn the_earlier_of_two_times_and_any_of_two_tokens_count() {
    let (early, late) = (SystemTime::now(), SystemTime::now() + Duration::from_secs(100));
    for times in [[early, late], [late, early]] {
        let alice = Principal::new("alice").expires_at(times[0]).expires_at(times[1]);
        assert_eq!(alice.expiry(), Some(early));
    }
    for cancelled in 0..2 {
        let tokens = [CancellationToken::new(), CancellationToken::new()];
        let [one, two] = tokens.clone();
        let alice = Principal::new("alice").revoked_by(one).revoked_by(two);
        assert!(!alice.has_ended());
        tokens[cancelled].cancel();
        assert!(alice.has_ended());
    }
}

/// Whether its authenticator takes time or answers at once.
#[tokio::test]
async fn who_waits_for_an_answer_gets_401_and_the_work_is_dropped() {
    async fn revoked_at_work<A: Authenticator>(layer: McpAuthLayer<A>, revoke: impl FnOnce()) {
        let (held, dropped) = oneshot::channel::<()>();
        let held = Arc::new(std::sync::Mutex::new(Some(held)));
        let started = CancellationToken::new();
        let at_work = started.clone();
        let work = move || {
            let held = held.lock().unwrap().take();
            at_work.cancel();
            async move {
                let _held = held;
                pending::<()>().await;
            }
        };
        let app = Router::new().route("/", any(work)).layer(layer);
        let answer = tokio::spawn(send(app, with_authorization("Bearer one")));
        started.cancelled().await;
        revoke();
        let answer = answer.await.unwrap();
        assert_eq!(answer.status, 401);
        assert_eq!(answer.message(), "the credential is wrong or has expired");
        dropped.await.expect_err("the inner future is dropped");
    }
    let revocation = CancellationToken::new();
    revoked_at_work(revoked_by(&revocation), || revocation.cancel()).await;
    let (layer, handle) = tokens();
    revoked_at_work(layer, || assert!(handle.revoke("one"))).await;
}

/// What ends while its body is checked has not got to the inner service.
#[tokio::test]
async fn who_is_revoked_during_a_check_is_refused() {
    for revoked in [false, true] {
        let layer = McpAuthLayer::new(authenticate_fn(move |_: &Parts| async move {
            let revocation = CancellationToken::new();
            let alice = Principal::new("alice").revoked_by(revocation.clone());
            Ok::<_, Rejection>(Authenticated::new(alice).check_body(move |_| async move {
                if revoked {
                    revocation.cancel();
                }
                Ok(())
            }))
        }));
        let (app, seen) = recorder();
        let answer = send(app.layer(layer), request(Method::POST, "/", &[])).await;
        let expected = if revoked { (401, 0) } else { (200, 1) };
        assert_eq!((answer.status.as_u16(), seen.count()), expected);
    }
}

/// A credential that can end is told by every scheme how to come back.
#[tokio::test]
async fn the_401_has_the_challenges_of_every_scheme() {
    struct Lapsing(Bearer);
    impl Authenticator for Lapsing {
        async fn authenticate(&self, head: &Parts) -> Result<Authenticated, Rejection> {
            let past = SystemTime::UNIX_EPOCH;
            Ok(self.0.authenticate(head).await?.map_principal(|who| who.expires_at(past)))
        }
        fn authenticate_now(&self, head: &Parts) -> Option<Result<Authenticated, Rejection>> {
            let past = SystemTime::UNIX_EPOCH;
            let judged = self.0.authenticate_now(head)?;
            Some(judged.map(|one| one.map_principal(|who| who.expires_at(past))))
        }
    }
    let bearer = Lapsing(Bearer::new([("ci", "tok")]).unwrap());
    let basic = Basic::new([("alice", "secret")]).unwrap();
    let (app, _) = recorder();
    let app = app.layer(McpAuthLayer::new(any_of(basic, bearer)).realm("here"));
    let answer = send(app, with_authorization("Bearer tok")).await;
    assert_eq!(answer.status, 401);
    assert_eq!(
        answer.challenges(),
        [r#"Bearer realm="here", error="invalid_token""#, r#"Basic realm="here", charset="UTF-8""#]
    );
    // One that answers later only is not asked beforehand; its own scheme is challenged.
    let ended = Principal::new("alice").expires_at(SystemTime::UNIX_EPOCH);
    let (app, _) = recorder();
    let answer = send(app.layer(McpAuthLayer::new(as_principal(ended))), get("/", &[])).await;
    assert_eq!(answer.challenges(), [r#"custom realm="mcp""#]);
}

#[tokio::test]
async fn nobody_upgrades_whose_time_may_end() {
    async fn upgrade(request: Request) -> Response {
        match request.headers().contains_key("upgrade") || request.uri().path() == "/anyway" {
            true => StatusCode::SWITCHING_PROTOCOLS.into_response(),
            false => "no upgrade".into_response(),
        }
    }
    let app = Router::new().fallback(upgrade);
    let fields = [("upgrade", "websocket"), ("connection", "upgrade")];
    let endless = McpAuthLayer::new(as_principal(Principal::new("alice")));
    let ending = revoked_by(&CancellationToken::new());
    let connect = || {
        let mut request = get("/", &[]);
        *request.method_mut() = Method::CONNECT;
        request
    };
    assert_eq!(send(app.clone().layer(endless.clone()), get("/", &fields)).await.status, 101);
    let answer = send(app.clone().layer(ending.clone()), get("/", &fields)).await;
    assert_eq!((answer.status.as_u16(), &*answer.body), (200, "no upgrade"));
    assert_eq!(send(app.clone().layer(ending.clone()), get("/anyway", &fields)).await.status, 502);
    assert_eq!(send(app.clone().layer(endless), connect()).await.status, 200);
    assert_eq!(send(app.layer(ending), connect()).await.status, 400);
}

fn tokens() -> (McpAuthLayer<Bearer>, BearerHandle) {
    let tokens = Bearer::new([("ci", "one"), ("ci", "two"), ("alice", "three")]).unwrap();
    let handle = tokens.handle();
    (McpAuthLayer::new(tokens), handle)
}

#[tokio::test]
async fn tokens_come_and_go_while_the_server_runs() {
    let (layer, handle) = tokens();
    let (app, _) = recorder();
    let app = app.layer(layer);
    let status = |token: &'static str| {
        let answer = send(app.clone(), with_authorization(&format!("Bearer {token}")));
        async { answer.await.status.as_u16() }
    };
    assert_eq!(status("four").await, 401);
    handle.add("bob", "four").unwrap();
    assert_eq!(status("four").await, 200);
    let duplicate = handle.add("bob", "one").unwrap_err();
    assert_eq!(duplicate.kind(), CredentialErrorKind::Duplicate);
    assert!(handle.add("", "five").is_err() && handle.add("bob", "no token").is_err());

    assert!(handle.revoke("one"));
    assert!(!handle.revoke("one") && !handle.revoke("never-was"));
    assert_eq!((status("one").await, status("two").await, status("four").await), (401, 200, 200));
    handle.add("bob", "one").unwrap();
    assert_eq!(status("one").await, 200);
    assert_eq!(handle.revoke_all("bob"), 2);
    assert_eq!(handle.revoke_all("bob"), 0);
    assert_eq!((status("one").await, status("two").await, status("four").await), (401, 200, 401));
    // All of them may go; then nobody is let in.
    assert_eq!(handle.revoke_all("ci") + handle.revoke_all("alice"), 2);
    assert_eq!((status("two").await, status("three").await), (401, 401));
}

#[tokio::test]
async fn revoking_ends_that_credentials_streams_and_no_other() {
    let (layer, mut handle) = tokens();
    handle.add("bob", "four").unwrap();
    let mut open = Vec::new();
    for token in ["one", "two", "three", "four"] {
        let (app, _) = streaming("text/event-stream");
        let authorization = format!("Bearer {token}");
        let app = app.layer(layer.clone());
        let mut body = body_of(app, &[("authorization", &authorization)]).await;
        for _ in 0..2 {
            next(&mut body).await.unwrap().unwrap();
        }
        open.push((token, body));
    }
    handle = handle.clone(); // every clone does
    for revoked in ["one", "four"] {
        assert!(handle.revoke(revoked));
        for (token, body) in &mut open {
            let more = tokio::time::timeout(Duration::from_millis(20), next(body)).await;
            assert_eq!(more.is_ok(), *token == revoked, "{token}, where {revoked} was revoked");
            if let Ok(more) = more {
                assert!(more.is_none());
            }
        }
        open.retain(|(token, _)| *token != revoked);
    }
}

#[tokio::test]
async fn keys_come_and_go_and_their_streams_with_them() {
    let (old, new) = ([1; 32], [2; 32]);
    let keys = HttpSignature::new([("ci", old), ("ci", new), ("alice", [3; 32])]).unwrap();
    let handle = keys.handle();
    let layer = McpAuthLayer::new(keys);
    let signed = |key_id: &str, secret: [u8; 32]| {
        let mut request = http::Request::get("http://localhost/").body(Vec::new()).unwrap();
        Signer::new(key_id, secret).unwrap().sign(&mut request).unwrap();
        request.map(Body::from)
    };
    let mut open = Vec::new();
    for (name, secret) in [("ci", old), ("ci", new), ("alice", [3; 32])] {
        let (app, _) = streaming("text/event-stream");
        let response = app.layer(layer.clone()).oneshot(signed(name, secret)).await.unwrap();
        assert_eq!(response.status(), 200);
        let mut body = response.into_body();
        for _ in 0..2 {
            next(&mut body).await.unwrap().unwrap();
        }
        open.push((secret, body));
    }
    let status = async |key_id: &str, secret| {
        let (app, _) = recorder();
        send(app.layer(layer.clone()), signed(key_id, secret)).await.status.as_u16()
    };
    assert!(!handle.revoke("ci", [4; 32]) && !handle.revoke("nobody", old));
    assert!(handle.revoke("ci", old) && !handle.revoke("ci", old));
    for (secret, body) in &mut open {
        let more = tokio::time::timeout(Duration::from_millis(20), next(body)).await;
        assert_eq!(more.is_ok(), *secret == old, "the other secret's goes on");
    }
    assert_eq!((status("ci", old).await, status("ci", new).await), (401, 200));
    handle.add("ci", [4; 32]).unwrap();
    assert_eq!(handle.add("ci", [5; 32]), Err(KeyError::Rotation { position: 1 }));
    assert!(handle.add("bob", [5; 31]).is_err());
    assert_eq!(status("ci", [4; 32]).await, 200);
    assert_eq!((handle.revoke_all("ci"), handle.revoke_all("ci")), (2, 0));
    assert_eq!((status("ci", new).await, status("ci", [4; 32]).await), (401, 401));
    assert_eq!(status("alice", [3; 32]).await, 200);
    assert_eq!(format!("{handle:?}"), r#"HttpSignatureHandle { key_ids: {"alice"} }"#);
}

/// An authenticator around another one says who it is, and the credential ends all the same.
#[tokio::test]
async fn who_is_made_of_somebody_else_ends_with_the_credential() {
    struct Renamed(Bearer);
    impl Authenticator for Renamed {
        async fn authenticate(&self, head: &Parts) -> Result<Authenticated, Rejection> {
            let admission = self.0.authenticate(head).await?;
            Ok(admission.map_principal(|_| Principal::new("somebody else")))
        }
    }
    let past = Principal::new("late").expires_at(SystemTime::UNIX_EPOCH);
    let tokens =
        Bearer::new([("ci".into(), "one"), ("ci".into(), "two"), (past, "three")]).unwrap();
    let handle = tokens.handle();
    let layer = McpAuthLayer::new(Renamed(tokens));
    let mut open = Vec::new();
    for token in ["Bearer one", "Bearer two"] {
        let app = streaming("text/event-stream").0.layer(layer.clone());
        let mut body = body_of(app, &[("authorization", token)]).await;
        for _ in 0..2 {
            next(&mut body).await.unwrap().unwrap();
        }
        open.push(body);
    }
    handle.revoke("one");
    assert!(next(&mut open[0]).now_or_never().expect("it has ended").is_none());
    assert!(next(&mut open[1]).now_or_never().is_none(), "it goes on");
    let (app, _) = recorder();
    let app = app.layer(layer);
    assert_eq!(send(app.clone(), with_authorization("Bearer two")).await.status, 200);
    assert_eq!(send(app, with_authorization("Bearer three")).await.status, 401);
}

/// Tokens come and go from several threads, while others ask with them: whoever was let in is out
/// again once the token is revoked, wherever between the two their request was, and no change of one
/// thread undoes another's.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_request_slips_through_a_revocation() {
    const ROUNDS: usize = 200;
    let (layer, handle) = tokens();
    let stream = || async {
        let events =
            stream::once(ready(Ok::<_, Infallible>("data: 1\n\n"))).chain(stream::pending());
        ([(CONTENT_TYPE, "text/event-stream")], Body::from_stream(events))
    };
    let app = Router::new().route("/", get_route(stream)).layer(layer);
    let ask = |token: &str| {
        app.clone().oneshot(with_authorization(&format!("Bearer {token}"))).map(Result::unwrap)
    };
    let mut others = ask("two").await.into_body();
    let changing = (0..4).map(|thread| {
        let (handle, app) = (handle.clone(), app.clone());
        tokio::spawn(async move {
            for round in 0..ROUNDS {
                let token = format!("t{thread}-{round}");
                handle.add(&*token, &token).unwrap();
                let asking: Vec<_> = (0..3)
                    .map(|_| {
                        let request = with_authorization(&format!("Bearer {token}"));
                        tokio::spawn(app.clone().oneshot(request))
                    })
                    .collect();
                for _ in 0..round % 3 {
                    tokio::task::yield_now().await;
                }
                assert!(handle.revoke(&token), "nobody else took it out");
                for asked in asking {
                    let response = asked.await.unwrap().unwrap();
                    if response.status() == 200 {
                        let whole = response.into_body().collect();
                        let ended = tokio::time::timeout(Duration::from_secs(10), whole).await;
                        ended.expect("it has an end").unwrap();
                    } else {
                        assert_eq!(response.status(), 401);
                    }
                }
                let late = with_authorization(&format!("Bearer {token}"));
                assert_eq!(app.clone().oneshot(late).await.unwrap().status(), 401);
            }
        })
    });
    for changed in changing.collect::<Vec<_>>() {
        changed.await.unwrap();
    }
    assert_eq!(format!("{handle:?}"), "BearerHandle { tokens: [3 credentials] }");
    assert_eq!(ask("two").await.status(), 200);
    next(&mut others).await.unwrap().unwrap();
    assert!(next(&mut others).now_or_never().is_none(), "it goes on");
}

/// The secret of a handle never shows.
#[test]
fn a_handle_shows_how_many_there_are() {
    let (_, handle) = tokens();
    assert_eq!(format!("{handle:?}"), "BearerHandle { tokens: [3 credentials] }");
}

/// The kind: a response ends with its credential, and what the request still brings goes on. Each
/// request is answered at once, and a task of its own goes on reading the body.
mod request_bodies {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::sync::mpsc;

    use super::*;

    type Read = mpsc::UnboundedReceiver<Result<Bytes, String>>;

    /// A server on a socket, and what its handler reads.
    async fn serve(layer: McpAuthLayer<impl Authenticator>) -> (TcpStream, Read) {
        let (sender, read) = mpsc::unbounded_channel();
        // The router lasts as long as the server. `read` ends when the only body does.
        let sender = Arc::new(Mutex::new(Some(sender)));
        let app = Router::new().fallback(move |request: Request| async move {
            let sender = sender.lock().unwrap().take().unwrap();
            tokio::spawn(async move {
                let mut body = request.into_body().into_data_stream();
                while let Some(piece) = body.next().await {
                    let _ = sender.send(piece.map_err(|error| error.to_string()));
                }
            });
            StatusCode::ACCEPTED
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        tokio::spawn(axum::serve(listener, app.layer(layer)).into_future());
        (client, read)
    }

    /// Sends a head and the first piece of a body.
    async fn begin(client: &mut TcpStream, framing: &str) {
        let head = format!("POST /mcp HTTP/1.1\r\nhost: 127.0.0.1\r\n{framing}\r\n\r\n");
        client.write_all(head.as_bytes()).await.unwrap();
        let first = if framing.contains("chunked") { "5\r\nfirst\r\n" } else { "first" };
        client.write_all(first.as_bytes()).await.unwrap();
    }

    const CHUNKED: &str = "transfer-encoding: chunked";

    #[tokio::test]
    async fn they_end_with_an_error_on_revocation() {
        for framing in [CHUNKED, "content-length: 1000"] {
            let revocation = CancellationToken::new();
            let (mut client, mut read) = serve(revoked_by(&revocation)).await;
            begin(&mut client, framing).await;
            let mut status = [0; 12];
            client.read_exact(&mut status).await.unwrap();
            assert_eq!(&status, b"HTTP/1.1 202");
            assert_eq!(read.recv().await.unwrap().unwrap(), "first");
            revocation.cancel();
            // Nothing of what comes now is read; that it cannot be sent any more is right as well.
            let _ = client.write_all(b"6\r\nsecond\r\n").await;
            let error = read.recv().await.unwrap().unwrap_err();
            assert!(error.contains("revoked"), "{framing}: {error}");
            assert!(read.recv().await.is_none());
        }
    }

    #[tokio::test]
    async fn they_end_with_an_error_at_the_expiry() {
        let soon = authenticate_fn(|_: &Parts| async {
            let time = SystemTime::now() + Duration::from_millis(500);
            Ok::<_, Rejection>(Principal::new("alice").expires_at(time))
        });
        let (mut client, mut read) = serve(McpAuthLayer::new(soon)).await;
        begin(&mut client, CHUNKED).await;
        let mut pieces = Vec::new();
        let to_the_end = async {
            while let Some(piece) = read.recv().await {
                pieces.push(piece);
            }
        };
        // The client holds its half open all the while.
        let ended = tokio::time::timeout(Duration::from_secs(60), to_the_end).await;
        ended.expect("the body ends by itself");
        let error = pieces.pop().unwrap().unwrap_err();
        assert!(error.contains("expired"), "{error}");
        assert!(pieces.iter().all(Result::is_ok), "{pieces:?}");
        drop(client);
    }

    #[tokio::test]
    async fn they_arrive_whole_while_the_credential_lasts() {
        let never = CancellationToken::new();
        let bounded = Principal::new("alice").revoked_by(never.clone());
        for principal in [bounded, Principal::new("alice")] {
            let (mut client, mut read) = serve(McpAuthLayer::new(as_principal(principal))).await;
            begin(&mut client, CHUNKED).await;
            client.write_all(b"6\r\nsecond\r\n0\r\n\r\n").await.unwrap();
            let mut whole = Vec::new();
            while let Some(piece) = read.recv().await {
                whole.extend(piece.unwrap());
            }
            assert_eq!(whole, b"firstsecond");
        }
    }
}
