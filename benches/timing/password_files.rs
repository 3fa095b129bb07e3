//! Passwords that are compared by a hash.

use mcp_auth_layer::Authenticator;
use mcp_auth_layer::schemes::HtpasswdFile;
use tokio::runtime::{Builder, Runtime};

use super::case::Case;
use super::measure::compare;
use super::request::request;
use super::tokens::{PASSWORD, USERS, basic, unknown_user, wrong_password};

/// The lowest cost of bcrypt, about a millisecond: the longer the hash, the less is seen of what is around it.
const COST: u32 = 4;
/// A hash takes a thousand times as long as what the other cases do.
const FEW: u64 = 20_000;

pub fn cases() -> Vec<Case> {
    vec![
        Case::of_authorization("password of a file, not hashed", users(), wrong_password),
        Case::of_authorization("user of a file, not hashed: known, unknown", users(), unknown_user),
        hashed(),
    ]
}

/// Users who are all cached. With another password, the cache is looked at, and nothing is hashed yet.
fn users() -> HtpasswdFile {
    let hash = |name| format!("{name}:{}\n", bcrypt::hash(PASSWORD, COST).expect("a valid cost"));
    let text: String = USERS.map(hash).concat();
    let users = HtpasswdFile::from_text(&text).expect("well-formed");
    for name in USERS {
        let head = request(Some(&basic(name, PASSWORD)));
        assert!(runtime().block_on(users.authenticate(&head)).is_ok());
    }
    users
}

/// The whole decision, on another thread.
fn hashed() -> Case {
    let (users, runtime) = (users(), runtime());
    let run = move |count| {
        compare(
            count,
            |class, random| request(Some(&unknown_user(class, random))),
            |head| {
                let decision = runtime.block_on(users.authenticate(head));
                assert!(decision.is_err());
                decision.map(drop)
            },
        )
    };
    Case::new("user of a file, hashed: known, unknown", run).count(FEW)
}

fn runtime() -> Runtime {
    Builder::new_current_thread().build().expect("a runtime")
}
