//! Requests go first.
//!
//! A commit computes for a millisecond or two without a pause. The system lets it, and whoever is to run on the same processor
//! waits, though another one may be idle: one request in every commit took that much longer. So it offers its turn now and
//! then.

/// A batch of more entries means that the ledger lags behind, or that all processors are busy anyway: then it goes on.
const MOST: usize = 2048;

/// Lets others have the processor, if somebody waits for it, in the middle of so many entries.
pub(super) fn give_way(entries: usize) {
    if entries <= MOST {
        std::thread::yield_now();
    }
}
