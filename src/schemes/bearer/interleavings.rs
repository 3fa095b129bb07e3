//! Requests that race with changes of the tokens.

use std::sync::Arc;

use http::header::AUTHORIZATION;
use shuttle::thread::spawn;

use super::*;
use crate::auth::{Authenticator, Lifetime};
use crate::sync::explore;

const TOKEN: &str = "rD3m0NfE5Yc0mKq1bWv7Xw";
const OTHER: &str = "Zb9tQ0sJw2uLx4hVn6pRaA";

/// The tokens of a server, as its requests and an operator see them.
struct Setup {
    tokens: Bearer,
    handle: BearerHandle,
}

impl Setup {
    fn new() -> Arc<Self> {
        let tokens = Bearer::new([("ci", TOKEN), ("alice", OTHER)]).unwrap();
        let handle = tokens.handle();
        Arc::new(Self { tokens, handle })
    }

    /// Sends a request, and returns the lifetime of its credential if it is authenticated.
    fn request(&self, token: &str) -> Option<Lifetime> {
        let request = http::Request::get("/").header(AUTHORIZATION, format!("Bearer {token}"));
        let (head, ()) = request.body(()).unwrap().into_parts();
        let decision = self.tokens.authenticate_now(&head).unwrap();
        decision.ok().map(|authenticated| authenticated.lifetime().clone())
    }
}

/// Also by the shortcut to credentials that were found before, which the second request takes.
#[test]
fn no_request_escapes_a_revocation() {
    explore(|| {
        let setup = Setup::new();
        let clients = [TOKEN, TOKEN, OTHER].map(|token| {
            let setup = setup.clone();
            spawn(move || [0; 2].map(|_| setup.request(token)))
        });
        assert!(setup.handle.revoke(TOKEN));
        assert!(setup.request(TOKEN).is_none());
        assert!(setup.request(OTHER).is_some());
        let lifetimes = clients.map(|client| client.join().unwrap());
        let [revoked, too, others] = lifetimes.map(|lifetimes| lifetimes.into_iter().flatten());
        assert!(revoked.chain(too).all(|lifetime| !lifetime.is_active()));
        assert_eq!(others.filter(Lifetime::is_active).count(), 2);
        assert!(setup.request(TOKEN).is_none());
    });
}

#[test]
fn no_change_is_lost() {
    explore(|| {
        let setup = Setup::new();
        let changes: [fn(&BearerHandle); 3] = [
            |handle| handle.add("bob", "b".repeat(22)).unwrap(),
            |handle| handle.add("carol", "c".repeat(22)).unwrap(),
            |handle| assert!(handle.revoke(TOKEN)),
        ];
        let changes = changes.map(|change| {
            let setup = setup.clone();
            spawn(move || change(&setup.handle))
        });
        for change in changes {
            change.join().unwrap();
        }
        let valid = [TOKEN, OTHER, &"b".repeat(22), &"c".repeat(22)];
        let valid = valid.map(|token| setup.request(token).is_some());
        assert_eq!(valid, [false, true, true, true]);
    });
}

#[test]
fn no_request_sees_half_of_a_change() {
    explore(|| {
        let setup = Setup::new();
        setup.handle.add("ci", "second").unwrap();
        let client = {
            let setup = setup.clone();
            spawn(move || {
                let tokens = setup.tokens.tokens.load();
                [TOKEN, "second", OTHER].map(|token| tokens.get(token.as_bytes()).is_some())
            })
        };
        assert_eq!(setup.handle.revoke_all("ci"), 2);
        let found = client.join().unwrap();
        assert!([[true; 3], [false, false, true]].contains(&found), "{found:?}");
    });
}
