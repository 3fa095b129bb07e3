//! Lines of token files; no error quotes them.

use super::*;
use crate::auth::AuthScheme;
use crate::credentials::CredentialFileErrorKind;

/// The digest of `rD3m0NfE5Yc0mKq1bWv7Xw`: `printf %s … | sha256sum`.
const CI: &str = "2358a45dae43d2a5a98346a6f7a98868a66de07c0b6c951e1550b554ffa29c7a";

fn one(line: &str) -> Result<Token, String> {
    match parse_tokens(line) {
        Ok(mut tokens) if tokens.len() == 1 => Ok(tokens.remove(0)),
        Ok(tokens) => Err(format!("{} tokens", tokens.len())),
        Err(error) => Err(error.to_string()),
    }
}

#[test]
fn tokens_of_a_missing_file_are_revoked_until_it_is_back() {
    let table = Snapshot::new(CredentialTable::with_sha256());
    let granted = || table.load().get(b"rD3m0NfE5Yc0mKq1bWv7Xw").cloned();
    let text = format!("ci sha256:{CI}");
    assert_eq!(apply(&table, Some(&text)).unwrap(), 1);
    let grant = granted().unwrap();
    assert_eq!(apply(&table, Some(&text)).unwrap(), 1);
    assert!(grant.is_active(), "the file has it still");
    assert_eq!(apply(&table, None).unwrap(), 0);
    assert!(!grant.is_active() && granted().is_none());
    assert_eq!(apply(&table, Some(&text)).unwrap(), 1);
    assert!(granted().is_some());
}

fn at(seconds: u64) -> Option<SystemTime> {
    Some(UNIX_EPOCH + Duration::from_secs(seconds))
}

#[test]
fn line_has_name_digest_expiry_and_scopes() {
    let plain = one(&format!("ci sha256:{CI}")).unwrap();
    assert_eq!((&*plain.name, plain.expires, plain.scopes.len()), ("ci", None, 0));
    assert_eq!((plain.digest.0[0], plain.digest.0[31]), (0x23, 0x7a));
    assert_eq!(one(&format!("  ci\t sha256:{} \r\n", CI.to_uppercase())).unwrap(), plain);

    let full = format!("björn sha256:{CI} expires=2030-01-31T12:00:00+02:00 scopes=tools:read,a");
    let full = one(&full).unwrap();
    assert_eq!((&*full.name, full.expires), ("björn", at(1_896_084_000)));
    assert_eq!(full.scopes, ["tools:read", "a"]);
    let swapped = format!("björn sha256:{CI} scopes=tools:read,a expires=2030-01-31T10:00:00Z");
    assert_eq!(one(&swapped).unwrap(), full);

    let authenticated = full.grant().authenticated(AuthScheme::BEARER);
    let principal = authenticated.principal();
    assert_eq!(principal.name(), "björn");
    assert!(principal.has_scope("tools:read") && !principal.has_scope("tools"));
    assert_eq!(authenticated.lifetime().expires_at(), full.expires);
    let authenticated = plain.grant().authenticated(AuthScheme::BEARER);
    assert_eq!(authenticated.lifetime().expires_at(), None);
}

#[test]
fn expiry_is_a_time_of_rfc_3339() {
    let expires = |time: &str| one(&format!("ci sha256:{CI} expires={time}"));
    for (time, seconds) in [
        ("1970-01-01T00:00:01Z", 1),
        ("2030-01-31T12:00:00Z", 1_896_091_200),
        ("2030-01-31T12:00:00.999Z", 1_896_091_200), // rounded down
        ("2030-01-31T12:00:00-00:30", 1_896_093_000),
        ("9999-12-31T23:59:59Z", 253_402_300_799),
        ("1969-12-31T23:59:59Z", 0), // has passed in any case
        ("0001-01-01T00:00:00Z", 0),
    ] {
        assert_eq!(expires(time).unwrap().expires, at(seconds), "{time}");
    }
    for time in [
        "",
        "never",
        "1896091200",
        "2030-01-31",
        "2030-01-31T12:00Z",
        "2030-01-31T12:00:00",
        "2030-01-31T12:00:00+0200",
        "2030-02-30T12:00:00Z",
        "2030-01-31T25:00:00Z",
        "2030-01-31T12:00:00Z[UTC]",
        "+2030-01-31T12:00:00Z",
        "99999-01-31T12:00:00Z",
    ] {
        let error = expires(time).unwrap_err();
        assert!(error.starts_with("line 1: `expires=` must be a time"), "{time}: {error}");
    }
}

