//! Requests that race with a new version of the file.

use std::sync::LazyLock;

use shuttle::future::block_on;
use shuttle::thread::spawn;

use super::tests::line;
use super::*;
use crate::sync::explore;

static LINES: LazyLock<[String; 2]> =
    LazyLock::new(|| [line("alice", "secret", 4), line("bob", "hunter2", 4)]);

impl Passwords {
    fn request(&self, name: &str, password: &str) -> Option<Grant> {
        let verify = || block_on(self.verify(name, password, Requester::default())).unwrap();
        self.cached(name, password).or_else(verify)
    }
}

/// Neither by its cached password, nor by a verification that is under way.
#[test]
fn no_request_escapes_the_removal_of_a_line() {
    explore(|| {
        let [alice, bob] = &*LINES;
        let passwords = Arc::new(Passwords::from_text(&format!("{alice}\n{bob}")).unwrap());
        let client = {
            let passwords = passwords.clone();
            spawn(move || [0; 2].map(|_| passwords.request("alice", "secret")))
        };
        replace(&passwords.users, &passwords.key, PasswordFile::parse(bob).unwrap());
        assert!(passwords.cached("alice", "secret").is_none());
        let grants = client.join().unwrap();
        assert!(grants.iter().flatten().all(|grant| !grant.is_active()));
        assert!(passwords.cached("alice", "secret").is_none());
    });
}
