//! Logging in: what the mechanisms PLAIN and AMQPLAIN say. Nothing here checks a password.

use crate::Table;

/// Who logs in, with what secret.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Credentials<'a> {
    /// The name of the user.
    pub user: &'a [u8],
    /// The password; never shown by `Debug`.
    pub password: &'a [u8],
}

impl std::fmt::Debug for Credentials<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Credentials {{ user: \"{}\", .. }}", self.user.escape_ascii())
    }
}

/// Reads the response of the mechanism PLAIN: `[authorization] NUL user NUL password`.
///
/// The authorization identity is not looked at, as RabbitMQ does.
pub fn plain(response: &[u8]) -> Option<Credentials<'_>> {
    let mut parts = response.splitn(3, |byte| *byte == 0);
    let (_authorization, user, password) = (parts.next()?, parts.next()?, parts.next()?);
    (!password.contains(&0)).then_some(Credentials { user, password })
}

/// Reads the response of the mechanism AMQPLAIN: a table, without its length, with the texts
/// `LOGIN` and `PASSWORD`.
pub fn amqplain(response: &[u8]) -> Option<Credentials<'_>> {
    let table = Table::from_raw(response);
    table.check().ok()?;
    let text = |name: &str| table.get(name).ok()??.as_text();
    Some(Credentials { user: text("LOGIN")?, password: text("PASSWORD")? })
}
