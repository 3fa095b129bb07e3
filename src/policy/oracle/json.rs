//! JSON as a tree that has every member, in order, and where each value is in the text.

/// A value and its place in the text.
#[derive(Debug)]
pub(crate) struct Value {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) json: Json,
}

#[derive(Debug)]
pub(crate) enum Json {
    /// A string, with U+FFFD for half a surrogate pair, as many parsers have it.
    Text {
        text: String,
        has_half_pair: bool,
    },
    Array(Vec<Value>),
    Object(Vec<(String, Value)>),
    Null,
    /// A number or a Boolean.
    Other,
}

const MAX_DEPTH: usize = 500;

/// Returns the value that the text is; `None` if it is not JSON, or is nested too deeply for a plain parser.
pub(crate) fn parse(text: &str) -> Option<Value> {
    let mut parser = Parser { text, at: 0 };
    let value = parser.value(0)?;
    parser.skip_space();
    (parser.at == text.len()).then_some(value)
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
}

impl Parser<'_> {
    fn skip_space(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r']).len();
    }

    fn take(&mut self, expected: &str) -> Option<()> {
        self.text[self.at..].starts_with(expected).then(|| self.at += expected.len())
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        self.skip_space();
        let start = self.at;
        let json = match self.text[start..].chars().next()? {
            _ if depth > MAX_DEPTH => return None,
            '{' => self.object(depth)?,
            '[' => self.array(depth)?,
            '"' => self.string()?,
            'n' => self.take("null").map(|()| Json::Null)?,
            't' => self.take("true").map(|()| Json::Other)?,
            'f' => self.take("false").map(|()| Json::Other)?,
            _ => self.number()?,
        };
        Some(Value { start, end: self.at, json })
    }

    fn object(&mut self, depth: usize) -> Option<Json> {
        self.take("{")?;
        let mut members = Vec::new();
        self.skip_space();
        while self.take("}").is_none() {
            if !members.is_empty() {
                self.take(",")?;
                self.skip_space();
            }
            let Json::Text { text: key, .. } = self.string()? else { return None };
            self.skip_space();
            self.take(":")?;
            members.push((key, self.value(depth + 1)?));
            self.skip_space();
        }
        Some(Json::Object(members))
    }

    fn array(&mut self, depth: usize) -> Option<Json> {
        self.take("[")?;
        let mut elements = Vec::new();
        self.skip_space();
        while self.take("]").is_none() {
            if !elements.is_empty() {
                self.take(",")?;
            }
            elements.push(self.value(depth + 1)?);
            self.skip_space();
        }
        Some(Json::Array(elements))
    }

    fn string(&mut self) -> Option<Json> {
        self.take("\"")?;
        let mut units = Vec::new(); // UTF-16
        loop {
            let char = self.text[self.at..].chars().next()?;
            self.at += char.len_utf8();
            match char {
                '"' => break,
                '\\' => {
                    let escape = self.text[self.at..].chars().next()?;
                    self.at += escape.len_utf8();
                    units.push(match escape {
                        '"' | '\\' | '/' => escape as u16,
                        'b' => 8,
                        'f' => 12,
                        'n' => 10,
                        'r' => 13,
                        't' => 9,
                        'u' => {
                            let digits = self.text.get(self.at..self.at + 4)?;
                            self.at += 4;
                            let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
                            u16::from_str_radix(digits, 16).ok().filter(|_| is_hex)?
                        }
                        _ => return None,
                    });
                }
                '\0'..='\x1f' => return None,
                _ => units.extend(char.encode_utf16(&mut [0; 2]).iter()),
            }
        }
        let has_half_pair = String::from_utf16(&units).is_err();
        Some(Json::Text { text: String::from_utf16_lossy(&units), has_half_pair })
    }

    fn number(&mut self) -> Option<Json> {
        _ = self.take("-");
        if self.take("0").is_none() {
            self.digits()?;
        }
        if self.take(".").is_some() {
            self.digits()?;
        }
        if self.take("e").or_else(|| self.take("E")).is_some() {
            _ = self.take("+").or_else(|| self.take("-"));
            self.digits()?;
        }
        Some(Json::Other)
    }

    fn digits(&mut self) -> Option<()> {
        let rest = &self.text[self.at..];
        let count = rest.len() - rest.trim_start_matches(|char: char| char.is_ascii_digit()).len();
        self.at += count;
        (count > 0).then_some(())
    }
}
