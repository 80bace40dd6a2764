//! A journal in one piece, and what a test knows to be in it.

use courant_journal::{
    Appender, BeginError, CommitError, Durable, Journal, Lsn, OpenError, Options, Preparer, Reader,
    Recovery, Storage, Writer,
};

/// All parts of one journal on one thread.
#[derive(Debug)]
pub(crate) struct Single<S: Storage> {
    pub(crate) appender: Appender<S>,
    pub(crate) writer: Writer<S>,
    pub(crate) preparer: Preparer<S>,
    pub(crate) reader: Reader<S>,
    pub(crate) recovery: Recovery,
}

impl<S: Storage> Single<S> {
    pub(crate) fn open(storage: &S, options: &Options) -> Result<Single<S>, OpenError> {
        let (journal, recovery) = Journal::open(storage.clone(), options.clone())?;
        let (appender, writer, preparer, reader) = journal.split();
        Ok(Single { appender, writer, preparer, reader, recovery })
    }

    /// Appends one batch; prepares a segment first if there is none.
    pub(crate) fn append(
        &mut self,
        payloads: &[&[u8]],
    ) -> Result<(Vec<Lsn>, Durable), CommitError> {
        let mut batch = match self.appender.begin(1_000) {
            Err(BeginError::NotReady) => {
                self.preparer.run().unwrap();
                self.appender.begin(1_000).unwrap()
            }
            begun => begun.unwrap(),
        };
        let push = |payload: &&[u8]| batch.push(|buf| buf.extend_from_slice(payload)).unwrap();
        let lsns = payloads.iter().map(push).collect();
        let sealed = self.appender.finish(batch).unwrap();
        Ok((lsns, self.writer.commit(sealed)?))
    }

    pub(crate) fn contents(&self) -> Vec<(Lsn, Vec<u8>)> {
        scan_all(&self.reader)
    }
}

/// Everything a reader finds.
pub(crate) fn scan_all<S: Storage>(reader: &Reader<S>) -> Vec<(Lsn, Vec<u8>)> {
    let entries = reader.scan(Lsn::NONE).map(|entry| entry.unwrap());
    entries.map(|entry| (entry.lsn, entry.payload.to_vec())).collect()
}
