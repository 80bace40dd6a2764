//! Target: the decimal text of an amount. Input: the currency's code, a space, the text.
//!
//! What is accepted must be written back as the very same text: every value has exactly one.

use courant_ledger::{Amount, Currency, format_minor, parse_signed_minor};

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let texts = [
        "EUR 12.34",
        "JPY 12",
        "KWD 1.234",
        "CLF 1.2345",
        "EUR 184467440737095516.15",
        "EUR -0.01",
        "USD 0.00",
        "EUR 1e3",
        "EUR NaN",
        "EUR 01.00",
        "EUR +1.00",
        "EUR 1,00",
        "XXX 1",
    ];
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

pub(crate) fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (code, text) = text.split_once(' ').unwrap_or(("EUR", text));
    let Ok(currency) = Currency::from_code(code) else { return };
    if let Ok(amount) = Amount::parse(text, currency) {
        let written = format_minor(i128::from(amount.minor()), currency).to_string();
        assert_eq!(written, text, "an accepted text is the text of its value");
    }
    if let Ok(minor) = parse_signed_minor(text, currency) {
        assert_eq!(format_minor(minor, currency).to_string(), text);
    }
}
