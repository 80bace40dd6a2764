//! The operating system's files.
//!
//! Directories are made with mode 0700 and files with 0600. Direct I/O is used where the file
//! system takes it; where it does not, reads and writes go through the page cache and mean the
//! same.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Access, Caching, File, LockError, Storage};

/// Whether segments bypass the page cache.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DirectIo {
    /// Where the file system can do it.
    #[default]
    Auto,
    /// Always: opening a file fails where it cannot be done.
    Always,
    /// Never.
    Never,
}

/// A directory of the operating system.
#[derive(Clone, Debug)]
pub struct OsStorage {
    directory: Arc<Path>,
    /// Open from the start: a commit that begins a segment syncs the directory, and must not fail
    /// because the process has used up its file descriptors.
    opened: Arc<fs::File>,
    direct_io: DirectIo,
}

impl OsStorage {
    /// Takes a directory, made if it is not there.
    pub fn open(directory: impl Into<PathBuf>, direct_io: DirectIo) -> io::Result<OsStorage> {
        let directory = directory.into();
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&directory)?;
        OsStorage::open_existing(directory, direct_io)
    }

    /// Takes a directory that must exist; nothing is written by this.
    pub fn open_existing(
        directory: impl Into<PathBuf>,
        direct_io: DirectIo,
    ) -> io::Result<OsStorage> {
        let directory = directory.into();
        // Looked at first: to open a pipe would be to wait for its other end.
        if !fs::metadata(&directory)?.is_dir() {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        let opened = Arc::new(fs::File::open(&directory)?);
        Ok(OsStorage { directory: directory.into(), opened, direct_io })
    }

    /// The directory's path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.directory
    }

    fn open_with(
        &self,
        options: &mut fs::OpenOptions,
        name: &str,
        caching: Caching,
    ) -> io::Result<OsFile> {
        let path = self.directory.join(name);
        let options = options.read(true).mode(0o600);
        if caching == Caching::Direct && self.direct_io != DirectIo::Never {
            match direct::open(options, &path) {
                Err(error) if self.direct_io == DirectIo::Auto && direct::refused(&error) => {}
                result => return result.map(OsFile),
            }
        }
        options.open(&path).map(OsFile)
    }
}

impl Storage for OsStorage {
    type File = OsFile;
    type Lock = OsLock;

    fn create(&self, name: &str, caching: Caching) -> io::Result<OsFile> {
        // Made first and opened again, so that a refusal of direct I/O leaves no half-made state.
        let path = self.directory.join(name);
        let mut options = fs::OpenOptions::new();
        drop(options.write(true).create_new(true).mode(0o600).open(path)?);
        self.open(name, Access::Write, caching)
    }

    fn open(&self, name: &str, access: Access, caching: Caching) -> io::Result<OsFile> {
        self.open_with(fs::OpenOptions::new().write(access == Access::Write), name, caching)
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.directory)? {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                names.extend(entry.file_name().into_string().ok());
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.directory.join(name))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.directory.join(from), self.directory.join(to))
    }

    fn sync_dir(&self) -> io::Result<()> {
        self.opened.sync_all()
    }

    fn lock(&self, name: &str) -> Result<OsLock, LockError> {
        let path = self.directory.join(name);
        let mut options = fs::OpenOptions::new();
        let options = options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let file = options.open(&path).map_err(LockError::Io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => {
                let holder = fs::read_to_string(&path).ok();
                return Err(LockError::Held(holder.and_then(|pid| pid.trim().parse().ok())));
            }
            Err(fs::TryLockError::Error(error)) => return Err(LockError::Io(error)),
        }
        file.set_len(0).map_err(LockError::Io)?;
        let process_id = std::process::id().to_string();
        file.write_all_at(process_id.as_bytes(), 0).map_err(LockError::Io)?;
        Ok(OsLock(file))
    }

    fn free_bytes(&self) -> io::Result<u64> {
        let status = rustix::fs::statvfs(&*self.directory)?;
        Ok(status.f_bavail.saturating_mul(status.f_frsize))
    }

    fn subdirectory(&self, name: &str) -> io::Result<OsStorage> {
        OsStorage::open(self.directory.join(name), self.direct_io)
    }

    fn elsewhere(&self, path: &Path) -> io::Result<OsStorage> {
        OsStorage::open(path, self.direct_io)
    }

    fn random_u64(&self) -> io::Result<u64> {
        let mut bytes = [0; 8];
        // Up to 256 bytes come whole once the system's source is ready.
        let count = rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty())?;
        assert_eq!(count, bytes.len(), "getrandom gives 8 bytes whole");
        Ok(u64::from_le_bytes(bytes))
    }

    fn location(&self) -> String {
        self.directory.display().to_string()
    }
}

/// Holds the lock of a directory until dropped.
#[derive(Debug)]
pub struct OsLock(#[expect(dead_code, reason = "closing the file releases the lock")] fs::File);

/// An open file of the operating system.
#[derive(Debug)]
pub struct OsFile(fs::File);

impl File for OsFile {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read_at(buffer, offset)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<usize> {
        self.0.write_at(bytes, offset)
    }

    fn sync_data(&self) -> io::Result<()> {
        // Not File::sync_data of std: that retries an interrupted call, and a sync is never
        // retried.
        rustix::fs::fdatasync(&self.0).map_err(io::Error::from)
    }

    fn allocate(&self, bytes: u64) -> io::Result<()> {
        match direct::allocate(&self.0, bytes) {
            Err(error) if direct::refused(&error) => super::write_zeros(self, 0, bytes),
            result => result,
        }
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.0.set_len(bytes)
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }
}

/// Calls that not every Unix has.
#[cfg(target_os = "linux")]
mod direct {
    use super::{FileExt, OpenOptionsExt, Path, fs, io};
    use crate::buffer::AlignedBuf;
    use crate::format::BLOCK_BYTES;

    pub(super) fn open(options: &fs::OpenOptions, path: &Path) -> io::Result<fs::File> {
        let flags = rustix::fs::OFlags::DIRECT.bits().cast_signed();
        let file = options.clone().custom_flags(flags).open(path)?;
        // Some file systems take the flag and refuse the first transfer.
        let mut block = AlignedBuf::new(BLOCK_BYTES as usize);
        match file.read_at(&mut block, 0) {
            Err(error) if refused(&error) => Err(error),
            _ => Ok(file),
        }
    }

    pub(super) fn refused(error: &io::Error) -> bool {
        error.kind() == io::ErrorKind::InvalidInput || error.kind() == io::ErrorKind::Unsupported
    }

    /// Reserved bytes read as zeros, and so do those that were written before.
    pub(super) fn allocate(file: &fs::File, bytes: u64) -> io::Result<()> {
        use rustix::fs::FallocateFlags;
        let flags = match file.metadata()?.len() {
            0 => FallocateFlags::empty(),
            _ => FallocateFlags::ZERO_RANGE,
        };
        rustix::fs::fallocate(file, flags, 0, bytes).map_err(io::Error::from)
    }
}

#[cfg(not(target_os = "linux"))]
mod direct {
    use super::{Path, fs, io};

    pub(super) fn open(_options: &fs::OpenOptions, _path: &Path) -> io::Result<fs::File> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(super) fn refused(error: &io::Error) -> bool {
        error.kind() == io::ErrorKind::Unsupported
    }

    pub(super) fn allocate(_file: &fs::File, _bytes: u64) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}
