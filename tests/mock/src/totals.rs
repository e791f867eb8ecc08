//! Sums over all requests.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{Disposition, Usage};

/// Sums over all requests since the start or the last reset.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Those that arrived whole, and those broken off while arriving.
    pub requests: u64,
    /// Those without an end yet.
    pub pending: u64,
    /// Answers handed to the connection to their end, errors included.
    pub answered: u64,
    /// Connections ended before any byte.
    pub reset_before: u64,
    /// Answers the mock cut short.
    pub cut: u64,
    /// Requests whose client left before the end.
    pub client_left: u64,
    /// Usage of whole answers.
    pub usage: Usage,
    /// Usage stated in answers that were cut or left.
    pub partial_usage: Usage,
    /// Answers by status, whole or not.
    pub by_status: BTreeMap<u16, u64>,
    /// The same by key; requests without a key are under "".
    pub by_key: BTreeMap<String, KeyTotals>,
}

/// Sums over one key's requests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct KeyTotals {
    /// Requests with this key.
    pub requests: u64,
    /// Answers handed to the connection to their end, errors included.
    pub answered: u64,
    /// Usage of whole answers.
    pub usage: Usage,
    /// Usage stated in answers that were cut or left.
    pub partial_usage: Usage,
    /// Answers by status, whole or not.
    pub by_status: BTreeMap<u16, u64>,
}

impl Totals {
    /// Answers of this status.
    pub fn status(&self, code: u16) -> u64 {
        self.by_status.get(&code).copied().unwrap_or_default()
    }

    /// The sums of a key; zeros if it never came.
    pub fn key(&self, key: &str) -> KeyTotals {
        self.by_key.get(key).cloned().unwrap_or_default()
    }

    pub(crate) fn open(&mut self, key: &str) {
        self.requests += 1;
        self.pending += 1;
        self.of_key(key).requests += 1;
    }

    pub(crate) fn settle(&mut self, key: &str, end: &Disposition) {
        self.pending = self.pending.saturating_sub(1);
        match end {
            Disposition::Pending => {}
            Disposition::Answered { .. } => self.answered += 1,
            Disposition::ResetBefore => self.reset_before += 1,
            Disposition::Cut { .. } => self.cut += 1,
            Disposition::ClientLeft { .. } => self.client_left += 1,
        }
        let usage = end.usage().unwrap_or_default();
        let sum = if end.is_answered() { &mut self.usage } else { &mut self.partial_usage };
        sum.add(&usage);
        if let Some(status) = end.status() {
            *self.by_status.entry(status).or_default() += 1;
        }
        self.of_key(key).settle(end, &usage);
    }

    fn of_key(&mut self, key: &str) -> &mut KeyTotals {
        // Not `entry`: it would copy the key each time.
        if !self.by_key.contains_key(key) {
            self.by_key.insert(key.to_owned(), KeyTotals::default());
        }
        self.by_key.get_mut(key).expect("inserted above")
    }
}

impl KeyTotals {
    /// Answers of this status.
    pub fn status(&self, code: u16) -> u64 {
        self.by_status.get(&code).copied().unwrap_or_default()
    }

    fn settle(&mut self, end: &Disposition, usage: &Usage) {
        if end.is_answered() {
            self.answered += 1;
            self.usage.add(usage);
        } else {
            self.partial_usage.add(usage);
        }
        if let Some(status) = end.status() {
            *self.by_status.entry(status).or_default() += 1;
        }
    }
}
