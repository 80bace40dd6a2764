//! Tests of reading answers as they come in.

use super::*;

#[test]
fn an_answer_is_whole_when_its_body_is() {
    let answer = b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}";
    for cut in 0..answer.len() {
        assert_eq!(parse(&answer[..cut]), Parsed::Unfinished, "cut at {cut}");
    }
    assert_eq!(parse(answer), Parsed::Whole { created: true });
}

#[test]
fn other_answers_are_told_apart() {
    let refused = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n";
    assert_eq!(parse(refused), Parsed::Whole { created: false });
    assert_eq!(parse(b"HTTP/1.1 201 Created\r\n\r\n"), Parsed::Strange);
    assert_eq!(parse(b"HTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\nx"), Parsed::Strange);
}
