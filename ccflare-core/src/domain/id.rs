//! Identities. All are UUIDv7, so their byte order is their order in time.

use std::{
    fmt,
    str::FromStr,
    sync::{LazyLock, Mutex},
};

use serde::{Deserialize, Serialize};
use uuid::{ContextV7, Uuid};

use super::Timestamp;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// A new id whose order among others follows `now`.
            #[must_use]
            pub fn new(now: Timestamp) -> Self {
                Self(v7(now))
            }

            /// Comes before every id made at `moment` or later, and behind every one made a millisecond earlier.
            #[must_use]
            pub fn first_of(moment: Timestamp) -> Self {
                let millis = (moment.as_micros().max(0).unsigned_abs() / 1000).to_be_bytes();
                let mut bytes = [0; 16];
                bytes[..6].copy_from_slice(&millis[2..]);
                Self::from_bytes(bytes)
            }

            /// The id with exactly these bytes.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }

            /// The millisecond in which it was made.
            #[must_use]
            pub fn made(&self) -> Timestamp {
                let [a, b, c, d, e, f, ..] = *self.0.as_bytes();
                let millis = u64::from_be_bytes([0, 0, a, b, c, d, e, f]);
                Timestamp::from_micros(i64::try_from(millis * 1000).unwrap_or(i64::MAX))
            }

            /// Big-endian bytes; they sort as the ids do.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    };
}

id! {
    /// Names an account for ever; names, priorities and keys may change around it.
    AccountId
}

id! {
    /// Names one client request and its record; sent back as `x-ccflare-request-id`.
    ExchangeId
}

id! {
    /// Names one login while it waits for its code.
    LoginId
}

id! {
    /// Names a client key; the key itself may be exchanged for another.
    ClientKeyId
}

id! {
    /// Names an entry of the audit log.
    AuditId
}

/// Counts on within a millisecond, so that ids made one after the other sort that way.
static COUNTER: LazyLock<Mutex<ContextV7>> = LazyLock::new(|| Mutex::new(ContextV7::new().with_additional_precision()));

fn v7(now: Timestamp) -> Uuid {
    let micros = now.as_micros().max(0).unsigned_abs();
    let (seconds, nanos) = (micros / 1_000_000, (micros % 1_000_000) as u32 * 1000);
    Uuid::new_v7(uuid::Timestamp::from_unix(&*COUNTER, seconds, nanos))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_made_in_the_same_instant_sort_as_they_were_made() {
        let now = Timestamp::from_seconds(1_800_000_000);
        let ids: Vec<_> = (0..10_000).map(|_| ExchangeId::new(now)).collect();
        assert!(ids.is_sorted());
        assert!(ExchangeId::new(now + std::time::Duration::from_millis(1)) > ids[9_999]);
    }
}
