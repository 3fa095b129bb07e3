//! What becomes of a rejection when those of other schemes, or the options of the layer, are added to it.

use http::StatusCode;

use super::super::challenge::Challenge;
use super::super::rejection_kind::RejectionKind;
use super::super::token::AuthScheme;
use super::{MISSING, MISSING_OR_LOGIN, Rejection};

impl Rejection {
    /// Tells a client without a credential that it can log in, unless the application has a message of its
    /// own.
    pub(crate) fn offering_login(mut self) -> Self {
        if self.kind() == RejectionKind::Missing && self.0.message == MISSING {
            self.0.message = MISSING_OR_LOGIN.into();
        }
        self
    }

    /// Completes the challenges of a 401, and of a 403 whose credential lacks a scope, for a layer that has
    /// a resource or requires scopes. With a resource there is always a Bearer challenge.
    pub(crate) fn complete(mut self, metadata: Option<&str>, scope: Option<&str>) -> Self {
        let challenges = &mut self.0.challenges;
        Challenge::unify_bearer(challenges);
        let is_bearer = |challenge: &Challenge| challenge.scheme() == &AuthScheme::BEARER;
        if !challenges.first().is_some_and(is_bearer) {
            if metadata.is_none() {
                return self;
            }
            challenges.insert(0, Challenge::new(AuthScheme::BEARER));
        }
        let mut bearer = challenges.remove(0).complete(metadata, scope);
        if matches!(self.0.kind, RejectionKind::Missing | RejectionKind::Unrecognized) {
            bearer = bearer.without_error();
        }
        self.0.challenges.insert(0, bearer);
        self
    }

    /// Returns whether the layer [completes](Self::complete) the challenges.
    pub(crate) fn asks_for_token(&self) -> bool {
        self.status() == StatusCode::UNAUTHORIZED || self.kind() == RejectionKind::InsufficientScope
    }

    /// Joins the rejections of two schemes. The one that came further speaks. A 401 has the
    /// challenges and header fields of both, every other rejection has its own.
    pub(crate) fn merge(self, other: Self) -> Self {
        let conclusive = self.0.conclusive || other.0.conclusive;
        let failed = self.0.failed || other.0.failed;
        let challenges = [self.challenges(), other.challenges()].concat();
        let headers = [&*self.0.headers, &*other.0.headers].concat();
        let has_other_come_further = other.kind().progress() > self.kind().progress();
        let (mut speaker, other) =
            if has_other_come_further { (other, self) } else { (self, other) };
        (speaker.0.conclusive, speaker.0.failed) = (conclusive, failed);
        if speaker.status() == StatusCode::UNAUTHORIZED {
            speaker.0.challenges.clear();
            for challenge in challenges {
                if !speaker.0.challenges.contains(&challenge) {
                    speaker.0.challenges.push(challenge);
                }
            }
            Challenge::unify_bearer(&mut speaker.0.challenges);
            speaker.0.headers = headers;
            speaker.explain_by(other);
        }
        speaker
    }

