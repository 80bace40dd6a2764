//! What of removed files is kept, and until when.

use super::*;
use crate::storage::File;

fn kept(storage: &MemStorage) -> usize {
    storage.state().inodes.len()
}

fn file(storage: &MemStorage, name: &str) -> MemFile {
    let file = storage.create(name, Caching::Buffered).expect("it is new");
    file.write_at(0, name.as_bytes()).expect("there is room");
    file
}

#[test]
fn a_removed_file_is_kept_while_a_power_cut_may_bring_it_back() {
    let storage = MemStorage::new(1);
    file(&storage, "a").sync_data().expect("synced");
    storage.remove("a").expect("it is there");
    let left = storage.crash(&Survive::Chosen(BTreeSet::from([0])));
    assert_eq!(left.contents("a").as_deref(), Some(&b"a"[..]), "made, and not removed");
    file(&storage, "b").sync_data().expect("synced");
    storage.sync_dir().expect("synced");
    assert_eq!(kept(&storage), 1, "only b");
    storage.remove("b").expect("it is there");
    assert_eq!(storage.crash(&Survive::Nothing).contents("b").as_deref(), Some(&b"b"[..]));
    assert_eq!(kept(&storage.crash(&Survive::Everything)), 0);
    storage.sync_dir().expect("synced");
    assert_eq!(kept(&storage), 0);
}

#[test]
fn a_removed_file_is_kept_while_it_is_open() {
    let storage = MemStorage::new(2);
    let (open, replaced) = (file(&storage, "a"), file(&storage, "b"));
    storage.rename("a", "b").expect("it is there");
    storage.remove("b").expect("it is there");
    storage.sync_dir().expect("synced");
    assert_eq!(kept(&storage), 2);
    drop(replaced);
    storage.sync_dir().expect("synced");
    assert_eq!(kept(&storage), 1);
    open.write_at(1, b"!").expect("there is room");
    let mut bytes = [0; 2];
    assert_eq!(open.read_at(0, &mut bytes).expect("read"), 2);
    assert_eq!(&bytes, b"a!");
    drop(open);
    storage.sync_dir().expect("synced");
    assert_eq!(kept(&storage), 0);
}
