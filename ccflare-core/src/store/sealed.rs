//! Sealing: what is secret goes to disk only encrypted and authenticated, under a key that lives elsewhere.
//!
//! A sealed record is `version (1) | key id (4) | nonce (24) | XChaCha20-Poly1305 ciphertext and tag`. The nonce is
//! random: 192 bits need no counter. What a record belongs to is bound as associated data, so a sealed record
//! moved to another place does not open there.

use std::{fmt, fs::File, io, path::Path};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use chacha20poly1305::{
    XChaCha20Poly1305, XNonce,
    aead::{Aead, KeyInit, Payload},
};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::StoreError;

const VERSION: u8 = 1;
const ID_LENGTH: usize = 4;
const NONCE_LENGTH: usize = 24;
const HEADER_LENGTH: usize = 1 + ID_LENGTH;

/// The key that records are sealed with. Wiped from memory when dropped; its `Debug` shows its id only.
#[derive(Clone)]
pub struct SealKey {
    bytes: Zeroizing<[u8; 32]>,
    id: [u8; ID_LENGTH],
}

impl SealKey {
    /// A new random key.
    #[must_use]
    pub fn generate() -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        rand::fill(&mut bytes[..]);
        Self::new(bytes)
    }

    /// A key given as base64 of 32 bytes, as [`load_or_create`](Self::load_or_create) writes it; white space around
    /// it is dropped.
    ///
    /// # Errors
    /// [`StoreError::UnusableKey`] if it is anything else.
    pub fn from_base64(text: &str) -> Result<Self, StoreError> {
        Self::parse(text).ok_or_else(|| StoreError::UnusableKey {
            what: "the key given".to_owned(),
            why: "it is not the base64 of 32 bytes; `openssl rand -base64 32` makes such a key".to_owned(),
        })
    }

    /// The key in the file at `path`. If there is no such file, makes one (mode 0600, in directories of mode 0700)
    /// with a new key, which is on disk when this returns.
    ///
    /// # Errors
    /// [`StoreError::UnusableKey`] if the file holds no key, can be read by others than its owner, or can be neither
    /// read nor made.
    pub fn load_or_create(path: &Path) -> Result<Self, StoreError> {
        let unusable = |why: String| StoreError::UnusableKey { what: format!("the key file {}", path.display()), why };
        match create_private(path) {
            Ok(file) => {
                Self::generate().write(file, path).map_err(|error| unusable(format!("it can't be written: {error}")))
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Self::load(path).map_err(unusable),
            Err(error) => Err(unusable(format!("it can't be made: {error}"))),
        }
    }

    /// Tells keys apart, in each sealed record and in `Debug`, without telling anything about the key.
    #[must_use]
    pub fn id(&self) -> String {
        self.id.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Seals `plaintext` for the place that `associated` names.
    #[must_use]
    pub fn seal(&self, plaintext: &[u8], associated: &[u8]) -> Vec<u8> {
        let mut nonce = [0; NONCE_LENGTH];
        rand::fill(&mut nonce);
        let mut sealed = self.header().to_vec();
        let associated = [&sealed, associated].concat();
        let ciphertext = self
            .cipher()
            .encrypt(&XNonce::from(nonce), Payload { msg: plaintext, aad: &associated })
            .expect("only a plaintext of 256 GiB is too long for XChaCha20-Poly1305");
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&ciphertext);
        sealed
    }

    /// Opens what [`seal`](Self::seal) made with the same key for the same place.
    ///
    /// # Errors
    /// [`UnsealError`]: whether another key is wanted, or the record is at fault.
    pub fn unseal(&self, sealed: &[u8], associated: &[u8]) -> Result<Zeroizing<Vec<u8>>, UnsealError> {
        let (header, rest) = sealed.split_first_chunk::<HEADER_LENGTH>().ok_or(UnsealError::Damaged)?;
        let (nonce, ciphertext) = rest.split_first_chunk::<NONCE_LENGTH>().ok_or(UnsealError::Damaged)?;
        if header[0] != VERSION {
            return Err(UnsealError::Version(header[0]));
        }
        if header[1..] != self.id {
            return Err(UnsealError::OtherKey);
        }
        let associated = [header.as_slice(), associated].concat();
        self.cipher()
            .decrypt(&XNonce::from(*nonce), Payload { msg: ciphertext, aad: &associated })
            .map(Zeroizing::new)
            .map_err(|_| UnsealError::Damaged)
    }

    /// The key that is exactly these bytes.
    pub(super) fn of_bytes(bytes: Zeroizing<[u8; 32]>) -> Self {
        Self::new(bytes)
    }

    fn new(bytes: Zeroizing<[u8; 32]>) -> Self {
        let digest = Sha256::new().chain_update(b"ccflare seal key id").chain_update(&bytes[..]).finalize();
        let mut id = [0; ID_LENGTH];
        id.copy_from_slice(&digest[..ID_LENGTH]);
        Self { bytes, id }
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new((&*self.bytes).into())
    }

    fn header(&self) -> [u8; HEADER_LENGTH] {
        let [a, b, c, d] = self.id;
        [VERSION, a, b, c, d]
    }

    fn parse(text: &str) -> Option<Self> {
        let decoded = Zeroizing::new(BASE64_STANDARD.decode(text.trim()).ok()?);
        let mut bytes = Zeroizing::new([0; 32]);
        if decoded.len() != bytes.len() {
            return None;
        }
        bytes.copy_from_slice(&decoded);
        Some(Self::new(bytes))
    }

    /// On disk with its directory entry, before anything can be sealed: records outliving their key are lost.
    fn write(self, mut file: File, path: &Path) -> io::Result<Self> {
        let mut text = Zeroizing::new(BASE64_STANDARD.encode(&self.bytes[..]));
        text.push('\n');
        io::Write::write_all(&mut file, text.as_bytes())?;
        file.sync_all()?;
        sync_parent(path)?;
        Ok(self)
    }

    fn load(path: &Path) -> Result<Self, String> {
        let file = File::open(path).map_err(|error| format!("it can't be read: {error}"))?;
        #[cfg(unix)]
        refuse_shared(&file, path)?;
        let text = Zeroizing::new(io::read_to_string(file).map_err(|error| format!("it can't be read: {error}"))?);
        if text.is_empty() {
            return Err(
                "it is empty: the start that made it was cut short. Nothing was sealed yet; delete it".to_owned()
            );
        }
        Self::parse(&text).ok_or_else(|| {
            "it is not the base64 of 32 bytes; put the key back as it was, or give the passphrase it wants".to_owned()
        })
    }
}

impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealKey({})", self.id())
    }
}

/// Why a sealed record does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnsealError {
    /// It wants another key.
    #[error("it was sealed with another key")]
    OtherKey,
    /// It is of a version not known here.
    #[error("it is sealed in version {0} of the format")]
    Version(u8),
    /// It was altered, or belongs to another place.
    #[error("it is damaged or belongs elsewhere")]
    Damaged,
}

impl UnsealError {
    /// The same, said of a record of a store.
    #[must_use]
    pub fn of(self, what: impl Into<String>) -> StoreError {
        match self {
            Self::OtherKey => StoreError::WrongKey { what: what.into() },
            Self::Version(_) | Self::Damaged => StoreError::Corrupt { what: what.into(), why: self.to_string() },
        }
    }
}

/// Makes a file that only its owner can read; fails if there is one already.
pub(super) fn create_private(path: &Path) -> io::Result<File> {
    create_private_parent(path)?;
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Makes the directories that `path` lacks, for their owner only.
pub(super) fn create_private_parent(path: &Path) -> io::Result<()> {
    let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) else { return Ok(()) };
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(parent)
}

/// Sees that a file's entry in its directory is on disk.
pub(super) fn sync_parent(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        File::open(parent)?.sync_all()?;
    }
    Ok(())
}

