//! What the conformance suite can't know: files, and opening them again.

use std::{
    fs,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use redb::{ReadableTable, StorageBackend, WriteTransaction};
use tempfile::TempDir;

use super::*;
use crate::{
    domain::{Account, Credential, Exchange, ExchangeId, Intent, Outcome, Secret, Timestamp},
    store::{AccountStore, AnalyticsStore, LedgerEntry, LedgerStore, PageRequest, Store, Wanted, conformance},
};

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
const CANARY: &str = "sk-ant-api03-canary-that-must-not-be-found";

/// A place for a database, its path and its key.
struct Place {
    directory: TempDir,
    key: SealKey,
}

impl Place {
    fn new() -> Self {
        Self { directory: tempfile::tempdir().expect("a directory"), key: SealKey::generate() }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("state/ccflare.redb")
    }

    fn open(&self) -> Result<RedbStore, StoreError> {
        RedbStore::open(&self.path(), self.key.clone())
    }
}

fn account(name: &str) -> Account {
    Account::new(name, "anthropic", Credential::ApiKey(Secret::new(CANARY)), NOW)
}

fn intent(number: u8) -> Arc<Intent> {
    Arc::new(Intent {
        id: ExchangeId::from_bytes([number; 16]),
        at: NOW,
        method: http::Method::GET,
        path: "/v1/models".into(),
        model: None,
        request_bytes: 0,
        client_key: None,
        asker: None,
        preference: None,
    })
}

async fn newest(store: &RedbStore) -> Vec<Exchange> {
    store.exchanges(PageRequest { before: None, limit: 10 }).await.expect("a page")
}

/// Writes behind the store's back.
fn tamper(store: &RedbStore, tampering: impl FnOnce(&WriteTransaction)) {
    let tampered = store.engine.run(|opened| {
        let write = opened.db.begin_write().map_err(failed)?;
        tampering(&write);
        write.commit().map_err(failed)
    });
    tampered.expect("a commit");
}

#[tokio::test]
async fn memory_keeps_every_law_of_stores() {
    conformance::check(async || Arc::new(RedbStore::in_memory()) as Arc<dyn Store>).await;
}

#[tokio::test]
async fn a_file_keeps_every_law_of_stores() {
    let places = parking_lot::Mutex::new(Vec::new());
    conformance::check(async || {
        let place = Place::new();
        let store = place.open().expect("a new database");
        places.lock().push(place);
        Arc::new(store) as Arc<dyn Store>
    })
    .await;
}

#[tokio::test]
async fn accounts_and_exchanges_survive_reopening() {
    let place = Place::new();
    let added = account("a");
    let settled = Exchange::unfinished(intent(1), Outcome::Failed);
    {
        let store = place.open().expect("a new database");
        store.add_account(&added).await.expect("a free name");
        store.append(&[LedgerEntry::Settled(Box::new(settled.clone()))]).await.expect("a batch");
    }
    let store = place.open().expect("the same database");
    let accounts = store.accounts().await.expect("the accounts");
    let Credential::ApiKey(key) = &*accounts[0].credential else { panic!("it is a key") };
    assert_eq!(key.expose(), CANARY);
    assert_eq!(format!("{accounts:?}"), format!("{:?}", [added]));
    assert_eq!(newest(&store).await, [settled]);
}

/// The copy is what a killed process leaves behind: all that it wrote, and no goodbye.
#[tokio::test]
async fn a_killed_process_leaves_every_batch_and_its_open_intents() {
    let place = Place::new();
    let after_crash = Place { directory: tempfile::tempdir().expect("a directory"), key: place.key.clone() };
    let store = place.open().expect("a new database");
    for number in 0..5 {
        store.append(&[LedgerEntry::Opened(intent(number))]).await.expect("a batch");
    }
    let settled = Exchange::unfinished(intent(4), Outcome::Answered);
    store.append(&[LedgerEntry::Settled(Box::new(settled.clone()))]).await.expect("a batch");
    fs::create_dir_all(after_crash.path().parent().expect("a parent")).expect("a directory");
    fs::copy(place.path(), after_crash.path()).expect("a copy");

    let store = after_crash.open().expect("what the crash left");
    assert_eq!(store.recover().await.expect("recovering"), 4);
    assert_eq!(store.recover().await.expect("recovering again"), 0);
    let interrupted = (0..4).rev().map(|number| Exchange::unfinished(intent(number), Outcome::Interrupted));
    let expected: Vec<_> = [settled].into_iter().chain(interrupted).collect();
    assert_eq!(newest(&store).await, expected);
}

#[tokio::test]
async fn another_key_is_refused_and_harms_nothing() {
    let place = Place::new();
    place.open().expect("a new database").add_account(&account("a")).await.expect("a free name");
    let error = RedbStore::open(&place.path(), SealKey::generate()).expect_err("a wrong key");
    assert!(matches!(error, StoreError::WrongKey { .. }), "{error:?}");
    let store = place.open().expect("the right key");
    assert_eq!(store.accounts().await.expect("the accounts").len(), 1);
}

#[tokio::test]
async fn a_second_opener_is_told_that_the_file_is_in_use() {
    let place = Place::new();
    let first = place.open().expect("a new database");
    let error = place.open().expect_err("a second opener");
    assert!(matches!(&error, StoreError::Locked { path } if *path == place.path().display().to_string()), "{error:?}");
    drop(first);
    place.open().expect("nobody else any more");
}

#[tokio::test]
async fn the_file_shows_no_credential() {
    let place = Place::new();
    let store = place.open().expect("a new database");
    let added = account("name-that-is-no-secret");
    store.add_account(&added).await.expect("a free name");
    store.change_account(added.id, crate::domain::AccountChange::Served, NOW).await.expect("a change");
    drop(store);
    let bytes = fs::read(place.path()).expect("the file");
    let finds = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(finds("name-that-is-no-secret"), "the row is in the file");
    assert!(!finds(&CANARY[..12]) && !finds(&CANARY[20..]), "the key is in the file");
}

#[tokio::test]
async fn a_credential_opens_for_its_own_account_only() {
    let store = RedbStore::in_memory();
    let [mine, theirs] = [account("mine"), account("theirs")];
    store.add_account(&mine).await.expect("a free name");
    store.add_account(&theirs).await.expect("a free name");

    tamper(&store, |write| {
        let mut credentials = write.open_table(tables::CREDENTIALS).expect("the table");
        let moved = credentials.get(theirs.id.as_bytes()).expect("a read").expect("a row").value().to_vec();
        credentials.insert(mine.id.as_bytes(), moved.as_slice()).expect("a write");
    });
    let error = store.accounts().await.expect_err("a credential in another's place");
    assert!(matches!(&error, StoreError::Corrupt { what, .. } if what.contains(&mine.id.to_string())), "{error:?}");
}

#[tokio::test]
async fn a_damaged_row_is_named_and_spares_the_others() {
    let store = RedbStore::in_memory();
    let whole = Exchange::unfinished(intent(2), Outcome::Answered);
    store.append(&[LedgerEntry::Settled(Box::new(whole.clone()))]).await.expect("a batch");
    tamper(&store, |write| {
        let damaged: &[u8] = &[1, 0xff, 0xff];
        write.open_table(tables::EXCHANGES).expect("the table").insert(&[1; 16], damaged).expect("a write");
    });

    let error = store.exchange(intent(1).id).await.expect_err("a damaged row");
    assert!(
        matches!(&error, StoreError::Corrupt { what, .. } if what.contains(&intent(1).id.to_string())),
        "{error:?}"
    );
    assert_eq!(store.exchange(intent(2).id).await.expect("a whole row"), Some(whole.clone()));
    let page = PageRequest { before: None, limit: 10 };
    assert_eq!(store.exchanges(page).await.expect("a page without it"), std::slice::from_ref(&whole));
    let found = store.find(&Wanted { limit: 10, ..Wanted::default() }).await.expect("a page without it");
    assert_eq!(found.exchanges, [whole]);
    let before = Timestamp::from_seconds(4_000_000_000);
    assert_eq!(store.sweep_exchanges(before, 10).await.expect("swept"), 2, "it does not stay for ever");
}

#[test]
fn a_newer_schema_is_refused() {
    let place = Place::new();
    let store = place.open().expect("a new database");
    tamper(&store, |write| {
        let newer = 99_u32.to_be_bytes();
        write.open_table(tables::META).expect("the table").insert("schema", newer.as_slice()).expect("a write");
    });
    drop(store);
    let error = place.open().expect_err("a newer schema");
    assert!(matches!(&error, StoreError::Corrupt { why, .. } if why.contains("99")), "{error:?}");
}

#[test]
fn a_file_that_is_no_database_is_refused_and_left_as_it_is() {
    let place = Place::new();
    fs::create_dir_all(place.path().parent().expect("a parent")).expect("a directory");
    let text = "dear diary\n".repeat(1000);
    fs::write(place.path(), &text).expect("a file");
    place.open().expect_err("no database");
    assert_eq!(fs::read_to_string(place.path()).expect("the file"), text);
}

#[cfg(unix)]
#[test]
fn file_and_directory_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;

    let place = Place::new();
    let _store = place.open().expect("a new database");
    let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    assert_eq!(mode(&place.path()), 0o600);
    assert_eq!(mode(place.path().parent().expect("a parent")), 0o700);
}

