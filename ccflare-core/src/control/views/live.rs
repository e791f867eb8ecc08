//! Live events and log lines.

use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use super::RequestView;
pub use crate::logs::LogLine as LogLineView;
use crate::record::Topic;

/// Which events, and from where on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct EventQuery {
    /// Topics with commas between them: `requests,accounts,moves,config,logs`; all if there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topics: Option<String>,
    /// Only those behind the event with this id, as far as they are still kept; else only those to come.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
}

impl EventQuery {
    /// Events of these topics to come.
    #[must_use]
    pub fn of(topics: &str) -> Self {
        Self { topics: Some(topics.to_owned()), after: None }
    }
}

/// One thing that happened.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EventView {
    /// Greater than that of any event before it, in this run of the server and in earlier ones. It fits into a
    /// JavaScript number.
    pub id: u64,
    /// When.
    pub at: String,
    /// What; its fields stand beside these, with its name as `type`.
    #[serde(flatten)]
    pub detail: EventDetail,
    #[serde(skip)]
    json: OnceLock<Box<str>>,
}

impl EventView {
    /// An event as it is shown.
    #[must_use]
    pub const fn new(id: u64, at: String, detail: EventDetail) -> Self {
        Self { id, at, detail, json: OnceLock::new() }
    }

    /// As JSON; put together once, however many listen.
    #[must_use]
    pub fn json(&self) -> &str {
        self.json.get_or_init(|| serde_json::to_string(self).unwrap_or_default().into())
    }

    /// What it belongs to; a notice of missed events belongs to everything.
    #[must_use]
    pub const fn topic(&self) -> Option<Topic> {
        self.detail.topic()
    }
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum EventDetail {
    /// A request has arrived.
    Started {
        /// Its id.
        request: String,
        /// Its method.
        method: String,
        /// Its path.
        path: String,
        /// The model it asks for.
        model: Option<String>,
        /// The client key it came with.
        client_key: Option<String>,
        /// The session it belongs to.
        session: Option<String>,
        /// The agent that asks.
        agent: Option<String>,
        /// The directory that the agent works in.
        workspace: Option<String>,
    },
    /// An account's answer to it has begun.
    Headers {
        /// The request's id.
        request: String,
        /// When it arrived.
        arrived: String,
        /// Its method.
        method: String,
        /// Its path.
        path: String,
        /// The account's id; `null` for the client's own credentials.
        account_id: Option<String>,
        /// The account's name.
        account: Option<String>,
        /// The agent that asks.
        agent: Option<String>,
        /// The status of the answer.
        status_code: u16,
        /// Since the request arrived.
        elapsed_ms: f64,
    },
    /// Its first content has come.
    FirstToken {
        /// The request's id.
        request: String,
        /// Since it arrived.
        elapsed_ms: f64,
    },
    /// It has ended.
    Finished {
        /// As the list of requests shows it.
        summary: Box<RequestView>,
    },
    /// A request was turned away before it was written down.
    TurnedAway {
        /// Why: `busy`, `no_key`, …
        reason: String,
        /// The status it was answered with.
        status_code: u16,
    },
    /// An account is not what it was.
    Account {
        /// Its id.
        account_id: String,
        /// Its name, as it is now.
        account: String,
        /// `added`, `removed`, `paused`, `resumed`, `renamed`, `prioritized`, `tiered`, `activated`, `renewed`.
        change: String,
    },
    /// An account was closed, for everything or for some models.
    Limit {
        /// Its id.
        account_id: String,
        /// Its name.
        account: String,
        /// `rate_limited`, `throttled`, `needs_login`, `no_tokens`, `billing`, `on_hold`, `not_entitled`.
        reason: String,
        /// `account`, `family:…`, `model:…`.
        scope: String,
        /// When it opens by itself; `null` waits for the operator.
        until: Option<String>,
        /// What the upstream said.
        evidence: String,
    },
    /// Somebody has to log an account in again.
    LoginNeeded {
        /// Its name.
        account: String,
        /// Why.
        why: String,
    },
    /// An account's tokens were to be renewed.
    Renewal {
        /// Its name.
        account: String,
        /// `renewed`, `refused`, `failed`.
        result: String,
    },
    /// A conversation goes on at another account.
    Moved {
        /// The session that it belongs to, as the client calls it.
        conversation: String,
        /// The account that had it.
        from: Option<String>,
        /// The account that has it now.
        to: String,
        /// Why.
        reason: String,
        /// The tokens of the prompt cache that it leaves behind.
        cache_lost: Option<u64>,
        /// What writing them anew costs more than reading them, in nano-dollars; `null` if prices are unknown.
        #[serde(default)]
        price_nano_usd: Option<u64>,
    },
    /// Settings were read anew.
    Config {
        /// The settings that have changed.
        changed: Vec<String>,
        /// Those of them that count from the next start on.
        needs_restart: Vec<String>,
        /// Why nothing has changed.
        error: Option<String>,
    },
    /// A line was logged.
    Log {
        /// The line.
        line: LogLineView,
    },
    /// Events were left out: the listener was too slow, or asked for some that are not kept any more.
    Missed {
        /// How many of all topics, if that is known.
        count: Option<u64>,
        /// Whether it was the listener who was too slow; a server ends its stream behind this.
        #[serde(default)]
        slow: bool,
    },
}

impl EventDetail {
    /// What it belongs to.
    #[must_use]
    pub const fn topic(&self) -> Option<Topic> {
        match self {
            Self::Started { .. }
            | Self::Headers { .. }
            | Self::FirstToken { .. }
            | Self::Finished { .. }
            | Self::TurnedAway { .. } => Some(Topic::Requests),
            Self::Account { .. } | Self::Limit { .. } | Self::LoginNeeded { .. } | Self::Renewal { .. } => {
                Some(Topic::Accounts)
            }
            Self::Moved { .. } => Some(Topic::Moves),
            Self::Config { .. } => Some(Topic::Config),
            Self::Log { .. } => Some(Topic::Logs),
            Self::Missed { .. } => None,
        }
    }

