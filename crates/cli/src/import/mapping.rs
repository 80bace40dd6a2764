//! From the columns of a CSV file to the fields of a payment.
//!
//! Fields have the names of the API, with `.` below them: `metadata.order`, `meta.order` for short.
//! An empty cell is no field. Nothing is converted: amounts stay the texts they are, and the server
//! checks them.

use csv::StringRecord;
use serde_json::{Map, Value};

use crate::exit::Failure;

/// Fields of a payment that a column can hold.
const FIELDS: &[&str] = &[
    "id",
    "type",
    "mode",
    "debtor",
    "creditor",
    "amount",
    "currency",
    "execute_at",
    "expires_at",
    "channel",
    "end_to_end_id",
    "remittance",
];

/// What stands before the key of a metadata field.
const METADATA: &str = "metadata.";
const METADATA_SHORT: &str = "meta.";

/// The payment of one line, as the API takes it.
pub(super) type Payment = Map<String, Value>;

/// Which column goes into which field, and what the rest of the fields are.
#[derive(Debug)]
pub(crate) struct Mapping {
    /// Index of a column, and the field it holds.
    columns: Vec<(usize, String)>,
    constants: Constants,
    /// Columns that no field takes.
    pub(super) unused: Vec<String>,
    width: usize,
}

/// Fields with the same value in every payment that does not have them.
#[derive(Debug, Clone)]
pub(super) struct Constants(Vec<(String, String)>);

impl Constants {
    pub(super) fn new(set: &[(String, String)]) -> Result<Constants, Failure> {
        let field = |(name, value): &(String, String)| Ok((field_named(name)?, value.clone()));
        set.iter().map(field).collect::<Result<_, Failure>>().map(Constants)
    }

    pub(super) fn fill(&self, payment: &mut Payment) {
        for (field, value) in &self.0 {
            if !has(payment, field) {
                put(payment, field, value);
            }
        }
    }
}

impl Mapping {
    /// A mapping of a header. A named column that is not there, or a field that is none, is the
    /// caller's error.
    pub(super) fn new(
        header: &StringRecord,
        map: &[(String, String)],
        constants: Constants,
    ) -> Result<Mapping, Failure> {
        let mut columns = Vec::new();
        for (field, column) in map {
            let at = header.iter().position(|name| name.trim() == column);
            let at = at.ok_or_else(|| no_column(column, header))?;
            columns.push((at, field_named(field)?));
        }
        let mut unused = Vec::new();
        for (at, name) in header.iter().map(str::trim).enumerate() {
            if columns.iter().any(|(mapped, _)| *mapped == at) {
                continue;
            }
            match field_named(name) {
                Ok(field) if !columns.iter().any(|(_, taken)| *taken == field) => {
                    columns.push((at, field));
                }
                _ => unused.push(name.to_owned()),
            }
        }
        Ok(Mapping { columns, constants, unused, width: header.len() })
    }

    /// The payment that a row stands for; else why it stands for none.
    pub(super) fn payment(&self, row: &StringRecord) -> Result<Payment, String> {
        if row.len() != self.width {
            return Err(format!("the line has {} columns, the header {}", row.len(), self.width));
        }
        let mut payment = Payment::new();
        for (at, field) in &self.columns {
            match row.get(*at).map(str::trim) {
                None | Some("") => {}
                Some(value) => put(&mut payment, field, value),
            }
        }
        self.constants.fill(&mut payment);
        Ok(payment)
    }
}

fn put(payment: &mut Payment, field: &str, value: &str) {
    match field.strip_prefix(METADATA) {
        None => drop(payment.insert(field.to_owned(), Value::from(value))),
        Some(key) => {
            let metadata = payment.entry("metadata").or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(pairs) = metadata {
                pairs.insert(key.to_owned(), Value::from(value));
            }
        }
    }
}

fn has(payment: &Payment, field: &str) -> bool {
    match field.strip_prefix(METADATA) {
        None => payment.contains_key(field),
        Some(key) => payment.get("metadata").is_some_and(|pairs| !pairs[key].is_null()),
    }
}

fn field_named(name: &str) -> Result<String, Failure> {
    let key = name.strip_prefix(METADATA).or_else(|| name.strip_prefix(METADATA_SHORT));
    match key {
        Some(key) if !key.is_empty() => Ok(format!("{METADATA}{key}")),
        None if FIELDS.contains(&name) => Ok(name.to_owned()),
        _ => {
            let next = format!("fields are: {}, meta.KEY", FIELDS.join(", "));
            Err(Failure::usage(format!("a payment has no field {name:?}")).next(next))
        }
    }
}

fn no_column(column: &str, header: &StringRecord) -> Failure {
    let names = header.iter().collect::<Vec<_>>().join(", ");
    Failure::usage(format!("the file has no column {column:?}"))
        .next(format!("its columns are: {names}"))
}
