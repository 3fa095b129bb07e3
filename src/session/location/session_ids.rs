//! The session and event IDs of a layer, wherever they are.

use http::request::Parts;
use http::{HeaderMap, HeaderName, Uri};

use super::presented::Presented;
use super::query::is_blank;
use super::{headers, query};

use crate::auth::{LAST_EVENT_ID, Principal, Rejection, SESSION_ID};
use crate::session::binding::SessionBinder;
use crate::session::key::{IdKind, SessionKey};
use crate::session::parameter::SessionParameter;

/// Binds and verifies the session and event IDs of a layer, wherever they are.
#[derive(Clone, Debug)]
pub(crate) struct SessionIds {
    binder: SessionBinder,
    /// Whether IDs are passed through as they are.
    is_disabled: bool,
    header: HeaderName,
    pub(super) parameter: SessionParameter,
}

impl SessionIds {
    /// Creates one with the key of this process, the header of MCP, and the parameter of its SDKs.
    pub(crate) fn new() -> Self {
        Self {
            binder: SessionBinder::new(SessionKey::of_process()),
            is_disabled: false,
            header: SESSION_ID.clone(),
            parameter: SessionParameter::default(),
        }
    }

    /// Sets the key that IDs are bound with.
    pub(crate) fn set_key(&mut self, key: SessionKey) {
        self.binder.set_current_key(key);
    }

    /// Sets a second key that IDs are verified with, for rotation.
    pub(crate) fn set_previous_key(&mut self, key: SessionKey) {
        self.binder.set_previous_key(key);
    }

    /// Passes IDs through as they are, whatever the keys.
    pub(crate) fn disable_binding(&mut self) {
        self.is_disabled = true;
    }

    pub(crate) fn set_header(&mut self, name: HeaderName) {
        self.header = name;
    }

    pub(crate) fn set_parameter(&mut self, parameter: SessionParameter) {
        self.parameter = parameter;
    }

    pub(crate) fn header(&self) -> &HeaderName {
        &self.header
    }

    pub(crate) fn are_bound(&self) -> bool {
        !self.is_disabled
    }

    pub(super) fn binder(&self) -> Option<&SessionBinder> {
        self.are_bound().then_some(&self.binder)
    }

    /// Verifies the bound IDs of a request, and replaces them by what the inner service calls them.
    ///
    /// An ID that is bound to another principal, or that appears twice, is an unknown one: servers
    /// differ in which of two they read.
    ///
    /// Returns the session header as the client sent it, for [`bind_header`](Self::bind_header).
    pub(crate) fn verify(
        &self,
        head: &mut Parts,
        principal: &Principal,
    ) -> Result<Option<Presented>, Rejection> {
        let Some(binder) = self.binder() else { return Ok(None) };
        let (session, event) =
            headers::find_both(&mut head.headers, [&self.header, &LAST_EVENT_ID]);
        let presented = session.verify(|id| binder.verify(IdKind::Session, principal, id))?;
        event.verify(|id| binder.verify(IdKind::Event, principal, id))?;
        query::for_each_uri(head, |uri| {
            query::verify(uri, &self.parameter, presented.is_some(), |id| {
                binder.verify(IdKind::Session, principal, id)
            })
        })?;
        Ok(presented)
    }

    /// Returns the session ID in a query, which was verified before.
    pub(crate) fn session_in_query<'u>(&self, uri: &'u Uri) -> Option<&'u str> {
        let query = uri.query()?;
        let value = self.parameter.values_in(query.as_bytes()).next()?;
        Some(&query[value]).filter(|id| !is_blank(id.as_bytes()))
    }

    /// Removes from a request whatever could act in a session.
    pub(crate) fn strip(&self, head: &mut Parts) {
        headers::remove(&mut head.headers, &[&self.header, &LAST_EVENT_ID]);
        let Ok(()) = query::for_each_uri(head, |uri| {
            Ok::<_, std::convert::Infallible>(query::without(uri, &self.parameter))
        });
    }

    /// Requests an event stream that is not compressed from the inner service, if it is read: the IDs
    /// in another one could not be bound. For a client that names no coding, nothing changes.
    pub(crate) fn request_identity_coding(&self, headers: &mut HeaderMap, is_read: bool) {
        if self.are_bound() || is_read {
            headers::request_identity_coding(headers);
        }
    }

    /// Binds the session ID in the header of a response. `presented` is the header of its request, which was
    /// verified for the same principal.
    pub(crate) fn bind_header(
        &self,
        headers: &mut HeaderMap,
        principal: &Principal,
        presented: Option<&Presented>,
    ) {
        if let Some(binder) = self.binder() {
            headers::bind(headers, &self.header, binder, principal, presented);
        }
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderValue, Request};
    use proptest::prelude::*;

    use super::*;

    const KEYS: [[u8; 32]; 2] = [[1; 32], [2; 32]];

    /// IDs for headers: any of a few characters, so that one is often the beginning of another one.
    const ID: &str = "[a.]{1,4}";

    /// Binds an ID as the response to a request without one has it.
    fn bound(ids: &SessionIds, principal: &Principal, id: &str) -> HeaderValue {
        let mut headers = HeaderMap::new();
        headers.insert(&SESSION_ID, HeaderValue::try_from(id).unwrap());
        ids.bind_header(&mut headers, principal, None);
        headers.remove(&SESSION_ID).unwrap()
    }

    proptest! {
        /// What a client presents saves a MAC, and decides nothing.
        #[test]
        fn presented_ids_do_not_change_how_responses_are_bound(
            presented in ID,
            responses in prop::collection::vec(ID, 0..4),
            is_repeated in any::<[bool; 4]>(),
            key in 0..KEYS.len(),
            issuer in prop::option::of("[a-c]{0,2}"),
        ) {
            let mut ids = SessionIds::new();
            ids.set_key(KEYS[key].into());
            let alice = match issuer {
                Some(issuer) => Principal::new("alice").issued_by(issuer),
                None => Principal::new("alice"),
            };
            let sent = bound(&ids, &alice, &presented);
            ids.set_key(KEYS[0].into());
            ids.set_previous_key(KEYS[1].into());

            let request = Request::builder().header(&SESSION_ID, &sent).body(()).unwrap();
            let mut head = request.into_parts().0;
            let verified = ids.verify(&mut head, &alice).unwrap();
            prop_assert_eq!(&head.headers[&SESSION_ID], presented.as_str());
            prop_assert!(verified.is_some());

            let mut headers = HeaderMap::new();
            for (other, is_repeated) in responses.iter().zip(is_repeated) {
                let id = if is_repeated { &presented } else { other };
                headers.append(&SESSION_ID, HeaderValue::try_from(id).unwrap());
            }
            let mut expected = headers.clone();
            ids.bind_header(&mut headers, &alice, verified.as_ref());
            ids.bind_header(&mut expected, &alice, None);
            prop_assert_eq!(headers, expected);
        }
    }
}
