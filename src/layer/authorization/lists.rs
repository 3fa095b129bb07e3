//! Which elements of a list a principal is shown.

use std::pin::pin;
use std::sync::Arc;

use super::config::AUTHORIZER;
use crate::auth::Principal;
use crate::layer::guarded::{guarded, guarded_now};
use crate::layer::state::State;
use crate::policy::json_rpc::{INTERNAL_ERROR, UNAVAILABLE};
use crate::policy::{Authorizer as _, BoxAuthorizer, ListError, Lists, Refusal, RefusalKind};
use crate::telemetry::audit;

/// How much of an answer is sent.
pub(super) enum Shown {
    /// The whole answer, as it is.
    Unchanged,
    Changed(Vec<u8>),
    Nothing,
}

/// Filters the lists in an answer, if that is possible without waiting.
pub(super) fn filter_now(
    authorizer: &BoxAuthorizer,
    principal: &Principal,
    answer: &[u8],
) -> Option<Result<Shown, ListError>> {
    let lists = match Lists::read(answer) {
        Ok(lists) if lists.is_empty() => return Some(Ok(Shown::Unchanged)),
        Ok(lists) => lists,
        Err(error) => return Some(Err(error)),
    };
    let visible = guarded_now(AUTHORIZER, || authorizer.visible_now(principal, lists.targets()));
    match visible {
        Ok(visible) => visible.map(|visible| Ok(shown(&lists, &visible))),
        Err(interrupted) => {
            Some(Ok(unavailable(&lists, principal, Refusal::unavailable().caused_by(interrupted))))
        }
    }
}

/// Filters the lists in an answer.
pub(super) async fn filter(
    state: Arc<State>,
    principal: Principal,
    answer: Vec<u8>,
) -> Result<Shown, ListError> {
    let authorization = &state.config.authorization;
    let Some(authorizer) = &authorization.authorizer else { return Ok(Shown::Unchanged) };
    if let Some(shown) = filter_now(authorizer, &principal, &answer) {
        return shown;
    }
    let lists = Lists::read(&answer)?;
    let limit = state.config.authenticator_timeout;
    let visible = pin!(async { authorizer.visible(&principal, lists.targets()).await });
    let visible = guarded(limit, AUTHORIZER, visible).await;
    Ok(match visible {
        Ok(Ok(visible)) => shown(&lists, &visible),
        Ok(Err(refusal)) => unavailable(&lists, &principal, refusal),
        Err(interrupted) => {
            unavailable(&lists, &principal, Refusal::unavailable().caused_by(interrupted))
        }
    })
}

fn shown(lists: &Lists<'_>, visible: &[bool]) -> Shown {
    if lists.is_update() {
        return if visible == [true] { Shown::Unchanged } else { Shown::Nothing };
    }
    lists.filtered(visible).map_or(Shown::Unchanged, Shown::Changed)
}

/// Returns an error in place of a list that cannot be decided about.
fn unavailable(lists: &Lists<'_>, principal: &Principal, refusal: Refusal) -> Shown {
    let outcome = match refusal.kind() {
        RefusalKind::Unavailable => audit::Outcome::Unavailable,
        RefusalKind::NotPermitted | RefusalKind::ArgumentsRefused => audit::Outcome::NotPermitted,
    };
    let kind = lists.targets().first().map_or("method", |target| target.kind().as_str());
    audit::list_decision(audit::Decision {
        principal: principal.name(),
        issuer: principal.issuer(),
        method: "list",
        kind,
        name: None,
        outcome,
        rule: None::<&str>,
        cause: refusal.cause().map(ToString::to_string),
    });
    if lists.is_update() {
        return Shown::Nothing;
    }
    Shown::Changed(lists.replaced_by_error(INTERNAL_ERROR, UNAVAILABLE))
}
