//! Lines, mappings, ids, the files of an import, and what it makes of answers, without a server.

use std::io::Read;

use csv::StringRecord;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::lines::{Content, Form, Line, Lines, Place, RawLines, header};
use super::mapping::{Constants, Mapping};
use super::refused::{Refusal, RefusedFile};
use super::state::{Identity, State};
use super::{Sender, Verdict};
use crate::exit::Exit;

fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
}

fn constants(list: &[(&str, &str)]) -> Constants {
    Constants::new(&pairs(list)).unwrap()
}

fn all(mut lines: Lines<impl Read>) -> Vec<Line> {
    std::iter::from_fn(|| lines.next().unwrap()).collect()
}

fn payment(line: &Line) -> Value {
    match &line.content {
        Content::Payment(payment) => Value::Object(payment.clone()),
        Content::Unusable { why, .. } => json!(why),
    }
}

fn csv<R: Read>(from: R, set: &[(&str, &str)]) -> Lines<R> {
    let mut raw = RawLines::new(from, Place::BEGIN);
    let mapping = Mapping::new(&header(&mut raw).unwrap(), &[], constants(set)).unwrap();
    Lines::new(raw, Form::Csv(mapping))
}

/// The lines of a CSV text from a place on, as a resumed import reads them.
fn csv_from(text: &str, place: Place) -> Lines<&[u8]> {
    let mut raw = RawLines::new(text.as_bytes(), Place::BEGIN);
    let mapping = Mapping::new(&header(&mut raw).unwrap(), &[], constants(&[])).unwrap();
    let rest = RawLines::new(&text.as_bytes()[place.byte as usize..], place);
    Lines::new(rest, Form::Csv(mapping))
}

fn ndjson<R: Read>(from: R, set: &[(&str, &str)]) -> Lines<R> {
    Lines::new(RawLines::new(from, Place::BEGIN), Form::Ndjson(constants(set)))
}

#[test]
fn columns_go_into_fields_by_name_by_map_and_by_constant() {
    let header = StringRecord::from(vec!["Ref", "debtor", "to", "amount", "shop", "meta.order"]);
    let map = pairs(&[("id", "Ref"), ("creditor", "to"), ("metadata.shop", "shop")]);
    let set = constants(&[("currency", "EUR"), ("channel", "file"), ("meta.run", "7")]);
    let mapping = Mapping::new(&header, &map, set).unwrap();
    assert_eq!(mapping.unused, [] as [&str; 0]);
    let row = StringRecord::from(vec!["p1", "a", "b", " 1.00", "Kiosk", ""]);
    let expected = json!({
        "id": "p1", "debtor": "a", "creditor": "b", "amount": "1.00", "currency": "EUR",
        "channel": "file", "metadata": {"shop": "Kiosk", "run": "7"},
    });
    assert_eq!(Value::Object(mapping.payment(&row).unwrap()), expected);
}

#[test]
fn unknown_fields_and_columns_are_named() {
    let header = StringRecord::from(vec!["a", "b"]);
    let wrong = |map: &[(&str, &str)]| {
        Mapping::new(&header, &pairs(map), constants(&[])).unwrap_err().to_string()
    };
    assert!(wrong(&[("id", "c")]).contains("no column \"c\"\n  its columns are: a, b"));
    assert!(wrong(&[("ammount", "a")]).contains("no field \"ammount\""));
    assert!(Constants::new(&pairs(&[("x", "1")])).unwrap_err().exit == Exit::Usage);
    assert_eq!(Mapping::new(&header, &[], constants(&[])).unwrap().unused, ["a", "b"]);
}

#[test]
fn rows_have_numbers_and_ends_across_quoted_line_breaks() {
    for text in [
        "\u{feff}debtor,remittance\na,\"one\ntwo\"\n\nb,x\nshort\nc,5\" pipe",
        "\u{feff}debtor,remittance\r\na,\"one\ntwo\"\r\n\r\nb,x\r\nshort\r\nc,5\" pipe",
    ] {
        let lines = all(csv(text.as_bytes(), &[]));
        let numbers: Vec<u64> = lines.iter().map(|line| line.number).collect();
        assert_eq!(numbers, [2, 5, 6, 7]);
        assert_eq!(payment(&lines[0]), json!({"debtor": "a", "remittance": "one\ntwo"}));
        assert_eq!(payment(&lines[1]), json!({"debtor": "b", "remittance": "x"}));
        assert_eq!(payment(&lines[2]), json!("the line has 1 columns, the header 2"));
        assert_eq!(payment(&lines[3]), json!({"debtor": "c", "remittance": "5\" pipe"}));
        assert_eq!(lines[3].end.byte, text.len() as u64);
    }
}

#[test]
fn a_line_that_is_not_utf8_is_refused_alone() {
    let lines = all(csv(&b"id\n\xff\nok\n"[..], &[]));
    assert_eq!(payment(&lines[0]), json!("the line is not UTF-8"));
    assert_eq!(payment(&lines[1]), json!({"id": "ok"}));
}

#[test]
fn a_line_without_an_end_is_an_error_and_not_endless_memory() {
    let quoted = (&b"id\n\"a\n\""[..]).chain(std::io::repeat(b'\n'));
    assert!(csv(quoted, &[]).next().unwrap().is_some());
    let quoted = (&b"id\n\""[..]).chain(std::io::repeat(b'\n'));
    let error = csv(quoted, &[]).next().unwrap_err().to_string();
    assert!(error.contains("line 2 is longer than 1 MiB"), "{error}");
    let error = ndjson(std::io::repeat(b'x'), &[]).next().unwrap_err().to_string();
    assert!(error.contains("line 1 is longer than 1 MiB"), "{error}");
}

