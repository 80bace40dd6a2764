//! Text rules at their limits, metadata as a whole, and the errors of fields.

use proptest::prelude::*;

use super::*;

const RULES: [(&str, TextRule); 7] = [
    ("channel", CHANNEL),
    ("end_to_end_id", END_TO_END_ID),
    ("remittance", REMITTANCE),
    ("reason", REASON),
    ("name", ACCOUNT_NAME),
    ("metadata", METADATA_KEY),
    ("metadata", METADATA_VALUE),
];

#[test]
fn lengths_are_the_published_ones() {
    let lengths = RULES.map(|(_, rule)| (rule.length_min(), rule.length_max(), rule.bytes_max()));
    let text_140 = (1, 140, 560);
    let expected =
        [(1, 32, 128), (1, 35, 140), text_140, text_140, text_140, (1, 40, 160), (0, 256, 1024)];
    assert_eq!(lengths, expected);
}

#[test]
fn a_text_may_be_as_long_as_the_limit_and_not_longer() {
    for (field, rule) in RULES {
        let longest = "a".repeat(rule.length_max());
        assert_eq!(rule.check(field, &longest), Ok(longest.as_str()));

        let error = rule.check(field, &format!("{longest}a")).expect_err("one too many");
        assert_eq!((error.code, &*error.field), (FieldProblem::TooLong, field));
        assert_eq!(error.limit, Some(rule.length_max() as u64));
        let expected = format!(
            "{field}: {} characters are too many: write at most {}",
            rule.length_max() + 1,
            rule.length_max()
        );
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn lengths_count_characters_not_bytes() {
    for character in ["ř", "字", "😀"] {
        let longest = character.repeat(140);
        assert!(REMITTANCE.check("remittance", &longest).is_ok());
        let too_long = format!("{longest}{character}");
        let error = REMITTANCE.check("remittance", &too_long).expect_err("141 characters");
        assert_eq!(error.code, FieldProblem::TooLong);
    }
}

#[test]
fn only_a_metadata_value_may_be_empty() {
    for (field, rule) in RULES {
        match rule.check(field, "") {
            Ok(_) => assert_eq!(rule, METADATA_VALUE),
            Err(error) => assert_eq!((error.code, error.limit), (FieldProblem::TooShort, Some(1))),
        }
    }
}

#[test]
fn texts_of_small_alphabets_hold_exactly_their_characters() {
    let lower_and_digits = "abcdefghijklmnopqrstuvwxyz0123456789";
    let upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let table = [
        (CHANNEL, format!("{lower_and_digits}_-"), "a-z 0-9 _ -"),
        (METADATA_KEY, format!("{lower_and_digits}{upper}_-."), "A-Z a-z 0-9 _ - ."),
    ];
    for (rule, allowed, in_words) in table {
        for character in ('\0'..='\u{2FF}').chain(['ａ', '\u{FEFF}', '😀']) {
            let text = format!("x{character}");
            match rule.check("field", &text) {
                Ok(_) => assert!(allowed.contains(character), "{character:?}"),
                Err(error) => {
                    assert!(!allowed.contains(character), "{character:?}");
                    let sentence =
                        format!("{character:?} at character 2 is not allowed: use {in_words}");
                    assert_eq!(
                        (error.code, error.sentence()),
                        (FieldProblem::BadCharacter, &*sentence)
                    );
                }
            }
        }
    }
}

#[test]
fn printable_texts_keep_every_script() {
    let texts =
        ["Nájem 05/2026, děkuji!", "請求書", "فاتورة ١٢", "שכר דירה", "👩‍👧 café", " ", "/*'\"<&>"];
    for text in texts {
        assert_eq!(REMITTANCE.check("remittance", text), Ok(text));
    }
}

#[test]
fn what_cannot_be_shown_in_one_line_or_misleads_is_refused() {
    let controls = ('\0'..='\u{1F}').chain('\u{7F}'..='\u{9F}');
    let separators_and_turns = ('\u{2028}'..='\u{202E}').chain('\u{2066}'..='\u{2069}');
    for character in controls.chain(separators_and_turns).chain(['\u{FFFE}', '\u{FFFF}']) {
        let text = format!("ř{character}");
        for rule in [END_TO_END_ID, REMITTANCE, REASON, ACCOUNT_NAME, METADATA_VALUE] {
            let error = rule.check("field", &text).expect_err("not printable");
            assert_eq!(error.code, FieldProblem::BadCharacter, "{character:?}");
            // The sentence itself must be safe to print.
            assert!(!error.to_string().contains(character), "{character:?}");
            assert!(error.sentence().contains("at character 2"), "{error}");
        }
    }
}

#[test]
fn metadata_is_checked_as_a_whole() {
    let key_41 = "k".repeat(41);
    let value_257 = "v".repeat(257);
    let table = [
        (("order no", "1"), FieldProblem::BadCharacter, "metadata"),
        (("", "1"), FieldProblem::TooShort, "metadata"),
        ((&*key_41, "1"), FieldProblem::TooLong, "metadata"),
        (("order_no", &*value_257), FieldProblem::TooLong, "metadata.order_no"),
        (("order_no", "a\nb"), FieldProblem::BadCharacter, "metadata.order_no"),
        (("first", "again"), FieldProblem::Duplicate, "metadata"),
    ];
    for (pair, code, field) in table {
        let error = check_metadata(&[("first", ""), pair]).expect_err(field);
        assert_eq!((error.code, &*error.field), (code, field), "{error}");
    }
    assert_eq!(check_metadata(&[("a", "1"), ("A", "1"), ("b.c-d_e", "")]), Ok(()));
    assert_eq!(check_metadata::<&str, &str>(&[]), Ok(()));
}

#[test]
fn metadata_has_at_most_sixteen_pairs() {
    let mut pairs: Vec<(String, String)> =
        (0..METADATA_PAIRS_MAX).map(|n| (format!("key-{n}"), String::new())).collect();
    assert_eq!(check_metadata(&pairs), Ok(()));
    pairs.push(("one-more".into(), String::new()));
    let error = check_metadata(&pairs).expect_err("seventeen pairs");
    assert_eq!((error.code, error.limit), (FieldProblem::TooMany, Some(16)));
    assert_eq!(error.to_string(), "metadata: 17 pairs are too many: keep 16");
}

#[test]
fn accepted_texts_cost_no_allocation() {
    let counted = allocation_counter::measure(|| {
        assert!(REMITTANCE.check("remittance", "Nájem 05/2026").is_ok());
        assert!(CHANNEL.check("channel", "mobile").is_ok());
        assert!(check_metadata(&[("order_no", "1"), ("shop", "Žižkov")]).is_ok());
    });
    assert_eq!(counted.count_total, 0);
}

#[test]
fn field_errors_know_their_place() {
    let error = FieldError::missing("amount").within("payees[3]").within("payments[0]");
    assert_eq!(error.field, "payments[0].payees[3].amount");
    assert_eq!(error.to_string(), "payments[0].payees[3].amount: this field is required: add it");
    assert_eq!(error.below("minor").field, "payments[0].payees[3].amount.minor");

    let owned = FieldError::new(format!("tags[{}]", 2), FieldProblem::Zero, "zero: write more");
    assert_eq!((&*owned.field, owned.sentence()), ("tags[2]", "zero: write more"));
}

#[test]
fn codes_are_stable() {
    use FieldProblem::*;
    let table = [
        (Missing, "missing"),
        (UnknownField, "unknown_field"),
        (WrongType, "wrong_type"),
        (Malformed, "malformed"),
        (TooLong, "too_long"),
        (TooShort, "too_short"),
        (BadCharacter, "bad_character"),
        (TooMany, "too_many"),
        (Duplicate, "duplicate"),
        (UnknownCurrency, "unknown_currency"),
        (WrongDecimals, "wrong_decimals"),
        (Negative, "negative"),
        (Zero, "zero"),
        (TooLarge, "too_large"),
        (TooSmall, "too_small"),
        (NotAllowed, "not_allowed"),
    ];
    for (problem, code) in table {
        assert_eq!(problem.code(), code);
        assert_eq!(problem.to_string(), code);
    }
}

proptest! {
    #[test]
    fn a_rule_gives_the_text_back_or_an_error(text in any::<String>()) {
        for (field, rule) in RULES {
            match rule.check(field, &text) {
                Ok(checked) => {
                    prop_assert_eq!(checked, text.as_str());
                    prop_assert!(text.chars().count() <= rule.length_max());
                    prop_assert!(text.len() <= rule.bytes_max());
                    prop_assert!(!text.contains(char::is_control));
                }
                Err(error) => prop_assert_eq!(error.field, field),
            }
        }
    }

    #[test]
    fn a_text_made_by_the_rule_is_accepted(
        channel in "[a-z0-9_-]{1,32}",
        key in "[A-Za-z0-9_.-]{1,40}",
        text in r"[ -~\u{A1}-\u{24F}\u{4E00}-\u{9FFF}]{1,35}",
    ) {
        prop_assert!(CHANNEL.check("channel", &channel).is_ok());
        prop_assert!(END_TO_END_ID.check("end_to_end_id", &text).is_ok());
        prop_assert!(check_metadata(&[(key, text)]).is_ok());
    }
}
