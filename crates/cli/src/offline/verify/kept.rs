//! What must stay of retired records: each account's opening, which holds its name and its pairs.

use courant_engine::{Command, Engine, Lsn, record};
use courant_journal::OsStorage;
use courant_ledger::{Account, AccountNo, outside_account};
use courant_node::parts::Kept;

/// What is wrong with the records kept for the accounts that were opened before `begin`.
pub(super) fn check(storage: Option<OsStorage>, engine: &Engine, begin: Lsn) -> Vec<String> {
    let accounts = || engine.accounts_from(AccountNo(0)).map(|(_, account)| account);
    let mut old = accounts().filter(|account| Lsn(account.opened_record) < begin).peekable();
    if old.peek().is_none() {
        return Vec::new();
    }
    let kept = match storage.map(Kept::open) {
        Some(Ok(kept)) => kept,
        Some(Err(error)) => return vec![format!("kept/ cannot be listed: {error}")],
        None => return vec!["kept/ is missing: restore it from a backup".to_owned()],
    };
    let mut bad = old.filter_map(|account| Some((account, fault(&kept, account)?)));
    let Some((account, what)) = bad.next() else { return Vec::new() };
    let mut problems = vec![format!(
        "the record at LSN {} that opened account {} {what}",
        account.opened_record,
        account.id()
    )];
    let others = bad.count();
    if others > 0 {
        problems.push(format!("and those of {others} more accounts"));
    }
    problems
}

/// Why what was kept does not open an account; `None` if it does.
fn fault(kept: &Kept<OsStorage>, account: &Account) -> Option<String> {
    let bytes = match kept.read(Lsn(account.opened_record)) {
        Ok(Some(bytes)) => bytes,
        Ok(None) => return Some("is neither in the journal nor in kept/".to_owned()),
        Err(error) => return Some(format!("cannot be read: {error}")),
    };
    let currency = account.terms.currency;
    match record::decode(&bytes).map(|record| record.command) {
        // The first account of a currency opens the outside account with it.
        Ok(Command::OpenAccount(open))
            if open.id == account.id()
                || open.terms.currency == currency && account.id() == outside_account(currency) =>
        {
            None
        }
        Ok(_) => Some("is another one in kept/".to_owned()),
        Err(error) => Some(format!("is damaged in kept/: {error}")),
    }
}
