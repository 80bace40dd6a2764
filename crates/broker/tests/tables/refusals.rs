//! The form of refusals.

use courant_broker::{Refusal, ReplyCode};

#[test]
fn codes_are_those_of_amqp() {
    for (code, number, name, closes_connection) in [
        (ReplyCode::AccessRefused, 403, "ACCESS_REFUSED", false),
        (ReplyCode::NotFound, 404, "NOT_FOUND", false),
        (ReplyCode::ResourceLocked, 405, "RESOURCE_LOCKED", false),
        (ReplyCode::PreconditionFailed, 406, "PRECONDITION_FAILED", false),
        (ReplyCode::NotAllowed, 530, "NOT_ALLOWED", true),
    ] {
        assert_eq!((code.number(), code.name()), (number, name));
        assert_eq!(code.closes_connection(), closes_connection);
    }
}

#[test]
fn a_reply_text_fits_a_short_string() {
    let of = |explanation: String| Refusal { code: ReplyCode::NotFound, explanation };
    let begin = "NOT_FOUND - ";
    assert_eq!(of("no".into()).reply_text(), "NOT_FOUND - no");
    let fitting = "n".repeat(255 - begin.len());
    assert_eq!(of(fitting.clone()).reply_text(), format!("{begin}{fitting}"));
    let cut = of("n".repeat(300)).reply_text();
    assert_eq!(cut, format!("{begin}{}...", "n".repeat(252 - begin.len())));
    // A character is not cut in two.
    let cut = of("é".repeat(300)).reply_text();
    assert!(cut.len() <= 255 && cut.ends_with("é..."), "{cut}");
}