#[cfg(unix)]
pub(super) fn refuse_shared(file: &File, path: &Path) -> Result<(), String> {
    let metadata = file.metadata().map_err(|error| format!("it can't be read: {error}"))?;
    let mode = std::os::unix::fs::MetadataExt::mode(&metadata) & 0o777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    Err(format!("others can read it (its mode is {mode:04o}); run `chmod 600 {}`", path.display()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use proptest::prelude::*;

    use super::*;

    fn path(directory: &tempfile::TempDir) -> std::path::PathBuf {
        directory.path().join("state/seal.key")
    }

    #[test]
    fn what_is_sealed_opens_with_the_same_key_in_the_same_place_only() {
        let key = SealKey::generate();
        let sealed = key.seal(b"sk-canary", b"here");
        assert_eq!(key.unseal(&sealed, b"here").expect("the right place").as_slice(), b"sk-canary");
        assert_eq!(key.unseal(&sealed, b"there"), Err(UnsealError::Damaged));
        assert_eq!(SealKey::generate().unseal(&sealed, b"here"), Err(UnsealError::OtherKey));
        assert!(!sealed.windows(6).any(|window| window == b"canary"));
        assert_ne!(key.seal(b"sk-canary", b"here"), sealed, "each record has a nonce of its own");
    }

    proptest! {
        #[test]
        fn whatever_is_altered_or_cut_does_not_open(position in 0..54_usize, bit in 0..8_u32) {
            let key = SealKey::generate();
            let mut sealed = key.seal(b"secret---", b"here");
            prop_assert_eq!(sealed.len(), 1 + 4 + 24 + 9 + 16);
            prop_assert!(key.unseal(&sealed[..position], b"here").is_err());
            sealed[position] ^= 1 << bit;
            prop_assert!(key.unseal(&sealed, b"here").is_err());
        }
    }

    /// What databases in the field hold has to open for ever. The record was made by another implementation.
    #[test]
    fn a_record_of_version_1_opens() {
        let key = SealKey::from_base64("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=").expect("a key");
        let record = BASE64_STANDARD.decode(RECORD_V1).expect("base64");
        assert_eq!(key.unseal(&record, b"place").expect("a record").as_slice(), b"plaintext");
    }

    const RECORD_V1: &str = "ARUUfdBkZWZnaGlqa2xtbm9wcXJzdHV2d3h5ensMH5jZkVrs+vN0NbLs4cI8lcy/g57u3S+K";

    #[test]
    fn a_key_file_is_made_once_and_read_afterwards() {
        let directory = tempfile::tempdir().expect("a directory");
        let made = SealKey::load_or_create(&path(&directory)).expect("a new key");
        let read = SealKey::load_or_create(&path(&directory)).expect("the same key");
        assert_eq!(read.unseal(&made.seal(b"x", b""), b"").expect("the same key").as_slice(), b"x");
        let text = fs::read_to_string(path(&directory)).expect("the file");
        assert_eq!(SealKey::from_base64(&text).expect("a key").id(), made.id());
    }

    #[test]
    fn keys_show_their_id_and_nothing_else() {
        let key = SealKey::from_base64("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=").expect("a key");
        assert_eq!(format!("{key:?}"), format!("SealKey({})", key.id()));
        assert_eq!(key.id().len(), 8);
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for text in ["", "AAEC", "not base64 at all!", &"A".repeat(100)] {
            assert!(matches!(SealKey::from_base64(text), Err(StoreError::UnusableKey { .. })), "{text:?}");
        }
    }

    #[test]
    fn a_file_without_a_key_is_refused_and_left_as_it_is() {
        for (text, advice) in [("", "delete it"), ("not a key\n", "put the key back")] {
            let directory = tempfile::tempdir().expect("a directory");
            let file = create_private(&path(&directory)).expect("a file");
            drop(file);
            fs::write(path(&directory), text).expect("a write");
            let error = SealKey::load_or_create(&path(&directory)).expect_err("no key").to_string();
            assert!(error.contains(advice), "{error}");
            assert_eq!(fs::read_to_string(path(&directory)).expect("the file"), text);
        }
    }

    #[cfg(unix)]
    #[test]
    fn the_key_file_is_for_its_owner_only() {
        use std::os::unix::fs::PermissionsExt;

        let directory = tempfile::tempdir().expect("a directory");
        let path = path(&directory);
        SealKey::load_or_create(&path).expect("a new key");
        let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(path.parent().expect("a parent"))), (0o600, 0o700));

        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("a change of mode");
        let error = SealKey::load_or_create(&path).expect_err("a key that others can read").to_string();
        assert!(error.contains("0640") && error.contains("chmod 600"), "{error}");
    }
}
