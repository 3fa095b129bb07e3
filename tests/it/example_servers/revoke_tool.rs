//! `credentials revoke` with files: what it removes, what it leaves, and how it fails.

use std::fs;
use std::io::{Seek, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::process::Stdio;

use reqwest::Method;

use crate::support::credential_file::CredentialFile;
use crate::support::example_server::{Server, example, output, until};

/// `printf %s rD3m0NfE5Yc0mKq1bWv7Xw | sha256sum`
const DIGEST: &str = "2358a45dae43d2a5a98346a6f7a98868a66de07c0b6c951e1550b554ffa29c7a";
const TOKEN: &str = "rD3m0NfE5Yc0mKq1bWv7Xw";
/// The digest of another token.
const OTHER: &str = "6d0668848eb309127ea5c2c343701d5bd5ed3171dfcd196f7295fb6f4432fcd2";

struct Revoked {
    status: Option<i32>,
    stderr: String,
}

/// Runs the tool with this text on stdin.
async fn revoke_with_input(args: &[&str], input: &str) -> Revoked {
    let mut stdin = tempfile::tempfile().unwrap();
    stdin.write_all(input.as_bytes()).unwrap();
    stdin.rewind().unwrap();
    let mut command = example("credentials");
    let output = output(command.arg("revoke").args(args).stdin(Stdio::from(stdin))).await;
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(output.stdout.is_empty(), "{output:?}", output = output.stdout);
    for secret in [TOKEN, DIGEST, OTHER] {
        assert!(!stderr.contains(secret), "{stderr}");
    }
    Revoked { status: output.status.code(), stderr }
}

async fn revoke(args: &[&str]) -> Revoked {
    revoke_with_input(args, "").await
}

fn text(file: &CredentialFile) -> String {
    fs::read_to_string(&file.path).unwrap()
}

fn path(file: &CredentialFile) -> &str {
    file.path.to_str().unwrap()
}

#[tokio::test]
async fn only_the_lines_of_the_name_are_removed() {
    let hash = "$2y$04$dWMy1NGi9Q.Qvr56bmQ17OCTo9OhyqY99xLhQw6Ycw8GZTSd6Yr6G";
    let key = "base64:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
    for (option, removed, rest) in [
        (
            "--token-file",
            format!("ci \t sha256:{DIGEST} scopes=a\r\n"),
            format!("\u{feff}# ci\r\n\r\ncid sha256:{OTHER}\n  # ci sha256:{DIGEST}\n"),
        ),
        ("--hmac-key-file", format!(" ci {key}\n"), format!("# ci {key}\nCi {key}\n")),
        ("--htpasswd", format!("ci:{hash}"), format!("#ci:{hash}\ncii:{hash}\n\n\n")),
    ] {
        let file = CredentialFile::new(&format!("{rest}{removed}"));
        let done = revoke(&["ci", option, path(&file)]).await;
        assert_eq!(done.status, Some(0), "{}", done.stderr);
        assert_eq!(done.stderr, format!("{}: 1 line removed\n", path(&file)));
        assert_eq!(text(&file), rest, "{option}");
    }
}

#[tokio::test]
async fn token_on_stdin_removes_its_line_alone() {
    let lines = [format!("ci sha256:{DIGEST}\n"), format!("ci sha256:{OTHER}\n")];
    for input in [format!("{TOKEN}\n"), format!("{TOKEN}\r\n"), TOKEN.to_owned()] {
        let file = CredentialFile::new(&lines.concat());
        let done = revoke_with_input(&["--token", "-", "--token-file", path(&file)], &input).await;
        assert_eq!(done.status, Some(0), "{}", done.stderr);
        assert_eq!(text(&file), lines[1]);
    }
    let upper = CredentialFile::new(&lines.concat().to_uppercase().replace("SHA256", "sha256"));
    let done = revoke_with_input(&["--token", "-", "--token-file", path(&upper)], TOKEN).await;
    assert_eq!((done.status, text(&upper).lines().count()), (Some(0), 1), "{}", done.stderr);
}

#[tokio::test]
async fn revoking_what_no_file_has_changes_nothing() {
    let (a, b) = (format!("ci sha256:{DIGEST}\n"), format!("bob sha256:{OTHER}\n"));
    let (first, second) = (CredentialFile::new(&a), CredentialFile::new(&b));
    let files = ["--token-file", path(&first), "--token-file", path(&second)];
    let version = |file: &CredentialFile| fs::metadata(&file.path).unwrap().ino();
    let before = (version(&first), version(&second));
    let done = revoke(&[&["alice"], &files[..]].concat()).await;
    assert_eq!(done.status, Some(1));
    assert_eq!(done.stderr, "error: no line of these files matches: none was changed\n");
    let done = revoke_with_input(&[&["--token", "-"], &files[..]].concat(), "x").await;
    assert_eq!(done.status, Some(1), "{}", done.stderr);
    assert_eq!((version(&first), version(&second)), before);

    // One file that has it is enough.
    let done = revoke(&[&["bob"], &files[..]].concat()).await;
    assert_eq!(done.status, Some(0), "{}", done.stderr);
    assert!(done.stderr.contains("no credential is left"), "{}", done.stderr);
    assert_eq!((text(&first), text(&second)), (a, String::new()));
}

#[tokio::test]
async fn replaced_file_keeps_its_owner_mode_and_links() {
    for mode in [0o400, 0o600, 0o640, 0o444] {
        let file = CredentialFile::new(&format!("ci sha256:{DIGEST}\nbob sha256:{OTHER}\n"));
        file.set_mode(mode);
        let _ = chown(&file.path, Some(1234), Some(4321)); // only root can
        let before = fs::metadata(&file.path).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("link");
        symlink(&file.path, &link).unwrap();
        let done = revoke(&["ci", "--token-file", link.to_str().unwrap()]).await;
        assert_eq!(done.status, Some(0), "{}", done.stderr);

        let after = fs::metadata(&file.path).unwrap();
        assert_eq!(after.permissions().mode() & 0o7777, mode);
        assert_eq!((after.uid(), after.gid()), (before.uid(), before.gid()));
        assert_ne!(after.ino(), before.ino(), "the file is replaced, not written to");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(text(&file), format!("bob sha256:{OTHER}\n"));
        let others = fs::read_dir(file.path.parent().unwrap()).unwrap().count();
        assert_eq!(others, 1, "no other file is left");
    }
}

#[tokio::test]
async fn file_that_servers_reject_is_reported() {
    let file = CredentialFile::new(&format!("ci sha256:{DIGEST}\nbob\n"));
    let done = revoke(&["ci", "--token-file", path(&file)]).await;
    assert_eq!(done.status, Some(1), "{}", done.stderr);
    assert_eq!(text(&file), "bob\n");
    let expected = format!("error: {}:1: expected `sha256:`", path(&file));
    assert!(done.stderr.contains(&expected), "{}", done.stderr);
    assert!(done.stderr.contains("servers reject the file"), "{}", done.stderr);
}

/// What can be revoked is revoked, and what cannot is reported.
#[tokio::test]
async fn unreadable_file_does_not_keep_others_from_changes() {
    let file = CredentialFile::new(&format!("ci sha256:{DIGEST}\nbob sha256:{OTHER}\n"));
    let not_utf8 = CredentialFile::new("");
    fs::write(&not_utf8.path, b"ci sha256:\xff\n").unwrap();
    for other in ["no/such/file", "/dev/null", ".", path(&not_utf8)] {
        file.replace(&format!("ci sha256:{DIGEST}\nbob sha256:{OTHER}\n"));
        let done = revoke(&["ci", "--token-file", other, "--token-file", path(&file)]).await;
        assert_eq!(done.status, Some(1), "{other}: {}", done.stderr);
        let expected = format!("error: {other}: cannot be read: ");
        assert!(done.stderr.contains(&expected), "{}", done.stderr);
        assert_eq!(text(&file), format!("bob sha256:{OTHER}\n"));
    }
}

/// The files of a process can be read and not replaced. Their lines look like those of a password file.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn line_that_cannot_be_removed_is_no_missing_line() {
    let done = revoke(&["Name", "--htpasswd", "/proc/self/status"]).await;
    assert_eq!(done.status, Some(1), "{}", done.stderr);
    let expected = "error: /proc/self/status: cannot be replaced: ";
    assert!(done.stderr.starts_with(expected), "{}", done.stderr);
    assert!(!done.stderr.contains("no line of these files matches"), "{}", done.stderr);
}

