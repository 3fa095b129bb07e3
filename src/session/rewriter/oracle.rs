//! What the rewriter should make of an event stream, which is read as a whole here: so plain that it
//! can be trusted. Unit tests and the fuzzer compare the rewriter with it.

/// Returns the text with its event IDs and endpoints bound by these functions.
pub(crate) fn rewritten(
    text: &[u8],
    bind_event_id: impl Fn(&[u8]) -> Vec<u8>,
    bind_endpoint: impl Fn(&[u8]) -> Vec<u8>,
) -> Vec<u8> {
    let bom: &[u8] = if text.starts_with(b"\xEF\xBB\xBF") { b"\xEF\xBB\xBF" } else { b"" };
    let lines = lines(&text[bom.len()..]);
    let endpoint = endpoint_lines(&lines);
    let mut out = bom.to_vec();
    for (index, line) in lines.iter().enumerate() {
        let (start, value) = line.content.split_at(line.content.len() - line.value().len());
        let has_value = !value.is_empty() && line.is_complete();
        let is_id = line.name() == b"id" && !value.contains(&0) && line.content.len() <= 8192;
        out.extend(start);
        if has_value && is_id {
            out.extend(bind_event_id(value));
        } else if has_value && line.name() == b"data" && endpoint.contains(&index) {
            out.extend(bind_endpoint(value));
        } else {
            out.extend(value);
        }
        out.extend(line.end);
    }
    out
}

/// Returns which lines belong to an `endpoint` event before the first message, each from its first
/// data on.
fn endpoint_lines(lines: &[Line]) -> Vec<usize> {
    let mut endpoints = Vec::new();
    let mut next = 0;
    while let Some(data) =
        (next..lines.len()).find(|at| lines[*at].is_complete() && lines[*at].name() == b"data")
    {
        let is_blank = |line: &Line| line.is_complete() && line.content.is_empty();
        let start = lines[..data].iter().rposition(is_blank).map_or(0, |blank| blank + 1);
        let end = data + lines[data..].iter().position(is_blank).unwrap_or(lines.len() - data);

        let mut types =
            lines[start..end].iter().filter(|line| line.is_complete() && line.name() == b"event");
        let event_type = types.next_back().map_or(&b""[..], Line::value);
        let mut held: usize =
            lines[data..end].iter().map(|line| line.content.len() + line.end.len()).sum();
        if end == lines.len() {
            held -= lines[end - 1].end.len(); // nothing follows that would have to be held
        }
        let too_long = |line: &Line| {
            line.content.len() > 8192 && [&b"id"[..], b"event", b"data"].contains(&line.name())
        };
        let is_message = event_type.is_empty() || event_type == b"message";
        if is_message || held > 8192 || lines[..end].iter().any(too_long) {
            break;
        }
        let has_data = |line: &&Line| {
            line.is_complete() && line.name() == b"data" && !line.value().trim_ascii().is_empty()
        };
        let data_lines = lines[data..end].iter().filter(has_data).count();
        if event_type == b"endpoint" && data_lines <= 1 {
            endpoints.extend(data..end);
        }
        next = end;
    }
    endpoints
}

struct Line<'t> {
    content: &'t [u8],
    /// Empty if the text ends before the line does.
    end: &'t [u8],
}

impl<'t> Line<'t> {
    fn is_complete(&self) -> bool {
        !self.end.is_empty()
    }

    fn name(&self) -> &'t [u8] {
        self.content.split(|&byte| byte == b':').next().unwrap_or_default()
    }

    fn value(&self) -> &'t [u8] {
        let rest = self.content[self.name().len()..].strip_prefix(b":").unwrap_or_default();
        rest.strip_prefix(b" ").unwrap_or(rest)
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
