//! What should become of an event stream whose lists are filtered, which is read as a whole here.

/// What of an event is sent.
pub(crate) enum Shown {
    Unchanged,
    /// The event with this data.
    Changed(Vec<u8>),
    /// Not this event.
    Skipped,
    /// The stream ends before it.
    Nothing,
}

/// How many bytes other lines than data may have in an event that is not decided yet.
const MAX_OTHERS: usize = 64 * 1024;

/// Returns what is sent of a stream, and whether all of it is. One function says whether it is known what an event is
/// from this beginning of its data, and another one decides about all of it.
pub(crate) fn filtered_stream(
    text: &[u8],
    is_decided: impl Fn(&[u8]) -> bool,
    show: impl Fn(&[u8], bool) -> Shown,
) -> (Vec<u8>, bool) {
    let (bom, rest) = split_bom(text);
    let mut out = bom.to_vec();
    for event in lines(rest).split_inclusive(Line::is_blank) {
        let has_data = event.iter().any(Line::is_data);
        let is_whole = has_too_many_others(event, &is_decided);
        let shown =
            if has_data || is_whole { show(&data_of(event), is_whole) } else { Shown::Unchanged };
        match &shown {
            Shown::Unchanged => out.extend(event.iter().flat_map(Line::whole)),
            Shown::Changed(data) => {
                let mut data = Some(data.as_slice());
                for line in event {
                    match (line.is_data(), data.take()) {
                        (true, Some(data)) => {
                            out.extend(b"data: ");
                            let is_end = |byte: &u8| matches!(byte, b'\n' | b'\r');
                            out.extend(data.iter().map(|b| if is_end(b) { b' ' } else { *b }));
                            out.extend(line.end);
                        }
                        (true, None) => {}
                        (false, rest) => {
                            out.extend(line.whole());
                            data = rest;
                        }
                    }
                }
            }
            Shown::Skipped | Shown::Nothing => {
                // Comments before it were sent as they came.
                out.extend(event.iter().take_while(|line| !line.is_field()).flat_map(Line::whole));
                if let Shown::Nothing = shown {
                    return (out, false);
                }
            }
        }
    }
    (out, true)
}

/// Returns the data of these lines of an event, as a client joins them.
fn data_of(lines: &[Line<'_>]) -> Vec<u8> {
    let values: Vec<_> = lines.iter().filter(|line| line.is_data()).map(Line::value).collect();
    values.join(&b'\n')
}

fn has_too_many_others(event: &[Line<'_>], is_decided: &impl Fn(&[u8]) -> bool) -> bool {
    let start = event.iter().position(Line::is_field).unwrap_or(event.len());
    let mut others = 0;
    (start..event.len()).any(|at| {
        others += if event[at].is_data() { 0 } else { event[at].content.len() };
        others > MAX_OTHERS && !is_decided(&data_of(&event[start..at]))
    })
}

/// Returns whether a text ends between two events: where a client has nothing of an event, and of no line.
pub(crate) fn is_between_events(text: &[u8]) -> bool {
    let lines = lines(split_bom(text).1);
    let event = lines.split_inclusive(Line::is_blank).next_back().unwrap_or_default();
    event.last().is_none_or(|line| {
        !line.end.is_empty() && (line.is_blank() || event.iter().all(|line| !line.is_field()))
    })
}

fn split_bom(text: &[u8]) -> (&[u8], &[u8]) {
    text.split_at(if text.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 })
}

struct Line<'t> {
    content: &'t [u8],
    /// Empty if the text ends before the line does.
    end: &'t [u8],
}

impl<'t> Line<'t> {
    fn whole(&self) -> impl Iterator<Item = u8> {
        self.content.iter().chain(self.end).copied()
    }

    fn is_blank(&self) -> bool {
        self.content.is_empty() && !self.end.is_empty()
    }

    fn is_field(&self) -> bool {
        [&b"data"[..], b"event", b"id"].contains(&self.name())
    }

    fn is_data(&self) -> bool {
        self.name() == b"data"
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
        let is_end = |byte: &u8| matches!(byte, b'\n' | b'\r');
        let (content, rest) = text.split_at(text.iter().position(is_end).unwrap_or(text.len()));
        let crlf = usize::from(rest.starts_with(b"\r\n"));
        let (end, rest) = rest.split_at(rest.len().min(1 + crlf));
        lines.push(Line { content, end });
        text = rest;
    }
    lines
}
