//! The currency table: facts of known codes, all codes and all numbers, and what refusals say.

use super::*;

#[test]
fn known_currencies_have_the_facts_of_the_list() {
    let table = [
        ("AED", 784, 2, "UAE Dirham"),
        ("ALL", 8, 2, "Lek"),
        ("BHD", 48, 3, "Bahraini Dinar"),
        ("CLF", 990, 4, "Unidad de Fomento"),
        ("CZK", 203, 2, "Czech Koruna"),
        ("EUR", 978, 2, "Euro"),
        ("ISK", 352, 0, "Iceland Krona"),
        ("JPY", 392, 0, "Yen"),
        ("KWD", 414, 3, "Kuwaiti Dinar"),
        ("SLE", 925, 2, "Leone"),
        ("USN", 997, 2, "US Dollar (Next day)"),
        ("UYW", 927, 4, "Unidad Previsional"),
        ("VED", 926, 2, "Bolívar Soberano"),
        ("XAD", 396, 2, "Arab Accounting Dinar"),
        ("XCG", 532, 2, "Caribbean Guilder"),
        ("XOF", 952, 0, "CFA Franc BCEAO"),
        ("ZWG", 924, 2, "Zimbabwe Gold"),
    ];
    for (code, numeric, exponent, name) in table {
        let currency = Currency::from_code(code).expect(code);
        let facts = (currency.code(), currency.numeric(), currency.exponent(), currency.name());
        assert_eq!(facts, (code, numeric, exponent, name));
        assert_eq!(Currency::from_numeric(numeric), Some(currency));
    }
}

#[test]
fn exactly_these_currencies_do_not_have_two_decimals() {
    let with_exponent = |exponent| {
        let codes = Currency::all().filter(|currency| currency.exponent() == exponent);
        codes.map(Currency::code).collect::<Vec<_>>().join(" ")
    };
    let none = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF";
    assert_eq!(with_exponent(0), none);
    assert_eq!(with_exponent(1), "");
    assert_eq!(with_exponent(3), "BHD IQD JOD KWD LYD OMR TND");
    assert_eq!(with_exponent(4), "CLF UYW");
    assert_eq!(with_exponent(2).split(' ').count(), 165 - 17 - 7 - 2);
    assert_eq!(Currency::EXPONENT_MAX, 4);
}

#[test]
fn constants_are_what_their_names_say() {
    let named = [Currency::EUR, Currency::USD, Currency::GBP, Currency::CZK, Currency::JPY];
    assert_eq!(named.map(Currency::code), ["EUR", "USD", "GBP", "CZK", "JPY"]);
    assert_eq!(named.map(Currency::numeric), [978, 840, 826, 203, 392]);
    assert_eq!(format!("[{:>5}] [{:?}]", Currency::KWD, Currency::CHF), "[  KWD] [CHF]");
}

#[test]
fn every_currency_is_found_by_code_and_by_number_and_nothing_else_is() {
    let listed: Vec<Currency> = Currency::all().collect();
    assert!(listed.is_sorted_by(|a, b| a.code() < b.code()));

    let mut by_code = Vec::new();
    for a in 'A'..='Z' {
        for b in 'A'..='Z' {
            for c in 'A'..='Z' {
                by_code.extend(Currency::from_code(&format!("{a}{b}{c}")).ok());
            }
        }
    }
    assert_eq!(by_code, listed);

    let by_numeric: Vec<Currency> = (0..=u16::MAX).filter_map(Currency::from_numeric).collect();
    let mut sorted = listed;
    sorted.sort_unstable();
    assert_eq!(by_numeric, sorted);
    assert!(by_numeric.iter().all(|currency| (1..=999).contains(&currency.numeric())));
}

#[test]
fn every_currency_has_an_account_for_the_outside() {
    for currency in Currency::all() {
        assert_eq!(currency.outside_account(), format!("@outside:{currency}"));
    }
}

#[test]
fn withdrawn_codes_are_unknown() {
    for (code, numeric) in [("BGN", 975), ("HRK", 191), ("CUC", 931), ("SLL", 694), ("ZWL", 932)] {
        assert!(matches!(Currency::from_code(code), Err(CurrencyError::Unknown { .. })), "{code}");
        assert_eq!(Currency::from_numeric(numeric), None, "{code}");
    }
    // The number of the Antillean guilder went on to its successor, the code did not.
    assert!(Currency::from_code("ANG").is_err());
    assert_eq!(Currency::from_numeric(532).map(Currency::code), Some("XCG"));
}

#[test]
fn what_is_no_code_is_unknown() {
    let texts = ["", "E", "EU", "EURO", "eur", "Eur", "EUR ", " EUR", "E1R", "€", "ＥＵＲ", "EU\0"];
    for text in texts {
        let error = Currency::from_code(text).expect_err(text);
        assert_eq!(error, CurrencyError::Unknown { text: text.into() });
        assert_eq!(error.at("currency").code, FieldProblem::UnknownCurrency);
    }
}

#[test]
fn codes_without_minor_unit_are_not_allowed() {
    let codes =
        ["XAG", "XAU", "XBA", "XBB", "XBC", "XBD", "XDR", "XPD", "XPT", "XSU", "XTS", "XUA", "XXX"];
    for code in codes {
        let error = Currency::from_code(code).expect_err(code);
        assert!(matches!(&error, CurrencyError::WithoutMinorUnit { code: c, .. } if *c == code));
        assert_eq!(error.at("currency").code, FieldProblem::NotAllowed);
    }
    for numeric in (955..=965).chain([994, 999]) {
        assert_eq!(Currency::from_numeric(numeric), None);
    }
}

#[test]
fn errors_say_what_to_write() {
    let table = [
        ("eur", r#""eur" is not an active currency code of ISO 4217: write "EUR""#),
        (" czk\n", r#"" czk\n" is not an active currency code of ISO 4217: write "CZK""#),
        (
            "BGN",
            "\"BGN\" is not an active currency code of ISO 4217: \
             write three capital letters such as \"EUR\"",
        ),
        (
            "a text that is far too long to be repeated",
            "\"a text that is f\" is not an active currency code of ISO 4217: \
             write three capital letters such as \"EUR\"",
        ),
        (
            "XAU",
            "XAU (Gold) has no minor unit in ISO 4217, so no account or amount can be in it: \
             use a currency that has one",
        ),
    ];
    for (text, sentence) in table {
        let error = Currency::from_code(text).expect_err(text);
        assert_eq!(error.to_string(), sentence);
        assert_eq!(error.at("currency").to_string(), format!("currency: {sentence}"));
    }
}
