//! Decisions: what a command changes, or why it is refused. Reads the state alone.

mod binding;
mod deletion;
mod exchange;
mod queue;

use crate::broker::Broker;
use crate::refusal::{Described, Refusal};
use crate::value::codec::{DEPTH_MAX, is_readable, put_table};
use crate::{Change, Command, Name, Table, VHostId, Value};
use std::fmt;

impl Broker {
    /// What the command changes; `None` if all is as it asks already, as after a redeclaration.
    pub fn decide(&self, command: &Command) -> Result<Option<Change>, Refusal> {
        match command {
            Command::CreateVHost(name) => self.create_vhost(name),
            Command::DeleteVHost(name) => {
                self.vhost_id(name).map(|id| Some(Change::VHostDeleted(id)))
            }
            Command::DeclareExchange(declare) => self.declare_exchange(declare),
            Command::DeleteExchange(delete) => self.delete_exchange(delete),
            Command::DeclareQueue(declare) => self.declare_queue(declare),
            Command::DeleteQueue(delete) => self.delete_queue(delete),
            Command::Bind(bind) => self.bind(bind),
            Command::Unbind(bind) => self.unbind(bind),
            Command::CloseConnection(connection) => Ok(self.close_connection(*connection)),
            Command::Restart => Ok(self.restart()),
        }
    }

    fn create_vhost(&self, name: &Name) -> Result<Option<Change>, Refusal> {
        if self.vhost_ids.contains_key(name) {
            return Ok(None);
        }
        let max = self.limits.vhosts_max;
        if self.vhosts.len() >= max {
            let text = format!("cannot create vhost '{name}': vhost limit of {max} is reached");
            return Err(Refusal::precondition(text));
        }
        Ok(Some(Change::VHostCreated { id: VHostId(self.next), name: name.clone() }))
    }

    fn check_arguments(&self, of: impl fmt::Display, arguments: &Table) -> Result<(), Refusal> {
        if !is_readable(arguments) {
            let text = format!("arguments of {of} lie more than {DEPTH_MAX} deep in each other");
            return Err(Refusal::precondition(text));
        }
        let mut bytes = Vec::new();
        put_table(arguments, &mut bytes);
        let (len, max) = (bytes.len(), self.limits.arguments_bytes_max);
        if len > max {
            let text = format!(
                "arguments of {of} have {len} bytes, more than the limit arguments_bytes_max \
                 ({max})"
            );
            return Err(Refusal::precondition(text));
        }
        Ok(())
    }
}

/// Refuses a redeclaration in which a property differs.
fn same<T: PartialEq + fmt::Display>(
    described: &Described<'_>,
    property: &str,
    current: T,
    received: T,
) -> Result<(), Refusal> {
    match current == received {
        true => Ok(()),
        false => Err(inequivalent(
            described,
            property,
            &format!("'{received}'"),
            &format!("'{current}'"),
        )),
    }
}

/// Refuses a redeclaration in which an argument differs. Integers are equal by their number,
/// whatever their type.
fn same_argument(
    described: &Described<'_>,
    name: &str,
    current: &Table,
    received: &Table,
) -> Result<(), Refusal> {
    let is_classic = |value: &Value| name == "x-queue-type" && value.as_text() == Some("classic");
    let (received, current) = match (received.get(name), current.get(name)) {
        (None, None) => return Ok(()),
        (Some(received), Some(current)) if received.scalar() == current.scalar() => return Ok(()),
        (Some(one), None) | (None, Some(one)) if is_classic(one) => return Ok(()),
        (Some(received), Some(current)) => (format!("'{received}'"), format!("'{current}'")),
        (received, current) => (shown(received), shown(current)),
    };
    Err(inequivalent(described, name, &received, &current))
}

fn shown(value: Option<&Value>) -> String {
    match value {
        None => "none".into(),
        Some(value) => format!("the value '{value}' of type '{}'", value.type_name()),
    }
}

fn inequivalent(of: &Described<'_>, name: &str, received: &str, current: &str) -> Refusal {
    Refusal::precondition(format!(
        "inequivalent arg '{name}' for {of}: received {received} but current is {current}"
    ))
}

/// Names of exchanges must be long strings that can be names.
fn check_exchange_argument(
    of: &Described<'_>,
    name: &str,
    arguments: &Table,
) -> Result<(), Refusal> {
    match arguments.get(name) {
        None | Some(Value::Text(_)) => Ok(()),
        Some(other) => {
            let kind = other.type_name();
            Err(Refusal::precondition(format!("invalid type '{kind}' for arg '{name}' in {of}")))
        }
    }
}
