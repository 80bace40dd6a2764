//! Tests of the text of API keys.

use super::*;

#[test]
fn a_made_key_is_read_back_and_matches_its_hash_only() {
    let secret = Secret::new(&[7; 32]);
    let text = make(42).expect("random bytes");
    let token = Token::parse(&text).expect("a made key is whole");
    assert_eq!(token.number, 42);
    let hash = secret.hash(&token);
    assert!(secret.matches(&token, &hash));
    assert!(!Secret::new(&[8; 32]).matches(&token, &hash), "another server's secret");
    let other = make(42).expect("random bytes");
    let other = Token::parse(&other).expect("whole");
    assert!(!secret.matches(&other, &hash), "another key of the same number");
}

#[test]
fn every_changed_or_missing_character_is_noticed() {
    let text = make(7).expect("random bytes");
    for at in 0..text.len() {
        assert!(Token::parse(&text[..at]).is_none(), "cut at {at}");
        let mut changed = text.clone().into_bytes();
        changed[at] = if changed[at] == b'x' { b'y' } else { b'x' };
        let changed = String::from_utf8(changed).expect("ASCII");
        assert!(Token::parse(&changed).is_none(), "changed at {at}: {changed}");
    }
    for bad in ["", "ck_", "ck__", "ck_1__00000000", "Bearer", "ck_é_é_é", "ck_01_x_y"] {
        assert!(Token::parse(bad).is_none(), "{bad}");
    }
}
