//! Identities. All are UUIDv7, so their byte order is their order in time.

use std::{
    fmt,
    str::FromStr,
    sync::atomic::{AtomicU64, Ordering},
};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

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

/// Counts all ids of this process, so that those made in the same instant sort as they were made.
static MADE: AtomicU64 = AtomicU64::new(0);

/// Bits of the count in an id: more than are made in an instant.
const COUNT_BITS: u32 = 26;
const RANDOM_BITS: u32 = 62 - COUNT_BITS;

/// Milliseconds, the microseconds beyond them, the count, and chance (RFC 9562 §6.2, methods 3 and 1). The time is the one
/// given, also if it is earlier than that of another id.
fn v7(now: Timestamp) -> Uuid {
    let micros = now.as_micros().max(0).unsigned_abs();
    let count = MADE.fetch_add(1, Ordering::Relaxed) & ((1 << COUNT_BITS) - 1);
    let chance = rand::random::<u64>() & ((1 << RANDOM_BITS) - 1);
    let high = ((micros / 1000) << 16) | 0x7000 | ((micros % 1000) << 2);
    let low = (0b10 << 62) | (count << RANDOM_BITS) | chance;
    Uuid::from_u64_pair(high, low)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_tells_its_own_time_whatever_others_tell() {
        let [late, early] = [2_000_000_000, 1_000_000_000].map(Timestamp::from_seconds);
        let ids = [late, early].map(ExchangeId::new);
        assert_eq!(ids.map(|id| id.made()), [late, early]);
        let version = Uuid::from_bytes(*ids[0].as_bytes());
        assert_eq!((version.get_version_num(), version.get_variant()), (7, uuid::Variant::RFC4122));
    }

    #[test]
    fn ids_made_in_the_same_instant_sort_as_they_were_made() {
        let now = Timestamp::from_seconds(1_800_000_000);
        let ids: Vec<_> = (0..10_000).map(|_| ExchangeId::new(now)).collect();
        assert!(ids.is_sorted());
        assert!(ExchangeId::new(now + std::time::Duration::from_millis(1)) > ids[9_999]);
    }
}
