//! What an account can bear, and where it stands.

use std::sync::Arc;
use std::time::Duration;

use crate::limits::{ApiKeyLimits, Bucket, RateLimits, UnifiedLimits, Window};
use crate::time::micros_of;
use crate::{ErrorAnswer, Usage};

/// From here on an open window says that it is nearly used up.
const WARNING: f64 = 0.8;

/// The limits of an account: those of a subscription, those of an API key, or both.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Allowance {
    /// Windows, each of which begins with the first message after its last end.
    pub windows: Vec<Budget>,
    /// Token buckets.
    pub rates: Option<Rates>,
}

impl Allowance {
    /// A subscription that bears so many nano-dollars in five hours and in seven days.
    pub fn subscription(five_hours: u64, seven_days: u64) -> Self {
        let budget = |name: &str, hours: u64, nano_usd| Budget {
            name: name.to_owned(),
            length: Duration::from_secs(hours * 3600),
            nano_usd,
        };
        Self { windows: vec![budget("5h", 5, five_hours), budget("7d", 7 * 24, seven_days)], rates: None }
    }

    /// An API key with these buckets.
    pub fn api_key(rates: Rates) -> Self {
        Self { windows: Vec::new(), rates: Some(rates) }
    }
}

/// One window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Budget {
    /// `5h`, `7d` …
    pub name: String,
    /// How long it lasts.
    pub length: Duration,
    /// What it bears. Subscriptions do not say what they count; here it is the price.
    pub nano_usd: u64,
}

/// Buckets that fill up again evenly, each for a minute. Cache reads do not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rates {
    /// Requests.
    pub requests: u64,
    /// Input tokens, cache writes included.
    pub input_tokens: u64,
    /// Output tokens.
    pub output_tokens: u64,
}

/// An account's limits and where they stand.
pub(super) struct Account {
    allowance: Arc<Allowance>,
    windows: Vec<Running>,
    /// Requests, input, output: what is left, as of `filled`.
    left: [f64; 3],
    filled: u64,
}

#[derive(Clone, Copy, Default)]
struct Running {
    /// Microseconds; it has not begun if that is over.
    ends: u64,
    used: u64,
}

impl Account {
    pub(super) fn new(allowance: Arc<Allowance>, now: u64) -> Self {
        let windows = vec![Running::default(); allowance.windows.len()];
        let left = allowance.rates.map_or([0.0; 3], sizes);
        Self { allowance, windows, left, filled: now }
    }

    /// The answer of an account that is over a limit.
    pub(super) fn refusal(&self, now: u64) -> Option<ErrorAnswer> {
        let refuse = |wait: u64, headers: Vec<(String, String)>| {
            let message = "This request would exceed your account's rate limit. Please try again later.";
            let answer = ErrorAnswer::rate_limit(message).header("retry-after", wait.max(1).to_string());
            headers.into_iter().fold(answer, |answer, (name, value)| answer.header(name, value))
        };
        let budgets = self.allowance.windows.iter().zip(&self.windows);
        let used_up = budgets.filter(|(budget, running)| running.is_used_up(budget, now));
        if let Some(ends) = used_up.map(|(_, running)| running.ends).max() {
            return Some(refuse((ends - now).div_ceil(1_000_000), self.headers(now)));
        }
        let rates = self.allowance.rates?;
        let (left, sizes) = (self.left_at(now), sizes(rates));
        // A request needs a whole place, tokens any place at all.
        let missing = [1.0 - left[0], -left[1], -left[2]];
        let wait = missing
            .iter()
            .zip(sizes)
            .filter(|(missing, _)| **missing > 0.0)
            .map(|(missing, size)| missing * 60.0 / size);
        let wait = wait.reduce(f64::max)?;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "seconds, and positive")]
        Some(refuse(wait.ceil() as u64, self.headers(now)))
    }

    pub(super) fn charge(&mut self, usage: &Usage, nano_usd: u64, now: u64) {
        for (budget, running) in self.allowance.windows.iter().zip(&mut self.windows) {
            if running.ends <= now {
                *running = Running { ends: now + micros_of(budget.length), used: 0 };
            }
            running.used += nano_usd;
        }
        if self.allowance.rates.is_some() {
            self.left = self.left_at(now);
            self.filled = now;
            #[allow(clippy::cast_precision_loss, reason = "counts of tokens")]
            let taken = [1.0, (usage.input + usage.cache_write()) as f64, usage.output as f64];
            self.left.iter_mut().zip(taken).for_each(|(left, taken)| *left -= taken);
        }
    }

    /// The rate-limit headers of any answer.
    pub(super) fn headers(&self, now: u64) -> Vec<(String, String)> {
        let mut headers = self.unified(now).map_or_else(Vec::new, |unified| RateLimits::Unified(unified).headers());
        if let Some(rates) = self.allowance.rates {
            headers.extend(RateLimits::ApiKey(self.buckets(rates, now)).headers());
        }
        headers
    }

    fn unified(&self, now: u64) -> Option<UnifiedLimits> {
        let budgets = self.allowance.windows.iter().zip(&self.windows);
        let mut windows: Vec<_> = budgets.map(|(budget, running)| running.window(budget, now)).collect();
        // The fullest one speaks for all; of used-up ones, the one that lasts longest.
        windows.sort_by(|a, b| {
            let rank = |window: &Window| {
                (window.status == "rejected", if window.status == "rejected" { window.reset } else { 0 })
            };
            rank(b).cmp(&rank(a)).then(b.utilization.total_cmp(&a.utilization))
        });
        let status = windows.first()?.status.clone();
        Some(UnifiedLimits { status, windows })
    }

    fn buckets(&self, rates: Rates, now: u64) -> ApiKeyLimits {
        let (left, sizes) = (self.left_at(now), sizes(rates));
        let bucket = |at: usize| {
            let left = left[at].max(0.0);
            #[allow(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "positive, and far from the bounds"
            )]
            let (limit, remaining, full) =
                (sizes[at] as u64, left as u64, now + ((sizes[at] - left) * 60e6 / sizes[at]) as u64);
            Some(Bucket::new(limit, remaining, rfc3339(full)))
        };
        ApiKeyLimits { requests: bucket(0), tokens: None, input_tokens: bucket(1), output_tokens: bucket(2) }
    }

    fn left_at(&self, now: u64) -> [f64; 3] {
        let Some(rates) = self.allowance.rates else { return self.left };
        let mut left = self.left;
        #[allow(clippy::cast_precision_loss, reason = "hours in microseconds")]
        let minutes = (now - self.filled) as f64 / 60e6;
        left.iter_mut().zip(sizes(rates)).for_each(|(left, size)| *left = (*left + size * minutes).min(size));
        left
    }
}

