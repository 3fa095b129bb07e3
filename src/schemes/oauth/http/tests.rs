//! What the client accepts of a server, and what it sends.

use std::time::Duration;

use http::{HeaderValue, StatusCode};

use super::fake_server::{Answer, FakeServer};
use super::{Client, FetchError};

const LIMIT: usize = 1000;

/// Gets from a server that answers like this.
async fn get(answer: Answer) -> Result<Vec<u8>, FetchError> {
    let server = FakeServer::start(move |_| answer.clone()).await;
    let client = Client::new(&server.url).unwrap();
    client.get(&server.url, LIMIT).await.map(|response| response.bytes)
}

#[tokio::test]
async fn only_a_response_with_status_200_is_used() {
    assert_eq!(get(Answer::ok("{}")).await, Ok(b"{}".to_vec()));
    for status in [201, 204, 206, 400, 404, 500, 503] {
        let answer = Answer::status(status, "", if status == 204 { "" } else { "{}" });
        let error = FetchError::Status(StatusCode::from_u16(status).unwrap());
        assert_eq!(get(answer).await, Err(error));
    }
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let server = FakeServer::start(|path| match path {
        "/" => Answer::status(302, "location: /other\r\n", "{}"),
        _ => Answer::ok("{}"),
    })
    .await;
    let client = Client::new(&server.url).unwrap();
    let error = client.get(&server.url, LIMIT).await.unwrap_err();
    assert_eq!(error, FetchError::Redirects(StatusCode::FOUND));
    assert_eq!(server.paths(), ["/"]);
    assert!(client.get(&format!("{}/other", server.url), LIMIT).await.is_ok());
}

#[tokio::test]
async fn a_response_within_the_limit_is_read() {
    assert_eq!(get(Answer::ok([b'a'; LIMIT])).await, Ok(vec![b'a'; LIMIT]));
    assert_eq!(get(Answer::ok([b'a'; LIMIT + 1])).await, Err(FetchError::TooLarge(LIMIT)));
    // Without a length, and without an end.
    let endless = [b"HTTP/1.1 200 OK\r\n\r\n".as_slice(), &[b'a'; 1 << 20]].concat();
    assert_eq!(get(Answer::Bytes(endless)).await, Err(FetchError::TooLarge(LIMIT)));
}

#[tokio::test]
async fn a_response_that_drips_is_given_up() {
    assert_eq!(get(Answer::Drip(b"{}".to_vec())).await, Ok(b"{}".to_vec()));
    assert_eq!(get(Answer::Drip(vec![b' '; LIMIT])).await, Err(FetchError::TimedOut(5)));
}

#[tokio::test]
async fn a_server_that_does_not_respond_is_given_up() {
    assert_eq!(get(Answer::Silence).await, Err(FetchError::TimedOut(5)));
    let error = get(Answer::HangUp).await.unwrap_err();
    assert!(matches!(error, FetchError::Unreachable(_)), "{error}");
    // Nobody listens at the port any more.
    let url = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    let error = Client::new(&url).unwrap().get(&url, LIMIT).await.unwrap_err();
    assert!(error.is_of_the_server(), "{error}");
    assert!(error.to_string().contains("refused"), "{error}");
    assert!(!FetchError::TooLarge(LIMIT).is_of_the_server());
}

#[tokio::test]
async fn a_truncated_body_is_an_error() {
    let truncated = b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{}".to_vec();
    let error = get(Answer::Bytes(truncated)).await.unwrap_err();
    assert!(matches!(error, FetchError::Unreachable(_)), "{error}");
}

#[tokio::test]
async fn a_compressed_body_is_not_decoded() {
    let answer = Answer::status(200, "content-encoding: gzip\r\n", "{}");
    assert_eq!(get(answer).await, Ok(b"{}".to_vec()));
    let server = FakeServer::start(|_| Answer::ok("{}")).await;
    Client::new(&server.url).unwrap().get(&server.url, LIMIT).await.unwrap();
    let request = server.requests().concat();
    assert!(!request.to_lowercase().contains("accept-encoding"), "{request}");
}

#[tokio::test]
async fn plain_http_is_only_sent_for_an_http_server() {
    let server = FakeServer::start(|_| Answer::ok("{}")).await;
    let client = Client::new("https://id.example.com").unwrap();
    assert!(client.get(&server.url, LIMIT).await.is_err());
    assert!(server.requests().is_empty());
    assert!(Client::new(&server.url).unwrap().get(&server.url, LIMIT).await.is_ok());
}

#[tokio::test]
async fn max_age_comes_with_the_response() {
    for (fields, seconds) in [("cache-control: max-age=300\r\n", Some(300)), ("", None)] {
        let server = FakeServer::start(move |_| Answer::status(200, fields, "{}")).await;
        let client = Client::for_rare_requests(&server.url).unwrap();
        let response = client.get(&server.url, LIMIT).await.unwrap();
        assert_eq!(response.max_age, seconds.map(Duration::from_secs));
    }
}

#[tokio::test]
async fn a_form_is_posted_with_its_authorization() {
    let server = FakeServer::start(|_| Answer::ok("{}")).await;
    let client = Client::new(&server.url).unwrap();
    let authorization = HeaderValue::from_static("Basic YTpi");
    let response = client.post_form(&server.url, authorization, "token=end", LIMIT).await.unwrap();
    assert_eq!(response.bytes, b"{}");
    let request = server.requests().concat();
    assert!(request.starts_with("POST / HTTP/1.1\r\n"), "{request}");
    assert!(request.ends_with("\r\n\r\ntoken=end"), "{request}");
    let head = request.to_lowercase();
    for field in [
        "authorization: basic ytpi\r\n",
        "content-type: application/x-www-form-urlencoded\r\n",
        "user-agent: mcp-auth-layer/",
    ] {
        assert!(head.contains(field), "{request}");
    }
}
