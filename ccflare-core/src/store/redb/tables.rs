//! The tables. Keys are fixed bytes whose order is the order wanted; values are rows as the codec writes them.

use redb::{TableDefinition, WriteTransaction};

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

/// Makes the tables that are not there yet, so that no reader has to think of one that is missing.
pub(super) fn make(write: &WriteTransaction) -> Result<(), StoreError> {
    for table in [ACCOUNTS, CREDENTIALS, LOGINS, INTENTS, EXCHANGES, CLIENT_KEYS, AUDIT, PAYLOADS] {
        write.open_table(table).map_err(failed)?;
    }
    for table in [AGENT_PREFERENCES, WORKSPACES] {
        write.open_table(table).map_err(failed)?;
    }
    write.open_table(LEASES).map_err(failed)?;
    write.open_table(CLIENT_KEY_USES).map_err(failed)?;
    Ok(())
}