impl Running {
    fn is_used_up(self, budget: &Budget, now: u64) -> bool {
        self.ends > now && self.used >= budget.nano_usd
    }

    fn window(self, budget: &Budget, now: u64) -> Window {
        let runs = self.ends > now;
        #[allow(clippy::cast_precision_loss, reason = "a share")]
        let utilization = if runs { self.used as f64 / budget.nano_usd.max(1) as f64 } else { 0.0 };
        let status = match utilization {
            used if used >= 1.0 => "rejected",
            used if used >= WARNING => "allowed_warning",
            _ => "allowed",
        };
        let ends = if runs { self.ends } else { now + micros_of(budget.length) };
        Window::new(&*budget.name, status, ends.div_ceil(1_000_000), utilization)
    }
}

#[allow(clippy::cast_precision_loss, reason = "counts a minute")]
fn sizes(rates: Rates) -> [f64; 3] {
    [rates.requests as f64, rates.input_tokens as f64, rates.output_tokens as f64]
}

fn rfc3339(micros: u64) -> String {
    let seconds = i64::try_from(micros.div_ceil(1_000_000)).unwrap_or(i64::MAX);
    jiff::Timestamp::from_second(seconds).map_or_else(|_| String::new(), |at| at.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000;
    const START: u64 = 1_800_000_000 * SECOND;

    fn header<'a>(headers: &'a [(String, String)], name: &str) -> &'a str {
        headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    #[test]
    fn a_window_begins_with_its_first_message_fills_up_and_begins_anew() {
        let mut account = Account::new(Arc::new(Allowance::subscription(100, 1000)), START);
        account.charge(&Usage::default(), 85, START);
        assert!(account.refusal(START).is_none());
        let headers = account.headers(START);
        assert_eq!(header(&headers, "anthropic-ratelimit-unified-status"), "allowed_warning");
        assert_eq!(header(&headers, "anthropic-ratelimit-unified-5h-utilization"), "0.85");
        assert_eq!(header(&headers, "anthropic-ratelimit-unified-5h-reset"), "1800018000");

        account.charge(&Usage::default(), 20, START);
        let refusal = account.refusal(START + 10 * SECOND).expect("used up");
        assert_eq!(header(&refusal.headers, "retry-after"), "17990");
        assert_eq!(header(&refusal.headers, "anthropic-ratelimit-unified-representative-claim"), "five_hour");
        assert_eq!(header(&refusal.headers, "anthropic-ratelimit-unified-5h-status"), "rejected");
        assert_eq!(header(&refusal.headers, "anthropic-ratelimit-unified-7d-status"), "allowed");
        let later = START + 18_000 * SECOND;
        assert!(account.refusal(later).is_none());
        account.charge(&Usage::default(), 1, later);
        assert_eq!(header(&account.headers(later), "anthropic-ratelimit-unified-7d-utilization"), "0.106");
    }

    #[test]
    fn buckets_fill_up_evenly_and_reads_do_not_empty_them() {
        let rates = Rates { requests: 60, input_tokens: 6000, output_tokens: 600 };
        let mut account = Account::new(Arc::new(Allowance::api_key(rates)), START);
        account.charge(&Usage { cache_read: 1_000_000, cache_write_5m: 6500, ..Usage::default() }, 0, START);
        let refusal = account.refusal(START).expect("over the input tokens");
        assert_eq!(header(&refusal.headers, "retry-after"), "5");
        assert_eq!(header(&refusal.headers, "anthropic-ratelimit-input-tokens-remaining"), "0");
        assert_eq!(header(&refusal.headers, "anthropic-ratelimit-requests-remaining"), "59");
        assert!(account.refusal(START + 5 * SECOND).is_none());
        let full = account.headers(START + 120 * SECOND);
        assert_eq!(header(&full, "anthropic-ratelimit-input-tokens-remaining"), "6000");
    }
}
