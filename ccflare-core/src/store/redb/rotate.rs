//! Seals everything anew under another key.
//!
//! The database changes over in one transaction, so it always opens with exactly one key. The key file follows: the new
//! key is on disk beside the old one before the transaction, and takes its place behind it. Whoever finds both knows
//! by trying which one is good ([`RedbStore::open_with`]).

use std::{
    fs,
    path::{Path, PathBuf},
};

use redb::{ReadableTable, TableDefinition};

use super::{
    Opened, RedbStore, accounts, failed, logins, migrate, payloads,
    tables::{self, IdKey},
};
use crate::store::{MasterKey, SealKey, StoreError, sealed::sync_parent};

/// A table of sealed rows, and what each row is bound to.
type Sealed = (TableDefinition<'static, IdKey, &'static [u8]>, fn(&[u8; 16]) -> Vec<u8>);

/// Every table of sealed rows.
const SEALED: [Sealed; 3] = [
    (tables::CREDENTIALS, accounts::associated),
    (tables::LOGINS, logins::associated),
    (tables::PAYLOADS, payloads::associated),
];

impl RedbStore {
    /// Opens the database at `path` with the key of this source, or makes it; see [`open`](Self::open). A rotation that
    /// was cut short is finished, or forgotten if it had not come to the database.
    ///
    /// # Errors
    /// As [`open`](Self::open), and if the source has no key.
    pub fn open_with(path: &Path, master: &MasterKey) -> Result<Self, StoreError> {
        let opened = Self::open(path, master.load(path)?);
        let Some(files) = Files::of(master).filter(|files| files.next.exists()) else { return opened };
        match opened {
            Ok(store) => {
                tracing::warn!(file = %files.next.display(), "a rotation ended before it began; its key is dropped");
                fs::remove_file(&files.next).map_err(StoreError::backend)?;
                Ok(store)
            }
            Err(StoreError::WrongKey { .. }) => {
                let store = Self::open(path, files.master(master).load(&files.next)?)?;
                files.replace()?;
                tracing::warn!("a rotation that was cut short is finished");
                Ok(store)
            }
            Err(error) => Err(error),
        }
    }

    /// Seals everything in the database at `path` anew: under a new key in the same file, or a new salt for the same
    /// passphrase, or under `next` where the key is given. Returns the key that opens it from now on.
    ///
    /// # Errors
    /// As [`open_with`](Self::open_with); and if the key is given and `next` is not.
    pub fn rotate(path: &Path, master: &MasterKey, next: Option<&SealKey>) -> Result<SealKey, StoreError> {
        Begun::begin(path, master, next)?.seal_anew()?.replace()
    }
}

/// A rotation whose new key is on disk, beside the old one.
struct Begun {
    store: RedbStore,
    next: SealKey,
    files: Option<Files>,
}

/// A rotation whose database is sealed with the new key.
struct Resealed {
    next: SealKey,
    files: Option<Files>,
}

impl Begun {
    fn begin(path: &Path, master: &MasterKey, given: Option<&SealKey>) -> Result<Self, StoreError> {
        let store = RedbStore::open_with(path, master)?;
        let files = Files::of(master);
        let next = match &files {
            // Not beside the database that is there, where a new key would be refused.
            Some(files) => files.master(master).load(&files.next)?,
            None => {
                let why = "it is given, so the next one has to be given as well: set CCFLARE_NEXT_MASTER_KEY";
                let unusable = || StoreError::UnusableKey { what: "the key".to_owned(), why: why.to_owned() };
                given.cloned().ok_or_else(unusable)?
            }
        };
        Ok(Self { store, next, files })
    }

    /// Closes the database behind it: who opens it from now on uses the new key.
    fn seal_anew(self) -> Result<Resealed, StoreError> {
        let Self { store, next, files } = self;
        store.engine.run(|opened| opened.seal_anew(&next))?;
        Ok(Resealed { next, files })
    }
}

impl Resealed {
    fn replace(self) -> Result<SealKey, StoreError> {
        self.files.as_ref().map_or(Ok(()), Files::replace)?;
        Ok(self.next)
    }
}

/// The file of a source, and where the next one waits for its place.
struct Files {
    file: PathBuf,
    next: PathBuf,
}

impl Files {
    fn of(master: &MasterKey) -> Option<Self> {
        let (MasterKey::File(file) | MasterKey::Passphrase { salt: file, .. }) = master else { return None };
        let mut name = file.file_name().unwrap_or_default().to_owned();
        name.push(".next");
        Some(Self { file: file.clone(), next: file.with_file_name(name) })
    }

    /// The same source with the next file.
    fn master(&self, master: &MasterKey) -> MasterKey {
        let next = self.next.clone();
        match master {
            MasterKey::Passphrase { passphrase, .. } => {
                MasterKey::Passphrase { passphrase: passphrase.clone(), salt: next }
            }
            MasterKey::File(_) | MasterKey::Given(_) => MasterKey::File(next),
        }
    }

    fn replace(&self) -> Result<(), StoreError> {
        fs::rename(&self.next, &self.file).map_err(StoreError::backend)?;
        sync_parent(&self.file).map_err(StoreError::backend)
    }
}