    /// Takes the cause of another rejection of the same scheme, or of one that came equally far, if this
    /// one has none: a table of tokens does not know why a token is not in it, a verifier does.
    fn explain_by(&mut self, other: Self) {
        let has_come_as_far = self.kind().progress() == other.kind().progress();
        if self.0.cause.is_none() && (has_come_as_far || self.scheme() == other.scheme()) {
            self.0.cause = other.0.cause;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use http::HeaderValue;
    use http::header::RETRY_AFTER;

    use super::*;
    use crate::auth::{AuthParam, Realm};

    fn bearer() -> Challenge {
        Challenge::new(AuthScheme::BEARER)
    }

    #[test]
    fn a_merged_rejection_stays_conclusive() {
        let malformed = Rejection::malformed(bearer()).conclusive();
        let merged = malformed.clone().merge(Rejection::invalid(bearer()));
        assert_eq!(merged.kind(), RejectionKind::Invalid);
        assert!(merged.is_conclusive());
        let merged = Rejection::malformed(bearer()).merge(Rejection::invalid(bearer()));
        assert!(!merged.is_conclusive());
    }

    #[test]
    fn a_merged_403_keeps_its_own_challenge_and_headers() {
        let value = HeaderValue::from_static("1");
        let forbidden = Rejection::insufficient_scope(["a"]).with_header(RETRY_AFTER, value);
        let missing = || Rejection::missing(Challenge::new(AuthScheme::BASIC));
        for merged in [forbidden.clone().merge(missing()), missing().merge(forbidden.clone())] {
            assert_eq!(merged.kind(), RejectionKind::InsufficientScope);
            assert_eq!(merged.challenges(), forbidden.challenges());
            assert!(merged.to_response(&Realm::default()).headers().contains_key(RETRY_AFTER));
        }
        // The challenges of a 401 are those of both.
        let merged = missing().merge(Rejection::missing(bearer()));
        assert_eq!(merged.challenges(), [bearer(), Challenge::new(AuthScheme::BASIC)]);
    }

    #[test]
    fn a_merged_401_keeps_the_cause_of_either_scheme() {
        let cause = |rejection: Rejection| rejection.source().map(ToString::to_string);
        let plain = || Rejection::invalid(bearer());
        let explained = || Rejection::invalid(bearer()).caused_by("expired");
        assert_eq!(cause(plain().merge(explained())).as_deref(), Some("expired"));
        assert_eq!(cause(explained().merge(plain())).as_deref(), Some("expired"));
        assert_eq!(cause(explained().merge(plain().caused_by("x"))).as_deref(), Some("expired"));
        let malformed = Rejection::malformed(bearer()).caused_by("not a JWT");
        assert_eq!(cause(plain().merge(malformed)).as_deref(), Some("not a JWT"));
        // A wrong password is not explained by a malformed signature, nor an outage by a token.
        let signature = Challenge::new(AuthScheme::SIGNATURE);
        let malformed = Rejection::malformed(signature).caused_by("no nonce");
        let password = Rejection::invalid(Challenge::new(AuthScheme::BASIC));
        assert_eq!(cause(password.merge(malformed)), None);
        assert_eq!(cause(explained().merge(Rejection::unavailable())), None);
    }

    #[test]
    fn two_bearer_schemes_send_one_challenge() {
        let wrong = || Rejection::invalid(Challenge::invalid(AuthScheme::BEARER));
        for merged in [
            wrong().merge(Rejection::missing(bearer())),
            Rejection::missing(bearer()).merge(wrong()),
        ] {
            assert_eq!(merged.challenges(), [Challenge::invalid(AuthScheme::BEARER)]);
        }
    }

    #[test]
    fn an_error_is_for_who_presented_a_token() {
        let missing = Rejection::missing(Challenge::invalid(AuthScheme::BEARER));
        let expected = || bearer().param(AuthParam::SCOPE, "a");
        assert_eq!(missing.clone().complete(None, Some("a")).challenges(), [expected()]);
        assert_eq!(missing.unrecognized().complete(None, Some("a")).challenges(), [expected()]);
        let invalid = Rejection::invalid(Challenge::invalid(AuthScheme::BEARER));
        let named = Challenge::invalid(AuthScheme::BEARER).param(AuthParam::SCOPE, "a");
        assert_eq!(invalid.complete(None, Some("a")).challenges(), [named]);
    }

    #[test]
    fn only_a_resource_adds_a_bearer_challenge() {
        let basic = || Challenge::new(AuthScheme::BASIC);
        let missing = || Rejection::missing(basic());
        assert_eq!(missing().complete(None, Some("a")).challenges(), [basic()]);
        let with_url = bearer().param(AuthParam::RESOURCE_METADATA, "u");
        assert_eq!(missing().complete(Some("u"), None).challenges(), [with_url, basic()]);
    }
}
