//! How many bytes are held, copied and allocated.

use super::*;

#[test]
fn first_event_is_held_up_to_the_limit() {
    // The length counts from its first data up to its blank line.
    let event = |ends: &str, length: usize| {
        let start = format!("data: /m{ends}id: 1{ends}event: endpoint{ends}:");
        format!("{start:x<width$}{ends}{ends}", width = length - ends.len())
    };
    for ends in ["\n", "\r", "\r\n"] {
        let bound = event(ends, LIMIT).replace("/m", "{/m}").replace("id: 1", "id: <1>");
        assert_rewritten(event(ends, LIMIT), bound);
        let too_long = event(ends, LIMIT + 1);
        assert_rewritten(&too_long, too_long.replace("id: 1", "id: <1>"));
        for text in [event(ends, LIMIT), too_long] {
            for cut in LIMIT - 3..=text.len() {
                let (one, two) = text.as_bytes().split_at(cut);
                assert_eq!(streamed([one, two]), expected(text.as_bytes()), "{ends:?} at {cut}");
            }
        }
    }
}

#[test]
fn line_is_held_up_to_the_limit() {
    let line = |start: &str, length: usize| format!("{start:x<length$}\n");
    let id = line("id: ", LIMIT);
    for before in ["", "data: x\n\n", "data: x\n"] {
        let bound = format!("{before}id: <{}>\n", "x".repeat(LIMIT - 4));
        assert_rewritten([before, &id].concat(), bound);
        let too_long = [before, &line("id: ", LIMIT + 1)].concat();
        assert_rewritten(&too_long, &too_long);
        // The lines after it are rewritten as before.
        assert_rewritten(too_long.clone() + "id: 1\n", too_long.clone() + "id: <1>\n");
    }
    // Before the first event it ends the search for an endpoint.
    let endpoint = "\n\nevent: endpoint\ndata: /m\n\n";
    for start in ["id:", "event:", "data:"] {
        let text = line(start, LIMIT + 1) + endpoint;
        assert_rewritten(&text, &text);
    }
    for start in ["id:\0", "event:", ":", "idle:"] {
        let length = if [":", "idle:"].contains(&start) { 3 * LIMIT } else { LIMIT };
        assert_rewritten(
            line(start, length) + endpoint,
            line(start, length) + &endpoint.replace("/m", "{/m}"),
        );
    }
}

/// Returns what was passed on after this much of a stream.
fn passed_on(text: &str) -> String {
    let mut rewriter = Rewriter::new();
    let out = rewriter.push(Bytes::copy_from_slice(text.as_bytes()), &Marked);
    String::from_utf8(out.to_vec()).unwrap()
}

#[test]
fn only_undecided_bytes_are_held() {
    // (what has come, what of it is held)
    for (text, held) in [
        // Before the first event,
        ("", ""),
        (": ping\n", ""),
        (": pi", ""),
        ("retry: 5", ""),
        ("retry: 5\n\n", ""),
        ("idle", ""),
        ("id: 1", "id: 1"),
        ("event: endpoint\n", ""),
        ("event: end", "event: end"),
        ("eventual", ""),
        ("data", "data"),
        ("database", ""),
        ("\n\n: ping\nev", "ev"),
        // in it,
        ("event: endpoint\ndata: /m\n", "data: /m\n"),
        ("event: message\ndata: 1\r\ndata: 2\r", "data: 1\r\ndata: 2\r"),
        ("data: 1\n: ping\n", "data: 1\n: ping\n"),
        ("data: 1\n\n", ""),
        ("data: 1\r\r", ""),
        // and after it.
        ("data: 1\n\ndata: 2", ""),
        ("data: 1\n\ndata: 2\n", ""),
        ("data: 1\n\nevent: endp", ""),
        ("data: 1\n\nd", ""),
        ("data: 1\n\ni", "i"),
        ("data: 1\n\nid", "id"),
        ("data: 1\n\nidl", ""),
        ("data: 1\n\nid:", "id:"),
        ("data: 1\n\nid: 7", "id: 7"),
        ("data: 1\n\n i", ""),
        ("data: 1\n\nxi", ""),
    ] {
        let out = text.strip_suffix(held).unwrap();
        assert_eq!(passed_on(text), out, "{text:?}");
    }
    assert_eq!(passed_on("id: 7\n"), "id: <7>\n");
    assert_eq!(passed_on("data: 1\n\nid: 7\r"), "data: 1\n\nid: <7>\r");
}

