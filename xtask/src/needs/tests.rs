//! What is there is found; what is missing is not taken for there.

use super::is_there;
use std::ffi::OsStr;

#[test]
fn programs_are_looked_up_in_the_search_path() {
    let here = std::env::current_exe().unwrap();
    let (folder, name) = (here.parent().unwrap(), here.file_name().unwrap().to_str().unwrap());
    let search = std::env::join_paths(["/nowhere".as_ref(), folder]).unwrap();
    assert!(is_there(name, &search));
    assert!(!is_there(name, OsStr::new("/nowhere")));
    assert!(!is_there("no-such-program-anywhere", &search));
}
