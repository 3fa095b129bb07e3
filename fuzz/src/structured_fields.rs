//! A plain reading of dictionaries of structured fields (RFC 9651 §4.2.2), as they are used in signatures: without
//! duplicates, and with limits.

const MAX_MEMBERS: usize = 16;
const MAX_ITEMS: usize = 64;
const MAX_PARAMETERS: usize = 16;

/// The value of a member.
#[derive(Debug, PartialEq)]
pub enum Value {
    Bytes(Vec<u8>),
    Other,
}

/// Reads lines of a field as one dictionary; `None` if they are none.
pub fn dictionary(lines: &[&[u8]]) -> Option<Vec<(String, Value)>> {
    let mut members: Vec<(String, Value)> = Vec::new();
    for line in lines {
        let mut rest = skip(line, b" ");
        while !rest.is_empty() {
            let (key, after) = key(rest)?;
            let (value, after) = match after.strip_prefix(b"=") {
                Some(after) if after.starts_with(b"(") => inner_list(after)?,
                Some(after) => {
                    let (value, after) = bare_item(after)?;
                    (value, parameters(after, false)?)
                }
                None => (Value::Other, parameters(after, false)?),
            };
            if members.iter().any(|(other, _)| *other == key) || members.len() == MAX_MEMBERS {
                return None;
            }
            members.push((key, value));
            let after = skip(after, b" \t");
            rest = match after.strip_prefix(b",") {
                None if skip(after, b" ").is_empty() => break,
                None => return None,
                Some(next) => skip(next, b" \t"),
            };
            if rest.is_empty() {
                return None;
            }
        }
    }
    Some(members)
}

fn skip<'t>(text: &'t [u8], blank: &[u8]) -> &'t [u8] {
    let count = text.iter().take_while(|byte| blank.contains(byte)).count();
    &text[count..]
}

/// Splits a text before the first byte that does not fit.
fn take(text: &[u8], fits: impl Fn(u8) -> bool) -> (&[u8], &[u8]) {
    text.split_at(text.iter().position(|byte| !fits(*byte)).unwrap_or(text.len()))
}

fn key(text: &[u8]) -> Option<(String, &[u8])> {
    let is_key =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-.*".contains(&byte);
    let (key, rest) = take(text, is_key);
    let first = key.first()?;
    let is_valid = first.is_ascii_lowercase() || *first == b'*';
    is_valid.then(|| (String::from_utf8_lossy(key).into_owned(), rest))
}

fn item(text: &[u8]) -> Option<(Value, &[u8])> {
    let (value, rest) = bare_item(text)?;
    Some((value, parameters(rest, true)?))
}

fn inner_list(text: &[u8]) -> Option<(Value, &[u8])> {
    let mut rest = &text[1..];
    for items in 0.. {
        rest = skip(rest, b" ");
        if let Some(rest) = rest.strip_prefix(b")") {
            return Some((Value::Other, parameters(rest, true)?));
        }
        if items == MAX_ITEMS {
            return None;
        }
        (_, rest) = item(rest)?;
        if !rest.starts_with(b" ") && !rest.starts_with(b")") {
            return None;
        }
    }
    None
}

/// Returns what follows parameters. Those of a list and of its items are kept, without duplicates; others are ignored.
fn parameters(mut text: &[u8], are_kept: bool) -> Option<&[u8]> {
    let mut keys = Vec::new();
    while let Some(next) = text.strip_prefix(b";") {
        let (key, rest) = key(skip(next, b" "))?;
        if are_kept && (keys.contains(&key) || keys.len() == MAX_PARAMETERS) {
            return None;
        }
        keys.push(key);
        text = match rest.strip_prefix(b"=") {
            Some(value) => bare_item(value)?.1,
            None => rest,
        };
    }
    Some(text)
}

fn bare_item(text: &[u8]) -> Option<(Value, &[u8])> {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~:/".contains(&byte);
    let rest = match text {
        [b'?', b'0' | b'1', rest @ ..] => rest,
        [b'"', rest @ ..] => string(rest)?,
        [b'%', b'"', rest @ ..] => display_string(rest)?,
        [b'@', rest @ ..] => number(rest).filter(|(_, is_integer)| *is_integer)?.0,
        [b'-' | b'0'..=b'9', ..] => number(text)?.0,
        [b'a'..=b'z' | b'A'..=b'Z' | b'*', ..] => take(text, is_token).1,
        [b':', rest @ ..] => {
            let (encoded, rest) = take(rest, |byte| byte != b':');
            return Some((Value::Bytes(base64(encoded)?), rest.strip_prefix(b":")?));
        }
        _ => return None,
    };
    Some((Value::Other, rest))
}

fn string(mut text: &[u8]) -> Option<&[u8]> {
    loop {
        text = match text {
            [b'"', rest @ ..] => return Some(rest),
            [b'\\', b'"' | b'\\', rest @ ..] => rest,
            [b'\\', ..] => return None,
            [b' '..=b'~', rest @ ..] => rest,
            _ => return None,
        };
    }
}

fn display_string(mut text: &[u8]) -> Option<&[u8]> {
    let mut decoded = Vec::new();
    loop {
        text = match text {
            [b'"', rest @ ..] => return str::from_utf8(&decoded).is_ok().then_some(rest),
            [
                b'%',
                high @ (b'0'..=b'9' | b'a'..=b'f'),
                low @ (b'0'..=b'9' | b'a'..=b'f'),
                rest @ ..,
            ] => {
                let digits = [*high, *low];
                decoded.push(u8::from_str_radix(str::from_utf8(&digits).ok()?, 16).ok()?);
                rest
            }
            [b'%', ..] => return None,
            [byte @ b' '..=b'~', rest @ ..] => {
                decoded.push(*byte);
                rest
            }
            _ => return None,
        };
    }
}

/// Returns what follows a number, and whether that is an integer.
fn number(text: &[u8]) -> Option<(&[u8], bool)> {
    let text = text.strip_prefix(b"-").unwrap_or(text);
    let (integer, rest) = take(text, |byte| byte.is_ascii_digit());
    let Some(fraction) = rest.strip_prefix(b".") else {
        return (1..=15).contains(&integer.len()).then_some((rest, true));
    };
    let (fraction, rest) = take(fraction, |byte| byte.is_ascii_digit());
    let is_valid = (1..=12).contains(&integer.len()) && (1..=3).contains(&fraction.len());
    is_valid.then_some((rest, false))
}

/// Decodes base64 bit by bit, with or without its padding (RFC 9651 §4.2.7); `None` if it is none.
pub fn base64(text: &[u8]) -> Option<Vec<u8>> {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let padding = text.iter().rev().take_while(|byte| **byte == b'=').count();
    let digits = &text[..text.len() - padding];
    let max_padding = [0, 0, 2, 1][digits.len() % 4];
    if digits.len() % 4 == 1 || padding > max_padding {
        return None;
    }
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0_u32, 0);
    for digit in digits {
        bits = bits << 6 | DIGITS.iter().position(|known| known == digit)? as u32;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
            bits &= (1 << count) - 1;
        }
    }
    Some(bytes)
}
