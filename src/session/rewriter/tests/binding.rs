//! Which IDs are bound, and which are not.

use super::*;

#[test]
fn event_ids_are_bound_after_every_line_end() {
    assert_rewritten(
        "id: 1\nid:2\r\nid: 3\r\ndata: x\n",
        "id: <1>\nid:<2>\r\nid: <3>\r\ndata: x\n",
    );
    assert_rewritten("id: 1", "id: 1"); // its line has no end, so it is no ID
}

#[test]
fn one_space_after_the_colon_is_not_part_of_an_id() {
    assert_rewritten("id:  a:b \n", "id: < a:b >\n");
    assert_rewritten("id:\ta\n", "id:<\ta>\n");
}

#[test]
fn empty_event_ids_stay_empty() {
    assert_rewritten("id\nid:\nid: \n", "id\nid:\nid: \n");
    assert_rewritten("id:  \n", "id: < >\n");
}

#[test]
fn event_ids_with_nul_are_unchanged() {
    assert_rewritten("id: a\0b\n", "id: a\0b\n");
    assert_rewritten("id: a0b\n", "id: <a0b>\n");
}

#[test]
fn field_names_are_compared_exactly() {
    assert_rewritten("id: 1\n", "id: <1>\n");
    for line in ["ID: 1\n", "idle: 1\n", "id : 1\n", " id: 1\n", ":id: 1\n", "i: 1\n"] {
        assert_rewritten(line, line);
    }
}

#[test]
fn one_byte_order_mark_is_skipped() {
    assert_rewritten("\u{FEFF}id: 1\n", "\u{FEFF}id: <1>\n");
    assert_rewritten("\u{FEFF}\u{FEFF}id: 1\n", "\u{FEFF}\u{FEFF}id: 1\n");
    assert_rewritten("\n\u{FEFF}id: 1\n", "\n\u{FEFF}id: 1\n");
    assert_rewritten(b"\xEF\xBBid: 1\n", b"\xEF\xBBid: 1\n");
}

#[test]
fn endpoints_are_bound_until_the_first_message() {
    let endpoint = "event: endpoint\ndata: /m\n\n";
    let bound = "event: endpoint\ndata: {/m}\n\n";
    assert_rewritten(endpoint, bound);
    assert_rewritten(endpoint.repeat(2), bound.repeat(2));
    let message = "event: message\ndata: {}\n\n";
    assert_rewritten([endpoint, message, endpoint].concat(), [bound, message, endpoint].concat());
    for before in ["event: ping\ndata: 1\n\n", "data\nevent: x\n\n", "event: x\ndata:\rdata\r\r"] {
        assert_rewritten(
            [before, endpoint, before, endpoint].concat(),
            [before, bound, before, bound].concat(),
        );
    }
    assert_rewritten("event: message\ndata: /m\n\n", "event: message\ndata: /m\n\n");
    // An event without data is dropped, and the next one is the first.
    for none in [": ping\n\n", "retry: 1\n\n", "event: message\n\n", "\n\n"] {
        assert_rewritten([none, endpoint].concat(), [none, bound].concat());
    }
    for event in ["data\n\n", "data:\n\n", "data: x\r\r"] {
        assert_rewritten([event, endpoint].concat(), [event, endpoint].concat());
    }
}

#[test]
fn last_event_type_decides() {
    assert_rewritten("data: /m\nevent: endpoint\n\n", "data: {/m}\nevent: endpoint\n\n");
    assert_rewritten(
        "event: x\nevent: endpoint\ndata: /m\n\n",
        "event: x\nevent: endpoint\ndata: {/m}\n\n",
    );
    for other in [
        "event: endpoint\nevent: x\ndata: /m\n\n",
        "event: endpoint\ndata: /m\nevent: x\n\n",
        "event: endpoint\ndata: /m\nevent\n\n",
        "event: endpoint\n\ndata: /m\n\n", // of another event
    ] {
        assert_rewritten(other, other);
    }
}

#[test]
fn event_ids_of_an_endpoint_are_bound() {
    assert_rewritten(
        "id: 1\nevent: endpoint\ndata: /m\ndata:\nid: 2\n:x\n\nid: 3\ndata: /o\n\n",
        "id: <1>\nevent: endpoint\ndata: {/m}\ndata:\nid: <2>\n:x\n\nid: <3>\ndata: /o\n\n",
    );
}

/// A client joins the lines, and each was checked by itself.
#[test]
fn endpoints_of_several_data_lines_are_not_bound() {
    for ends in ["\n", "\r", "\r\n"] {
        for (data, expected) in [
            ("data: /m|data: /n|", "data: /m|data: /n|"),
            ("data:/m|data: |data|data: x|", "data:/m|data: |data|data: x|"),
            ("data|data: /m|id: 1|data:/n|", "data|data: /m|id: <1>|data:/n|"),
            ("data: |data: /m|data|", "data: |data: {/m}|data|"),
        ] {
            let event = |data: &str| format!("event: endpoint|{data}|").replace('|', ends);
            // It is not a message either: another endpoint may follow.
            let next = event("data: /o|");
            let bound = event("data: {/o}|");
            assert_rewritten(event(data) + &next, event(expected) + &bound);
        }
    }
    let unfinished = "event: endpoint\ndata: /m\ndata: /n\n";
    assert_rewritten(unfinished, unfinished);
    assert_rewritten(
        "event: endpoint\ndata: /m\ndata: /n",
        "event: endpoint\ndata: {/m}\ndata: /n",
    );
}

#[test]
fn unfinished_event_is_bound_up_to_its_last_line_end() {
    assert_rewritten(
        "event: endpoint\nid: 1\ndata: /m\n",
        "event: endpoint\nid: <1>\ndata: {/m}\n",
    );
    assert_rewritten("event: endpoint\nid: 1\ndata: /m", "event: endpoint\nid: <1>\ndata: /m");
}