#[test]
fn cr_ends_a_line_before_a_possible_lf() {
    let mut rewriter = Rewriter::new();
    let mut push = |text: &'static str| rewriter.push(Bytes::from_static(text.as_bytes()), &Marked);
    assert_eq!(push("data: /m\revent: endpoint\r\r"), "data: {/m}\revent: endpoint\r\r");
    assert_eq!(push("\nid: 1\r"), "\nid: <1>\r");
    assert_eq!(push("\n"), "\n");
    assert_eq!(push("id: 2\r\n"), "id: <2>\r\n");
}

#[test]
fn unchanged_chunks_are_not_copied() {
    let mut rewriter = Rewriter::new();
    for text in [
        "event: message\ndata: a first event\n\n",
        ": ping\n\n",
        "event: message\r\ndata: another\r\n\r\n",
        "data: the beginning of a line, ",
        "id: 1 in the midst of it",
        " and its end\n",
        "id\nid:\n\n",
        "event: endpoint\ndata: /m\n\n",
        "\n",
    ] {
        let chunk = Bytes::from(text.as_bytes().to_vec());
        let (start, mut out) = (chunk.as_ptr(), Bytes::new());
        let counted = measure(|| out = rewriter.push(chunk, &Marked));
        assert_eq!((out.as_ptr(), &out[..]), (start, text.as_bytes()));
        assert_eq!(counted.count_total, 0, "{text:?}");
    }
    // Of a chunk, only what is held is copied.
    let chunk = Bytes::from_static(b"data: x\n\nid: 1");
    let start = chunk.as_ptr();
    let out = rewriter.push(chunk, &Marked);
    assert_eq!((out.as_ptr(), &out[..]), (start, &b"data: x\n\n"[..]));
    assert_eq!(rewriter.held, b"id: 1");
}

#[test]
fn one_id_needs_one_buffer_and_many_need_few() {
    /// Adds as much as a tag.
    struct Tagged;
    impl BindIds for Tagged {
        fn bind_event_id(&self, id: &[u8], out: &mut Vec<u8>) {
            out.extend(id);
            out.extend([b'x'; 23]);
        }
        fn bind_endpoint(&self, _: &[u8], _: &mut Vec<u8>) {}
        fn endpoint_not_bound(&self, _: &'static str) {}
    }
    let event = "id: 1\nevent: message\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{}}\n\n";
    for text in ["id: 1\n".to_owned(), event.to_owned(), event.repeat(50)] {
        let mut rewriter = Rewriter::new();
        rewriter.push(Bytes::from_static(b"data: a first event\n\n"), &Tagged);
        let chunk = Bytes::from(text);
        let (given, mut out) = (chunk.clone(), Bytes::new());
        let counted = measure(|| out = rewriter.push(given, &Tagged));
        assert_eq!(
            out.len() - chunk.len(),
            23 * chunk.iter().filter(|byte| **byte == b'1').count()
        );
        if out.len() - chunk.len() == 23 {
            assert_eq!(counted.count_total, 1, "the buffer, just right");
        } else {
            assert!(counted.count_total <= 3, "grown once, and what `Bytes` keeps about it");
        }
    }
}

#[test]
fn bytes_held_one_by_one_are_not_copied_each_time() {
    let text = Bytes::from(format!("event: endpoint\ndata: {:x<width$}", "", width = LIMIT - 6));
    let mut rewriter = Rewriter::new();
    let counted = measure(|| {
        for at in 0..text.len() {
            rewriter.push(text.slice(at..=at), &Marked);
        }
    });
    assert_eq!(rewriter.held.len(), LIMIT);
    assert!(counted.bytes_total <= 4 * LIMIT as u64, "{counted:?}");
}

#[test]
fn no_buffer_is_kept_after_it_was_passed_on() {
    let mut rewriter = Rewriter::new();
    for text in ["data: /m\n", "id", ": 1\nevent", ": endpoint", "\n"] {
        let out = rewriter.push(Bytes::from_static(text.as_bytes()), &Marked);
        assert!(out.is_empty() && rewriter.held.capacity() > 0, "{text:?}");
    }
    assert_eq!(rewriter.push(Bytes::from_static(b"\n"), &Marked).len(), 36);
    assert_eq!(rewriter.held.capacity(), 0);
    rewriter.push(Bytes::from_static(b"id: 1"), &Marked);
    assert!(rewriter.held.capacity() > 0);
    assert_eq!(rewriter.push(Bytes::from_static(b"\n"), &Marked), "id: <1>\n");
    assert_eq!(rewriter.held.capacity(), 0);
    assert!(size_of::<Rewriter>() <= 48);
}

#[test]
fn second_finish_returns_nothing() {
    let mut rewriter = Rewriter::new();
    rewriter.push(Bytes::from_static(b"event: endpoint\ndata: /m\n"), &Marked);
    assert_eq!(rewriter.finish(&Marked), "data: {/m}\n");
    assert_eq!(rewriter.finish(&Marked), "");
}
