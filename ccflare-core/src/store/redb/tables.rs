//! The tables. Keys are fixed bytes whose order is the order wanted; values are rows as the codec writes them.

use std::ops::Bound;

use redb::{Key, Table, TableDefinition, Value, WriteTransaction};

use super::failed;
use crate::store::StoreError;

/// An id's bytes: UUIDv7, so they sort by time.
pub(super) type IdKey = &'static [u8; 16];

/// Facts about the database itself, by name.
pub(super) const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");

/// Everything about an account but its credential, by [`AccountId`](crate::domain::AccountId).
pub(super) const ACCOUNTS: TableDefinition<'_, IdKey, &[u8]> = TableDefinition::new("accounts");

/// The sealed credential of each account. Apart, because accounts change with every answer and credentials hardly ever.
pub(super) const CREDENTIALS: TableDefinition<'_, IdKey, &[u8]> = TableDefinition::new("credentials");

/// Sealed logins that wait for their code, by [`LoginId`](crate::domain::LoginId).
pub(super) const LOGINS: TableDefinition<'_, IdKey, &[u8]> = TableDefinition::new("logins");

/// Holder and end of each lease, by name.
pub(super) const LEASES: TableDefinition<'_, &str, (&str, i64)> = TableDefinition::new("leases");

/// Intents without a settlement, by [`ExchangeId`](crate::domain::ExchangeId).
pub(super) const INTENTS: TableDefinition<'_, IdKey, &[u8]> = TableDefinition::new("intents");

/// Settled exchanges, by [`ExchangeId`](crate::domain::ExchangeId).
pub(super) const EXCHANGES: TableDefinition<'_, IdKey, &[u8]> = TableDefinition::new("exchanges");

/// What records name by its number: texts, accounts, orders of accounts.
pub(super) const WORDS: TableDefinition<'_, u32, &[u8]> = TableDefinition::new("words");

/// Client keys, by [`ClientKeyId`](crate::domain::ClientKeyId).
pub(super) const CLIENT_KEYS: TableDefinition<'_, IdKey, &[u8]> = TableDefinition::new("client_keys");

/// When each client key was last used, in microseconds. Apart, because the ledger writes it with every batch.
pub(super) const CLIENT_KEY_USES: TableDefinition<'_, IdKey, i64> = TableDefinition::new("client_key_uses");

/// What exchanges carried, sealed, by [`ExchangeId`](crate::domain::ExchangeId).
pub(super) const PAYLOADS: TableDefinition<'_, IdKey, &[u8]> = TableDefinition::new("payloads");

/// The audit log, by [`AuditId`](crate::domain::AuditId).
pub(super) const AUDIT: TableDefinition<'_, IdKey, &[u8]> = TableDefinition::new("audit");

/// What is preferred for agents, by their ids or names.
pub(super) const AGENT_PREFERENCES: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("agent_preferences");

/// Workspaces, by their paths.
pub(super) const WORKSPACES: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("workspaces");
/// Where conversations live, by [`SessionKey`](crate::domain::SessionKey).
pub(super) const BINDINGS: TableDefinition<'_, IdKey, &[u8]> = TableDefinition::new("bindings");

/// Account (its id as a number), last sight and end (microseconds) of each id that lives on one account, by that id.
pub(super) const OWNED_IDS: TableDefinition<'_, &str, (u128, i64, Option<i64>)> = TableDefinition::new("owned_ids");

/// What settled exchanges add up to, by level, beginning and series.
pub(super) const CELLS: TableDefinition<'_, CellKey, &[u8]> = TableDefinition::new("cells");

/// The dimensions of each series: the number that stands for them in keys.
pub(super) const SERIES: TableDefinition<'_, u32, &[u8]> = TableDefinition::new("series");

/// The number of each series, by its dimensions as they are stored.
pub(super) const SERIES_NUMBERS: TableDefinition<'_, &[u8], u32> = TableDefinition::new("series_numbers");

