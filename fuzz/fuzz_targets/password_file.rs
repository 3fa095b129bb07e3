//! A password file is accepted if a plain reading of its lines is, with as many users.

#![no_main]

use std::collections::HashSet;

use libfuzzer_sys::fuzz_target;
use mcp_auth_layer::schemes::HtpasswdFile;
use mcp_auth_layer_fuzz::lines::lines;
use mcp_auth_layer_fuzz::structured_fields::base64;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = str::from_utf8(data) else { return };
    let expected = users(data).filter(|users| *users > 0);
    match HtpasswdFile::from_text(text) {
        Ok(users) => {
            let shown = format!("{users:?}");
            let count = expected.map(|count| format!("[{count} users]")).unwrap_or_default();
            assert!(!count.is_empty() && shown.contains(&count), "{shown}: {text:?}");
        }
        Err(error) => assert_eq!(expected, None, "{error}: {text:?}"),
    }
});

/// Returns how many users there are; `None` if a line is invalid.
fn users(content: &[u8]) -> Option<usize> {
    let mut users = HashSet::new();
    for line in lines(content)? {
        let (user, hash) = line.trim_matches([' ', '\t']).split_once(':')?;
        let is_valid = !user.is_empty()
            && user.len() <= 255
            && user.trim() == user
            && !user.contains(char::is_control)
            && (is_bcrypt(hash) || is_argon2id(hash));
        if !is_valid || !users.insert(user) {
            return None;
        }
    }
    Some(users.len())
}

/// Returns whether it is `$2y$`, a cost of two digits, `$`, and 22 and 31 digits of bcrypt's base64.
fn is_bcrypt(hash: &str) -> bool {
    const DIGITS: &[u8] = b"./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let digit = |byte: u8| DIGITS.iter().position(|known| *known == byte);
    let bytes = hash.as_bytes();
    let [
        b'$',
        b'2',
        b'a' | b'b' | b'y',
        b'$',
        tens @ b'0'..=b'9',
        ones @ b'0'..=b'9',
        b'$',
        rest @ ..,
    ] = bytes
    else {
        return false;
    };
    let cost = (tens - b'0') * 10 + ones - b'0';
    // What is left of the last digits, after whole bytes, is zero.
    let has_zeros = |last: usize, bits: usize| {
        rest.get(last).and_then(|byte| digit(*byte)).is_some_and(|digit| digit % (1 << bits) == 0)
    };
    (4..=15).contains(&cost)
        && rest.len() == 53
        && rest.iter().all(|byte| digit(*byte).is_some())
        && has_zeros(21, 4)
        && has_zeros(52, 2)
}

/// Returns whether it is `$argon2id$v=19$m=…,t=…,p=…$salt$output`, with parameters within limits.
fn is_argon2id(hash: &str) -> bool {
    let fields: Vec<&str> = hash.split('$').collect();
    let ["", "argon2id", "v=19", parameters, salt, output] = fields[..] else { return false };
    let number = |text: Option<&str>, name: &str| -> Option<u32> {
        let digits = text?.strip_prefix(name)?;
        let number: u32 = digits.parse().ok()?;
        (number.to_string() == digits).then_some(number)
    };
    let mut parts = parameters.split(',');
    let (memory, passes, lanes) =
        (number(parts.next(), "m="), number(parts.next(), "t="), number(parts.next(), "p="));
    let (Some(memory), Some(passes), Some(lanes), None) = (memory, passes, lanes, parts.next())
    else {
        return false;
    };
    let work = u64::from(memory) * u64::from(passes);
    let length = |text: &str| {
        let bytes = base64(text.as_bytes()).filter(|_| !text.contains('='))?;
        let is_canonical = encoded(&bytes) == text;
        is_canonical.then_some(bytes.len())
    };
    (4096..=3 << 20).contains(&work)
        && memory <= 1 << 20
        && (1..1 << 24).contains(&lanes)
        && u64::from(memory) >= 8 * u64::from(lanes)
        && length(salt).is_some_and(|length| (8..=48).contains(&length))
        && length(output).is_some_and(|length| (16..=64).contains(&length))
}

fn encoded(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::prelude::BASE64_STANDARD_NO_PAD.encode(bytes)
}
