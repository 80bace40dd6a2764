//! Cursor-paged lists: one page after another, until the end or a limit.

use serde_json::Value;

use crate::client::Client;
use crate::exit::Failure;
use crate::output::note;

/// The most entries that the server puts on a page.
const PAGE_ENTRIES_MAX: usize = 1_000;

/// The pages of a list.
#[derive(Debug)]
pub(crate) struct Pages<'a> {
    client: &'a Client,
    path: String,
    cursor: Option<String>,
    is_over: bool,
}

impl<'a> Pages<'a> {
    /// The list at `path`, which may have a query.
    pub(crate) fn new(client: &'a Client, path: &str) -> Pages<'a> {
        Pages { client, path: path.to_owned(), cursor: None, is_over: false }
    }

    /// The next page with at most `limit` entries; `None` after the last.
    pub(crate) fn next(&mut self, limit: usize) -> Result<Option<Vec<Value>>, Failure> {
        if self.is_over || limit == 0 {
            return Ok(None);
        }
        let join = if self.path.contains('?') { '&' } else { '?' };
        let mut path = format!("{}{join}limit={}", self.path, limit.min(PAGE_ENTRIES_MAX));
        if let Some(cursor) = &self.cursor {
            path = format!("{path}&cursor={cursor}");
        }
        let mut page = self.client.get(&path)?;
        self.cursor = page["next_cursor"].as_str().map(str::to_owned);
        self.is_over = self.cursor.is_none();
        match page["items"].take() {
            Value::Array(items) => Ok(Some(items)),
            _ => Err(Failure::internal(format!("the answer to {path} has no list of items"))),
        }
    }
}

/// At most `limit` entries of a list. Says so if there are more.
pub(crate) fn collect(client: &Client, path: &str, limit: usize) -> Result<Vec<Value>, Failure> {
    let mut pages = Pages::new(client, path);
    let mut all = Vec::new();
    while let Some(items) = pages.next(limit - all.len())? {
        all.extend(items);
    }
    if limit > 0 && !pages.is_over {
        note(format_args!("courant: there are more than these {limit}: add --limit N"));
    }
    Ok(all)
}

/// All entries of a list whose pages lead back in time, each with its oldest entry first.
pub(crate) fn collect_back(client: &Client, path: &str) -> Result<Vec<Value>, Failure> {
    let mut pages = Pages::new(client, path);
    let mut newest_first = Vec::new();
    while let Some(mut items) = pages.next(PAGE_ENTRIES_MAX)? {
        items.reverse();
        newest_first.extend(items);
    }
    newest_first.reverse();
    Ok(newest_first)
}
