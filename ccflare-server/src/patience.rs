//! Slows down whoever guesses the admin token.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::Mutex,
    time::Duration,
};

use tokio::time::Instant;

/// So many wrong tokens cost nothing: people mistype.
const FREE: u32 = 10;
/// The longest time a source has to wait for its next try.
const LONGEST: Duration = Duration::from_secs(30);
/// After so long without a wrong token a source is forgotten.
const FORGOTTEN: Duration = Duration::from_secs(600);
/// So many sources are remembered; beyond that the one that was quiet longest is forgotten.
const MOST_SOURCES: usize = 1024;

/// How often each source was wrong, in bounded memory.
#[derive(Debug, Default)]
pub(crate) struct Patience {
    sources: Mutex<HashMap<IpAddr, Failures>>,
}

#[derive(Clone, Copy, Debug)]
struct Failures {
    count: u32,
    last: Instant,
}

impl Patience {
    /// How long this source has to wait before anybody looks at its next token.
    pub(crate) fn wait(&self, source: IpAddr) -> Option<Duration> {
        let failures = *self.lock().get(&network(source))?;
        let wait = delay(failures.count).checked_sub(failures.last.elapsed())?;
        (!wait.is_zero()).then_some(wait)
    }

    /// It was wrong once more.
    pub(crate) fn was_wrong(&self, source: IpAddr) {
        let (source, now) = (network(source), Instant::now());
        let mut sources = self.lock();
        if !sources.contains_key(&source) && sources.len() >= MOST_SOURCES {
            sources.retain(|_, failures| failures.last + FORGOTTEN > now);
            let quietest = sources.iter().min_by_key(|(_, failures)| failures.last).map(|(source, _)| *source);
            if let Some(quietest) = quietest.filter(|_| sources.len() >= MOST_SOURCES) {
                sources.remove(&quietest);
            }
        }
        let failures = sources.entry(source).or_insert(Failures { count: 0, last: now });
        let count = if failures.last + FORGOTTEN > now { failures.count } else { 0 };
        *failures = Failures { count: count.saturating_add(1), last: now };
    }

    /// It was right: what it mistyped before is forgiven.
    pub(crate) fn was_right(&self, source: IpAddr) {
        self.lock().remove(&network(source));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<IpAddr, Failures>> {
        self.sources.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// 1 s after the last free one, then twice as long each time.
fn delay(failures: u32) -> Duration {
    match failures.checked_sub(FREE) {
        None => Duration::ZERO,
        Some(beyond) => Duration::from_secs(1_u64 << beyond.min(16)).min(LONGEST),
    }
}

/// Who has one IPv6 address has a whole /64 of them.
fn network(source: IpAddr) -> IpAddr {
    match source.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into(),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_wrong_token_beyond_the_free_ones_costs_twice_the_time() {
        let patience = Patience::default();
        let source: IpAddr = "2001:db8::1".parse().expect("an address");
        for _ in 1..FREE {
            patience.was_wrong(source);
            assert_eq!(patience.wait(source), None);
        }
        for seconds in [1, 2, 4, 8, 16, 30, 30] {
            patience.was_wrong(source);
            assert_eq!(patience.wait(source), Some(Duration::from_secs(seconds)));
        }
        let neighbour = "2001:db8::2".parse().expect("an address");
        assert!(patience.wait(neighbour).is_some(), "one network");
        assert_eq!(patience.wait("192.0.2.1".parse().expect("an address")), None);
        tokio::time::advance(LONGEST).await;
        assert_eq!(patience.wait(source), None);
        patience.was_right(source);
        patience.was_wrong(source);
        assert_eq!(patience.wait(source), None, "forgiven");
    }

    #[tokio::test(start_paused = true)]
    async fn the_memory_is_bounded() {
        let patience = Patience::default();
        for number in 0..5000_u32 {
            patience.was_wrong(std::net::Ipv4Addr::from_bits(number).into());
            tokio::time::advance(Duration::from_millis(1)).await;
        }
        assert_eq!(patience.lock().len(), MOST_SOURCES);
    }
}
