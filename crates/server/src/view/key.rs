//! What the API shows of an API key: never its text, but once.

use super::Time;
use crate::access::{NewKey, Scopes};
use courant_engine::Key;
use serde::Serialize;
use utoipa::ToSchema;

/// An API key.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Key)]
pub(crate) struct KeyView<'a> {
    /// Its number, which stands in its text after `ck_`.
    number: u32,
    /// What people call it.
    name: &'a str,
    /// What it may do.
    scopes: Vec<&'static str>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created_at: Time,
    /// When it stops to work; `null`: never.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Time>,
    /// When it was revoked.
    #[schema(value_type = Option<String>, format = DateTime)]
    revoked_at: Option<Time>,
    /// Its text: only in the answer that made it, and kept nowhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
    /// True in the answer to a request that had been answered before.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    repeat: bool,
}

impl<'a> KeyView<'a> {
    pub(crate) fn new(key: &'a Key) -> KeyView<'a> {
        KeyView {
            number: key.number,
            name: &key.name,
            scopes: Scopes::from_bits(key.scopes).names(),
            created_at: Time(key.created_at),
            expires_at: key.expires_at.map(Time),
            revoked_at: key.revoked_at.map(Time),
            key: None,
            repeat: false,
        }
    }

    /// The same with its text.
    pub(crate) fn with_text(self, new: &'a NewKey) -> KeyView<'a> {
        KeyView { key: Some(&new.token), ..self }
    }

    pub(crate) fn repeated(self, repeat: bool) -> KeyView<'a> {
        KeyView { repeat, ..self }
    }
}
