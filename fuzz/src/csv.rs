//! Target: a CSV file to import, with its header.
//!
//! Every line has a later place than the one before it, from which the import reads on the same. A
//! line is a payment that can be written as CSV and read again, or has a reason why it is none.

use courant_cli::forms::{ImportLine, csv_lines, csv_lines_from};
use serde_json::{Map, Value};

use crate::order;

/// What stands before the key of a metadata field in a header.
const METADATA: &str = "metadata.";

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let texts = [
        "id,debtor,creditor,amount,currency\np1,a,b,1.00,EUR\np2,a,b,2.00,EUR\n",
        "id;debtor\np1;a\n",
        "\u{feff}id,meta.city,metadata.city\r\np1,\"Praha, 1\",x\r\n",
        "id,remittance\np1,\"two\nlines \"\"quoted\"\"\"\n\n\np2\np3,\n",
        "id,amount\n\"p1,1.00\n",
        "id\n\r\r\n p \n",
        "id\n\u{feff}iy\n",
    ];
    let mut seeds: Vec<_> = texts.iter().map(|text| text.as_bytes().to_vec()).collect();
    seeds.push(b"id,channel\np1,\xff\n".to_vec());
    seeds
}

pub(crate) fn run(data: &[u8]) {
    let Ok(lines) = csv_lines(data).inspect_err(|why| assert!(!why.is_empty())) else { return };
    check_places(data, &lines);
    for line in &lines {
        match &line.payment {
            Ok(payment) => check_payment(payment),
            Err(why) => assert!(!why.is_empty(), "line {} has no reason", line.number),
        }
    }
}

fn check_places(data: &[u8], lines: &[ImportLine]) {
    let mut before = (0, 1);
    for line in lines {
        let (byte, next) = line.end;
        assert!(before.0 < byte && before.1 <= line.number, "after {before:?}: {line:?}");
        assert!(byte <= data.len() as u64 && next >= line.number, "{line:?}");
        before = line.end;
    }
    // One place is enough: which one, follows from the input.
    if let Some(at) = data.len().checked_rem(lines.len()) {
        let rest = csv_lines_from(data, lines[at].end);
        assert_eq!(rest.as_deref(), Ok(&lines[at + 1..]), "read on after {:?}", lines[at]);
    }
}

/// Written again it is read the same, and the server takes it or names what is wrong.
fn check_payment(payment: &Map<String, Value>) {
    let columns = columns(payment);
    if !columns.is_empty() {
        let read = csv_lines(&written(&columns)).expect("a file just written can be read");
        assert_eq!(read.len(), 1, "{columns:?}");
        assert_eq!(read[0].payment.as_ref(), Ok(payment), "{columns:?}");
    }
    let body = Value::Object(payment.clone()).to_string();
    match courant_server::forms::payment_json(body.as_bytes()) {
        Ok(command) => order::check_command(&command),
        Err(refusal) => order::check_refusal(&refusal),
    }
}

/// The fields of a payment, each with the name of its column.
fn columns(payment: &Map<String, Value>) -> Vec<(String, &str)> {
    let mut columns = Vec::new();
    for (field, value) in payment {
        match value {
            Value::String(text) => columns.push((field.clone(), text.as_str())),
            Value::Object(pairs) => columns.extend(pairs.iter().map(|(key, value)| {
                (format!("{METADATA}{key}"), value.as_str().expect("a cell is a text"))
            })),
            other => panic!("a cell is a text: {other}"),
        }
    }
    columns
}

fn written(columns: &[(String, &str)]) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let names = columns.iter().map(|(name, _)| name.as_str());
    writer.write_record(names).expect("memory takes the header");
    writer.write_record(columns.iter().map(|(_, text)| *text)).expect("memory takes the row");
    writer.into_inner().expect("memory takes all")
}
