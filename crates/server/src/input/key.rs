//! The body that makes an API key.

use super::{Text, timestamp};
use crate::access::{KeyTerms, Scopes};
use courant_ledger::FieldError;
use serde::Deserialize;
use utoipa::ToSchema;

/// A new API key.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewKeyOrder)]
pub(crate) struct KeyBody<'a> {
    /// What people call it: up to 140 characters.
    #[serde(borrow)]
    #[schema(value_type = String, max_length = 140, example = "till 7")]
    name: Text<'a>,
    /// What it may do: admin, accounts:read, accounts:write, payments:read, payments:write,
    /// events:read, metrics:read.
    #[schema(value_type = Vec<String>, example = json!(["payments:write"]))]
    scopes: Vec<Text<'a>>,
    /// When it stops to work (RFC 3339); never if left out.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Text<'a>>,
}

impl KeyBody<'_> {
    pub(crate) fn terms(&self) -> Result<KeyTerms<'_>, FieldError> {
        let scopes = Scopes::parse(&self.scopes)?;
        let expires_at = self.expires_at.as_ref().map(|at| timestamp("expires_at", at));
        Ok(KeyTerms { name: &self.name, scopes, expires_at: expires_at.transpose()? })
    }
}
