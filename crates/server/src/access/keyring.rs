//! The server's own view of the API keys, so that a request is judged without asking the engine.

use super::token::{Secret, Token};
use super::{Scope, Scopes};
use crate::problem::{Fault, Problem};
use courant_engine::Key;
use courant_ledger::Timestamp;
use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

/// All keys, as the engine last told them.
#[derive(Debug)]
pub(crate) struct Keyring {
    secret: Secret,
    keys: RwLock<BTreeMap<u32, Key>>,
}

impl Keyring {
    pub(crate) fn new(secret: Secret, keys: Vec<Key>) -> Keyring {
        let keyring = Keyring { secret, keys: RwLock::default() };
        keyring.replace(keys);
        keyring
    }

    pub(crate) fn secret(&self) -> &Secret {
        &self.secret
    }

    /// Takes over what the engine has now.
    pub(crate) fn replace(&self, keys: Vec<Key>) {
        let keys = keys.into_iter().map(|key| (key.number, key)).collect();
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
    }

    /// Judges the value of an `Authorization` header: the number of the key if it may do this now.
    pub(crate) fn admit(
        &self,
        authorization: Option<&[u8]>,
        scope: Scope,
        now: Timestamp,
    ) -> Result<u32, Problem> {
        let token = bearer(authorization.ok_or(Fault::ApiKeyMissing)?)?;
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        let key = keys.get(&token.number).ok_or(Fault::ApiKeyUnknown)?;
        if !self.secret.matches(&token, &key.hash) {
            return Err(Fault::ApiKeyUnknown.into());
        }
        if key.revoked_at.is_some() {
            return Err(Fault::ApiKeyRevoked.into());
        }
        if !key.works_at(now) {
            return Err(Fault::ApiKeyExpired.into());
        }
        if !Scopes::from_bits(key.scopes).allows(scope) {
            let detail = format!("this needs an API key with the scope {}", scope.name());
            return Err(Problem::because(Fault::ScopeMissing, detail));
        }
        Ok(key.number)
    }
}

fn bearer(authorization: &[u8]) -> Result<Token<'_>, Problem> {
    let (scheme, text) = std::str::from_utf8(authorization)
        .ok()
        .and_then(|value| value.split_once(' '))
        .ok_or(Fault::ApiKeyMalformed)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Fault::ApiKeyMissing.into());
    }
    Token::parse(text.trim()).ok_or_else(|| Fault::ApiKeyMalformed.into())
}
