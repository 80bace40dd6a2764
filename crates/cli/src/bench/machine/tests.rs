//! Tests of what is read from the system's own tables.

use super::*;

#[test]
fn the_nearest_mount_point_names_the_file_system() {
    let table = "22 1 254:0 / / rw - ext4 /dev/root rw\n\
                 25 22 0:22 / /mnt/fast rw,nosuid shared:2 - tmpfs tmpfs rw\n";
    assert_eq!(file_system(table, Path::new("/mnt/fast/a")), "tmpfs");
    assert_eq!(file_system(table, Path::new("/mnt/faster")), "ext4");
    assert_eq!(file_system("", Path::new("/")), "an unknown file system");
}

#[test]
fn the_model_is_the_first_that_is_named() {
    assert_eq!(cpu_model("processor\t: 0\nmodel name\t: Fast 1\nmodel name\t: Fast 2\n"), "Fast 1");
    assert_eq!(cpu_model(""), "an unknown processor");
}
