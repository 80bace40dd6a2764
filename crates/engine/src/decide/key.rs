//! Decisions about API keys.

use super::Decision;
use crate::command::CreateKey;
use crate::key::{KEYS_MAX, SCOPE_ADMIN};
use crate::outcome::Outcome;
use crate::state::State;
use courant_ledger::{Reason, Timestamp};

impl State {
    pub(super) fn create_key(&self, now: Timestamp, key: &CreateKey<'_>) -> Decision {
        if self.keys.contains_key(&key.number) || key.number == 0 {
            return Decision::Refused(Reason::KeyExists, None);
        }
        if self.keys.len() < KEYS_MAX {
            return Decision::Record(Outcome::KeyCreated { instead_of: None });
        }
        let at = now.max(self.now);
        let instead_of = self.keys.values().find(|k| !k.works_at(at)).map(|k| k.number);
        match instead_of {
            Some(_) => Decision::Record(Outcome::KeyCreated { instead_of }),
            None => Decision::Refused(Reason::KeysFull, None),
        }
    }

    pub(super) fn revoke_key(&self, now: Timestamp, number: u32) -> Decision {
        let at = now.max(self.now);
        let Some(key) = self.keys.get(&number) else {
            return Decision::Refused(Reason::KeyNotFound, None);
        };
        if key.revoked_at.is_some() {
            return Decision::Refused(Reason::KeyRevoked, None);
        }
        let is_admin = |k: &&crate::Key| k.scopes & SCOPE_ADMIN != 0 && k.works_at(at);
        if is_admin(&key) && self.keys.values().filter(is_admin).count() == 1 {
            return Decision::Refused(Reason::LastAdminKey, None);
        }
        Decision::Record(Outcome::KeyRevoked)
    }
}
