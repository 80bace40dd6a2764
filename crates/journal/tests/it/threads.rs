//! The parts on threads of their own: pipelined appends, a tail reader, a preparer.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use courant_journal::{BeginError, DirectIo, Lsn, Options, OsStorage, Preparation, SealedBatch};

use crate::support::Single;

const BATCHES: u64 = 200;

#[test]
fn a_tail_reader_sees_every_record_once_and_in_order() {
    let directory = tempfile::tempdir().unwrap();
    let storage = OsStorage::open(directory.path(), DirectIo::Auto).unwrap();
    let options = Options { segments_ready: 2, ..Options::small() };
    let Single { mut appender, mut writer, mut preparer, reader, .. } =
        Single::open(&storage, &options).unwrap();
    let (to_writer, batches) = mpsc::sync_channel::<SealedBatch>(1);
    let (ask, asked) = mpsc::channel::<()>();
    let preparing = thread::spawn(move || {
        while asked.recv().is_ok() {
            assert_eq!(preparer.run().unwrap(), Preparation::Ready);
        }
    });
    let writing = thread::spawn(move || {
        for batch in batches {
            writer.commit(batch).unwrap();
        }
    });
    let tail = reader.clone();
    let following = thread::spawn(move || {
        let (mut seen, mut end) = (Vec::new(), Lsn::NONE);
        let mut scan = tail.scan(Lsn::NONE);
        while seen.len() < BATCHES as usize {
            let durable_end = tail.wait_durable(end, Duration::from_secs(10));
            assert!(durable_end > end, "nothing became durable for ten seconds");
            end = durable_end;
            for entry in scan.by_ref() {
                let entry = entry.unwrap();
                seen.push(u64::from_le_bytes(entry.payload[..8].try_into().unwrap()));
            }
        }
        seen
    });
    for number in 0..BATCHES {
        let mut batch = loop {
            match appender.begin(number) {
                Ok(batch) => break batch,
                Err(BeginError::NotReady) => {
                    ask.send(()).unwrap();
                    thread::yield_now();
                }
                Err(full) => panic!("{full}"),
            }
        };
        let padding = vec![1; (number as usize * 37) % 9000];
        batch
            .push(|buf| {
                buf.extend_from_slice(&number.to_le_bytes());
                buf.extend_from_slice(&padding);
            })
            .unwrap();
        to_writer.send(appender.finish(batch).unwrap()).unwrap();
    }
    drop((to_writer, ask));
    writing.join().unwrap();
    preparing.join().unwrap();
    assert!(following.join().unwrap().into_iter().eq(0..BATCHES));
    let again: Vec<Lsn> = reader.scan(Lsn::NONE).map(|entry| entry.unwrap().lsn).collect();
    assert_eq!(again.len() as u64, BATCHES);
}
