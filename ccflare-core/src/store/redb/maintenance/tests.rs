//! Copies open, hold what was there, and go back; damage is found.

use tempfile::TempDir;

use super::*;
use crate::{
    domain::{Account, Credential, Exchange, Intent, Outcome, Secret, Timestamp},
    store::{AccountStore, AnalyticsStore, LedgerEntry, LedgerStore, PageRequest},
};

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

fn settled(number: u64) -> LedgerEntry {
    let at = NOW + std::time::Duration::from_secs(number);
    let intent = Intent {
        id: ExchangeId::new(at),
        at,
        method: http::Method::GET,
        path: "/v1/models".into(),
        model: None,
        request_bytes: 0,
        client_key: None,
        asker: None,
        preference: None,
    };
    LedgerEntry::Settled(Box::new(Exchange::unfinished(intent, Outcome::Cancelled)))
}

async fn count(store: &RedbStore) -> usize {
    store.exchanges(PageRequest { before: None, limit: 10_000 }).await.expect("a page").len()
}

struct Place {
    directory: TempDir,
    master: MasterKey,
}

/// A key that is given: 32 times this byte.
fn given(byte: u8) -> MasterKey {
    use base64::prelude::{BASE64_STANDARD, Engine as _};
    MasterKey::Given(Secret::new(&BASE64_STANDARD.encode([byte; 32])))
}

impl Place {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let master = given(b'k');
        Self { directory, master }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("ccflare.redb")
    }

    async fn filled(&self, exchanges: u64) -> RedbStore {
        let store = RedbStore::open_with(&self.path(), &self.master).expect("a new database");
        let key = Credential::ApiKey(Secret::new("sk-ant-api03-canary"));
        store.add_account(&Account::new("work", "anthropic", key, NOW)).await.expect("added");
        store.append(&(0..exchanges).map(settled).collect::<Vec<_>>()).await.expect("settled");
        store
    }
}

#[tokio::test]
async fn a_backup_holds_what_was_there_and_goes_back() {
    let place = Place::new();
    let store = place.filled(300).await;
    let progress = Progress::default();
    let backup = store.back_up("monday", progress.clone()).await.expect("a copy");
    assert_eq!(backup.path, place.directory.path().join("backups/monday.redb"));
    let (done, total) = progress.read();
    assert!(done == total && done > 600, "{done} of {total}");
    let taken = store.back_up("monday", Progress::default()).await.expect_err("none is written over");
    assert!(matches!(taken, StoreError::BackupTaken(_)), "{taken}");
    store.append(&[settled(1000)]).await.expect("settled behind it");
    let in_use = RedbStore::restore(&backup.path, &place.path(), &place.master).expect_err("it is open");
    assert!(matches!(in_use, StoreError::Locked { .. }), "{in_use}");
    assert_eq!(count(&store).await, 301);
    let sizes = store.sizes().await.expect("sizes");
    drop(store);

    let stranger = given(b'x');
    let refused = RedbStore::restore(&backup.path, &place.path(), &stranger).expect_err("another key");
    assert!(matches!(refused, StoreError::WrongKey { .. }), "{refused}");
    let old = RedbStore::restore(&backup.path, &place.path(), &place.master).expect("restored").expect("an old one");
    let restored = RedbStore::open_with(&place.path(), &place.master).expect("it opens");
    assert_eq!((count(&restored).await, restored.accounts().await.expect("unsealed").len()), (300, 1));
    assert_eq!(count(&RedbStore::open_with(&old, &place.master).expect("it opens")).await, 301);
    let without_meta = |sizes: Sizes| sizes.rows.into_iter().filter(|(name, _)| name != "leases").collect::<Vec<_>>();
    let (before, after) = (without_meta(sizes), without_meta(restored.sizes().await.expect("sizes")));
    let exchanges = |rows: &[(String, u64)]| rows.iter().find(|(name, _)| name == "exchanges").map(|(_, rows)| *rows);
    assert_eq!((exchanges(&before), exchanges(&after)), (Some(301), Some(300)));
    assert_eq!(before.len(), after.len());

    drop(restored);
    let again = RedbStore::restore(&backup.path, &place.path(), &place.master).expect("restored").expect("an old one");
    assert_ne!(again, old);
    assert_eq!(count(&RedbStore::open_with(&old, &place.master).expect("it opens")).await, 301, "the first one stays");
}

