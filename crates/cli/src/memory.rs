//! The program's memory: large pieces are kept in huge pages.
//!
//! The tables of ids and accounts are read at random places. In pages of 4 KiB nearly each read
//! also misses the processor's list of pages; in pages of 2 MiB the whole of a table is in it.
//! Linux gives them to who asks (`transparent_hugepage` is `madvise` or `always`); elsewhere, and
//! where that is `never`, nothing changes.
#![allow(unsafe_code, reason = "a global allocator cannot be written without")]

use std::alloc::{GlobalAlloc, Layout, System};

/// Pieces from this size on are worth asking for: 4 MiB, so that at least one whole huge page is
/// within each.
const LARGE: usize = 4 << 20;

/// The system's allocator, which asks for huge pages where they help.
#[derive(Debug)]
pub(crate) struct HugePages;

// SAFETY: every call is the system allocator's own, and what it returned is returned; between the
// two only advice is given, which changes neither contents nor ownership of memory.
unsafe impl GlobalAlloc for HugePages {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise about the layout is passed on.
        let piece = unsafe { System.alloc(layout) };
        advise(piece, layout.size());
        piece
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise about the layout is passed on.
        let piece = unsafe { System.alloc_zeroed(layout) };
        advise(piece, layout.size());
        piece
    }

    unsafe fn dealloc(&self, piece: *mut u8, layout: Layout) {
        // SAFETY: the piece came from `System`, whatever was advised about it.
        unsafe { System.dealloc(piece, layout) }
    }

    unsafe fn realloc(&self, piece: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: the piece came from `System`; the caller's promise about the size is passed on.
        let moved = unsafe { System.realloc(piece, layout, new_size) };
        advise(moved, new_size);
        moved
    }
}

#[cfg(target_os = "linux")]
fn advise(piece: *mut u8, size: usize) {
    const PAGE: usize = 4_096;
    if size < LARGE || piece.is_null() {
        return;
    }
    // Advice is given about whole pages: those that lie within the piece.
    let skip = piece.align_offset(PAGE);
    let len = (size - skip) & !(PAGE - 1);
    // SAFETY: the pages lie within a piece that was just allocated. The advice changes no contents;
    // if the kernel does not take it, everything works as before.
    let _ = unsafe {
        rustix::mm::madvise(piece.add(skip).cast(), len, rustix::mm::Advice::LinuxHugepage)
    };
}

#[cfg(not(target_os = "linux"))]
fn advise(_: *mut u8, _: usize) {}
