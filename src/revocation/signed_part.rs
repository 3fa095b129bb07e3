//! What a JWT is, apart from its signature.

/// Returns what the signature of a JWT covers: its header and its payload (RFC 7515 §7.1). Returns nothing for a token
/// that is no JWT.
///
/// For some algorithms, as ECDSA, a holder of a token can change its signature into another valid one. The token then
/// looks different, but these parts of it are the same.
pub(super) fn signed_part(token: &[u8]) -> Option<&[u8]> {
    let mut parts = token.rsplitn(3, |byte| *byte == b'.');
    let (signature, payload, header) = (parts.next()?, parts.next()?, parts.next()?);
    let is_jwt = !header.contains(&b'.') && !header.is_empty() && !payload.is_empty();
    is_jwt.then(|| &token[..token.len() - signature.len() - 1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signed_part_has_the_header_and_the_payload() {
        assert_eq!(signed_part(b"a.b.c"), Some(&b"a.b"[..]));
        assert_eq!(signed_part(b"a.b."), Some(&b"a.b"[..]));
        for token in ["", "a", "a.b", "a.b.c.d", ".b.c", "a..c", ".."] {
            assert_eq!(signed_part(token.as_bytes()), None, "{token}");
        }
    }
}
