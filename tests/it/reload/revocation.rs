//! Revocation with a handle and by editing the file, and how both interact.

use axum::body::Body;
use mcp_auth_layer::schemes::{HtpasswdFile, Signer};
use mcp_auth_layer::{Bearer, HttpSignature};

use super::{key, password, protected, status, token};
use crate::support::credential_file::CredentialFile;
use crate::support::{basic, send};

/// Neither an edit of the file nor its last line may undo a revocation.
#[tokio::test]
async fn revoked_token_stays_revoked_until_its_line_is_removed() {
    let [leaked, other] = [token("ci", "leaked", ""), token("ci", "other", "")];
    let file = CredentialFile::new(&(leaked.clone() + &other));
    let tokens = Bearer::from_file(&file.path).unwrap();
    let handle = tokens.handle();
    let app = protected(tokens);
    let is_accepted = async || status(&app, "Bearer leaked").await == 200;
    assert!(is_accepted().await);
    assert!(handle.revoke("leaked"));
    for edited in ["# a comment\n", "# another\n", "\n\n"] {
        file.replace(&(leaked.clone() + &other + edited));
        handle.reload().unwrap();
        assert!(!is_accepted().await && status(&app, "Bearer other").await == 200);
    }
    // Once its line is removed, the revocation is forgotten: a new line is a new decision.
    file.replace(&other);
    handle.reload().unwrap();
    file.replace(&(leaked.clone() + &other));
    handle.reload().unwrap();
    assert!(is_accepted().await);
    // All tokens of a name are revoked, and one is added again.
    assert_eq!(handle.revoke_all("ci"), 2);
    file.replace(&(other.clone() + &leaked));
    handle.reload().unwrap();
    assert!(!is_accepted().await && status(&app, "Bearer other").await == 401);
    handle.add("ci", "leaked").unwrap();
    assert!(is_accepted().await);
    file.replace(&(leaked + "# again\n" + &other));
    handle.reload().unwrap();
    assert!(is_accepted().await && status(&app, "Bearer other").await == 401);
}

#[tokio::test]
async fn revoked_key_stays_revoked_until_its_line_is_removed() {
    let [leaked, new] = [[1; 32], [2; 32]];
    let lines = key("ci", leaked) + &key("ci", new);
    let file = CredentialFile::new(&lines);
    let keys = HttpSignature::from_file(&file.path).unwrap();
    let handle = keys.handle();
    let app = protected(keys);
    let is_accepted = async |secret: [u8; 32]| {
        let request = http::Request::get("http://localhost/").body(Vec::new());
        let mut request = request.unwrap();
        Signer::new("ci", secret).unwrap().sign(&mut request).unwrap();
        send(app.clone(), request.map(Body::from)).await.status == 200
    };
    assert!(is_accepted(leaked).await && is_accepted(new).await);
    assert!(handle.revoke("ci", leaked));
    file.replace(&(lines.clone() + "# a comment\n"));
    handle.reload().unwrap();
    assert!(!is_accepted(leaked).await && is_accepted(new).await);
    file.replace(&key("ci", new));
    handle.reload().unwrap();
    file.replace(&lines);
    handle.reload().unwrap();
    assert!(is_accepted(leaked).await);
    assert_eq!(handle.revoke_all("ci"), 2);
    file.replace(&("# again\n".to_owned() + &lines));
    handle.reload().unwrap();
    assert!(!is_accepted(leaked).await && !is_accepted(new).await);
    handle.add("ci", leaked).unwrap();
    assert!(is_accepted(leaked).await);
}

/// The revocation of a token that was added at runtime does not apply to the file.
#[tokio::test]
async fn revoked_runtime_token_can_be_added_by_file() {
    let file = CredentialFile::new(&token("ci", "other", ""));
    let tokens = Bearer::from_file(&file.path).unwrap();
    let handle = tokens.handle();
    let app = protected(tokens);
    handle.add("ci", "new").unwrap();
    assert!(handle.revoke("new"));
    assert_eq!(status(&app, "Bearer new").await, 401);
    file.replace(&(token("ci", "other", "") + &token("ci", "new", "")));
    handle.reload().unwrap();
    assert_eq!(status(&app, "Bearer new").await, 200);
}

/// A line that was commented out must not be read.
#[tokio::test]
async fn commented_out_lines_are_revoked() {
    for comment in ["#", "# ", " #", "\t# "] {
        let (line, stays) = (token("ci", "leaked", ""), token("ci", "other", ""));
        let file = CredentialFile::new(&(line.clone() + &stays));
        let tokens = Bearer::from_file(&file.path).unwrap();
        let handle = tokens.handle();
        let app = protected(tokens);
        assert_eq!(status(&app, "Bearer leaked").await, 200);
        file.replace(&format!("{comment}{line}{stays}"));
        handle.reload().unwrap(); // or the watch was faster
        assert_eq!(status(&app, "Bearer leaked").await, 401, "{comment:?}");
        assert_eq!(status(&app, "Bearer other").await, 200);

        let users = CredentialFile::new(&format!(
            "{comment}{}{}",
            password("alice", "a"),
            password("b", "b")
        ));
        let app = protected(HtpasswdFile::open(&users.path).unwrap());
        for name in ["alice", "#alice", " #alice", "# alice"] {
            assert_eq!(status(&app, &basic(name, "a")).await, 401, "{comment:?} {name}");
        }
        assert_eq!(status(&app, &basic("b", "b")).await, 200);
    }
}
