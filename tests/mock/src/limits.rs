//! The rate-limit headers of API keys and of subscriptions.

use std::time::{SystemTime, UNIX_EPOCH};

type Headers = Vec<(String, String)>;

/// The rate-limit headers a key's answers carry.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum RateLimits {
    /// None.
    #[default]
    None,
    /// Those of an API key.
    ApiKey(ApiKeyLimits),
    /// Those of a subscription.
    Unified(UnifiedLimits),
}

impl RateLimits {
    pub(crate) fn headers(&self) -> Headers {
        match self {
            Self::None => Vec::new(),
            Self::ApiKey(limits) => limits.headers(),
            Self::Unified(limits) => limits.headers(),
        }
    }
}

/// One token bucket of an API key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// Its size.
    pub limit: u64,
    /// What is left.
    pub remaining: u64,
    /// When it is full again, RFC 3339.
    pub reset: String,
}

impl Bucket {
    /// A bucket that is full again at `reset`.
    pub fn new(limit: u64, remaining: u64, reset: impl Into<String>) -> Self {
        Self { limit, remaining, reset: reset.into() }
    }

    fn push(&self, name: &str, headers: &mut Headers) {
        let mut push = |field: &str, value: String| {
            headers.push((format!("anthropic-ratelimit-{name}-{field}"), value));
        };
        push("limit", self.limit.to_string());
        push("remaining", self.remaining.to_string());
        push("reset", self.reset.clone());
    }
}

/// The buckets of an API key; absent ones send no header.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApiKeyLimits {
    /// Requests.
    pub requests: Option<Bucket>,
    /// The most restrictive of the token buckets.
    pub tokens: Option<Bucket>,
    /// Input tokens.
    pub input_tokens: Option<Bucket>,
    /// Output tokens.
    pub output_tokens: Option<Bucket>,
}

impl ApiKeyLimits {
    /// All four buckets, each holding `remaining` of `limit`.
    pub fn all(limit: u64, remaining: u64, reset: &str) -> Self {
        let bucket = || Some(Bucket::new(limit, remaining, reset));
        Self { requests: bucket(), tokens: bucket(), input_tokens: bucket(), output_tokens: bucket() }
    }

    fn headers(&self) -> Headers {
        let mut headers = Vec::new();
        let buckets = [
            ("requests", &self.requests),
            ("tokens", &self.tokens),
            ("input-tokens", &self.input_tokens),
            ("output-tokens", &self.output_tokens),
        ];
        for (name, bucket) in buckets {
            if let Some(bucket) = bucket {
                bucket.push(name, &mut headers);
            }
        }
        headers
    }
}

/// One window of a subscription.
#[derive(Clone, Debug, PartialEq)]
pub struct Window {
    /// `5h`, `7d`, `7d_oi` …
    pub name: String,
    /// `allowed`, `allowed_warning` or `rejected`.
    pub status: String,
    /// Epoch seconds.
    pub reset: u64,
    /// A fraction; may exceed 1.
    pub utilization: f64,
}

impl Window {
    /// A window.
    pub fn new(name: impl Into<String>, status: impl Into<String>, reset: u64, utilization: f64) -> Self {
        Self { name: name.into(), status: status.into(), reset, utilization }
    }
}

/// The windows of a subscription. The first one is the representative one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UnifiedLimits {
    /// The overall status.
    pub status: String,
    /// The windows, the representative one first.
    pub windows: Vec<Window>,
}

impl UnifiedLimits {
    /// `allowed`, with these utilizations of the 5-hour and the 7-day window.
    pub fn allowed(five_hour: (f64, u64), seven_day: (f64, u64)) -> Self {
        let window = |name: &str, (used, reset)| Window::new(name, "allowed", reset, used);
        Self { status: "allowed".to_owned(), windows: vec![window("5h", five_hour), window("7d", seven_day)] }
    }

    fn headers(&self) -> Headers {
        let mut headers = Vec::new();
        let mut push = |field: String, value: String| {
            headers.push((format!("anthropic-ratelimit-unified-{field}"), value));
        };
        push("status".to_owned(), self.status.clone());
        if let Some(first) = self.windows.first() {
            push("reset".to_owned(), first.reset.to_string());
            push("representative-claim".to_owned(), claim(&first.name));
        }
        for Window { name, status, reset, utilization } in &self.windows {
            push(format!("{name}-status"), status.clone());
            push(format!("{name}-reset"), reset.to_string());
            push(format!("{name}-utilization"), utilization.to_string());
        }
        headers
    }
}

/// The value of `representative-claim` for a window.
fn claim(window: &str) -> String {
    match window {
        "5h" => "five_hour".to_owned(),
        "7d" => "seven_day".to_owned(),
        "7d_oi" => "seven_day_overage_included".to_owned(),
        other => match other.strip_prefix("7d_") {
            Some(model) => format!("seven_day_{model}"),
            None => other.to_owned(),
        },
    }
}

/// Headers of a subscription whose `window` is used up; the others have room and reset later or sooner.
pub(crate) fn rejected_window(window: &str, reset: u64) -> Headers {
    let now = now();
    let mut windows = vec![Window::new(window, "rejected", reset, 1.04)];
    for (name, seconds, used) in [("5h", 3_600, 0.3), ("7d", 259_200, 0.2)] {
        if name != window {
            windows.push(Window::new(name, "allowed", now + seconds, used));
        }
    }
    UnifiedLimits { status: "rejected".to_owned(), windows }.headers()
}

/// Headers of an API key without requests left.
pub(crate) fn exhausted_requests(reset: &str) -> Headers {
    let requests = Some(Bucket::new(50, 0, reset));
    ApiKeyLimits { requests, ..ApiKeyLimits::default() }.headers()
}

/// Epoch seconds.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
