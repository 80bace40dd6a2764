//! The files of a data directory that belong to access: the secret, and the first admin key.
//!
//! Everything here blocks; it is for the start of a server and for the command line.

use super::token::{self, NoRandomness, Secret, Token};
use super::{Scope, Scopes};
use courant_engine::{Caller, Command, Key, command::CreateKey};
use courant_ledger::{FieldError, Reason, Timestamp};
use courant_node::{Node, Reply, Request, Stopped, SubmitError};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

const SECRET_FILE: &str = "keys.secret";
const ADMIN_KEY_FILE: &str = "admin.key";
const ADMIN_KEY_NAME: &str = "first admin key";
/// Owner only.
const FILE_MODE: u32 = 0o600;

/// A key that was just made: the one time that its text is known.
#[derive(Clone)]
pub struct NewKey {
    /// Its number.
    pub number: u32,
    /// Its text, which is kept nowhere.
    pub token: String,
}

/// Shows no secret, so that no log does.
impl std::fmt::Debug for NewKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewKey").field("number", &self.number).finish_non_exhaustive()
    }
}

/// Why access could not be set up, or a key not be made.
#[derive(Debug)]
pub enum AccessError {
    /// A file of the data directory cannot be read or written.
    File(PathBuf, io::Error),
    /// The secret's file is not one.
    SecretDamaged(PathBuf),
    /// There are keys, but the secret they were hashed under is gone.
    SecretMissing(PathBuf, usize),
    /// A field of the new key was refused.
    Field(FieldError),
    /// The engine refused.
    Refused(Reason),
    /// The node takes no commands now.
    Unavailable(String),
    /// The machine has no random bytes.
    NoRandomness,
}

impl std::fmt::Display for AccessError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            AccessError::File(path, error) => {
                write!(f, "{}: {error}: check the file's owner and mode", path.display())
            }
            AccessError::SecretDamaged(path) => write!(
                f,
                "{} does not hold the {} bytes of a secret: put it back from a backup",
                path.display(),
                Secret::BYTES
            ),
            AccessError::SecretMissing(path, keys) => write!(
                f,
                "{} is missing, and without it none of the {keys} API keys works: put it back from \
                 a backup",
                path.display()
            ),
            AccessError::Field(error) => error.fmt(f),
            AccessError::Refused(reason) => f.write_str(reason.sentence()),
            AccessError::Unavailable(why) => write!(f, "no key was made: {why}"),
            AccessError::NoRandomness => f.write_str("the operating system gives no random bytes"),
        }
    }
}

impl std::error::Error for AccessError {}

impl From<NoRandomness> for AccessError {
    fn from(_: NoRandomness) -> AccessError {
        AccessError::NoRandomness
    }
}

impl From<Stopped> for AccessError {
    fn from(stopped: Stopped) -> AccessError {
        AccessError::Unavailable(stopped.to_string())
    }
}

impl From<SubmitError> for AccessError {
    fn from(error: SubmitError) -> AccessError {
        AccessError::Unavailable(error.to_string())
    }
}

/// What a new key is to be.
#[derive(Debug, Clone, Copy)]
pub struct KeyTerms<'a> {
    /// What people call it: 1 to 140 printable characters.
    pub name: &'a str,
    /// What it may do.
    pub scopes: Scopes,
    /// When it stops to work; `None`: never.
    pub expires_at: Option<Timestamp>,
}

/// Makes the first admin key of a data directory that has no key yet, and writes it to `admin.key`.
///
/// Call it before [`crate::run`], and show what it returns: it is told once. `None`: there are keys
/// already.
///
/// # Errors
/// If a file cannot be written, or the node takes no commands.
pub fn first_key(dir: &Path, node: &Node) -> Result<Option<NewKey>, AccessError> {
    let keys = node.keys().wait()?;
    let secret = open_secret(dir, &keys)?;
    if !keys.is_empty() {
        return Ok(None);
    }
    let scopes = Scopes::from_bits(Scope::Admin.bit());
    let terms = KeyTerms { name: ADMIN_KEY_NAME, scopes, expires_at: None };
    let (request, key) = prepare(&secret, Caller::default(), 1, &terms)?;
    // The file comes first: a key whose text nobody has would lock everybody out.
    write_private(&dir.join(ADMIN_KEY_FILE), format!("{}\n", key.token).as_bytes())?;
    match node.submit(request)?.wait()?.first() {
        Some(Reply::Recorded { .. }) => Ok(Some(key)),
        other => Err(refused(other)),
    }
}

/// Makes an API key in a data directory that no server has open.
///
/// # Errors
/// A name or scopes that are not allowed, too many keys, or what [`first_key`] can say.
pub fn create_key(dir: &Path, node: &Node, terms: &KeyTerms<'_>) -> Result<NewKey, AccessError> {
    let keys = node.keys().wait()?;
    let secret = open_secret(dir, &keys)?;
    let number = next_number(&keys);
    let (request, key) = prepare(&secret, Caller::default(), number, terms)?;
    match node.submit(request)?.wait()?.first() {
        Some(Reply::Recorded { .. }) => Ok(key),
        other => Err(refused(other)),
    }
}

/// The number of the next key.
pub(crate) fn next_number(keys: &[Key]) -> u32 {
    keys.iter().map(|key| key.number).max().unwrap_or(0).saturating_add(1)
}

/// A new key, and the request that makes it known.
pub(crate) fn prepare(
    secret: &Secret,
    caller: Caller<'_>,
    number: u32,
    terms: &KeyTerms<'_>,
) -> Result<(Request, NewKey), AccessError> {
    let text = token::make(number)?;
    let token = Token::parse(&text).expect("a key that was just made is whole");
    let command = Command::CreateKey(CreateKey {
        number,
        name: terms.name,
        scopes: terms.scopes.bits(),
        hash: secret.hash(&token),
        expires_at: terms.expires_at,
    });
    let request = Request::new(caller, &command).map_err(AccessError::Field)?;
    Ok((request, NewKey { number, token: text }))
}

fn refused(reply: Option<&Reply>) -> AccessError {
    match reply {
        Some(Reply::Refused { reason, .. }) => AccessError::Refused(*reason),
        _ => AccessError::Unavailable("the disk is full".into()),
    }
}

/// The secret of a data directory; made now if there is none and no key needs it.
pub(crate) fn open_secret(dir: &Path, keys: &[Key]) -> Result<Secret, AccessError> {
    let path = dir.join(SECRET_FILE);
    match fs::read(&path) {
        Ok(bytes) => match bytes.as_slice().try_into() {
            Ok(bytes) => Ok(Secret::new(bytes)),
            Err(_) => Err(AccessError::SecretDamaged(path)),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound && keys.is_empty() => {
            let bytes = token::random::<{ Secret::BYTES }>()?;
            write_private(&path, &bytes)?;
            Ok(Secret::new(&bytes))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(AccessError::SecretMissing(path, keys.len()))
        }
        Err(error) => Err(AccessError::File(path, error)),
    }
}

/// Writes a file that only its owner reads, whole or not at all, and makes it durable.
fn write_private(path: &Path, bytes: &[u8]) -> Result<(), AccessError> {
    let draft = path.with_extension("new");
    let written = || -> io::Result<()> {
        // A draft of an interrupted attempt may have any mode.
        match fs::remove_file(&draft) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file =
            OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(&draft)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&draft, path)?;
        File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
    };
    written().map_err(|error| AccessError::File(path.to_owned(), error))
}
