//! Scopes: what an API key may do. Bit numbers are stored in the journal and never reused.

use courant_engine::SCOPE_ADMIN;
use courant_ledger::{FieldError, FieldProblem};

/// One thing that an API key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Scope {
    /// Everything, and the keys themselves.
    Admin = SCOPE_ADMIN,
    /// Read accounts, their entries and the trial balance.
    AccountsRead = 1 << 1,
    /// Open and change accounts.
    AccountsWrite = 1 << 2,
    /// Read payments.
    PaymentsRead = 1 << 3,
    /// Make payments and take them further.
    PaymentsWrite = 1 << 4,
    /// Read and follow events.
    EventsRead = 1 << 5,
    /// Read metrics.
    MetricsRead = 1 << 6,
}

impl Scope {
    /// Every scope, in the order of their bits.
    pub const ALL: [Scope; 7] = [
        Scope::Admin,
        Scope::AccountsRead,
        Scope::AccountsWrite,
        Scope::PaymentsRead,
        Scope::PaymentsWrite,
        Scope::EventsRead,
        Scope::MetricsRead,
    ];

    /// The name used in the API, such as `payments:write`.
    pub const fn name(self) -> &'static str {
        match self {
            Scope::Admin => "admin",
            Scope::AccountsRead => "accounts:read",
            Scope::AccountsWrite => "accounts:write",
            Scope::PaymentsRead => "payments:read",
            Scope::PaymentsWrite => "payments:write",
            Scope::EventsRead => "events:read",
            Scope::MetricsRead => "metrics:read",
        }
    }

    /// The bit that stands for it.
    pub const fn bit(self) -> u32 {
        self as u32
    }
}

/// A set of scopes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scopes(u32);

impl Scopes {
    /// Reads the names of scopes; at least one.
    ///
    /// # Errors
    /// `missing` for none, `not_allowed` for a name that is no scope, at the field `scopes`.
    pub fn parse<T: AsRef<str>>(names: &[T]) -> Result<Scopes, FieldError> {
        if names.is_empty() {
            return Err(FieldError::missing("scopes"));
        }
        let mut bits = 0;
        for (at, name) in names.iter().enumerate() {
            let known = Scope::ALL.iter().find(|scope| scope.name() == name.as_ref());
            bits |= known.ok_or_else(|| unknown(at))?.bit();
        }
        Ok(Scopes(bits))
    }

    /// The set with these bits.
    pub const fn from_bits(bits: u32) -> Scopes {
        Scopes(bits)
    }

    /// The bits of the set.
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// True if the set allows what needs `scope`; `admin` allows everything.
    pub const fn allows(self, scope: Scope) -> bool {
        self.0 & (scope.bit() | Scope::Admin.bit()) != 0
    }

    /// The names of the scopes in the set.
    pub fn names(self) -> Vec<&'static str> {
        let held = Scope::ALL.iter().filter(|scope| self.0 & scope.bit() != 0);
        held.map(|scope| scope.name()).collect()
    }
}

#[cold]
fn unknown(at: usize) -> FieldError {
    let names: Vec<&str> = Scope::ALL.iter().map(|scope| scope.name()).collect();
    let sentence = format!("this is no scope: use {}", names.join(", "));
    FieldError::new(format!("scopes[{at}]"), FieldProblem::NotAllowed, sentence)
}
