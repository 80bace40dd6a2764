//! Reply codes, as client libraries know them; short strings; logging in.

use courant_amqp::reply::Severity;
use courant_amqp::sasl::{amqplain, plain};
use courant_amqp::table::{TableBuf, Value};
use courant_amqp::{ReplyCode, ShortStr};

#[test]
fn every_code_has_its_number_name_and_severity() {
    use Severity::{Channel, Connection, None};
    let table = [
        (200, "OK", None),
        (311, "CONTENT_TOO_LARGE", Channel),
        (312, "NO_ROUTE", Channel),
        (313, "NO_CONSUMERS", Channel),
        (320, "CONNECTION_FORCED", Connection),
        (402, "INVALID_PATH", Connection),
        (403, "ACCESS_REFUSED", Channel),
        (404, "NOT_FOUND", Channel),
        (405, "RESOURCE_LOCKED", Channel),
        (406, "PRECONDITION_FAILED", Channel),
        (501, "FRAME_ERROR", Connection),
        (502, "SYNTAX_ERROR", Connection),
        (503, "COMMAND_INVALID", Connection),
        (504, "CHANNEL_ERROR", Connection),
        (505, "UNEXPECTED_FRAME", Connection),
        (506, "RESOURCE_ERROR", Connection),
        (530, "NOT_ALLOWED", Connection),
        (540, "NOT_IMPLEMENTED", Connection),
        (541, "INTERNAL_ERROR", Connection),
    ];
    let codes = ReplyCode::ALL.map(|code| (code.number(), code.name(), code.severity()));
    assert_eq!(codes, table);
    for code in ReplyCode::ALL {
        assert_eq!(ReplyCode::from_number(code.number()), Some(code));
        assert_eq!(code.to_string(), code.name());
    }
    assert_eq!(ReplyCode::from_number(599), Option::None);
}

#[test]
fn a_short_string_has_at_most_255_bytes() {
    assert_eq!(ShortStr::new(&[b'a'; 255]).map(ShortStr::len), Some(255));
    assert_eq!(ShortStr::new(&[b'a'; 256]), None);
    let long = "é".repeat(200);
    assert_eq!(ShortStr::cut(&long).text(), Some("é".repeat(127).as_str()));
    assert_eq!(ShortStr::cut("ok"), "ok");
    assert_eq!(format!("{:?}", ShortStr::new(b"a\xff").unwrap()), "\"a\\xff\"");
    assert_eq!(ShortStr::new(b"\xff").unwrap().text(), None);
}

#[test]
fn plain_and_amqplain_say_user_and_password() {
    let credentials = plain(b"\0user\0pass").unwrap();
    assert_eq!((credentials.user, credentials.password), (&b"user"[..], &b"pass"[..]));
    assert_eq!(plain(b"other\0u\0").unwrap().user, b"u");
    assert!(!format!("{credentials:?}").contains("pass"), "a password is never shown");
    for response in [&b""[..], b"user", b"\0user", b"\0user\0pass\0"] {
        assert!(plain(response).is_none(), "{response:?}");
    }
    let mut table = TableBuf::new();
    table.put(ShortStr::literal("LOGIN"), Value::Text(b"user"));
    assert!(amqplain(table.table().raw()).is_none(), "without a password");
    table.put(ShortStr::literal("PASSWORD"), Value::Text(b"pass"));
    assert_eq!(amqplain(table.table().raw()), Some(credentials));
    let raw = table.table().raw();
    assert!((0..raw.len()).all(|end| amqplain(&raw[..end]).is_none()));
}
