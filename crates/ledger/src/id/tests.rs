//! Ids: what is accepted, what each refusal says, and that an owned id behaves like its text.

use std::collections::hash_map::DefaultHasher;

use proptest::prelude::*;

use super::*;

fn code(text: &str) -> FieldProblem {
    Id::parse("id", text).expect_err(text).code
}

#[test]
fn ids_of_clients_are_accepted_as_they_are() {
    let longest = "x".repeat(Id::LENGTH_MAX);
    let ids = ["a", "Z", "0", "-", "...", "order-1", "user@example.com", "a:b~c_d.e", &longest];
    for text in ids {
        let id = Id::parse("id", text).expect(text);
        assert_eq!(id.as_str(), text);
        assert!(!id.is_reserved());
        assert_eq!(IdBuf::from(id).as_id(), id);
        assert_eq!(IdBuf::from(id).as_str(), text);
    }
}

#[test]
fn exactly_these_characters_are_allowed() {
    let allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:@~-";
    for character in ('\0'..='\u{2FF}').chain(['ａ', '€', '\u{FEFF}', '😀']) {
        let text = format!("a{character}z");
        let accepted = Id::parse("id", &text).is_ok();
        assert_eq!(accepted, allowed.contains(character), "{character:?}");
    }
}

#[test]
fn refused_ids_have_a_code_a_limit_and_a_sentence() {
    let table = [
        (
            "",
            FieldProblem::TooShort,
            "id: an empty text is not allowed: write something or leave the field out",
        ),
        (
            &"x".repeat(65),
            FieldProblem::TooLong,
            "id: 65 characters are too many: write at most 64",
        ),
        (
            &"ä".repeat(65),
            FieldProblem::TooLong,
            "id: 65 characters are too many: write at most 64",
        ),
        (
            &"ä".repeat(64),
            FieldProblem::BadCharacter,
            "id: 'ä' at character 1 is not allowed: use A-Z a-z 0-9 . _ : @ ~ -",
        ),
        (
            "pay/1",
            FieldProblem::BadCharacter,
            "id: '/' at character 4 is not allowed: use A-Z a-z 0-9 . _ : @ ~ -",
        ),
        (
            "a\n",
            FieldProblem::BadCharacter,
            r"id: '\n' at character 2 is not allowed: use A-Z a-z 0-9 . _ : @ ~ -",
        ),
        (
            "@outside:EUR",
            FieldProblem::NotAllowed,
            "id: ids that begin with '@' are Courant's own: begin with another character",
        ),
        (
            "@",
            FieldProblem::NotAllowed,
            "id: ids that begin with '@' are Courant's own: begin with another character",
        ),
        (
            ".",
            FieldProblem::NotAllowed,
            r#"id: "." and ".." cannot stand in a URL: add another character"#,
        ),
        (
            "..",
            FieldProblem::NotAllowed,
            r#"id: "." and ".." cannot stand in a URL: add another character"#,
        ),
    ];
    for (text, problem, sentence) in table {
        assert_eq!(code(text), problem, "{text:?}");
        assert_eq!(Id::parse("id", text).expect_err(text).to_string(), sentence);
    }
    assert_eq!(Id::parse("id", "").expect_err("empty").limit, Some(1));
    assert_eq!(Id::parse("id", &"x".repeat(65)).expect_err("long").limit, Some(64));
}

#[test]
fn reserved_ids_are_read_where_any_id_may_be_named() {
    let id = Id::parse_any("id", "@outside:EUR").expect("reserved ids may be named");
    assert!(id.is_reserved());
    assert!(!Id::parse_any("id", "a@").expect("a client's id").is_reserved());
    for text in ["", ".", "..", "a b", &"@".repeat(65)] {
        assert!(Id::parse_any("id", text).is_err(), "{text:?}");
    }
}

#[test]
fn an_owned_id_is_small() {
    assert_eq!(size_of::<IdBuf>(), 65);
}

#[test]
fn accepted_ids_cost_no_allocation() {
    let text = "x".repeat(Id::LENGTH_MAX);
    let counted = allocation_counter::measure(|| {
        let id = Id::parse("id", &text).expect("of allowed length");
        assert_eq!(IdBuf::from(id).as_id(), id);
    });
    assert_eq!(counted.count_total, 0);
}

fn hash(value: &(impl Hash + ?Sized)) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

fn any_id() -> impl Strategy<Value = String> {
    "[A-Za-z0-9_:~-][A-Za-z0-9._:@~-]{0,63}|[a-b]{1,3}"
}

proptest! {
    #[test]
    fn an_id_is_its_text(text in any_id()) {
        let id = Id::parse("id", &text).expect("made by the rule");
        prop_assert_eq!(id.to_string(), text.as_str());
        prop_assert_eq!(IdBuf::from(id).to_string(), text.as_str());
        prop_assert_eq!(format!("{id:?}"), format!("{text:?}"));
    }

    #[test]
    fn owned_ids_compare_and_hash_like_their_texts(a in any_id(), b in any_id()) {
        let [one, other] = [&a, &b].map(|text| Id::parse("id", text).expect("made by the rule"));
        prop_assert_eq!(one.cmp(&other), a.cmp(&b));
        let (one, other) = (IdBuf::from(one), IdBuf::from(other));
        prop_assert_eq!(one.cmp(&other), a.cmp(&b));
        prop_assert_eq!(one == other, a == b);
        prop_assert_eq!(hash(&one), hash(a.as_str()));
    }

    #[test]
    fn any_text_is_an_id_or_is_refused(text in "\\PC{0,70}|[a.@]{0,3}") {
        let of_the_form = (1..=64).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._:@~-".contains(&b));
        let expected = of_the_form && text != "." && text != "..";
        prop_assert_eq!(Id::parse_any("id", &text).is_ok(), expected);
        prop_assert_eq!(Id::parse("id", &text).is_ok(), expected && !text.starts_with('@'));
    }
}