/// Two lines that are removed at the same time: no removal undoes the other one.
#[tokio::test]
async fn concurrent_revocations_are_all_kept() {
    let names: Vec<_> = (0..8).map(|number| format!("user{number}")).collect();
    let lines = |(number, name): (usize, &String)| format!("{name} sha256:{number:064x}\n");
    let text_of_all: String = names.iter().enumerate().map(lines).collect();
    let file = CredentialFile::new(&format!("{text_of_all}bob sha256:{OTHER}\n"));
    let done = names.iter().map(async |name| revoke(&[name, "--token-file", path(&file)]).await);
    for done in futures::future::join_all(done).await {
        assert_eq!(done.status, Some(0), "{}", done.stderr);
    }
    assert_eq!(text(&file), format!("bob sha256:{OTHER}\n"));
}

#[tokio::test]
async fn unusable_arguments_of_revoke_exit_with_status_2() {
    let file = CredentialFile::new(&format!("ci sha256:{DIGEST}\n"));
    let file = path(&file);
    for args in [
        &[][..],
        &["ci"],
        &["--token-file", file],
        &["--token", TOKEN, "--token-file", file],
        &["--token", "-", "ci", "--token-file", file],
        &["--token", "-", "--htpasswd", file],
        &["--token", "-", "--hmac-key-file", file],
        &["--token", "-", "--token-file", file], // nothing on stdin
        &["ci", "bob", "--token-file", file],
        &["", "--token-file", file],
    ] {
        let done = revoke(args).await;
        assert_eq!(done.status, Some(2), "{args:?}: {}", done.stderr);
        assert!(done.stderr.starts_with("error: "), "{}", done.stderr);
        assert_eq!(done.stderr.lines().count(), 1, "{}", done.stderr);
    }
    let done = revoke_with_input(&["--token", "-", "--token-file", file], "a b\n").await;
    assert_eq!(done.status, Some(2), "{}", done.stderr);
}

#[tokio::test]
async fn running_server_rejects_a_revoked_token() {
    let file = CredentialFile::new(&format!("ci sha256:{DIGEST}\nbob sha256:{OTHER}\n"));
    let server = Server::start("streamable_server", &["--token-file", path(&file)]).await;
    let authorization = format!("Bearer {TOKEN}");
    let is_rejected = async || server.status(Method::GET, "/", Some(&authorization)).await == 401;
    assert!(!is_rejected().await);
    assert_eq!(revoke(&["ci", "--token-file", path(&file)]).await.status, Some(0));
    until("the token is rejected", is_rejected).await;
}