#[tokio::test]
async fn an_account_without_its_credential_is_not_passed_over() {
    let store = RedbStore::in_memory();
    let added = account("a");
    store.add_account(&added).await.expect("a free name");
    tamper(&store, |write| {
        write.open_table(tables::CREDENTIALS).expect("the table").remove(added.id.as_bytes()).expect("a write");
    });
    assert!(matches!(store.accounts().await, Err(StoreError::Corrupt { .. })));
}

/// A disk that is full when it is told so.
#[derive(Debug)]
struct Disk {
    file: FileBackend,
    full: Arc<AtomicBool>,
}

impl Disk {
    fn check(&self) -> io::Result<()> {
        match self.full.load(Ordering::SeqCst) {
            true => Err(io::ErrorKind::StorageFull.into()),
            false => Ok(()),
        }
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.check()?;
        self.file.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.check()?;
        self.file.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.check()?;
        self.file.write(offset, data)
    }

    fn close(&self) -> io::Result<()> {
        self.file.close()
    }
}

#[tokio::test]
async fn a_disk_that_was_full_is_written_to_again() {
    let (place, full) = (Place::new(), Arc::new(AtomicBool::new(false)));
    let open = {
        let (path, full) = (place.path(), Arc::clone(&full));
        move || {
            let file = open_private(&path).and_then(|file| FileBackend::new(file).map_err(io::Error::other));
            let disk = Disk { file: file.expect("a file"), full: Arc::clone(&full) };
            builder().create_with_backend(disk).map_err(|error| opening(&path, error))
        }
    };
    let engine = Engine::new(open().expect("a new database"), place.key.clone(), Some(Box::new(open)));
    let store = RedbStore { engine: Arc::new(engine.expect("a new database")), path: None };
    let [before, after] = [1, 2].map(|number| Exchange::unfinished(intent(number), Outcome::Answered));
    let settled = |exchange: &Exchange| [LedgerEntry::Settled(Box::new(exchange.clone()))];
    store.append(&settled(&before)).await.expect("room");

    full.store(true, Ordering::SeqCst);
    store.append(&settled(&after)).await.expect_err("no room");
    store.append(&settled(&after)).await.expect_err("still no room");
    full.store(false, Ordering::SeqCst);
    store.append(&settled(&after)).await.expect("room again");
    assert_eq!(newest(&store).await, [after, before]);
}

#[tokio::test]
async fn a_file_that_was_taken_away_is_not_replaced_by_an_empty_one() {
    let place = Place::new();
    drop(place.open().expect("a new database"));
    fs::remove_file(place.path()).expect("the file");
    reopen(&place.path()).expect_err("no file");
    assert!(!place.path().exists());
}
