//! Target: the sections of a snapshot. Input: sections, each after its length as two bytes.
//!
//! What loads must make a snapshot that loads again and is the same.

use courant_engine::{Cursor, Engine, Section};

use crate::story;

/// Entries in a section, few so that a small snapshot has several.
const SECTION_ENTRIES: usize = 2;

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    vec![joined(&sections(&story::lived().0)), joined(&sections(&story::empty()))]
}

pub(crate) fn run(data: &[u8]) {
    let Some(engine) = loaded(&split(data)) else { return };
    let first = sections(&engine);
    let again = loaded(&first.iter().map(Vec::as_slice).collect::<Vec<_>>());
    let again = again.expect("a snapshot just made can be loaded");
    assert_eq!(sections(&again), first);
}

fn loaded(sections: &[&[u8]]) -> Option<Engine> {
    let mut engine = story::empty();
    for section in sections {
        engine.load_section(section).ok()?;
    }
    Some(engine)
}

fn sections(engine: &Engine) -> Vec<Vec<u8>> {
    let mut sections = Vec::new();
    let mut at = Section::More(Cursor::BEGIN);
    while let Section::More(cursor) = at {
        let mut section = Vec::new();
        at = engine.snapshot_section(cursor, SECTION_ENTRIES, &mut section);
        sections.push(section);
    }
    sections
}

fn joined(sections: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for section in sections {
        let length = u16::try_from(section.len()).expect("a section of two entries is small");
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(section);
    }
    bytes
}

fn split(mut data: &[u8]) -> Vec<&[u8]> {
    let mut sections = Vec::new();
    while let Some((length, rest)) = data.split_first_chunk() {
        let length = usize::from(u16::from_le_bytes(*length)).min(rest.len());
        let (section, rest) = rest.split_at(length);
        sections.push(section);
        data = rest;
    }
    sections
}
