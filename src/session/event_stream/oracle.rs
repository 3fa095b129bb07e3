//! What an event stream should come to, read as a whole: so plain that it can be trusted, and what
//! the rewriter is compared with.

/// The text with what must be sealed sealed.
pub(crate) fn rewritten(
    text: &[u8],
    seal_event: impl Fn(&[u8]) -> Vec<u8>,
    seal_endpoint: impl Fn(&[u8]) -> Vec<u8>,
) -> Vec<u8> {
    let bom: &[u8] = if text.starts_with(b"\xEF\xBB\xBF") { b"\xEF\xBB\xBF" } else { b"" };
    let lines = lines(&text[bom.len()..]);
    let endpoint = endpoint(&lines);
    let mut out = bom.to_vec();
    for (index, line) in lines.iter().enumerate() {
        let (start, value) = line.content.split_at(line.content.len() - line.value().len());
        let sealable = !value.is_empty() && !line.end.is_empty();
        let id = line.name() == b"id" && !value.contains(&0) && line.content.len() <= 8192;
        out.extend(start);
        match () {
            () if sealable && id => out.extend(seal_event(value)),
            () if sealable && line.name() == b"data" && endpoint.contains(&index) => {
                out.extend(seal_endpoint(value));
            }
            () => out.extend(value),
        }
        out.extend(line.end);
    }
    out
}

/// Which lines are those of an `endpoint` event from its first data on, before the first message.
fn endpoint(lines: &[Line]) -> Vec<usize> {
    let mut endpoints = Vec::new();
    let mut next = 0;
    while let Some(data) =
        (next..lines.len()).find(|at| lines[*at].ended() && lines[*at].name() == b"data")
    {
        let is_blank = |line: &Line| line.ended() && line.content.is_empty();
        let start = lines[..data].iter().rposition(is_blank).map_or(0, |blank| blank + 1);
        let end = data + lines[data..].iter().position(is_blank).unwrap_or(lines.len() - data);

        let mut kinds =
            lines[start..end].iter().filter(|line| line.ended() && line.name() == b"event");
        let kind = kinds.next_back().map_or(&b""[..], Line::value);
        let mut held: usize =
            lines[data..end].iter().map(|line| line.content.len() + line.end.len()).sum();
        if end == lines.len() {
            held -= lines[end - 1].end.len(); // nothing follows that would have to wait
        }
        let too_long = |line: &Line| {
            line.content.len() > 8192 && [&b"id"[..], b"event", b"data"].contains(&line.name())
        };
        let is_message = kind.is_empty() || kind == b"message";
        if is_message || held > 8192 || lines[..end].iter().any(too_long) {
            break;
        }
        let has_data = |line: &&Line| {
            line.ended() && line.name() == b"data" && !line.value().trim_ascii().is_empty()
        };
        let data_lines = lines[data..end].iter().filter(has_data).count();
        if kind == b"endpoint" && data_lines <= 1 {
            endpoints.extend(data..end);
        }
        next = end;
    }
    endpoints
}

struct Line<'t> {
    content: &'t [u8],
    /// Nothing where the text ends before the line does.
    end: &'t [u8],
}

impl<'t> Line<'t> {
    fn ended(&self) -> bool {
        !self.end.is_empty()
    }

    fn name(&self) -> &'t [u8] {
        self.content.split(|&byte| byte == b':').next().unwrap_or_default()
    }

    fn value(&self) -> &'t [u8] {
        let behind = self.content[self.name().len()..].strip_prefix(b":").unwrap_or_default();
        behind.strip_prefix(b" ").unwrap_or(behind)
    }
}

fn lines(mut text: &[u8]) -> Vec<Line<'_>> {
    let mut lines = Vec::new();
    while !text.is_empty() {
        let is_end = |byte: &u8| *byte == b'\n' || *byte == b'\r';
        let (content, rest) = text.split_at(text.iter().position(is_end).unwrap_or(text.len()));
        let crlf = usize::from(rest.starts_with(b"\r\n"));
        let (end, rest) = rest.split_at(rest.len().min(1 + crlf));
        lines.push(Line { content, end });
        text = rest;
    }
    lines
}
