//! Lines of password files; no error quotes them.

use super::*;

const ALICE: &str = "$2y$05$LvvsnvRpmrwNkcIEOLmOGOaTLcgqv4zIHAR1/65GL8r6wk75ZHg7K";
const ARGON2ID: &str =
    "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";

fn users(text: &str) -> Result<Vec<String>, String> {
    let parsed = PasswordFile::parse(text).map_err(|error| error.to_string())?;
    Ok(parsed.lines.iter().map(|line| line.user.to_string()).collect())
}

fn error(text: &str) -> String {
    users(text).unwrap_err()
}

#[test]
fn comments_and_blank_lines_are_skipped() {
    let text = format!("\u{feff}# a team\r\n\r\nalice:{ALICE}\r\n  \nbjörn k:{ARGON2ID}\n#x:y");
    assert_eq!(users(&text).unwrap(), ["alice", "björn k"]);
}

#[test]
fn unsupported_hashes_are_rejected_with_advice() {
    for (text, reason) in [
        ("{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", "{SHA} and the like are not password hashes"),
        ("{SSHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", "{SHA} and the like are not password hashes"),
        ("$apr1$ab$DPqgsbzPVjGBi0jbBMjMF1", "MD5 is broken as a password hash"),
        ("$1$ab$DPqgsbzPVjGBi0jbBMjMF1", "MD5 is broken as a password hash"),
        ("$5$ab$DPqgsbzPVjGBi0jbBMjMF1", "SHA-256 and SHA-512 of crypt(3) are not supported"),
        ("$6$ab$DPqgsbzPVjGBi0jbBMjMF1", "SHA-256 and SHA-512 of crypt(3) are not supported"),
        (&ALICE.replace("$2y$", "$2x$"), "$2x$ marks a broken bcrypt, which confuses passwords"),
        (&ARGON2ID.replace("2id", "2i"), "of argon2, only argon2id is supported"),
        (&ARGON2ID.replace("2id", "2d"), "of argon2, only argon2id is supported"),
        (
            "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$tnSYvahCwPBHKZUspmcxMfb0",
            "this kind of hash is not supported",
        ),
        (
            "rqXexS6ZhobKA",
            "it looks like crypt(3), which is broken, or a password that is not hashed",
        ),
        ("hunter2", "the password is not hashed"),
        ("", "the password is not hashed"),
        (&ALICE[..59], "the bcrypt hash is malformed or cut short"),
        (&ARGON2ID[..60], "the argon2id hash is malformed or cut short"),
    ] {
        assert_eq!(
            error(&format!("# users\nalice:{ALICE}\nbob:{text}")),
            format!(
                "line 3: {reason}; make the line by `htpasswd -nB USER` \
                 or `cargo run --example credentials -- password USER`"
            )
        );
    }
}

#[test]
fn names_are_checked_and_unique() {
    let duplicate = format!("alice:{ALICE}\n\nbob:{ARGON2ID}\nalice:{ARGON2ID}");
    assert_eq!(error(&duplicate), "line 4: duplicate user (first on line 1)");
    assert!(users(&duplicate.replace("\nalice", "\nAlice")).is_ok());

    assert_eq!(error("alice"), "line 1: there is no colon after the name of the user");
    assert_eq!(error(&format!(":{ALICE}")), "line 1: the name is empty");
    for control in ['\0', '\t', '\r', '\u{7f}', '\u{85}'] {
        let line = format!("al{control}ice:{ALICE}");
        assert_eq!(error(&line), "line 1: the name has a control character");
    }
    let named = |length| format!("{}:{ALICE}", "x".repeat(length));
    assert!(users(&named(255)).is_ok());
    assert_eq!(error(&named(256)), "line 1: the name has more than 255 bytes");
}

#[test]
fn errors_do_not_quote_the_line() {
    let secret = "xK3rT0qZ";
    for line in [
        secret.to_owned(),
        format!("{secret}:{secret}"),
        format!("{secret}\t:{ALICE}"),
        format!(":{secret}"),
        format!("alice:{}", ALICE.replace("LvvsnvRp", secret).replace("$05$", "$31$")),
        format!("alice:{}!", ALICE.replace("LvvsnvRp", secret)),
        format!("{secret}:{ALICE}\n{secret}:{ALICE}"),
        secret.repeat(1000),
    ] {
        let error = PasswordFile::parse(&line).err().expect("the line is rejected");
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains(secret) && !shown.contains(&ALICE[20..]), "{shown}");
    }
}

/// The kind of fault: white space and fields around a hash are silently taken literally, or the error
/// describes something else.
#[test]
fn white_space_and_extra_fields_are_trimmed_or_named() {
    for line in
        [format!(" alice:{ALICE}"), format!("\talice:{ALICE} \t"), format!("alice:{ALICE}  ")]
    {
        assert_eq!(users(&line).unwrap(), ["alice"], "{line:?}");
    }
    for (line, reason) in [
        (format!("alice :{ALICE}"), "white space between the name and the colon"),
        (format!("alice: {ALICE}"), "white space between the colon and the hash"),
        (format!("alice:{ALICE}:a comment"), "a third field after the hash"),
        (format!("alice:{ALICE} # a comment"), "white space in the hash or after it"),
        (format!("alice:{{bcrypt}}{ALICE}"), "before the hash"),
        (format!("alice:{{ARGON2}}{ARGON2ID}"), "before the hash"),
    ] {
        let error = error(&line);
        assert!(error.contains(reason) && !error.contains("cut short"), "{line}: {error}");
        assert!(!error.contains("$2y$05$") && !error.contains("comment"), "{error}");
    }
}