    /// Its name, as `type` states it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Started { .. } => "started",
            Self::Headers { .. } => "headers",
            Self::FirstToken { .. } => "firstToken",
            Self::Finished { .. } => "finished",
            Self::TurnedAway { .. } => "turnedAway",
            Self::Account { .. } => "account",
            Self::Limit { .. } => "limit",
            Self::LoginNeeded { .. } => "loginNeeded",
            Self::Renewal { .. } => "renewal",
            Self::Moved { .. } => "moved",
            Self::Config { .. } => "config",
            Self::Log { .. } => "log",
            Self::Missed { .. } => "missed",
        }
    }

    /// All names there are.
    pub const NAMES: [&'static str; 13] = [
        "started",
        "headers",
        "firstToken",
        "finished",
        "turnedAway",
        "account",
        "limit",
        "loginNeeded",
        "renewal",
        "moved",
        "config",
        "log",
        "missed",
    ];
}

/// Which lines of the log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LogQuery {
    /// As grave as this or graver: `error`, `warn`, `info`, `debug`, `trace`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<String>,
    /// With this text in it, in whatever case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// About the request with this id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// Written at this moment or later: RFC 3339, or milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Written before this moment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Only those before this place: the `next` of the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// 1 to 10,000; 1000 if not given, as in the original.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
}

/// Lines of the log.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LogPage {
    /// Oldest first.
    pub lines: Vec<LogLineView>,
    /// The `before` of the next page, towards older lines, if there may be one; a long search stops there, too.
    pub next: Option<String>,
}

/// What is logged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct LogLevelView {
    /// A level, or a filter such as `ccflare_core=debug,info`.
    pub level: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_says_the_same_in_json_and_back() {
        let detail = EventDetail::Limit {
            account_id: "id".into(),
            account: "work".into(),
            reason: "rate_limited".into(),
            scope: "account".into(),
            until: None,
            evidence: "used up".into(),
        };
        let event = EventView::new(1_800_000_000_000_123, "2027-01-15T08:00:00.000Z".into(), detail);
        let json: serde_json::Value = serde_json::from_str(event.json()).expect("JSON");
        assert_eq!(json["type"], "limit");
        assert_eq!((&json["id"], &json["accountId"]), (&1_800_000_000_000_123_u64.into(), &"id".into()));
        let back: EventView = serde_json::from_str(event.json()).expect("an event");
        assert_eq!((back.id, back.detail.name(), back.detail), (event.id, "limit", event.detail));
    }
}