#[tokio::test]
async fn a_backup_without_its_key_makes_none() {
    let place = Place::new();
    let store = place.filled(1).await;
    let backup = store.back_up("one", Progress::default()).await.expect("a backup");
    let elsewhere = tempfile::tempdir().expect("a folder");
    let (database, key) = (elsewhere.path().join("ccflare.redb"), elsewhere.path().join("master.key"));
    let refused = RedbStore::restore(&backup.path, &database, &MasterKey::File(key.clone())).expect_err("no key");
    assert!(matches!(refused, StoreError::UnusableKey { .. }), "{refused}");
    assert_eq!(fs::read_dir(elsewhere.path()).expect("readable").count(), 0, "nothing is left");
}

#[tokio::test]
async fn a_backup_is_never_written_elsewhere() {
    let place = Place::new();
    let store = place.filled(1).await;
    for name in ["", "../x", "a/b", ".hidden", "a b", "ä"] {
        let refused = store.back_up(name, Progress::default()).await.expect_err(name);
        assert!(matches!(refused, StoreError::BackupName(_)), "{refused}");
    }
    let memory = RedbStore::in_memory().back_up("x", Progress::default()).await;
    assert!(matches!(memory, Err(StoreError::Unsupported(_))));
}

#[tokio::test]
async fn a_backup_that_is_not_there_is_named_once_and_nothing_is_touched() {
    let place = Place::new();
    drop(place.filled(1).await);
    let missing = place.directory.path().join("backups/tuesday.redb");
    let error = RedbStore::restore(&missing, &place.path(), &place.master).expect_err("nothing to restore");
    assert_eq!(error.to_string(), format!("there is no backup {}", missing.display()));
    let folder = RedbStore::restore(place.directory.path(), &place.path(), &place.master).expect_err("a folder");
    assert!(folder.to_string().contains(&format!("{} can't be copied", place.directory.path().display())), "{folder}");
    assert!(std::error::Error::source(&folder).is_none(), "what it tells is not told again");
    assert_eq!(count(&RedbStore::open_with(&place.path(), &place.master).expect("it opens")).await, 1);
}

#[test]
fn every_table_is_known() {
    let store = RedbStore::in_memory();
    let known = |opened: Opened<'_>| {
        let read = opened.db.begin_read().map_err(failed)?;
        let mut rows = CountRows { read: &read, rows: Vec::new() };
        tables::each(&mut rows)?;
        let mut known: Vec<_> = rows.rows.into_iter().map(|(name, _)| name).collect();
        let mut there: Vec<_> = read.list_tables().map_err(failed)?.map(|table| table.name().to_owned()).collect();
        known.sort();
        there.sort();
        Ok((known, there))
    };
    let (known, there) = store.engine.run(known).expect("readable");
    assert_eq!(known, there, "a table that `tables::each` does not list is not backed up");
}

#[tokio::test]
async fn a_check_finds_what_is_damaged() {
    let place = Place::new();
    let store = place.filled(50).await;
    let checked = store.check(Progress::default()).await.expect("checked");
    assert_eq!((checked.rows, checked.problems.len()), (50, 0));
    store
        .engine
        .run(|opened| {
            let write = opened.db.begin_write().map_err(failed)?;
            let mut table = write.open_table(tables::EXCHANGES).map_err(failed)?;
            table.insert(&[9; 16], b"\x02nonsense".as_slice()).map_err(failed)?;
            drop(table);
            write.commit().map_err(failed)
        })
        .expect("damaged");
    let problems = store.check(Progress::default()).await.expect("checked").problems;
    assert_eq!(problems.len(), 4, "{problems:?}");
    assert!(problems[0].contains("can't be read") && problems[1].contains("not listed"), "{problems:?}");
    assert_eq!(count_rows(&store), 51);
}

fn count_rows(store: &RedbStore) -> u64 {
    let rows = |opened: Opened<'_>| {
        let read = opened.db.begin_read().map_err(failed)?;
        read.open_table(tables::EXCHANGES).map_err(failed)?.len().map_err(failed)
    };
    store.engine.run(rows).expect("readable")
}

#[tokio::test]
async fn compacting_gives_room_back_and_loses_nothing() {
    let place = Place::new();
    let store = place.filled(20_000).await;
    while store.sweep_exchanges(NOW + std::time::Duration::from_secs(19_000), 2000).await.expect("swept") > 0 {}
    let compacted = store.compact(Progress::default()).await.expect("compacted");
    assert!(compacted.after < compacted.before / 2, "{compacted:?}");
    assert_eq!(count(&store).await, 1000);
    assert_eq!(store.check(Progress::default()).await.expect("checked").problems, Vec::<String>::new());
}