impl Opened<'_> {
    /// All sealed rows and the key's own check, in one transaction.
    fn seal_anew(&self, next: &SealKey) -> Result<(), StoreError> {
        let write = self.db.begin_write().map_err(failed)?;
        for (table, associated) in SEALED {
            let mut table = write.open_table(table).map_err(failed)?;
            // Only the ids at once: payloads may be more than memory holds.
            let ids = table.iter().map_err(failed)?.map(|row| row.map(|(id, _)| *id.value()).map_err(failed));
            for id in ids.collect::<Result<Vec<_>, _>>()? {
                let Some(row) = table.get(&id).map_err(failed)?.map(|row| row.value().to_vec()) else { continue };
                let place = associated(&id);
                let plain = self.key.unseal(&row, &place).map_err(|error| error.of("a sealed record"))?;
                table.insert(&id, next.seal(&plain, &place).as_slice()).map_err(failed)?;
            }
        }
        migrate::bind(&write, next)?;
        write.commit().map_err(failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{Account, Credential, Secret, Timestamp},
        store::AccountStore,
    };

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    struct Place {
        folder: tempfile::TempDir,
        master: MasterKey,
    }

    impl Place {
        fn with_file() -> Self {
            let folder = tempfile::tempdir().expect("a folder");
            let master = MasterKey::File(folder.path().join("master.key"));
            Self { folder, master }
        }

        fn with_passphrase() -> Self {
            let folder = tempfile::tempdir().expect("a folder");
            let salt = folder.path().join("master.key");
            Self { folder, master: MasterKey::Passphrase { passphrase: Secret::new("correct horse"), salt } }
        }

        fn database(&self) -> PathBuf {
            self.folder.path().join("ccflare.redb")
        }

        fn open(&self) -> Result<RedbStore, StoreError> {
            RedbStore::open_with(&self.database(), &self.master)
        }

        async fn add_account(&self) {
            let account = Account::new("a", "anthropic", Credential::ApiKey(Secret::new("sk-canary")), NOW);
            self.open().expect("opens").add_account(&account).await.expect("added");
        }

        async fn account_key(&self) -> String {
            let account = self.open().expect("opens").accounts().await.expect("unsealed").remove(0);
            let Credential::ApiKey(key) = &*account.credential else { panic!("it is a key") };
            key.expose().to_owned()
        }
    }

    #[tokio::test]
    async fn a_rotation_cut_short_at_any_step_leaves_a_database_that_opens() {
        for place in [Place::with_file(), Place::with_passphrase()] {
            place.add_account().await;
            let key = || place.master.load(&place.database()).expect("a key").id();
            let begin = || Begun::begin(&place.database(), &place.master, None).expect("begun");

            let before = key();
            drop(begin());
            assert_eq!((place.account_key().await, key()), ("sk-canary".to_owned(), before.clone()));

            let next = begin().seal_anew().expect("sealed").next.id();
            assert_eq!((place.account_key().await, key()), ("sk-canary".to_owned(), next.clone()));

            let last = begin().seal_anew().expect("sealed").replace().expect("replaced").id();
            assert_eq!((place.account_key().await, key()), ("sk-canary".to_owned(), last.clone()));
            assert!(before != next && next != last);
            let left: Vec<_> = fs::read_dir(place.folder.path()).expect("the folder").collect();
            assert_eq!(left.len(), 2, "nothing is left over: {left:?}");
        }
    }

    #[tokio::test]
    async fn the_old_key_opens_nothing_any_more() {
        let place = Place::with_file();
        place.add_account().await;
        let old = place.master.load(&place.database()).expect("a key");
        RedbStore::rotate(&place.database(), &place.master, None).expect("rotated");
        let opened = RedbStore::open(&place.database(), old);
        assert!(matches!(opened, Err(StoreError::WrongKey { .. })), "{opened:?}");
    }

    #[tokio::test]
    async fn a_given_key_rotates_to_a_given_one() {
        let mut place = Place::with_file();
        let [first, second] =
            ["AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHiA="];
        place.master = MasterKey::Given(Secret::new(first));
        place.add_account().await;
        let refused = RedbStore::rotate(&place.database(), &place.master, None).expect_err("to what?").to_string();
        assert!(refused.contains("CCFLARE_NEXT_MASTER_KEY"), "{refused}");
        let next = SealKey::from_base64(second).expect("a key");
        RedbStore::rotate(&place.database(), &place.master, Some(&next)).expect("rotated");
        assert!(matches!(place.open(), Err(StoreError::WrongKey { .. })));
        place.master = MasterKey::Given(Secret::new(second));
        assert_eq!(place.account_key().await, "sk-canary");
    }

    #[tokio::test]
    async fn a_database_that_is_in_use_is_not_rotated() {
        let place = Place::with_file();
        let _in_use = place.open().expect("opens");
        let refused = RedbStore::rotate(&place.database(), &place.master, None);
        assert!(matches!(refused, Err(StoreError::Locked { .. })), "{refused:?}");
    }

    #[cfg(unix)]
    #[test]
    fn the_next_key_is_private_as_well() {
        let place = Place::with_file();
        let begun = Begun::begin(&place.database(), &place.master, None).expect("begun");
        let next = begun.files.expect("a file").next;
        assert_eq!(std::os::unix::fs::MetadataExt::mode(&next.metadata().expect("there")) & 0o777, 0o600);
    }
}
