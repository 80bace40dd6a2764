//! Amounts and their texts: every refused form with what its sentence says, round trips of any
//! value, and arithmetic at its limits.

use proptest::prelude::*;

use super::*;
use crate::FieldProblem;

const CURRENCIES: [Currency; 4] = [Currency::JPY, Currency::EUR, Currency::KWD, Currency::CLF];

fn any_currency() -> impl Strategy<Value = Currency> {
    proptest::sample::select(Currency::all().collect::<Vec<_>>())
}

#[test]
fn texts_and_minor_units_stand_for_each_other() {
    let table = [
        (Currency::EUR, "0.00", 0),
        (Currency::EUR, "0.01", 1),
        (Currency::EUR, "0.10", 10),
        (Currency::EUR, "1.00", 100),
        (Currency::EUR, "12.34", 1_234),
        (Currency::EUR, "100000.05", 10_000_005),
        (Currency::EUR, "184467440737095516.15", u64::MAX),
        (Currency::JPY, "0", 0),
        (Currency::JPY, "12", 12),
        (Currency::JPY, "18446744073709551615", u64::MAX),
        (Currency::KWD, "0.001", 1),
        (Currency::KWD, "1.234", 1_234),
        (Currency::CLF, "0.0001", 1),
        (Currency::CLF, "1844674407370955.1615", u64::MAX),
    ];
    for (currency, text, minor) in table {
        let amount = Amount::new(minor, currency);
        assert_eq!(Amount::parse(text, currency), Ok(amount));
        assert_eq!(amount.to_string(), text);
        assert_eq!(parse_signed_minor(text, currency), Ok(i128::from(minor)));
    }
}

#[test]
fn signed_texts_and_minor_units_stand_for_each_other() {
    let table = [
        (Currency::EUR, "-500.00", -50_000),
        (Currency::EUR, "-0.01", -1),
        (Currency::JPY, "-7", -7),
        (Currency::KWD, "-1.234", -1_234),
        (Currency::CLF, "-0.0001", -1),
        (Currency::EUR, "1701411834604692317316873037158841057.27", i128::MAX),
        (Currency::EUR, "-1701411834604692317316873037158841057.28", i128::MIN),
        (Currency::JPY, "-170141183460469231731687303715884105728", i128::MIN),
    ];
    for (currency, text, minor) in table {
        assert_eq!(parse_signed_minor(text, currency), Ok(minor));
        assert_eq!(format_minor(minor, currency).to_string(), text);
    }
}

#[test]
fn width_and_alignment_of_the_format_apply() {
    let amount = Amount::new(1_234, Currency::EUR);
    assert_eq!(
        format!("[{amount:>8}] [{amount:<8}] [{amount:?}]"),
        "[   12.34] [12.34   ] [12.34 EUR]"
    );
}

#[track_caller]
fn check_refused(text: &str, code: FieldProblem, sentence: &str) {
    let error = Amount::parse(text, Currency::EUR).expect_err(text);
    assert_eq!(error.to_string(), sentence, "{text:?}");
    let field_error = error.at("amount").within("payees[3]");
    assert_eq!(field_error.code, code, "{text:?}");
    assert_eq!(field_error.to_string(), format!("payees[3].amount: {sentence}"));
}

