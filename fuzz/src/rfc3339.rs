//! A plain reading of times (RFC 3339 §5.6).

/// A time whose validity depends on more than its form: a leap second.
pub struct Unclear;

/// Reads `2030-01-31T12:00:00Z`, with any separator of one byte, perhaps with a fraction or an offset, as seconds since
/// 1970; `None` if it is no time.
pub fn read(text: &str) -> Result<Option<f64>, Unclear> {
    let (Some(head), Some(tail)) = (text.as_bytes().get(..19), text.as_bytes().get(19..)) else {
        return Ok(None);
    };
    let (has_digits, offset) = match tail.strip_prefix(b".") {
        Some(rest) => {
            let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
            (digits > 0, &rest[digits..])
        }
        None => (true, tail),
    };
    let is_offset = [&b"Z"[..], b"z", b"+00:00", b"-00:00"].iter().any(|form| has(offset, form));
    if !has(head, b"0000-00-00*00:00:00") || !has_digits || !is_offset {
        return Ok(None);
    }
    let [year, month, day] = [0..4, 5..7, 8..10].map(|part| number(&head[part]));
    let [hour, minute, second] = [11..13, 14..16, 17..19].map(|part| number(&head[part]));
    let (sign, offset_hour, offset_minute) = match offset {
        [_] => (0, 0, 0),
        [sign, hour @ .., b':', tens, ones] => {
            (if *sign == b'-' { -1 } else { 1 }, number(hour), number(&[*tens, *ones]))
        }
        _ => return Ok(None),
    };
    if second == 60 {
        return Err(Unclear);
    }
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = [31, if is_leap { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let month = month as usize;
    let is_date = (1..=12).contains(&month) && (1..=days[month - 1]).contains(&day);
    let is_time = hour < 24 && minute < 60 && second < 60;
    if !is_date || !is_time || offset_hour > 23 || offset_minute > 59 {
        return Ok(None);
    }
    let years = year - 1;
    let before = days[..month - 1].iter().sum::<i64>() + day - 1;
    let days = years * 365 + years / 4 - years / 100 + years / 400 + before - 719_162;
    let minutes = (days * 24 + hour) * 60 + minute - sign * (offset_hour * 60 + offset_minute);
    Ok(Some((minutes * 60 + second) as f64))
}

/// Returns whether a text has a form, in which `0` stands for a digit and `*` for any byte.
fn has(text: &[u8], form: &[u8]) -> bool {
    let fits = |(byte, form): (&u8, &u8)| match form {
        b'0' => byte.is_ascii_digit(),
        b'*' => true,
        literal => byte == literal,
    };
    text.len() == form.len() && text.iter().zip(form).all(fits)
}

fn number(digits: &[u8]) -> i64 {
    digits.iter().fold(0, |number, digit| number * 10 + i64::from(digit - b'0'))
}
