//! Lines that the real `htpasswd` made: see `tests/fixtures/README.md`.

#![allow(dead_code, reason = "no test file uses all of it")]

use serde_json::Value;

/// All of them: options, password and line.
pub fn lines() -> Vec<(String, String, String)> {
    let made: Vec<Value> =
        serde_json::from_str(include_str!("../fixtures/htpasswd.json")).expect("JSON");
    let text = |one: &Value, field: &str| one[field].as_str().expect("text").to_owned();
    let entry = |one| (text(one, "options"), text(one, "password"), text(one, "line"));
    made.iter().map(entry).collect()
}

/// The line that `htpasswd -nb OPTIONS USER PASSWORD` printed.
pub fn htpasswd(options: &str, user: &str, password: &str) -> String {
    let found = lines().into_iter().find(|(o, p, _)| (&**o, &**p) == (options, password));
    let Some((_, _, line)) = found else {
        panic!("no line for {options} and {password:?}: add it to tests/fixtures/make.py");
    };
    line.replacen("user:", &format!("{user}:"), 1)
}