#[test]
fn another_number_of_decimals_is_refused_with_advice() {
    let table = [
        ("12.3", r#"EUR has 2 decimals, "12.3" has 1: write "12.30""#),
        ("12", r#"EUR has 2 decimals, "12" has none: write "12.00""#),
        ("12.3400", r#"EUR has 2 decimals, "12.3400" has 4: write "12.34""#),
        ("12.345", r#"EUR has 2 decimals, "12.345" has 3: round it to 2 decimals"#),
    ];
    for (text, sentence) in table {
        check_refused(text, FieldProblem::WrongDecimals, sentence);
    }
}

#[test]
fn a_foreign_character_is_shown_with_its_place() {
    let table = [
        ("12,34", "','", 3),
        ("+1.00", "'+'", 1),
        ("1-1.00", "'-'", 2),
        ("--1.00", "'-'", 2),
        (" 1.00", "' '", 1),
        ("1.00\n", r"'\n'", 5),
        ("1.00\0", r"'\0'", 5),
        ("1e2", "'e'", 2),
        ("0x10", "'x'", 2),
        ("NaN", "'N'", 1),
        ("inf", "'i'", 1),
        ("1\u{66B}00", "'\u{66B}'", 2),
        ("１.00", "'１'", 1),
    ];
    for (text, character, position) in table {
        let sentence = format!(
            "{character} at character {position} does not belong into an amount: \
             write it like \"12.34\""
        );
        check_refused(text, FieldProblem::BadCharacter, &sentence);
    }
}

#[test]
fn a_text_of_another_form_is_refused() {
    check_refused("", FieldProblem::TooShort, r#"an amount is missing: write it like "12.34""#);
    for text in [".50", "12.", ".", "-", "-.", "1.2.3", "1..23"] {
        let sentence = format!("{text:?} is not an amount: write it like \"12.34\"");
        check_refused(text, FieldProblem::Malformed, &sentence);
    }
    for (text, meant) in [("012.34", "12.34"), ("00.00", "0.00"), ("007.00", "7.00")] {
        let sentence = format!("{text:?} begins with a zero that says nothing: write \"{meant}\"");
        check_refused(text, FieldProblem::Malformed, &sentence);
    }
    for text in ["-12.34", "-0.00", "-1", "-01.00"] {
        let sentence =
            format!("{text:?} has a sign, but no amount is below zero: leave the sign out");
        check_refused(text, FieldProblem::Negative, &sentence);
    }
}

#[test]
fn an_amount_beyond_the_limit_is_refused() {
    let sentence =
        "the amount is beyond the limit of 184467440737095516.15 EUR: write a smaller one";
    for text in ["184467440737095516.16", "99999999999999999999999999999999999999.99"] {
        check_refused(text, FieldProblem::TooLarge, sentence);
    }
    let sentence = "42 bytes are too many for an amount: write at most 41";
    let text = "100000000000000000000000000000000000000.00";
    check_refused(text, FieldProblem::TooLong, sentence);
}

#[test]
fn the_other_exponents_are_named_too() {
    let table = [
        (Currency::JPY, "12.0", r#"JPY has no decimals, "12.0" has 1: write "12""#),
        (Currency::JPY, "12.5", r#"JPY has no decimals, "12.5" has 1: round it to no decimals"#),
        (Currency::JPY, "12.", r#""12." is not an amount: write it like "12""#),
        (Currency::KWD, "1.23", r#"KWD has 3 decimals, "1.23" has 2: write "1.230""#),
        (Currency::CLF, "1", r#"CLF has 4 decimals, "1" has none: write "1.0000""#),
    ];
    for (currency, text, sentence) in table {
        assert_eq!(Amount::parse(text, currency).expect_err(text).to_string(), sentence);
    }
}

#[test]
fn signed_texts_are_refused_with_a_reason() {
    let table = [
        ("-0.00", FieldProblem::Malformed, r#""-0.00" is zero with a sign: leave the sign out"#),
        ("-5", FieldProblem::WrongDecimals, r#"EUR has 2 decimals, "-5" has none: write "-5.00""#),
        (
            "-05.00",
            FieldProblem::Malformed,
            r#""-05.00" begins with a zero that says nothing: write "-5.00""#,
        ),
        (
            "-1701411834604692317316873037158841057.29",
            FieldProblem::TooLarge,
            "the amount is beyond the limit of 1701411834604692317316873037158841057.27 EUR: \
             write a smaller one",
        ),
        (
            "1701411834604692317316873037158841057.28",
            FieldProblem::TooLarge,
            "the amount is beyond the limit of 1701411834604692317316873037158841057.27 EUR: \
             write a smaller one",
        ),
        (
            "-99999999999999999999999999999999999999999",
            FieldProblem::TooLong,
            "42 bytes are too many for an amount: write at most 41",
        ),
    ];
    for (text, code, sentence) in table {
        let error = parse_signed_minor(text, Currency::EUR).expect_err(text);
        assert_eq!(error.to_string(), sentence, "{text:?}");
        assert_eq!(error.at("limits.floor").code, code);
    }
}

#[test]
fn a_value_beyond_128_bits_does_not_wrap_around() {
    // One and four more than 2^128: the last digit, or the step to it, leaves 128 bits.
    let texts =
        ["340282366920938463463374607431768211457", "340282366920938463463374607431768211460"];
    for text in texts {
        let unsigned = Amount::parse(text, Currency::JPY).expect_err(text);
        let limit_minor = i128::from(u64::MAX);
        assert_eq!(unsigned, AmountError::TooLarge { currency: Currency::JPY, limit_minor });
        assert!(parse_signed_minor(text, Currency::JPY).is_err());
        assert!(parse_signed_minor(&format!("-{text}"), Currency::JPY).is_err());
    }
}

#[test]
fn field_errors_carry_the_limit_that_was_broken() {
    let limit = |text| Amount::parse(text, Currency::EUR).expect_err(text).at("amount").limit;
    assert_eq!(limit("1.234"), Some(2));
    assert_eq!(limit("184467440737095516.16"), Some(u64::MAX));
    assert_eq!(limit("x"), None);
    assert_eq!(limit(&"1".repeat(42)), Some(41));
}

#[test]
fn sums_and_differences_are_checked() {
    let eur = |minor| Amount::new(minor, Currency::EUR);
    assert_eq!(eur(1).checked_add(eur(2)), Some(eur(3)));
    assert_eq!(eur(Amount::MINOR_MAX).checked_add(eur(0)), Some(eur(Amount::MINOR_MAX)));
    assert_eq!(eur(Amount::MINOR_MAX).checked_add(eur(1)), None);
    assert_eq!(eur(1).checked_add(Amount::new(1, Currency::USD)), None);
    assert_eq!(eur(3).checked_sub(eur(3)), Some(eur(0)));
    assert_eq!(eur(2).checked_sub(eur(3)), None);
    assert_eq!(eur(2).checked_sub(Amount::new(1, Currency::USD)), None);
    assert!(eur(0).is_zero() && !eur(1).is_zero());
    assert_ne!(eur(1), Amount::new(1, Currency::USD));
}

#[test]
fn accepted_texts_cost_no_allocation() {
    let counted = allocation_counter::measure(|| {
        for _ in 0..3 {
            assert!(Amount::parse("184467440737095516.15", Currency::EUR).is_ok());
            assert!(parse_signed_minor("-500.00", Currency::EUR).is_ok());
            assert!(Currency::from_code("CZK").is_ok());
        }
    });
    assert_eq!(counted.count_total, 0);
}

proptest! {
    #[test]
    fn every_amount_is_read_back_from_its_text(minor: u64, currency in any_currency()) {
        let amount = Amount::new(minor, currency);
        prop_assert_eq!(Amount::parse(&amount.to_string(), currency), Ok(amount));
    }

    #[test]
    fn every_signed_value_is_read_back_from_its_text(minor: i128, currency in any_currency()) {
        let text = format_minor(minor, currency).to_string();
        prop_assert_eq!(parse_signed_minor(&text, currency), Ok(minor));
    }

    #[test]
    fn the_text_is_the_quotient_and_the_remainder(minor: u64) {
        for currency in CURRENCIES {
            let exponent = u32::from(currency.exponent());
            let (whole, rest) = (minor / 10_u64.pow(exponent), minor % 10_u64.pow(exponent));
            let expected = match exponent {
                0 => whole.to_string(),
                _ => format!("{whole}.{rest:0width$}", width = exponent as usize),
            };
            prop_assert_eq!(Amount::new(minor, currency).to_string(), expected);
        }
    }

    /// Each value has one text: whatever is accepted is the text that would be written.
    #[test]
    fn an_accepted_text_is_the_one_that_would_be_written(
        text in "[-+]?[0-9]{0,4}[.,]?[0-9]{0,5}[0-9.eE ]?",
    ) {
        for currency in CURRENCIES {
            if let Ok(amount) = Amount::parse(&text, currency) {
                prop_assert_eq!(amount.to_string(), text.as_str());
            }
            if let Ok(minor) = parse_signed_minor(&text, currency) {
                prop_assert_eq!(format_minor(minor, currency).to_string(), text.as_str());
            }
        }
    }

    #[test]
    fn a_foreign_character_anywhere_is_refused(
        minor: u64,
        foreign in "[^0-9.]",
        at: proptest::sample::Index,
        currency in any_currency(),
    ) {
        let mut text = Amount::new(minor, currency).to_string();
        text.insert_str(at.index(text.len() + 1), &foreign);
        prop_assert!(Amount::parse(&text, currency).is_err());
    }

    #[test]
    fn another_number_of_decimals_is_refused(minor: u64, decimals in 0_usize..8) {
        for currency in CURRENCIES {
            let text = format!("{minor}.{}", "0".repeat(decimals));
            let accepted = Amount::parse(&text, currency).is_ok();
            prop_assert!(!accepted || decimals == usize::from(currency.exponent()));
        }
    }

    /// Nothing panics, and the advice, where there is one, is itself accepted.
    #[test]
    fn any_text_is_answered_and_advice_can_be_followed(
        text in "\\PC{0,50}|-?[0-9]{1,20}[.]?[0-9]{0,6}",
    ) {
        for currency in CURRENCIES {
            let Err(error) = parse_signed_minor(&text, currency) else { continue };
            let sentence = error.to_string();
            if let AmountError::WrongDecimals { .. } = error
                && let Some((_, advice)) = sentence.split_once(": write \"")
                && !text.starts_with("-0")
            {
                prop_assert!(parse_signed_minor(advice.trim_end_matches('"'), currency).is_ok());
            }
        }
    }

    #[test]
    fn a_sum_less_one_part_is_the_other(a: u64, b: u64, currency in any_currency()) {
        let (a, b) = (Amount::new(a, currency), Amount::new(b, currency));
        match a.checked_add(b) {
            Some(sum) => prop_assert_eq!(sum.checked_sub(b), Some(a)),
            None => prop_assert!(a.minor().overflowing_add(b.minor()).1),
        }
    }
}
