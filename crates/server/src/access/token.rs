//! The text of an API key: `ck_<number>_<secret>_<checksum>`.
//!
//! The secret is 32 random bytes in base64url. The checksum tells a key that was cut or mistyped
//! from one that is wrong, without asking anybody, and lets scanners find keys in places where none
//! should be.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};

const PREFIX: &str = "ck_";
const SECRET_BYTES: usize = 32;
const SECRET_CHARACTERS: usize = 43;
const CHECKSUM_CHARACTERS: usize = 8;

/// The machine's source of random bytes failed.
#[derive(Debug)]
pub(crate) struct NoRandomness;

/// The secret of the server, under which keys are hashed.
#[derive(Clone)]
pub(crate) struct Secret(hmac::Key);

impl Secret {
    /// The length of the secret in bytes.
    pub(crate) const BYTES: usize = 32;

    pub(crate) fn new(bytes: &[u8; Secret::BYTES]) -> Secret {
        Secret(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }

    /// The hash by which the engine knows a key.
    pub(crate) fn hash(&self, token: &Token<'_>) -> [u8; 32] {
        let tag = hmac::sign(&self.0, token.text.as_bytes());
        tag.as_ref().try_into().expect("HMAC-SHA256 has 32 bytes")
    }

    /// True if the hash is that of the key; takes the same time whatever they differ in.
    pub(crate) fn matches(&self, token: &Token<'_>, hash: &[u8; 32]) -> bool {
        hmac::verify(&self.0, token.text.as_bytes(), hash).is_ok()
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(***)")
    }
}

/// Random bytes for a secret.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], NoRandomness> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).map_err(|_| NoRandomness)?;
    Ok(bytes)
}

/// The text of a new key.
pub(crate) fn make(number: u32) -> Result<String, NoRandomness> {
    let secret = random::<SECRET_BYTES>()?;
    let mut text = format!("{PREFIX}{number}_{}", URL_SAFE_NO_PAD.encode(secret));
    let checksum = checksum(&text);
    text.push('_');
    text.push_str(&checksum);
    Ok(text)
}

/// A key as a client sent it: well formed, not yet known to be right.
pub(crate) struct Token<'a> {
    pub(crate) number: u32,
    text: &'a str,
}

impl<'a> Token<'a> {
    /// Reads the text of a key; `None` if it is not whole.
    pub(crate) fn parse(text: &'a str) -> Option<Token<'a>> {
        let (body, found) = text.split_at_checked(text.len().checked_sub(CHECKSUM_CHARACTERS)?)?;
        let body = body.strip_suffix('_')?;
        let (number, secret) = body.strip_prefix(PREFIX)?.split_once('_')?;
        let is_whole = secret.len() == SECRET_CHARACTERS && checksum(body) == found;
        let is_canonical = number.bytes().all(|b| b.is_ascii_digit()) && !number.starts_with('0');
        let number = number.parse().ok()?;
        (is_whole && is_canonical).then_some(Token { number, text })
    }
}

fn checksum(body: &str) -> String {
    format!("{:08x}", crc32c::crc32c(body.as_bytes()))
}

#[cfg(test)]
mod tests;
