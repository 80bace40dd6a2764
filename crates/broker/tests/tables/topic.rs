//! The topic exchange: patterns and keys.

use crate::world::*;
use proptest::prelude::*;

/// What a pattern means, by the words of AMQP: `*` is one word, `#` any number of them.
fn matches(pattern: &[&str], key: &[&str]) -> bool {
    match (pattern.split_first(), key.split_first()) {
        (None, None) => true,
        (Some((&"#", rest)), _) => (0..=key.len()).any(|at| matches(rest, &key[at..])),
        (Some((wanted, rest)), Some((word, key))) => {
            (*wanted == "*" || wanted == word) && matches(rest, key)
        }
        _ => false,
    }
}

fn words(text: &str) -> Vec<&str> {
    if text.is_empty() { Vec::new() } else { text.split('.').collect() }
}

#[test]
fn patterns_match_words() {
    for (pattern, matching, others) in [
        ("a.b", &["a.b"][..], &["a", "b", "a.b.c", "a.", ".a.b", "ab", ""][..]),
        ("a.*", &["a.b", "a.", "a.*", "a.#"], &["a", "a.b.c", "b.a", ""]),
        ("*", &["a", "*", "#"], &["", "a.b", "."]),
        ("*.*", &["a.b", ".", "a.", ".b"], &["a", "", "a.b.c", ".."]),
        ("#", &["", "a", "a.b", ".", "..", "#"], &[]),
        ("a.#", &["a", "a.b", "a.b.c", "a."], &["", "b", "b.a", "ab"]),
        ("#.a", &["a", "b.a", "b.c.a", ".a"], &["", "a.b", "ba"]),
        ("#.a.#", &["a", "a.b", "b.a", "b.a.b", "a.a"], &["", "b", "b.c"]),
        ("#.#", &["", "a", "a.b"], &[]),
        ("*.#", &["a", "a.b", "."], &[""]),
        ("#.*", &["a", "a.b", "."], &[""]),
        ("*.#.*", &["a.b", "a.b.c"], &["", "a"]),
        ("", &[""], &["a", ".", "a.b"]),
        (".", &["."], &["", "a", "a.", ".a", ".."]),
        ("a.", &["a."], &["a", "a.b", "a.."]),
        (".a", &[".a"], &["a", "b.a"]),
        ("a..b", &["a..b"], &["a.b", "a...b", "a.c.b"]),
        ("a.*.b", &["a..b", "a.c.b"], &["a.b", "a.c.c.b"]),
        ("é.*", &["é.ž"], &["e.ž"]),
    ] {
        let mut world = World::new();
        world.queues(&["q"]);
        assert_eq!(world.bind(bind("amq.topic", pattern, "q")), Ok(true));
        for (keys, routed) in [(matching, "q"), (others, "")] {
            for key in keys {
                assert_eq!(world.routed("amq.topic", key), routed, "{pattern:?} and {key:?}");
                assert_eq!(matches(&words(pattern), &words(key)), routed == "q");
            }
        }
        assert_eq!(world.unbind(bind("amq.topic", pattern, "q")), Ok(true));
        let keys = matching.iter().chain(others);
        keys.for_each(|key| assert_eq!(world.routed("amq.topic", key), ""));
    }
}

/// No pattern makes routing slow: this one has 2^60 ways to match.
#[test]
fn many_hashes_do_no_harm() {
    let mut world = World::new();
    world.queues(&["q"]);
    let pattern = ["#.a"; 60].join(".");
    assert_eq!(world.bind(bind("amq.topic", &pattern, "q")), Ok(true));
    let key = |words: usize| vec!["a"; words].join(".");
    assert_eq!(world.routed("amq.topic", &key(120)), "q");
    assert_eq!(world.routed("amq.topic", &key(59)), "");
    assert_eq!(world.routed("amq.topic", &format!("{}.b", key(120))), "");
}

fn text_of(words: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(words), 0..6).prop_map(|words| words.join("."))
}

proptest! {
    #[test]
    fn patterns_match_as_they_are_defined(
        patterns in prop::collection::vec(text_of(&["a", "b", "", "*", "#"]), 1..12),
        keys in prop::collection::vec(text_of(&["a", "b", "c", ""]), 1..12),
        removed in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        let mut world = World::new();
        let names: Vec<String> = (0..patterns.len()).map(|at| format!("q{at}")).collect();
        for (pattern, name) in patterns.iter().zip(&names) {
            world.queues(&[name]);
            prop_assert_eq!(world.bind(bind("amq.topic", pattern, name)), Ok(true));
        }
        let mut bound = vec![true; patterns.len()];
        for at in removed.iter().map(|index| index.index(patterns.len())) {
            let unbound = world.unbind(bind("amq.topic", &patterns[at], &names[at]));
            prop_assert_eq!(unbound, Ok(std::mem::replace(&mut bound[at], false)));
        }
        for key in &keys {
            let expected: Vec<&str> = (0..patterns.len())
                .filter(|at| bound[*at] && matches(&words(&patterns[*at]), &words(key)))
                .map(|at| names[at].as_str())
                .collect();
            prop_assert_eq!(world.routed("amq.topic", key), expected.join(" "), "{}", key);
        }
    }
}
