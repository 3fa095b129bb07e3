//! `Content-Type` and `Content-Encoding` of what is read, and bodies in pieces.

use std::convert::Infallible;

use futures::stream;

use super::*;

/// Cases 59 and 81.
#[tokio::test]
async fn json_in_utf_8_is_read_in_every_spelling() {
    let app = app();
    for media_type in [
        "application/json",
        "Application/JSON; Charset=UTF-8",
        r#"application/json; charset="UTF-8""#,
        "application/json;charset=utf-8",
        "application/json ; profile=x",
        "application/json;",
    ] {
        app.passes(sent(tool("search")).with("content-type", media_type)).await;
        let refused = sent(tool("delete")).with("content-type", media_type);
        app.refuses(refused, INVALID_PARAMS, &may_not_call("delete")).await;
    }
}

/// Cases 82 to 84.
#[tokio::test]
async fn other_media_types_are_415() {
    let app = app();
    for media_type in [
        "text/plain",
        "text/json",
        "application/json-rpc",
        "application/vnd.api+json",
        "application/jsonx",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json, text/plain",
        "application/json; charset=latin1",
        "application/json; charset=utf8",
        "application/json; charset=utf-8; charset=utf-16",
        "application/json; charset*=utf-8''utf-7",
        "application/json charset=utf-7",
        "",
    ] {
        for body in [tool("search"), tool("delete")] {
            let request = sent(body).with("content-type", media_type);
            app.rejects(request, 415, INVALID_REQUEST).await;
        }
    }
    app.rejects(sent(tool("search")).without("content-type"), 415, INVALID_REQUEST).await;
    let twice = sent(tool("search")).and("content-type", JSON);
    app.rejects(twice, 415, INVALID_REQUEST).await;
}

/// Cases 85 and 86.
#[tokio::test]
async fn encoded_bodies_are_415() {
    let app = app();
    for encoding in ["identity", "Identity"] {
        app.passes(sent(tool("search")).with("content-encoding", encoding)).await;
    }
    for encoding in ["gzip", "deflate", "br", "zstd", "identity, gzip", "x", ""] {
        let request = sent(tool("search")).with("content-encoding", encoding);
        app.rejects(request, 415, INVALID_REQUEST).await;
    }
    let twice = sent(tool("search")).with("content-encoding", "identity");
    app.rejects(twice.and("content-encoding", "gzip"), 415, INVALID_REQUEST).await;
}

/// Case 87.
#[tokio::test]
async fn bodies_in_pieces_are_read_as_a_whole() {
    let app = app();
    for size in [1, 2, 7, 1000] {
        let in_pieces = |request: &Sent| {
            let body = request.body.clone();
            let pieces: Vec<_> = body.chunks(size).map(Bytes::copy_from_slice).collect();
            request.request_of(Body::from_stream(stream::iter(
                pieces.into_iter().map(Ok::<_, Infallible>),
            )))
        };
        let allowed = sent(tool("search"));
        assert_eq!(send(app.router.clone(), in_pieces(&allowed)).await.status, 200);
        app.received(&allowed);
        let refused = send(app.router.clone(), in_pieces(&sent(tool("delete")))).await;
        assert_eq!(json_of(&refused), error(ID, INVALID_PARAMS, &may_not_call("delete")));
        assert_eq!(app.inner.take().len(), 0);
    }
}
