//! Decisions about accounts.

use super::Decision;
use crate::Lsn;
use crate::command::{AccountChange, ChangeAccount, OpenAccount};
use crate::outcome::{AccountChanged, AccountOpened, Outcome};
use crate::state::State;
use courant_ledger::{AccountNo, Reason, outside_account};

impl State {
    pub(super) fn open_account(&self, open: &OpenAccount<'_>) -> Decision {
        if open.id.is_reserved() {
            return Decision::Refused(Reason::AccountReserved, None);
        }
        if let Err(reason) = open.terms.limits.check() {
            return Decision::Refused(reason, None);
        }
        if let Some(no) = self.accounts.find(open.id) {
            // Opening an account is idempotent by its id: the owner compares with the record that
            // opened it.
            return Decision::Look([Lsn(self.accounts.get(no).opened_record)].into());
        }
        let Some(no) = self.accounts.next_no() else {
            return Decision::Refused(Reason::AccountsFull, None);
        };
        let outside_known = self.accounts.find(outside_account(open.terms.currency)).is_some();
        let outside = (!outside_known).then_some(AccountNo(no.0 + 1));
        Decision::Record(Outcome::AccountOpened(AccountOpened { no, outside }))
    }

    pub(super) fn change_account(&self, change: &ChangeAccount<'_>) -> Decision {
        if change.id.is_reserved() {
            return Decision::Refused(Reason::AccountReserved, None);
        }
        let Some(no) = self.accounts.find(change.id) else {
            return Decision::Refused(Reason::AccountNotFound, None);
        };
        let account = self.accounts.get(no);
        let (status, limits) = (account.status, account.terms.limits);
        let after = match change.change {
            AccountChange::Freeze => account.frozen().map(|status| (status, limits)),
            AccountChange::Unfreeze => account.unfrozen().map(|status| (status, limits)),
            AccountChange::Close => account.closed().map(|status| (status, limits)),
            AccountChange::Limit(limits) => account.limited(limits).map(|limits| (status, limits)),
        };
        match after {
            Ok((status, limits)) => Decision::Record(Outcome::AccountChanged(AccountChanged {
                no,
                status,
                limits,
                previous: Lsn(account.last_record),
            })),
            Err(reason) => Decision::Refused(reason, None),
        }
    }
}
