//! What a line may say, and that no error repeats it.

use super::*;

/// Of `rD3m0NfE5Yc0mKq1bWv7Xw`: `printf %s … | sha256sum`.
const CI: &str = "2358a45dae43d2a5a98346a6f7a98868a66de07c0b6c951e1550b554ffa29c7a";

fn one(line: &str) -> Result<Token, String> {
    match parse_tokens(line) {
        Ok(mut tokens) if tokens.len() == 1 => Ok(tokens.remove(0)),
        Ok(tokens) => Err(format!("{} tokens", tokens.len())),
        Err(error) => Err(error.to_string()),
    }
}

fn at(seconds: u64) -> Option<SystemTime> {
    Some(UNIX_EPOCH + Duration::from_secs(seconds))
}

#[test]
fn a_token_has_a_name_a_digest_an_end_and_scopes() {
    let plain = one(&format!("ci sha256:{CI}")).unwrap();
    assert_eq!((&*plain.name, plain.expires, plain.scopes.len()), ("ci", None, 0));
    assert_eq!((plain.sha256[0], plain.sha256[31]), (0x23, 0x7a));
    assert_eq!(one(&format!("  ci\t sha256:{} \r\n", CI.to_uppercase())).unwrap(), plain);

    let full = format!("björn sha256:{CI} expires=2030-01-31T12:00:00+02:00 scopes=tools:read,a");
    let full = one(&full).unwrap();
    assert_eq!((&*full.name, full.expires), ("björn", at(1_896_084_000)));
    assert_eq!(full.scopes, ["tools:read", "a"]);
    let swapped = format!("björn sha256:{CI} scopes=tools:read,a expires=2030-01-31T10:00:00Z");
    assert_eq!(one(&swapped).unwrap(), full);

    let principal = full.principal();
    assert_eq!((principal.name(), principal.expiry()), ("björn", full.expires));
    assert!(principal.has_scope("tools:read") && !principal.has_scope("tools"));
    assert_eq!(plain.principal().expiry(), None);
}

#[test]
fn times_are_those_of_rfc_3339() {
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
fn scopes_are_those_of_rfc_6749() {
    let scopes = |scopes: &str| one(&format!("ci sha256:{CI} scopes={scopes}"));
    assert_eq!(scopes("a=b,!#[]~").unwrap().scopes, ["a=b", "!#[]~"]);
    for bad in ["", ",", "a,", ",a", "a,,b", "a\"b", "a\\b", "ä", "a\u{7f}"] {
        let error = scopes(bad).unwrap_err();
        assert!(error.starts_with("line 1: `scopes=` must be scopes"), "{bad}: {error}");
    }
}

#[test]
fn everything_else_is_refused() {
    let good = format!("ci sha256:{CI} expires=2030-01-31T12:00:00Z scopes=a");
    assert!(one(&good).is_ok());
    for (from, to, reason) in [
        ("ci ", "", "behind the name"),
        ("ci ", "c\u{7}i ", "the name has a control character"),
        ("ci ", "c\ri ", "the name has a control character"),
        ("ci ", "ci:", "behind the name"),
        ("sha256:", "", "behind the name"),
        ("sha256:", "SHA256:", "behind the name"),
        ("sha256:", "sha512:", "behind the name"),
        ("sha256:", "sha256: ", "behind the name"),
        (CI, &CI[1..], "behind the name"),
        (CI, &CI[2..], "behind the name"),
        (CI, &format!("{CI}00"), "behind the name"),
        (CI, &format!("+{}", &CI[1..]), "behind the name"),
        (CI, &format!("g{}", &CI[1..]), "behind the name"),
        (CI, "rD3m0NfE5Yc0mKq1bWv7Xw", "behind the name"),
        (CI, NOTHING[0], "it is the SHA-256 of nothing"),
        (CI, NOTHING[1], "it is the SHA-256 of nothing"),
        ("ci ", "\u{a0}ci ", "the name begins or ends with white space"),
        ("scopes=a", "expires=2030-01-31T12:00:00Z", "`expires=` and `scopes=` may stand once"),
        ("expires=2030-01-31T12:00:00Z", "scopes=a", "`expires=` and `scopes=` may stand once"),
        ("scopes=a", "scopes=a, b", "`scopes=` must be scopes"),
        ("scopes=a", "scope=a", "behind the digest"),
        ("scopes=a", "Expires=never", "behind the digest"),
        ("scopes=a", "# a comment", "behind the digest"),
    ] {
        let bad = good.replacen(from, to, 1);
        assert_ne!(bad, good);
        let error = one(&bad).unwrap_err();
        assert!(error.starts_with(&format!("line 1: {reason}")), "{bad}: {error}");
        assert!(!error.contains(&CI[10..20]) && !error.contains("rD3m"), "{error}");
    }
}

#[test]
fn a_token_stands_once_and_a_name_as_often_as_it_likes() {
    let other = CI.replace('a', "b");
    let text = format!("# rotation\nci sha256:{CI}\nci sha256:{other}\n");
    assert_eq!(parse_tokens(&text).unwrap().len(), 2);
    let text = text + "\nalice sha256:" + &CI.to_uppercase();
    let error = parse_tokens(&text).unwrap_err();
    assert_eq!(error.to_string(), "line 5: the token stands in line 2 already");
}
