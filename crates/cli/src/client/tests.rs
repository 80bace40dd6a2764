//! Server-sent events as they come off the wire, and problems as a person reads them.

use super::sse::{Event, Events};
use super::*;

fn events(text: &str) -> Vec<Event> {
    Events::new(text.as_bytes()).map(|event| event.unwrap()).collect()
}

#[test]
fn events_are_read_across_comments_and_other_fields() {
    let text = ": heartbeat\n\nid: 8\nevent: payment.completed\ndata: {\"a\":\ndata: 1}\n\n\
                retry: 10\nid:9\r\ndata:x\r\n\r\n";
    let expected = [
        Event { id: "8".into(), data: "{\"a\":\n1}".into() },
        Event { id: "9".into(), data: "x".into() },
    ];
    assert_eq!(events(text), expected);
}

#[test]
fn an_id_alone_is_where_the_stream_stands() {
    let expected =
        [Event { id: "8".into(), data: String::new() }, Event { id: "9".into(), data: "x".into() }];
    assert_eq!(events("id: 8\n\n: heartbeat\n\nid: 9\ndata: x\n\n"), expected);
}

#[test]
fn an_event_that_is_cut_off_is_none() {
    assert_eq!(events("id: 1\ndata: x\n"), []);
    assert_eq!(events("id: 1\ndata: x"), []);
}

#[test]
fn an_endless_line_is_an_error_and_not_endless_memory() {
    let line = format!("data: {}\n\n", "x".repeat(2 * 1024 * 1024));
    assert!(Events::new(line.as_bytes()).next().unwrap().is_err());
}

#[test]
fn the_status_decides_the_exit_code() {
    let exit = |status| {
        let problem = Problem {
            status,
            code: "c".into(),
            detail: "d".into(),
            retry_after_s: None,
            subject: None,
            body: Value::Null,
        };
        problem.into_failure().exit
    };
    assert_eq!(exit(401), Exit::NotAllowed);
    assert_eq!(exit(403), Exit::NotAllowed);
    assert_eq!(exit(404), Exit::Negative);
    assert_eq!(exit(422), Exit::Negative);
    assert_eq!(exit(503), Exit::Negative);
    assert_eq!(exit(500), Exit::Internal);
}

#[test]
fn only_plain_http_urls_and_printable_keys_are_taken() {
    assert_eq!(Client::new("ftp://x", "k").unwrap_err().exit, Exit::Usage);
    assert_eq!(Client::new("http://x", "").unwrap_err().exit, Exit::NotAllowed);
    assert_eq!(Client::new("http://x", "a\nb").unwrap_err().exit, Exit::NotAllowed);
    assert_eq!(Client::new("http://x/", "k").unwrap().base, "http://x");
}
