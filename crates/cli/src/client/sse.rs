//! Server-sent events, read line by line: one event at a time, bounded in size.
//!
//! Reads `id`, `event` and `data`; comments (heartbeats) and other fields mean nothing here. An id
//! without data says where the stream stands. An event that the stream's end cut off is none.

use std::io::{BufRead, Read};

/// The longest line that is read; an event with a payment in it is far shorter.
const LINE_BYTES_MAX: u64 = 1024 * 1024;

/// One event, or an id alone.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) id: String,
    pub(crate) data: String,
}

/// The events of a stream.
#[derive(Debug)]
pub(crate) struct Events<R> {
    from: R,
}

impl<R: BufRead> Events<R> {
    pub(crate) fn new(from: R) -> Events<R> {
        Events { from }
    }

    fn next_line(&mut self) -> std::io::Result<Option<String>> {
        let mut line = String::new();
        let read = (&mut self.from).take(LINE_BYTES_MAX).read_line(&mut line)?;
        if !line.ends_with('\n') {
            let too_long = read as u64 == LINE_BYTES_MAX;
            let error = || std::io::Error::other("an event is longer than 1 MiB");
            return if too_long { Err(error()) } else { Ok(None) };
        }
        line.truncate(line.trim_end_matches(['\r', '\n']).len());
        Ok(Some(line))
    }

    fn next_event(&mut self) -> std::io::Result<Option<Event>> {
        let mut event = Event::default();
        while let Some(line) = self.next_line()? {
            let (name, value) = line.split_once(':').unwrap_or((&line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match name {
                "" if line.is_empty() && event != Event::default() => return Ok(Some(event)),
                "id" => event.id = value.to_owned(),
                "data" if event.data.is_empty() => event.data = value.to_owned(),
                "data" => event.data = format!("{}\n{value}", event.data),
                _ => {}
            }
        }
        Ok(None)
    }
}

impl<R: BufRead> Iterator for Events<R> {
    type Item = std::io::Result<Event>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_event().transpose()
    }
}