/// The series of each settled exchange.
pub(super) const EXCHANGE_SERIES: TableDefinition<'_, IdKey, u32> = TableDefinition::new("exchange_series");

/// The settled exchanges of each series: its number, and their ids.
pub(super) const SERIES_EXCHANGES: TableDefinition<'_, NumberedKey, ()> = TableDefinition::new("series_exchanges");

/// What accounts were called when they last answered, by [`AccountId`](crate::domain::AccountId).
pub(super) const ACCOUNT_NAMES: TableDefinition<'_, IdKey, &str> = TableDefinition::new("account_names");

/// Conversations, by the id that their clients gave them.
pub(super) const SESSIONS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("sessions");

/// Conversations, by the id of their latest exchange.
pub(super) const SESSION_ORDER: TableDefinition<'_, IdKey, &str> = TableDefinition::new("session_order");

/// The settled exchanges of each conversation: its number, and their ids.
pub(super) const SESSION_EXCHANGES: TableDefinition<'_, NumberedKey, ()> = TableDefinition::new("session_exchanges");

/// Sums that would cost reading a whole table, by name.
pub(super) const TALLIES: TableDefinition<'_, &str, u64> = TableDefinition::new("tallies");

/// Bytes of the rows of settled exchanges.
pub(super) const EXCHANGE_BYTES: &str = "exchange_bytes";
/// Bytes of the rows of payloads.
pub(super) const PAYLOAD_BYTES: &str = "payload_bytes";
/// How many conversations there have been; each has one of these numbers.
pub(super) const SESSION_NUMBERS: &str = "session_numbers";

/// A level's code, a beginning in minutes, and the number of a series.
pub(super) type CellKey = &'static [u8; 9];

/// A number, and an id.
pub(super) type NumberedKey = &'static [u8; 20];

/// A number, and an id, big-endian.
pub(super) fn numbered(number: u32, id: &[u8; 16]) -> [u8; 20] {
    let mut key = [0; 20];
    key[..4].copy_from_slice(&number.to_be_bytes());
    key[4..].copy_from_slice(id);
    key
}

/// Inserts rows in the order of their keys, but none over another; returns the keys that were there already. What lies
/// between two keys of the table goes in through a cursor: three times as fast as single inserts, and it leaves full
/// pages behind instead of half-full ones. That pays where most rows belong behind the table's end.
pub(super) fn insert_ascending<'v, const N: usize, V: Value>(
    table: &mut Table<'_, &'static [u8; N], V>,
    rows: impl Iterator<Item = ([u8; N], V::SelfType<'v>)>,
) -> Result<Vec<[u8; N]>, StoreError> {
    let (mut rows, mut known) = (rows.peekable(), Vec::new());
    while let Some((first, _)) = rows.peek() {
        let mut gap = table.lower_bound_mut(Bound::Included(first)).map_err(failed)?;
        let next = gap.peek_next().map_err(failed)?.map(|(key, _)| *key.value());
        while let Some((key, value)) = rows.next_if(|(key, _)| next.is_none_or(|next| *key < next)) {
            gap.insert_before(&key, value).map_err(StoreError::backend)?;
        }
        gap.close().map_err(failed)?;
        known.extend(rows.next_if(|(key, _)| Some(*key) == next).map(|(key, _)| key));
    }
    Ok(known)
}

/// Something that is done to each table.
pub(super) trait EachTable {
    /// Does it to this one.
    fn table<K: Key + 'static, V: Value + 'static>(
        &mut self,
        table: TableDefinition<'static, K, V>,
    ) -> Result<(), StoreError>;
}

