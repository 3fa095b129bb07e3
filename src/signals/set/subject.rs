//! The subjects of events (RFC 9493, Shared Signals Framework 1.0 §3).

use serde_json::{Map, Value};

use crate::signals::refusal::{Code, Refusal};
use crate::text::Shortened;

/// The greatest length of an identifier, in bytes: that of an e-mail address (RFC 5321 §4.5.3.1).
const MAX_ID: usize = 320;

/// Who an event is about.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Subject<'s> {
    IssSub {
        iss: &'s str,
        sub: &'s str,
    },
    Email(&'s str),
    Opaque(&'s str),
    /// No user, or one in a format that is unknown.
    Unsupported {
        format: String,
    },
}

/// A subject, and whether only a part of it is meant.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found<'s> {
    pub(super) subject: Subject<'s>,
    /// Whether the event is about one session of the user, or their use of one device or application.
    pub(super) is_narrower: bool,
}

/// Returns the subject of an event: `sub_id` of the SET, or `subject` of the event, as drafts had it.
///
/// # Errors
///
/// If there is none, if the two name different subjects, or if one is malformed.
pub(super) fn find<'s>(
    claims: &'s Map<String, Value>,
    payload: &'s Map<String, Value>,
) -> Result<Found<'s>, Refusal> {
    match (claims.get("sub_id"), payload.get("subject")) {
        (Some(only), None) | (None, Some(only)) => read(only),
        (Some(one), Some(other)) => {
            let (one, other) = (read(one)?, read(other)?);
            if one == other {
                Ok(one)
            } else {
                Err(Code::InvalidRequest.because("`sub_id` and `subject` are different"))
            }
        }
        (None, None) => Err(Code::InvalidRequest.because("`sub_id` is missing")),
    }
}

fn read(value: &Value) -> Result<Found<'_>, Refusal> {
    let subject = object(value)?;
    // Subjects of several parts had no format in drafts.
    let parts = ["user", "session", "device", "application", "tenant", "org_unit", "group"];
    let is_complex = match format(subject) {
        Some(format) => format == "complex",
        None => parts.iter().any(|part| subject.contains_key(*part)),
    };
    if !is_complex {
        return Ok(Found { subject: read_simple(subject)?, is_narrower: false });
    }
    let subject = match object_of(subject, "user")? {
        Some(user) => read_simple(user)?,
        None => Subject::Unsupported { format: "complex without a user".into() },
    };
    let narrowing = ["session", "device", "application"];
    let is_narrower = value
        .as_object()
        .is_some_and(|value| narrowing.iter().any(|part| value.contains_key(*part)));
    Ok(Found { subject, is_narrower })
}

fn read_simple(subject: &Map<String, Value>) -> Result<Subject<'_>, Refusal> {
    let format = format(subject)
        .ok_or_else(|| Code::InvalidRequest.because("the subject has no `format`"))?;
    Ok(match format {
        // With a hyphen in drafts.
        "iss_sub" | "iss-sub" => {
            Subject::IssSub { iss: text(subject, "iss")?, sub: text(subject, "sub")? }
        }
        "email" => Subject::Email(text(subject, "email")?),
        "opaque" => Subject::Opaque(text(subject, "id")?),
        other => Subject::Unsupported { format: format!("{:?}", Shortened::new(other)) },
    })
}

/// Returns the format, whose name was another in drafts.
fn format(subject: &Map<String, Value>) -> Option<&str> {
    subject.get("format").or_else(|| subject.get("subject_type"))?.as_str()
}

fn text<'s>(subject: &'s Map<String, Value>, name: &str) -> Result<&'s str, Refusal> {
    let text = subject.get(name).and_then(Value::as_str);
    let is_valid =
        |text: &&str| !text.is_empty() && text.len() <= MAX_ID && !text.contains(char::is_control);
    text.filter(is_valid).ok_or_else(|| {
        Code::InvalidRequest
            .because("an identifier of the subject is missing, empty, too long or no text")
    })
}

fn object(value: &Value) -> Result<&Map<String, Value>, Refusal> {
    value.as_object().ok_or_else(|| Code::InvalidRequest.because("the subject is not an object"))
}

fn object_of<'s>(
    subject: &'s Map<String, Value>,
    name: &str,
) -> Result<Option<&'s Map<String, Value>>, Refusal> {
    subject.get(name).map(object).transpose()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read_ok(value: &Value) -> Found<'_> {
        read(value).unwrap()
    }

    #[test]
    fn subjects_of_each_format_are_read() {
        let iss_sub = Subject::IssSub { iss: "https://id.example.com", sub: "alice" };
        let value = json!({"format": "iss_sub", "iss": "https://id.example.com", "sub": "alice"});
        assert_eq!(read_ok(&value), Found { subject: iss_sub, is_narrower: false });
        let value = json!({"format": "email", "email": "a@example.com"});
        assert_eq!(read_ok(&value).subject, Subject::Email("a@example.com"));
        let value = json!({"format": "opaque", "id": "42"});
        assert_eq!(read_ok(&value).subject, Subject::Opaque("42"));
        let value = json!({"format": "phone_number", "phone_number": "+12065550100"});
        let format = "\"phone_number\"".to_owned();
        assert_eq!(read_ok(&value).subject, Subject::Unsupported { format });
    }

    #[test]
    fn the_user_of_a_complex_subject_counts() {
        let user = json!({"format": "opaque", "id": "42"});
        let session = json!({"format": "opaque", "id": "s-1"});
        let found = |value: &Value| {
            let Found { subject, is_narrower } = read(value).unwrap();
            (matches!(subject, Subject::Opaque("42")), is_narrower)
        };
        let complex = json!({"format": "complex", "user": user, "tenant": session});
        assert_eq!(found(&complex), (true, false));
        let complex = json!({"format": "complex", "user": user, "session": session});
        assert_eq!(found(&complex), (true, true));
        assert_eq!(
            found(&json!({"user": user, "device": session})),
            (true, true),
            "a draft's form"
        );
        let complex = json!({"format": "complex", "session": session});
        assert_eq!(found(&complex), (false, true));
        // One part of a complex subject is a simple one.
        let nested = json!({"format": "complex", "user": {"format": "complex", "user": user}});
        assert_eq!(found(&nested), (false, false));
    }

    #[test]
    fn malformed_subjects_are_refused() {
        for value in [
            json!("alice"),
            json!([]),
            json!({}),
            json!({"format": 7}),
            json!({"sub": "alice"}),
            json!({"format": "iss_sub", "iss": "https://id.example.com"}),
            json!({"format": "iss_sub", "sub": "alice"}),
            json!({"format": "iss_sub", "iss": "https://id.example.com", "sub": ""}),
            json!({"format": "iss_sub", "iss": "https://id.example.com", "sub": 7}),
            json!({"format": "email"}),
            json!({"format": "opaque", "id": "a\nb"}),
            json!({"format": "opaque", "id": "x".repeat(321)}),
            json!({"format": "complex", "user": "alice"}),
            json!({"format": "complex", "user": {"sub": "alice"}}),
        ] {
            assert_eq!(read(&value).unwrap_err().code, Code::InvalidRequest, "{value}");
        }
    }
}
