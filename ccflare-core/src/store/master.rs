//! Where the key comes from that everything secret is sealed with: a file, a text that is given, or a passphrase.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use argon2::{Algorithm, Argon2, Params, Version};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use zeroize::Zeroizing;

use super::{
    SealKey, StoreError,
    sealed::{create_private, refuse_shared, sync_parent},
};
use crate::domain::Secret;

/// What a passphrase costs to try: 64 MiB and three passes, half a second here. Written beside the salt, so that it can
/// be raised without locking anybody out.
const MEMORY_KIB: u32 = 64 * 1024;
const PASSES: u32 = 3;

/// More than this is no salt of ours, and would only exhaust the machine.
const MOST_MEMORY_KIB: u32 = 1 << 20;
const MOST_PASSES: u32 = 64;

const SALT_LENGTH: usize = 16;
const KIND: &str = "argon2id";

/// A source of the [`SealKey`].
#[derive(Clone, Debug)]
pub enum MasterKey {
    /// A file of base64 for its owner's eyes only, made at first start.
    File(PathBuf),
    /// The base64 itself.
    Given(Secret),
    /// A passphrase; what makes a key of it (salt and cost, no secret) is kept in a file, made at first start.
    Passphrase {
        /// What somebody remembers.
        passphrase: Secret,
        /// Where salt and cost are kept.
        salt: PathBuf,
    },
}

impl MasterKey {
    /// The key. Files are made only for a database that is not there yet: a new key would open no old record, and hide
    /// that the right one is missing.
    ///
    /// # Errors
    /// [`StoreError::UnusableKey`]: what is missing or wrong, and what to do.
    pub fn load(&self, database: &Path) -> Result<SealKey, StoreError> {
        match self {
            Self::Given(text) => SealKey::from_base64(text.expose()),
            Self::File(path) => {
                self.require(path, database)?;
                SealKey::load_or_create(path)
            }
            Self::Passphrase { passphrase, salt } => {
                self.require(salt, database)?;
                let recipe = Recipe::load_or_create(salt).map_err(|why| unusable(salt, why))?;
                recipe.key(passphrase).map_err(|why| unusable(salt, why))
            }
        }
    }

    fn require(&self, file: &Path, database: &Path) -> Result<(), StoreError> {
        if file.exists() || !database.exists() {
            return Ok(());
        }
        let why = format!("it is missing, and {} was sealed with it; put it back", database.display());
        Err(unusable(file, why))
    }
}

fn unusable(file: &Path, why: String) -> StoreError {
    StoreError::UnusableKey { what: format!("the key file {}", file.display()), why }
}

/// What makes a key of a passphrase.
struct Recipe {
    salt: [u8; SALT_LENGTH],
    memory_kib: u32,
    passes: u32,
}