#[test]
fn scopes_are_scope_tokens_of_rfc_6749() {
    let scopes = |scopes: &str| one(&format!("ci sha256:{CI} scopes={scopes}"));
    assert_eq!(scopes("a=b,!#[]~").unwrap().scopes, ["a=b", "!#[]~"]);
    for bad in ["", ",", "a,", ",a", "a,,b", "a\"b", "a\\b", "ä", "a\u{7f}"] {
        let error = scopes(bad).unwrap_err();
        assert!(error.starts_with("line 1: `scopes=` must be scopes"), "{bad}: {error}");
    }
}

#[test]
fn roles_are_names_without_white_space() {
    let roles = |roles: &str| one(&format!("ci sha256:{CI} scopes=a roles={roles}"));
    let token = roles("ops,büro,a=b").unwrap();
    let authenticated = token.grant().authenticated(AuthScheme::BEARER);
    let principal = authenticated.principal();
    assert!(principal.roles().eq(["ops", "büro", "a=b"]) && !principal.has_scope("ops"));
    assert!(one(&format!("ci sha256:{CI}")).unwrap().roles.is_empty());
    for bad in ["", ",", "a,", ",a", "a,,b", "a\u{7f}", "a\u{a0}b"] {
        let error = roles(bad).unwrap_err();
        assert!(error.starts_with("line 1: `roles=` must be names"), "{bad:?}: {error}");
    }
    let error = roles("a roles=b").unwrap_err();
    assert!(error.starts_with("line 1: `expires=`, `scopes=` and `roles=` may appear once"));
}

#[test]
fn malformed_lines_are_rejected() {
    let good = format!("ci sha256:{CI} expires=2030-01-31T12:00:00Z scopes=a");
    assert!(one(&good).is_ok());
    for (from, to, reason) in [
        ("ci ", "", "expected `sha256:`"),
        ("ci ", "c\u{7}i ", "the name has a control character"),
        ("ci ", "c\ri ", "the name has a control character"),
        ("ci ", "ci:", "expected `sha256:`"),
        ("sha256:", "", "expected `sha256:`"),
        ("sha256:", "SHA256:", "expected `sha256:`"),
        ("sha256:", "sha512:", "expected `sha256:`"),
        ("sha256:", "sha256: ", "expected `sha256:`"),
        (CI, &CI[1..], "expected `sha256:`"),
        (CI, &CI[2..], "expected `sha256:`"),
        (CI, &format!("{CI}00"), "expected `sha256:`"),
        (CI, &format!("+{}", &CI[1..]), "expected `sha256:`"),
        (CI, &format!("g{}", &CI[1..]), "expected `sha256:`"),
        (CI, "rD3m0NfE5Yc0mKq1bWv7Xw", "expected `sha256:`"),
        (CI, DIGESTS_OF_NOTHING[0], "the digest is that of an empty token"),
        (CI, DIGESTS_OF_NOTHING[1], "the digest is that of an empty token"),
        ("ci ", "\u{a0}ci ", "the name begins or ends with white space"),
        (
            "scopes=a",
            "expires=2030-01-31T12:00:00Z",
            "`expires=`, `scopes=` and `roles=` may appear once",
        ),
        (
            "expires=2030-01-31T12:00:00Z",
            "scopes=a",
            "`expires=`, `scopes=` and `roles=` may appear once",
        ),
        ("scopes=a", "scopes=a, b", "`scopes=` must be scopes"),
        ("scopes=a", "scope=a", "only `expires=`, `scopes=` and `roles=`"),
        ("scopes=a", "Expires=never", "only `expires=`, `scopes=` and `roles=`"),
        ("scopes=a", "# a comment", "only `expires=`, `scopes=` and `roles=`"),
    ] {
        let bad = good.replacen(from, to, 1);
        assert_ne!(bad, good);
        let error = one(&bad).unwrap_err();
        assert!(error.starts_with(&format!("line 1: {reason}")), "{bad}: {error}");
        assert!(!error.contains(&CI[10..20]) && !error.contains("rD3m"), "{error}");
    }
}

#[test]
fn tokens_are_unique_and_names_may_repeat() {
    let other = CI.replace('a', "b");
    let text = format!("# rotation\nci sha256:{CI}\nci sha256:{other}\n");
    assert_eq!(parse_tokens(&text).unwrap().len(), 2);
    let text = text + "\nalice sha256:" + &CI.to_uppercase();
    let error = parse_tokens(&text).unwrap_err();
    assert_eq!(error.kind(), CredentialFileErrorKind::Duplicate);
    assert_eq!(error.to_string(), "line 5: duplicate token (first on line 2)");
}
