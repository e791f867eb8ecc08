//! Random tickets that are good for a while: browser sessions, and the one-time links that begin them.
//!
//! In memory only: a restart logs every browser out, and a stolen database holds none.

use std::{collections::HashMap, sync::Mutex, time::Duration};

use ccflare_core::domain::{KeyDigest, Secret};
use tokio::time::Instant;

/// A bounded set of tickets. Only their digests are kept; a lookup goes by digest, so its time tells nothing of them.
#[derive(Debug)]
pub(crate) struct Tickets {
    lifetime: Duration,
    most: usize,
    ends: Mutex<HashMap<KeyDigest, Instant>>,
}

impl Tickets {
    /// Each is good for `lifetime`; the oldest goes when there would be more than `most`.
    pub(crate) fn new(lifetime: Duration, most: usize) -> Self {
        Self { lifetime, most, ends: Mutex::default() }
    }

    /// How long a new one is good for.
    pub(crate) const fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// A new one, of 256 random bits.
    pub(crate) fn issue(&self) -> Secret {
        let bits: [u8; 32] = rand::random();
        let ticket: String = bits.iter().map(|byte| format!("{byte:02x}")).collect();
        let now = Instant::now();
        let mut ends = self.lock();
        ends.retain(|_, end| *end > now);
        if ends.len() >= self.most
            && let Some(oldest) = ends.iter().min_by_key(|(_, end)| **end).map(|(digest, _)| *digest)
        {
            ends.remove(&oldest);
        }
        ends.insert(KeyDigest::of(&ticket), now + self.lifetime);
        Secret::new(&ticket)
    }

    /// Whether this one is good.
    pub(crate) fn is_good(&self, ticket: &str) -> bool {
        self.lock().get(&KeyDigest::of(ticket)).is_some_and(|end| *end > Instant::now())
    }

    /// Takes this one in; says whether it was good. It is good no more.
    pub(crate) fn take(&self, ticket: &str) -> bool {
        self.lock().remove(&KeyDigest::of(ticket)).is_some_and(|end| end > Instant::now())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<KeyDigest, Instant>> {
        self.ends.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_ticket_is_good_until_its_time_is_over_or_it_is_taken() {
        let tickets = Tickets::new(Duration::from_secs(60), 8);
        let (one, other) = (tickets.issue(), tickets.issue());
        assert!(tickets.is_good(one.expose()) && !tickets.is_good("") && !tickets.is_good(&one.expose()[1..]));
        assert!(tickets.take(one.expose()));
        assert!(!tickets.take(one.expose()), "once");
        tokio::time::advance(Duration::from_secs(60)).await;
        assert!(!tickets.is_good(other.expose()) && !tickets.take(other.expose()));
    }

    #[tokio::test(start_paused = true)]
    async fn the_oldest_goes_when_there_are_too_many() {
        let tickets = Tickets::new(Duration::from_secs(60), 2);
        let mut issued = Vec::new();
        for _ in 0..3 {
            issued.push(tickets.issue());
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        let good: Vec<_> = issued.iter().map(|ticket| tickets.is_good(ticket.expose())).collect();
        assert_eq!(good, [false, true, true]);
    }
}
