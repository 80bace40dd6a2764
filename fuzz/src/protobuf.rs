//! Target: a batch of payment orders in Protobuf.
//!
//! Each payment that is accepted is a command that means the same in every form; each that is
//! refused names field and reason.

use courant_server::forms::batch_protobuf;

use crate::order;
use crate::story;

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let orders = story::orders();
    let mut seeds: Vec<Vec<u8>> = orders.iter().map(order::protobuf).collect();
    seeds.push(seeds.concat());
    seeds.push(vec![0x0a, 0x00]);
    seeds.push(vec![0x12, 0x01, 0x00]);
    seeds
}

pub(crate) fn run(data: &[u8]) {
    match batch_protobuf(data) {
        Ok(payments) => {
            for payment in payments {
                match payment {
                    Ok(command) => order::check_command(&command),
                    Err(refusal) => order::check_refusal(&refusal),
                }
            }
        }
        Err(refusal) => order::check_refusal(&refusal),
    }
}