/// Does it to every table there is. A table that is not listed here is neither made nor backed up.
pub(super) fn each(doing: &mut impl EachTable) -> Result<(), StoreError> {
    doing.table(META)?;
    doing.table(ACCOUNTS)?;
    doing.table(CREDENTIALS)?;
    doing.table(LOGINS)?;
    doing.table(LEASES)?;
    doing.table(INTENTS)?;
    doing.table(EXCHANGES)?;
    doing.table(WORDS)?;
    doing.table(CLIENT_KEYS)?;
    doing.table(CLIENT_KEY_USES)?;
    doing.table(PAYLOADS)?;
    doing.table(AUDIT)?;
    doing.table(AGENT_PREFERENCES)?;
    doing.table(WORKSPACES)?;
    doing.table(OWNED_IDS)?;
    doing.table(BINDINGS)?;
    derived(doing)
}

/// The tables that can be made anew from the settled exchanges.
pub(super) fn derived(doing: &mut impl EachTable) -> Result<(), StoreError> {
    doing.table(CELLS)?;
    doing.table(SERIES)?;
    doing.table(SERIES_NUMBERS)?;
    doing.table(EXCHANGE_SERIES)?;
    doing.table(SERIES_EXCHANGES)?;
    doing.table(ACCOUNT_NAMES)?;
    doing.table(SESSIONS)?;
    doing.table(SESSION_ORDER)?;
    doing.table(SESSION_EXCHANGES)?;
    doing.table(TALLIES)
}

struct Make<'a>(&'a WriteTransaction);

impl EachTable for Make<'_> {
    fn table<K: Key + 'static, V: Value + 'static>(
        &mut self,
        table: TableDefinition<'static, K, V>,
    ) -> Result<(), StoreError> {
        self.0.open_table(table).map(drop).map_err(failed)
    }
}

struct Delete<'a>(&'a WriteTransaction);

impl EachTable for Delete<'_> {
    fn table<K: Key + 'static, V: Value + 'static>(
        &mut self,
        table: TableDefinition<'static, K, V>,
    ) -> Result<(), StoreError> {
        self.0.delete_table(table).map(drop).map_err(failed)
    }
}

/// Makes the tables that are not there yet, so that no reader has to think of one that is missing.
pub(super) fn make(write: &WriteTransaction) -> Result<(), StoreError> {
    each(&mut Make(write))
}

/// Empties the tables that can be made anew.
pub(super) fn clear_derived(write: &WriteTransaction) -> Result<(), StoreError> {
    derived(&mut Delete(write))?;
    derived(&mut Make(write))
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;
    use redb::{Database, ReadableTable, backends::InMemoryBackend};

    use super::*;

    const NUMBERS: TableDefinition<'_, &[u8; 2], u32> = TableDefinition::new("numbers");

    proptest! {
        #[test]
        fn rows_that_are_inserted_in_order_fill_gaps_and_leave_what_is_there(
            there in prop::collection::btree_set(0_u16..400, 0..300),
            more in prop::collection::btree_set(0_u16..400, 0..300),
        ) {
            let db = Database::builder().create_with_backend(InMemoryBackend::new()).expect("a database");
            let write = db.begin_write().expect("a transaction");
            let mut table = write.open_table(NUMBERS).expect("a table");
            for key in &there {
                table.insert(&key.to_be_bytes(), 1).expect("inserted");
            }
            let known = insert_ascending(&mut table, more.iter().map(|key| (key.to_be_bytes(), 2))).expect("inserted");
            let known: BTreeSet<_> = known.into_iter().map(u16::from_be_bytes).collect();
            prop_assert_eq!(known, there.intersection(&more).copied().collect());
            let mut expected: BTreeMap<_, _> = more.iter().map(|key| (*key, 2)).collect();
            expected.extend(there.iter().map(|key| (*key, 1)));
            let rows = table.iter().expect("rows").map(|row| row.expect("a row"));
            let rows: BTreeMap<_, _> = rows.map(|(key, value)| (u16::from_be_bytes(*key.value()), value.value())).collect();
            prop_assert_eq!(rows, expected);
        }
    }
}
