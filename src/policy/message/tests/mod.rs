//! The reader by the cases of its specification, and beside other parsers.

mod bodies;
mod headers;
mod members;
mod parsers;
mod shapes;

use http::request::{Builder, Parts};
use http::{Request, StatusCode};

use super::super::target::TargetKind::{Prompt, Resource, ResourceTemplate, Task, Tool};
use super::super::target::{Target, TargetKind};
use super::{Message, Messages, read_messages};

/// A POST of JSON.
fn post() -> Builder {
    Request::post("/mcp").header("content-type", "application/json")
}

fn head(request: Builder) -> Parts {
    request.body(()).expect("a valid request").into_parts().0
}

/// Status, code and ID of a refusal, or what was found.
type Outcome = Result<Vec<Found>, (u16, i32, String)>;

/// Method and targets of a message; a response has no method.
type Found = (Option<String>, Vec<(TargetKind, String)>);

fn outcome(head: &Parts, body: &[u8]) -> Outcome {
    match read_messages(head, "/mcp", body) {
        Ok(messages) => {
            let messages = messages.as_ref().map_or(&[][..], Messages::as_slice);
            Ok(messages.iter().map(found).collect())
        }
        Err(error) => Err((error.status().as_u16(), error.code(), error.id().echoed().to_owned())),
    }
}

fn found(message: &Message<'_>) -> Found {
    let Some(call) = message.call() else { return (None, Vec::new()) };
    let target = |target: &Target<'_>| (target.kind(), target.name().to_owned());
    (Some(call.method().to_owned()), call.targets().iter().map(target).collect())
}

fn read(body: impl AsRef<[u8]>) -> Outcome {
    outcome(&head(post()), body.as_ref())
}

/// Returns what is found in a message of this method and these targets.
fn one(method: &str, targets: &[(TargetKind, &str)]) -> Outcome {
    let targets = targets.iter().map(|(kind, name)| (*kind, (*name).to_owned())).collect();
    Ok(vec![(Some(method.to_owned()), targets)])
}

#[track_caller]
fn assert_passes(body: impl AsRef<[u8]>) {
    let body = body.as_ref();
    assert!(read(body).is_ok(), "{}: {:?}", body.escape_ascii(), read(body));
}

#[track_caller]
fn assert_refused(body: impl AsRef<[u8]>, code: i32) {
    let body = body.as_ref();
    assert_eq!(read(body), Err((400, code, "null".to_owned())), "{}", body.escape_ascii());
}

const INVALID: i32 = -32600;
const NOT_JSON: i32 = -32700;
