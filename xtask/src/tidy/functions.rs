//! Functions of more than 70 lines: a ratchet. Those in `long_functions.txt` may only shrink.

use super::Finding;
use super::tokens::{self, Kind, Token};
use super::tree::Tree;

const RULE: &str = "long_function";

/// From the line of `fn` to the line of the closing brace.
const FUNCTION_LINES_MAX: usize = 70;

const LIST_PATH: &str = "xtask/src/tidy/long_functions.txt";

/// The length of one function.
#[derive(Debug, PartialEq, Eq)]
struct Function {
    name: String,
    line: usize,
    lines: usize,
}

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut long = Vec::new();
    for (path, text) in tree.with_ending(".rs") {
        let tokens = tokens::of(text).unwrap_or_default();
        let functions = functions(&tokens).into_iter();
        let over = functions.filter(|function| function.lines > FUNCTION_LINES_MAX);
        long.extend(over.map(|function| (path.to_owned(), function)));
    }
    compare(&long, tree.text(LIST_PATH).unwrap_or_default())
}

/// All functions with a body, also those inside others and inside macros.
fn functions(tokens: &[Token]) -> Vec<Function> {
    let mut found = Vec::new();
    for (at, pair) in tokens.windows(2).enumerate() {
        if pair[0].kind != Kind::Word || pair[0].text != "fn" || pair[1].kind != Kind::Word {
            continue;
        }
        if let Some(end_line) = body_end(tokens, at + 2) {
            let lines = end_line - pair[0].line + 1;
            found.push(Function { name: pair[1].text.clone(), line: pair[0].line, lines });
        }
    }
    found
}

/// The last line of the body of the function whose signature goes on at `at`.
fn body_end(tokens: &[Token], mut at: usize) -> Option<usize> {
    while let Some(token) = tokens.get(at) {
        at = match (token.kind, token.text.as_str()) {
            (Kind::Sign, "{") => return Some(tokens[tokens::closing(tokens, at)?].line),
            (Kind::Sign, "(" | "[") => tokens::closing(tokens, at)? + 1,
            (Kind::Sign, ";" | ")" | "]" | "}") => return None,
            _ => at + 1,
        };
    }
    None
}

/// Long functions against the list, whose lines are `path name lines`.
fn compare(long: &[(String, Function)], list: &str) -> Vec<Finding> {
    let entries: Vec<(usize, &str)> = list
        .lines()
        .enumerate()
        .map(|(at, line)| (at + 1, line.trim()))
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
        .collect();
    let mut findings = Vec::new();
    for (path, Function { name, line, lines }) in long {
        let entry = format!("{path} {name} {lines}");
        if !entries.iter().any(|(_, listed)| *listed == entry) {
            let message = format!(
                "`{name}` has {lines} lines, at most {FUNCTION_LINES_MAX}; split it where the \
                 reader would draw a line (a listed one may only shrink: {LIST_PATH})"
            );
            findings.push(Finding::new(path, *line, RULE, message));
        }
    }
    for (line, entry) in entries {
        let found = long.iter().any(|(path, f)| format!("{path} {} {}", f.name, f.lines) == entry);
        if !found {
            let message = format!("no function is now `{entry}`; shrink or remove the line");
            findings.push(Finding::new(LIST_PATH, line, RULE, message));
        }
    }
    findings
}

#[cfg(test)]
mod tests;
