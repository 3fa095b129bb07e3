//! What a line may say, and that no error repeats it.

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
fn users_and_what_is_between_them() {
    let text = format!("\u{feff}# a team\r\n\r\nalice:{ALICE}\r\n  \nbjörn k:{ARGON2ID}\n#x:y");
    assert_eq!(users(&text).unwrap(), ["alice", "björn k"]);
}

#[test]
fn other_hashes_are_refused_with_the_command_that_makes_a_proper_line() {
    for (text, reason) in [
        ("{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", "{SHA} and its like are no hashes for passwords"),
        ("{SSHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", "{SHA} and its like are no hashes for passwords"),
        ("$apr1$ab$DPqgsbzPVjGBi0jbBMjMF1", "MD5 is broken as a hash of passwords"),
        ("$1$ab$DPqgsbzPVjGBi0jbBMjMF1", "MD5 is broken as a hash of passwords"),
        ("$5$ab$DPqgsbzPVjGBi0jbBMjMF1", "crypt's SHA-256 and SHA-512 are not read"),
        ("$6$ab$DPqgsbzPVjGBi0jbBMjMF1", "crypt's SHA-256 and SHA-512 are not read"),
        (&ALICE.replace("$2y$", "$2x$"), "$2x$ marks a broken bcrypt, which mixes passwords up"),
        (&ARGON2ID.replace("2id", "2i"), "of argon2, only argon2id is read"),
        (&ARGON2ID.replace("2id", "2d"), "of argon2, only argon2id is read"),
        ("$y$j9T$F5Jx5fExrKuPp53xLKQ..1$tnSYvahCwPBHKZUspmcxMfb0", "this kind of hash is not read"),
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
fn a_user_has_a_name_and_stands_once() {
    let stands = format!("alice:{ALICE}\n\nbob:{ARGON2ID}\nalice:{ARGON2ID}");
    assert_eq!(error(&stands), "line 4: the user stands in line 1 already");
    assert!(users(&stands.replace("\nalice", "\nAlice")).is_ok());

    assert_eq!(error("alice"), "line 1: there is no colon behind the user's name");
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
fn no_error_quotes_the_line() {
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
        let error = PasswordFile::parse(&line).err().expect("it is refused");
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains(secret) && !shown.contains(&ALICE[20..]), "{shown}");
    }
}

/// The kind: white space and fields around a line are taken literally in silence, or named wrongly.
#[test]
fn what_stands_around_a_line_is_trimmed_or_named() {
    for line in
        [format!(" alice:{ALICE}"), format!("\talice:{ALICE} \t"), format!("alice:{ALICE}  ")]
    {
        assert_eq!(users(&line).unwrap(), ["alice"], "{line:?}");
    }
    for (line, reason) in [
        (format!("alice :{ALICE}"), "white space between the name and the colon"),
        (format!("alice: {ALICE}"), "white space between the colon and the hash"),
        (format!("alice:{ALICE}:a comment"), "a third field behind the hash"),
        (format!("alice:{ALICE} # a comment"), "white space in the hash or behind it"),
        (format!("alice:{{bcrypt}}{ALICE}"), "in front of the hash"),
        (format!("alice:{{ARGON2}}{ARGON2ID}"), "in front of the hash"),
    ] {
        let error = error(&line);
        assert!(error.contains(reason) && !error.contains("cut short"), "{line}: {error}");
        assert!(!error.contains("$2y$05$") && !error.contains("comment"), "{error}");
    }
}
