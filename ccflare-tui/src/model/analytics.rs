//! What requests add up to: which time, which number, by what, and which requests.

use ccflare_core::{
    control::views::{AnalyticsQuery, AnalyticsView, PointView, RequestFilter},
    domain::NanoUsd,
    report::{Count, Money, Rate, Share, Took},
};

use super::{Answers, Effect, Field, Form, Kind, Model, Purpose, Topic};
use crate::keys::Command;

/// The times that can be looked at.
pub(crate) const RANGES: [&str; 5] = ["1h", "6h", "24h", "7d", "30d"];

/// A day.
const A_DAY: usize = 2;

/// What is looked at, and what there is to see.
#[derive(Clone, Debug)]
pub(crate) struct Analytics {
    pub(crate) view: Option<AnalyticsView>,
    /// One of [`RANGES`].
    pub(crate) range: usize,
    pub(crate) metric: Metric,
    pub(crate) group: Group,
    pub(crate) is_cumulative: bool,
    pub(crate) by_model: bool,
    pub(crate) filter: RequestFilter,
}

impl Default for Analytics {
    fn default() -> Self {
        Self {
            view: None,
            range: A_DAY,
            metric: Metric::Requests,
            group: Group::Model,
            is_cumulative: false,
            by_model: false,
            filter: RequestFilter::default(),
        }
    }
}

/// What is drawn over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Metric {
    Requests,
    Tokens,
    Cost,
    ResponseTime,
    FirstToken,
    Speed,
    CacheHits,
    Errors,
}

impl Metric {
    pub(crate) const ALL: [Self; 8] = [
        Self::Requests,
        Self::Tokens,
        Self::Cost,
        Self::ResponseTime,
        Self::FirstToken,
        Self::Speed,
        Self::CacheHits,
        Self::Errors,
    ];

    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Tokens => "tokens",
            Self::Cost => "cost",
            Self::ResponseTime => "response time",
            Self::FirstToken => "time to first token",
            Self::Speed => "output speed",
            Self::CacheHits => "read from the cache",
            Self::Errors => "errors",
        }
    }

    /// Whether it adds up: such are drawn as bars.
    pub(crate) fn is_sum(self) -> bool {
        matches!(self, Self::Requests | Self::Tokens | Self::Cost)
    }

    pub(crate) fn of(self, point: &PointView) -> Option<f64> {
        match self {
            Self::Requests => Some(point.requests as f64),
            Self::Tokens => Some(point.tokens as f64),
            Self::Cost => Some(point.cost_usd),
            Self::ResponseTime => point.avg_response_time,
            Self::FirstToken => point.avg_time_to_first_token,
            Self::Speed => point.avg_tokens_per_second,
            Self::CacheHits => point.cache_hit_rate,
            Self::Errors => point.error_rate,
        }
    }

    /// The number as people read it.
    pub(crate) fn says(self, number: f64) -> String {
        match self {
            Self::Requests | Self::Tokens => Count(number.max(0.0).round() as u64).to_string(),
            Self::Cost => Money(NanoUsd((number.max(0.0) * 1e9).round() as u64)).to_string(),
            Self::ResponseTime | Self::FirstToken => Took::from_millis(number).to_string(),
            Self::Speed => Rate(number).to_string(),
            Self::CacheHits | Self::Errors => Share::new(number / 100.0).to_string(),
        }
    }
}

/// By what the table sums up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Group {
    Model,
    Account,
    Agent,
    ClientKey,
    Day,
}

impl Group {
    pub(crate) const ALL: [Self; 5] = [Self::Model, Self::Account, Self::Agent, Self::ClientKey, Self::Day];

    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Account => "account",
            Self::Agent => "agent",
            Self::ClientKey => "client key",
            Self::Day => "day",
        }
    }
}

impl Analytics {
    pub(crate) fn query(&self) -> AnalyticsQuery {
        AnalyticsQuery {
            range: Some(RANGES[self.range].to_owned()),
            mode: self.is_cumulative.then(|| "cumulative".to_owned()),
            model_breakdown: self.by_model,
            filter: self.filter.clone(),
            ..AnalyticsQuery::default()
        }
    }

    /// The filter in a line; empty if there is none.
    pub(crate) fn filtered_by(&self) -> String {
        let RequestFilter { accounts, models, agents, client_keys, status } = &self.filter;
        let named =
            [("account", accounts), ("model", models), ("agent", agents), ("key", client_keys), ("status", status)];
        let says = named.iter().filter_map(|(name, value)| Some(format!("{name} {}", value.as_deref()?)));
        says.collect::<Vec<_>>().join(", ")
    }

    /// Another time; whether it was such a key.
    pub(crate) fn switch_range(&mut self, command: Command) -> bool {
        match command {
            Command::Newer => self.range = self.range.saturating_sub(1),
            Command::Older => self.range = (self.range + 1).min(RANGES.len() - 1),
            _ => return false,
        }
        true
    }
}

impl Model {
    pub(crate) fn obey_in_overview(&mut self, command: Command) -> Vec<Effect> {
        if !self.overview.switch_range(command) {
            return Vec::new();
        }
        self.topics.forget(Topic::Overview);
        self.due()
    }

    pub(crate) fn obey_in_analytics(&mut self, command: Command) -> Vec<Effect> {
        let shown = &mut self.analytics;
        match command {
            Command::Metric => shown.metric = after(&Metric::ALL, shown.metric),
            Command::Group => shown.group = after(&Group::ALL, shown.group),
            Command::Cumulative => shown.is_cumulative = !shown.is_cumulative,
            Command::ByModel => shown.by_model = !shown.by_model,
            Command::Select => return self.ask_which(),
            Command::Back => shown.filter = RequestFilter::default(),
            command if shown.switch_range(command) => {}
            _ => return Vec::new(),
        }
        self.topics.forget(Topic::Analytics);
        self.due()
    }

    fn ask_which(&mut self) -> Vec<Effect> {
        let RequestFilter { accounts, models, agents, client_keys, status } = self.analytics.filter.clone();
        let field = |label, value: Option<String>| Field { label, kind: Kind::Text(value.unwrap_or_default()) };
        self.ask(Form {
            title: "Which requests".to_owned(),
            says: "Names, separated by commas; empty means all, none those without one.".to_owned(),
            fields: vec![
                field("Accounts", accounts),
                field("Models", models),
                field("Agents", agents),
                field("Client keys", client_keys),
                field("Status (success, error, cut, …)", status),
            ],
            submit: "Show",
            offers: Vec::new(),
            purpose: Purpose::Select,
        })
    }

    pub(crate) fn select(&mut self, answers: &Answers) -> Vec<Effect> {
        let given = |number| answers.given(number).map(str::to_owned);
        self.analytics.filter = RequestFilter {
            accounts: given(0),
            models: given(1),
            agents: given(2),
            client_keys: given(3),
            status: given(4),
        };
        self.asking = false;
        self.topics.forget(Topic::Analytics);
        let mut effects = vec![Effect::Close];
        effects.extend(self.due());
        effects
    }
}

/// The one after this, round and round.
fn after<T: Copy + PartialEq>(all: &[T], this: T) -> T {
    let at = all.iter().position(|one| *one == this).unwrap_or(0);
    all[(at + 1) % all.len()]
}
