//! A token file is accepted if a plain reading of its lines is, and then its tokens authenticate whom that reading says.

#![no_main]

use std::collections::{BTreeSet, HashMap};

use http::Request;
use libfuzzer_sys::fuzz_target;
use mcp_auth_layer::credentials::CredentialFileErrorKind;
use mcp_auth_layer::{Authenticator, Bearer};
use mcp_auth_layer_fuzz::lines::{fields, lines};
use mcp_auth_layer_fuzz::plain_policy::is_scope;
use mcp_auth_layer_fuzz::rfc3339::{self, Unclear};
use mcp_auth_layer_fuzz::temporary_file::TemporaryFile;
use mcp_auth_layer_fuzz::tokens::now;
use sha2::{Digest, Sha256};

/// The digests of these are in the dictionary.
const TOKENS: [&str; 3] = ["a", "b", "c"];

/// Name, scopes and roles.
type Grant = (String, BTreeSet<String>, BTreeSet<String>);

thread_local! {
    static FILE: TemporaryFile = TemporaryFile::new();
}

fuzz_target!(|data: &[u8]| {
    let shown = data.escape_ascii();
    let Ok(expected) = tokens(data) else { return };
    let bearer = match FILE.with(|file| Bearer::from_file(file.write(data))) {
        Ok(bearer) => bearer,
        Err(error) => {
            assert_ne!(error.kind(), CredentialFileErrorKind::Internal, "{shown}");
            assert_ne!(error.kind(), CredentialFileErrorKind::Io, "{error}");
            assert!(expected.is_none_or(|tokens| tokens.is_empty()), "{error}: {shown}");
            return;
        }
    };
    let expected = expected.expect(&format!("it is accepted: {shown}"));
    for token in TOKENS {
        let request = Request::get("/").header("authorization", format!("Bearer {token}"));
        let (head, ()) = request.body(()).unwrap().into_parts();
        let decided = bearer.authenticate_now(&head).expect("nothing has to be awaited");
        let granted = decided.ok().filter(|granted| granted.lifetime().is_active());
        let granted = granted.map(|granted| {
            let principal = granted.principal();
            let [scopes, roles] = [
                principal.scopes().map(str::to_owned).collect(),
                principal.roles().map(str::to_owned).collect(),
            ];
            (principal.name().to_owned(), scopes, roles)
        });
        assert_eq!(
            granted.as_ref(),
            expected.get(&digest(token)).and_then(Option::as_ref),
            "{shown}"
        );
    }
});

fn digest(token: &str) -> String {
    Sha256::digest(token).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Returns the grants of a file by the digests of tokens, `None` for one that has expired; `None` if a line is invalid.
fn tokens(content: &[u8]) -> Result<Option<HashMap<String, Option<Grant>>>, Unclear> {
    let Some(lines) = lines(content) else { return Ok(None) };
    let mut tokens = HashMap::new();
    for line in lines {
        let Some((digest, grant)) = token(line)? else { return Ok(None) };
        if ["", "\n"].iter().any(|nothing| digest == self::digest(nothing))
            || tokens.insert(digest, grant).is_some()
        {
            return Ok(None);
        }
    }
    Ok(Some(tokens))
}

fn token(line: &str) -> Result<Option<(String, Option<Grant>)>, Unclear> {
    let fields = fields(line);
    let [name, digest, options @ ..] = &fields[..] else { return Ok(None) };
    let Some(hex) = digest.strip_prefix("sha256:") else { return Ok(None) };
    let is_digest = hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_blank = |c: char| c.is_whitespace() || c.is_control();
    if !is_digest || name.contains(char::is_control) || name.trim() != *name {
        return Ok(None);
    }
    let (mut is_active, mut seen, mut lists) =
        (true, Vec::new(), [BTreeSet::new(), BTreeSet::new()]);
    for option in options {
        let Some((key, value)) = option.split_once('=') else { return Ok(None) };
        if seen.contains(&key) {
            return Ok(None);
        }
        seen.push(key);
        let list: Vec<_> = value.split(',').map(str::to_owned).collect();
        match key {
            "expires" => match rfc3339::read(value)? {
                Some(time) => is_active = time > now(),
                None => return Ok(None),
            },
            "scopes" if list.iter().all(|scope| is_scope(scope)) => lists[0].extend(list),
            "roles" if !list.iter().any(|role| role.is_empty() || role.contains(is_blank)) => {
                lists[1].extend(list);
            }
            _ => return Ok(None),
        }
    }
    let [scopes, roles] = lists;
    let grant = is_active.then(|| (name.to_string(), scopes, roles));
    Ok(Some((hex.to_ascii_lowercase(), grant)))
}