#[test]
fn ndjson_lines_are_objects_and_blank_lines_are_nothing() {
    let text = "{\"id\":\"a\"}\n\n[1]\n{\"id\":\n{\"currency\":\"JPY\"}";
    let lines = all(ndjson(text.as_bytes(), &[("currency", "EUR")]));
    assert_eq!(lines.iter().map(|line| line.number).collect::<Vec<_>>(), [1, 3, 4, 5]);
    assert_eq!(payment(&lines[0]), json!({"id": "a", "currency": "EUR"}));
    assert_eq!(payment(&lines[1]), json!("the line is not a JSON object"));
    assert!(payment(&lines[2]).as_str().unwrap().starts_with("the line is not JSON"));
    assert_eq!(payment(&lines[3]), json!({"currency": "JPY"}));
}

#[test]
fn a_state_file_is_read_back_and_others_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.json");
    assert_eq!(State::load(&path).unwrap(), None);
    let mut state = State::new(Identity { digest: "d".into(), ..Identity::default() });
    state.done = Some(Place { byte: 7, line: 2 });
    state.save(&path).unwrap();
    assert_eq!(State::load(&path).unwrap(), Some(state));
    std::fs::write(&path, "{\"version\":99}").unwrap();
    assert_eq!(State::load(&path).unwrap_err().exit, Exit::Usage);
}

#[test]
fn refused_lines_of_an_unfinished_round_are_written_once() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("refused");
    let refusal =
        |line| Refusal { line, code: "c".into(), sentence: "s".into(), input: Value::Null };
    let mut file = RefusedFile::resume(&path, 0);
    file.add(&refusal(1)).unwrap();
    let kept = file.flush().unwrap();
    file.add(&refusal(2)).unwrap();
    file.flush().unwrap();
    drop(file);
    let mut file = RefusedFile::resume(&path, kept);
    file.add(&refusal(2)).unwrap();
    file.flush().unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<Value> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(lines.iter().map(|l| l["line"].clone()).collect::<Vec<_>>(), [1, 2]);
}

proptest! {
    /// Reading on from any line gives the same lines, numbers and places as reading through.
    #[test]
    fn reading_on_from_any_line_is_reading_through(
        cells in prop::collection::vec(("[a-z\", \n]{0,8}", "[a-z]{0,4}"), 0..20),
    ) {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(["remittance", "debtor"]).unwrap();
        for (a, b) in &cells {
            writer.write_record([a, b]).unwrap();
        }
        let text = String::from_utf8(writer.into_inner().unwrap()).unwrap();
        let through = all(csv(text.as_bytes(), &[]));
        prop_assert_eq!(through.len(), cells.len());
        for (at, line) in through.iter().enumerate() {
            let rest = all(csv_from(&text, line.end));
            let shown = |l: &Line| (l.number, l.end, payment(l));
            prop_assert_eq!(
                rest.iter().map(shown).collect::<Vec<_>>(),
                through[at + 1..].iter().map(shown).collect::<Vec<_>>()
            );
        }
    }

    /// No bytes at all make the reader fail in another way than with a reason.
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut raw = RawLines::new(&bytes[..], Place::BEGIN);
        if let Ok(header) = header(&mut raw) {
            let mapping = Mapping::new(&header, &[], constants(&[])).unwrap();
            all(Lines::new(raw, Form::Csv(mapping)));
        }
        all(ndjson(&bytes[..], &[]));
    }
}

/// A server that gives these answers to as many requests, one after the other.
fn answering(answers: Vec<Value>) -> (String, std::thread::JoinHandle<()>) {
    use std::io::{BufRead, BufReader, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let thread = std::thread::spawn(move || {
        for answer in answers {
            let (mut stream, _) = listener.accept().expect("a client");
            let mut reader = BufReader::new(stream.try_clone().expect("a second handle"));
            let (mut line, mut length) = (String::new(), 0);
            while line != "\r\n" {
                line.clear();
                reader.read_line(&mut line).expect("a line of the head");
                let line = line.to_ascii_lowercase();
                if let Some(value) = line.strip_prefix("content-length:") {
                    length = value.trim().parse().expect("a number");
                }
            }
            reader.read_exact(&mut vec![0; length]).expect("the body");
            let body = answer.to_string();
            let length = body.len();
            write!(stream, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {length}\r\n")
                .and_then(|()| write!(stream, "Content-Type: application/json\r\n\r\n{body}"))
                .expect("the client reads");
        }
    });
    (url, thread)
}

#[test]
fn a_payment_that_the_server_could_not_decide_about_is_sent_again() {
    let made = json!({"id": "a", "status": "completed"});
    let repeated = json!({"id": "a", "status": "completed", "repeat": true});
    let refused = json!({"status": 400, "code": "wrong_decimals", "detail": "d"});
    let full = json!({"status": 507, "code": "storage_full", "detail": "full"});
    let unreadable = json!({"status": 503, "code": "history_unreadable", "detail": "d"});
    let answers = vec![
        json!({"results": [made, full, refused]}),
        json!({"results": [repeated, unreadable, refused]}),
        json!({"results": [repeated, made, refused]}),
    ];
    let (url, server) = answering(answers);
    let sender = Sender::new(crate::client::Client::new(&url, "key").unwrap());
    let payments = vec![serde_json::Map::new(); 3];
    let refusal = Verdict::Refused { code: "wrong_decimals".into(), sentence: "d".into() };
    assert_eq!(sender.send(&payments).unwrap(), [Verdict::Repeated, Verdict::Accepted, refusal]);
    server.join().expect("every answer was asked for");
}
