//! Reading of one body.

use http::Method;
use http::request::Parts;
use serde::de::Deserialize;
use serde_json::error::Category;

use super::batch::Batch;
use super::body_headers::check_body_headers;
use super::envelope::Envelope;
use super::error::{MessageError, Unreadable};
use super::messages::Messages;
use super::mirrored_headers::check_mirrored_headers;
use super::version::may_have_batches;

/// Reads the body of a request that was sent to this path. `None` if there is nothing to read: a request without a
/// body, by a method that needs none. A body is read whatever the HTTP method is.
///
/// # Errors
///
/// If two parsers could read different things in it.
pub(crate) fn read_messages<'b>(
    head: &Parts,
    path: &'b str,
    body: &'b [u8],
) -> Result<Option<Messages<'b>>, MessageError<'b>> {
    if body.is_empty() {
        return match head.method {
            Method::GET | Method::HEAD | Method::DELETE | Method::OPTIONS => Ok(None),
            _ => Err(Unreadable::Empty.into()),
        };
    }
    check_body_headers(&head.headers)?;
    // Skipped values are not checked by the JSON parser.
    let text = str::from_utf8(body).map_err(|_| Unreadable::NotUtf8)?;
    let messages = if text.trim_start_matches([' ', '\t', '\n', '\r']).starts_with('[') {
        if !may_have_batches(&head.headers) {
            return Err(Unreadable::NoBatches.into());
        }
        let messages = read::<Batch<'_>>(text)?.messages()?.into_iter();
        let messages = messages.map(|message| message.into_message(path));
        Messages::Batch(messages.collect::<Result<_, _>>()?)
    } else {
        Messages::Single(read::<Envelope<'_>>(text)?.into_message(path)?)
    };
    check_mirrored_headers(&head.headers, &messages)?;
    Ok(Some(messages))
}

fn read<'b, T: Deserialize<'b>>(text: &'b str) -> Result<T, Unreadable> {
    serde_json::from_str(text).map_err(|error| match error.classify() {
        Category::Data => Unreadable::NotAMessage,
        Category::Syntax | Category::Eof | Category::Io => Unreadable::NotJson,
    })
}