impl Recipe {
    fn load_or_create(path: &Path) -> Result<Self, String> {
        match create_private(path) {
            Ok(mut file) => {
                let mut salt = [0; SALT_LENGTH];
                rand::fill(&mut salt);
                let recipe = Self { salt, memory_kib: MEMORY_KIB, passes: PASSES };
                let mut write = || -> io::Result<()> {
                    file.write_all(recipe.text().as_bytes())?;
                    file.sync_all()?;
                    sync_parent(path)
                };
                write().map_err(|error| format!("it can't be written: {error}"))?;
                Ok(recipe)
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Self::load(path),
            Err(error) => Err(format!("it can't be made: {error}")),
        }
    }

    fn load(path: &Path) -> Result<Self, String> {
        #[cfg(unix)]
        refuse_shared(&fs::File::open(path).map_err(|error| format!("it can't be read: {error}"))?, path)?;
        let text = fs::read_to_string(path).map_err(|error| format!("it can't be read: {error}"))?;
        Self::parse(&text).ok_or_else(|| {
            "it is not what makes a key of a passphrase; if it is a key itself, give no passphrase".to_owned()
        })
    }

    fn text(&self) -> String {
        format!("{KIND} {} {} {}\n", self.memory_kib, self.passes, BASE64_STANDARD.encode(self.salt))
    }

    fn parse(text: &str) -> Option<Self> {
        let mut words = text.split_whitespace();
        let (kind, memory_kib, passes) = (words.next()?, words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        let salt = BASE64_STANDARD.decode(words.next()?).ok()?.try_into().ok()?;
        let bearable = memory_kib <= MOST_MEMORY_KIB && passes <= MOST_PASSES;
        (kind == KIND && bearable && words.next().is_none()).then_some(Self { salt, memory_kib, passes })
    }

    fn key(&self, passphrase: &Secret) -> Result<SealKey, String> {
        if passphrase.is_empty() {
            return Err("the passphrase is empty".to_owned());
        }
        let params = Params::new(self.memory_kib, self.passes, 1, Some(32)).map_err(|error| error.to_string())?;
        let mut key = Zeroizing::new([0; 32]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(passphrase.expose().as_bytes(), &self.salt, &mut key[..])
            .map_err(|error| error.to_string())?;
        Ok(SealKey::of_bytes(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key_of(key: &MasterKey, database: &Path) -> Result<String, String> {
        key.load(database).map(|key| key.id()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_passphrase_makes_the_same_key_each_time_and_another_one_another() {
        let folder = tempfile::tempdir().expect("a folder");
        let database = folder.path().join("none.redb");
        let with = |passphrase: &str| {
            let (passphrase, salt) = (Secret::new(passphrase), folder.path().join("keys/salt"));
            key_of(&MasterKey::Passphrase { passphrase, salt }, &database)
        };
        let first = with("correct horse").expect("a key");
        assert_eq!(with("correct horse").expect("a key"), first);
        assert_ne!(with("battery staple").expect("a key"), first);
        assert!(with("").expect_err("nothing").contains("empty"));
        let kept = fs::read_to_string(folder.path().join("keys/salt")).expect("the file");
        assert!(kept.starts_with("argon2id 65536 3 ") && !kept.contains("horse"), "{kept}");
    }

    #[test]
    fn a_key_that_is_missing_beside_its_database_is_not_made_anew() {
        let folder = tempfile::tempdir().expect("a folder");
        let (database, file) = (folder.path().join("ccflare.redb"), folder.path().join("master.key"));
        fs::write(&database, "records").expect("written");
        let passphrase = Secret::new("correct horse");
        for key in [MasterKey::File(file.clone()), MasterKey::Passphrase { passphrase, salt: file.clone() }] {
            let error = key_of(&key, &database).expect_err("it is missing");
            assert!(error.contains("put it back"), "{error}");
            assert!(!file.exists());
        }
    }

    #[test]
    fn a_key_is_no_salt_and_a_salt_no_key() {
        let folder = tempfile::tempdir().expect("a folder");
        let (database, file) = (folder.path().join("none.redb"), folder.path().join("master.key"));
        let plain = MasterKey::File(file.clone());
        let passphrase = MasterKey::Passphrase { passphrase: Secret::new("correct horse"), salt: file.clone() };
        key_of(&plain, &database).expect("a key");
        assert!(key_of(&passphrase, &database).expect_err("a key").contains("give no passphrase"));
        fs::remove_file(&file).expect("removed");
        key_of(&passphrase, &database).expect("a salt");
        assert!(key_of(&plain, &database).expect_err("a salt").contains("passphrase"));
    }

    #[test]
    fn a_recipe_that_would_exhaust_the_machine_is_refused() {
        assert!(Recipe::parse("argon2id 4294967295 3 AAAAAAAAAAAAAAAAAAAAAA==").is_none());
        assert!(Recipe::parse("argon2id 65536 3 AAAAAAAAAAAAAAAAAAAAAA==").is_some());
    }
}
