//! The Czech bank: every movement imported, every closing balance compared.

use crate::common::{Server, run};

#[test]
fn all_closing_balances_of_the_czech_bank_agree() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("bank");
    let keep = ["example", "czech-bank", "--keep", data.to_str().unwrap(), "--json"];
    let report = run(&keep).with_code(0).json();
    assert_eq!(report["accounts"], 1_229);
    assert_eq!(report["movements"], 48_938);
    assert_eq!(report["compared"], 38_821);
    assert_eq!(report["differences"], 0);
    assert_eq!(report["balanced"], true);
    // The directory is sound, and doing it all again pays nothing again.
    let verified = run(&["verify", "--data", data.to_str().unwrap(), "--json"]).with_code(0).json();
    assert_eq!(verified["payments"], 48_938);
    let server = Server::start(&data);
    let again = server.run(&["example", "czech-bank", "--running", "--json"]).with_code(0).json();
    assert_eq!((&again["repeated"], &again["differences"]), (&48_938.into(), &0.into()));
}
