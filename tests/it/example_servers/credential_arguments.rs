//! Credential files and names on the command line of the example servers.

use std::path::Path;

use crate::support::credential_file::CredentialFile;
use crate::support::example_server::{Server, USERS, run};

/// `printf %s rD3m0NfE5Yc0mKq1bWv7Xw | sha256sum`
const DIGEST: &str = "2358a45dae43d2a5a98346a6f7a98868a66de07c0b6c951e1550b554ffa29c7a";

#[cfg(unix)]
#[tokio::test]
async fn invalid_credential_file_exits_with_one_line_and_status_2() {
    let key = "ci base64:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\n";
    let hash = "$2y$04$dWMy1NGi9Q.Qvr56bmQ17OCTo9OhyqY99xLhQw6Ycw8GZTSd6Yr6G";
    let (user, token) = (format!("alice:{hash}\n"), format!("ci sha256:{DIGEST}\n"));
    for (option, valid, invalid, reason) in [
        ("--htpasswd", &*user, "bob:hunter2\n", "the password is not hashed"),
        ("--htpasswd", &user, &user, "duplicate user (first on line 1)"),
        ("--token-file", &token, "hunter2 hunter2\n", "expected `sha256:`"),
        ("--token-file", &token, &token, "duplicate token (first on line 1)"),
        ("--hmac-key-file", key, "ci base64:aHVudGVyMg==\n", "the secret has 7 bytes"),
        ("--hmac-key-file", key, key, "a key ID may have two secrets for rotation"),
    ] {
        let rejection = async |name: &str, path: &Path| {
            let output = run(name, [option, path.to_str().unwrap(), "--port", "0"]).await;
            let stderr = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(2), "{name} {option}: {stderr}");
            assert!(output.stdout.is_empty() && stderr.lines().count() == 1, "{stderr}");
            let prefix = format!("error: {option}: {}", path.display());
            let rest = stderr.strip_prefix(&prefix).unwrap_or_else(|| panic!("{stderr}"));
            for secret in ["hunter2", "aHVudGVyMg", "AQEBAQ", &hash[7..], DIGEST] {
                assert!(!stderr.contains(secret), "{stderr}");
            }
            rest.trim_end().to_owned()
        };
        for name in ["sse_server", "streamable_server"] {
            let file = CredentialFile::new(valid);
            let started = Server::start(name, &[option, file.path.to_str().unwrap()]).await;
            drop(started);

            file.replace(&[valid, invalid].concat());
            let rest = rejection(name, &file.path).await;
            assert!(rest.starts_with(":2: ") && rest.contains(reason), "{rest}");
            file.replace("# no credentials\n");
            let rest = rejection(name, &file.path).await;
            assert_eq!(rest, ": the file contains no credentials: add at least one");
            let rest = rejection(name, Path::new("no/such/file")).await;
            assert!(rest.starts_with(": the file cannot be read: "), "{rest}");
            if option == "--hmac-key-file" {
                file.replace(valid);
                file.set_mode(0o620);
                let rest = rejection(name, &file.path).await;
                assert!(rest.ends_with("(mode 620): `chmod go-w` it"), "{rest}");
            }
        }
    }
}

/// Such a name could not be distinguished from the intended one.
#[tokio::test]
async fn names_in_arguments_must_not_have_surrounding_spaces() {
    for (option, value) in
        [("--user", " al:hunter2"), ("--user", "al :hunter2"), ("--token", " ci:hunter2")]
    {
        let output = run("sse_server", [option, value, "--port", "0"]).await;
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{value}: {stderr}");
        assert!(stderr.starts_with(&format!("error: {option}: ")), "{stderr}");
        assert!(stderr.contains("the name begins or ends with white space"), "{stderr}");
        assert!(stderr.lines().count() == 1 && !stderr.contains("hunter2"), "{stderr}");
    }
    drop(Server::start("sse_server", &["--user", "al:hunter2", "--token", "c i:hunter2"]).await);
}

#[tokio::test]
async fn invalid_host_name_exits_with_one_line_and_status_2() {
    for (name, host) in [("sse_server", ":1"), ("streamable_server", "[abc]"), ("proxy", "[::zz]")]
    {
        let upstream = ["--upstream", "http://127.0.0.1:9"];
        let upstream = if name == "proxy" { &upstream[..] } else { &[] };
        let args = [&["--port", "0", "--host-name", host], &USERS[..], upstream].concat();
        let output = run(name, args).await;
        assert_eq!(output.status.code(), Some(2), "{name} {host}: {output:?}");
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.starts_with("error: --host-name") && text.lines().count() == 1, "{text}");
        assert!(output.stdout.is_empty());
    }
}
