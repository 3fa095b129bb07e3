//! Names, passwords and tokens given in code are validated when the authenticator is built.

use mcp_auth_layer::credentials::CredentialErrorKind;
use mcp_auth_layer::{Basic, Bearer, CredentialError};

#[test]
fn invalid_credentials_are_errors() {
    let basic = |user, password| Basic::new([("first", "one"), (user, password)]).unwrap_err();
    let is = |error: &CredentialError, kind| (error.kind(), error.position()) == (kind, Some(2));
    for (user, password) in [("a:b", "x"), ("", "x"), ("a\nb", "x"), ("a\u{85}b", "x")] {
        let error = basic(user, password);
        assert!(is(&error, CredentialErrorKind::InvalidName), "{error}");
    }
    for (user, password) in [("a", ""), ("a", "x\0"), ("a", "x\r\ny"), ("a", "x\u{7f}")] {
        let error = basic(user, password);
        assert!(is(&error, CredentialErrorKind::InvalidSecret), "{error}");
    }
    assert!(is(&basic("first", "two"), CredentialErrorKind::Duplicate));
    assert!(Basic::new([("a", "päss:word"), ("b", "päss:word")]).is_ok());

    let bearer = |name, token| Bearer::new([("first", "one"), (name, token)]).unwrap_err();
    for (name, token) in
        [("a", ""), ("a", "="), ("a", "a b"), ("a", "a=b"), ("a", "tök"), ("a", "a\n")]
    {
        let error = bearer(name, token);
        assert!(is(&error, CredentialErrorKind::InvalidSecret), "{token:?}: {error}");
    }
    for name in ["", "a\0"] {
        let error = bearer(name, "two");
        assert!(is(&error, CredentialErrorKind::InvalidName), "{error}");
    }
    assert!(is(&bearer("second", "one"), CredentialErrorKind::Duplicate));
    assert!(Bearer::new([("a", "one"), ("a", "two=="), ("b:c", "-._~+/")]).is_ok());

    let none: [(&str, &str); 0] = [];
    assert_eq!(Basic::new(none).unwrap_err().kind(), CredentialErrorKind::NoCredentials);
    assert_eq!(Bearer::new(none).unwrap_err().kind(), CredentialErrorKind::NoCredentials);
}

#[test]
fn names_with_surrounding_white_space_are_errors() {
    use mcp_auth_layer::Basic;
    for name in [" al", "al ", "\u{a0}al", " "] {
        let error = Basic::new([(name, "pw")]).unwrap_err().to_string();
        assert!(error.contains("white space"), "{name:?}: {error}");
    }
    assert!(Basic::new([("al ice", " pw ")]).is_ok(), "white space inside a name is allowed");
    for name in [" ci", "ci ", "\u{a0}ci"] {
        let error = Bearer::new([(name, "token")]).unwrap_err().to_string();
        assert!(error.contains("white space"), "{name:?}: {error}");
    }
    assert!(Bearer::new([("c i", "token")]).is_ok());
}
