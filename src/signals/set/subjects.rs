//! Whose tokens an event may revoke.

use std::fmt;
use std::sync::Arc;

use super::subject::Subject;
use crate::signals::refusal::{Code, Refusal};
use crate::text::Shortened;

type MapEmail = dyn Fn(&str) -> Option<String> + Send + Sync;

/// Whose tokens the events of a transmitter may revoke: those of its own issuer, and what is configured.
#[derive(Clone, Default)]
pub(super) struct Subjects {
    pub(super) issuers: Vec<String>,
    pub(super) emails: Vec<(String, Arc<MapEmail>)>,
}

/// The users that a subject of an event means.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Users {
    Known(Vec<User>),
    /// It means no user that is known here, for this reason.
    Unknown(String),
}

/// A user whose tokens are revoked.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct User {
    pub(super) issuer: String,
    pub(super) subject: String,
}

impl User {
    fn new(issuer: &str, subject: &str) -> Self {
        Self { issuer: issuer.to_owned(), subject: subject.to_owned() }
    }
}

impl Subjects {
    /// Returns the users that a subject of an event of this transmitter means.
    ///
    /// # Errors
    ///
    /// If the transmitter may not speak for the issuer of the subject.
    pub(super) fn users(&self, transmitter: &str, subject: &Subject<'_>) -> Result<Users, Refusal> {
        let unknown = |reason: &str| Ok(Users::Unknown(reason.to_owned()));
        match subject {
            Subject::IssSub { iss, sub } if self.may_name(transmitter, iss) => {
                Ok(Users::Known(vec![User::new(iss, sub)]))
            }
            Subject::IssSub { iss, .. } => Err(Code::AccessDenied
                .because("the transmitter may not revoke the tokens of this subject's issuer")
                .caused_by(format!("the issuer is {:?}", Shortened::new(*iss)))),
            Subject::Opaque(id) => Ok(Users::Known(vec![User::new(transmitter, id)])),
            Subject::Email(_) if self.emails.is_empty() => {
                unknown("e-mail addresses are not mapped to subjects")
            }
            Subject::Email(email) => {
                let users = self.with_email(email);
                if users.is_empty() {
                    unknown("the e-mail address is of no user")
                } else {
                    Ok(Users::Known(users))
                }
            }
            Subject::Unsupported { format } => {
                Ok(Users::Unknown(format!("the format of the subject is not supported: {format}")))
            }
        }
    }

    fn may_name(&self, transmitter: &str, issuer: &str) -> bool {
        issuer == transmitter || self.issuers.iter().any(|allowed| allowed == issuer)
    }

    fn with_email(&self, email: &str) -> Vec<User> {
        let subject = |(issuer, map): &(String, Arc<MapEmail>)| {
            let subject = map(email).filter(|subject| !subject.is_empty())?;
            Some(User::new(issuer, &subject))
        };
        self.emails.iter().filter_map(subject).collect()
    }
}

impl fmt::Debug for Subjects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let emails = self.emails.iter().map(|(issuer, _)| issuer);
        f.debug_struct("Subjects")
            .field("issuers", &self.issuers)
            .field("emails", &emails.collect::<Vec<_>>())
            .finish()
    }
}
