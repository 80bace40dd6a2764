//! Rust source as a flat list of tokens with lines: comments are gone, strings are one token.
//!
//! Works on tokens, not on a syntax tree, so that code inside macros is seen too.

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Word,
    Literal,
    Sign,
}

#[derive(Debug, Clone)]
pub(crate) struct Token {
    pub(crate) text: String,
    pub(crate) kind: Kind,
    /// Counted from 1.
    pub(crate) line: usize,
}

/// The tokens of a source file, or `None` if it does not even lex (the compiler will say why).
pub(crate) fn of(source: &str) -> Option<Vec<Token>> {
    let stream: TokenStream = source.parse().ok()?;
    let mut tokens = Vec::new();
    flatten(stream, &mut tokens);
    Some(tokens)
}

fn flatten(stream: TokenStream, tokens: &mut Vec<Token>) {
    let mut after_joint_colon = false;
    for tree in stream {
        let line = tree.span().start().line;
        let mut push = |text: String, kind| tokens.push(Token { text, kind, line });
        let mut joint_colon = false;
        match tree {
            TokenTree::Ident(word) => push(word.to_string(), Kind::Word),
            TokenTree::Literal(literal) => push(literal.to_string(), Kind::Literal),
            TokenTree::Punct(sign) if sign.as_char() == ':' && after_joint_colon => {
                tokens.last_mut().expect("the first colon is there").text = "::".to_owned();
            }
            TokenTree::Punct(sign) => {
                joint_colon = sign.as_char() == ':' && sign.spacing() == Spacing::Joint;
                push(sign.as_char().to_string(), Kind::Sign);
            }
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::None => ("", ""),
                };
                push(open.to_owned(), Kind::Sign);
                let end_line = group.span_close().end().line;
                flatten(group.stream(), tokens);
                tokens.push(Token { text: close.to_owned(), kind: Kind::Sign, line: end_line });
            }
        }
        after_joint_colon = joint_colon;
    }
}

/// Every path in the tokens with its line: `std::fs::read`, and `std::{fs, io}` as `std::fs` and
/// `std::io`. A single word is a path of one part.
pub(crate) fn paths(tokens: &[Token]) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        at = if tokens[at].kind == Kind::Word {
            path(tokens, at, String::new(), &mut found)
        } else {
            at + 1
        };
    }
    found
}

/// Reads the path that starts at the word at `at`; returns the place after it.
fn path(
    tokens: &[Token],
    mut at: usize,
    mut path_text: String,
    found: &mut Vec<(String, usize)>,
) -> usize {
    let line = tokens[at].line;
    path_text += &tokens[at].text;
    at += 1;
    while tokens.get(at).is_some_and(|token| token.text == "::") {
        let Some(next) = tokens.get(at + 1) else { break };
        if next.kind == Kind::Word {
            path_text += "::";
            path_text += &next.text;
            at += 2;
        } else if next.text == "{" {
            at += 2;
            while tokens.get(at).is_some_and(|token| token.text != "}") {
                at = if tokens[at].kind == Kind::Word {
                    path(tokens, at, format!("{path_text}::"), found)
                } else {
                    at + 1
                };
            }
            return at + 1;
        } else {
            break;
        }
    }
    found.push((path_text, line));
    at
}

/// Where the texts of `pattern` follow one another: the index of the first.
pub(crate) fn positions(tokens: &[Token], pattern: &[&str]) -> Vec<usize> {
    let matches = |window: &[Token]| window.iter().zip(pattern).all(|(t, p)| t.text == *p);
    let windows = tokens.windows(pattern.len()).enumerate();
    windows.filter(|(_, window)| matches(window)).map(|(at, _)| at).collect()
}

/// The index of the bracket that closes the one at `open`.
pub(crate) fn closing(tokens: &[Token], open: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        match (token.kind, token.text.as_str()) {
            (Kind::Sign, "(" | "[" | "{") => depth += 1,
            (Kind::Sign, ")" | "]" | "}") => {
                depth -= 1;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}
