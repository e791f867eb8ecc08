//! The one table of settings: what can be set, how it is written, and what changes without a restart.
//!
//! The file's reader, `--help`, `config show`, the JSON schema and docs/configuration.md all follow from it.

/// One setting: its name in the file, the variables that set it too, and what it is.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Its name in the file.
    pub key: &'static str,
    /// Environment variables, the first one that is set counts. The last ones are the original's.
    pub env: &'static [&'static str],
    /// How it is written.
    pub kind: Kind,
    /// What counts if nobody says anything; empty, if nothing does.
    pub default: &'static str,
    /// What it is.
    pub about: &'static str,
    /// Whether a change takes effect at once, without a restart.
    pub live: bool,
}

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Any text.
    Text,
    /// Text that is never shown.
    Secret,
    /// `ADDRESS:PORT`.
    Address,
    /// The path of a file or folder.
    Path,
    /// `https://…`.
    Url,
    /// `true` or `false`.
    Flag,
    /// A number between these, ends included.
    Number(u32, u32),
    /// A number of bytes, such as `512KiB`.
    Size,
    /// A time, such as `90s` or `5h`.
    Duration,
    /// A list of texts.
    List,
    /// One of these.
    Choice(&'static [&'static str]),
}

/// All settings, in the order in which they are shown.
pub const SETTINGS: &[Setting] = &[
    // Where it listens, and who gets in.
    setting("listen", &["CCFLARE_LISTEN"], Kind::Address, "127.0.0.1:8080", "address and port to listen on"),
    setting("port", &["PORT"], Kind::Number(0, 65_535), "", "the port alone; the address stays"),
    setting("admin_listen", &["CCFLARE_ADMIN_LISTEN"], Kind::Address, "", "a listener for the operator alone"),
    setting("tls_cert", &["CCFLARE_TLS_CERT"], Kind::Path, "", "PEM file with the certificates to speak TLS with"),
    setting("tls_key", &["CCFLARE_TLS_KEY"], Kind::Path, "", "PEM file with the key of tls_cert"),
    setting(
        "require_client_keys",
        &["CCFLARE_REQUIRE_CLIENT_KEYS"],
        Kind::Flag,
        "false on loopback addresses, true on all others",
        "whether clients need a key (`ccflare key create`)",
    ),
    setting("admin_token", &["CCFLARE_ADMIN_TOKEN"], Kind::Secret, "", "the admin token; made in data_dir/admin-token"),
    setting("allowed_hosts", &["CCFLARE_ALLOWED_HOSTS"], Kind::List, "", "further hosts to answer for"),
    // What it keeps.
    setting(
        "data_dir",
        &["CCFLARE_DATA_DIR"],
        Kind::Path,
        "~/.local/share/ccflare",
        "where database and admin token are kept",
    ),
    setting(
        "key_file",
        &["CCFLARE_KEY_FILE", "CCFLARE_MASTER_KEY_FILE"],
        Kind::Path,
        "~/.config/ccflare/master.key, or master.key in a data_dir that is set",
        "the key that secrets are sealed with",
    ),
    setting(
        "master_key",
        &["CCFLARE_MASTER_KEY"],
        Kind::Secret,
        "",
        "that key itself, as base64 of 32 bytes, instead of key_file",
    ),
    setting(
        "passphrase_file",
        &["CCFLARE_PASSPHRASE_FILE"],
        Kind::Path,
        "",
        "a passphrase that makes that key; key_file then holds its salt",
    ),
    // How accounts are chosen.
    live(
        "strategy",
        &["CCFLARE_STRATEGY", "LB_STRATEGY"],
        Kind::Choice(&["session", "conversation"]),
        "session",
        "how accounts are chosen",
    ),
    live(
        "session_duration",
        &["CCFLARE_SESSION_DURATION", "SESSION_DURATION_MS"],
        Kind::Duration,
        "5h",
        "how long one account stays the active one",
    ),
    live(
        "throttle_wait",
        &["CCFLARE_THROTTLE_WAIT"],
        Kind::Duration,
        "1s",
        "the longest wait in place for a throttled account",
    ),
    live(
        "conversation_wait",
        &["CCFLARE_CONVERSATION_WAIT"],
        Kind::Duration,
        "10s",
        "the same where a conversation would lose its cache by moving",
    ),
    // Bounds.
    setting("body_limit", &["CCFLARE_BODY_LIMIT"], Kind::Size, "32MiB", "the longest request body"),
    setting("body_budget", &["CCFLARE_BODY_BUDGET"], Kind::Size, "512MiB", "all request bodies being handled together"),
    setting("max_in_flight", &["CCFLARE_MAX_IN_FLIGHT"], Kind::Size, "4096", "requests at a time"),
    setting(
        "connect_timeout",
        &["CCFLARE_CONNECT_TIMEOUT"],
        Kind::Duration,
        "10s",
        "for name, TCP and TLS of the upstream together",
    ),
    setting(
        "first_byte_timeout",
        &["CCFLARE_FIRST_BYTE_TIMEOUT"],
        Kind::Duration,
        "600s",
        "until the first byte of an answer",
    ),
    setting(
        "idle_timeout",
        &["CCFLARE_IDLE_TIMEOUT", "CF_STREAM_TIMEOUT_MS"],
        Kind::Duration,
        "240s",
        "between two pieces of an answer",
    ),
    setting(
        "drain_timeout",
        &["CCFLARE_DRAIN_TIMEOUT"],
        Kind::Duration,
        "30s",
        "how long open requests may go on at the end",
    ),
    setting(
        "allow_link_local",
        &["CCFLARE_ALLOW_LINK_LOCAL"],
        Kind::Flag,
        "false",
        "connect to link-local and metadata addresses too",
    ),
    setting(
        "upstream_base_url",
        &["CCFLARE_UPSTREAM_BASE_URL"],
        Kind::Url,
        "",
        "where accounts without a base URL are, if not at the API's own address",
    ),
    // What requests carry.
    live(
        "capture_payloads",
        &["CCFLARE_CAPTURE_PAYLOADS"],
        Kind::Flag,
        "false",
        "whether bodies are kept (sealed, without credentials)",
    ),
    live(
        "stream_body_max_bytes",
        &["CCFLARE_STREAM_BODY_MAX_BYTES"],
        Kind::Size,
        "256KiB",
        "bytes kept of each body; 448KiB at most",
    ),
    live(
        "capture_redact",
        &["CCFLARE_CAPTURE_REDACT"],
        Kind::List,
        "",
        "what is taken out of bodies: JSON paths such as /messages/*/content",
    ),
    live(
        "payload_days",
        &["CCFLARE_PAYLOAD_DAYS", "DATA_RETENTION_DAYS"],
        Kind::Number(1, 365),
        "7",
        "days for which bodies are kept",
    ),
    live(
        "payload_max_bytes",
        &["CCFLARE_PAYLOAD_MAX_BYTES"],
        Kind::Size,
        "4GiB",
        "bytes that all kept bodies may have; the oldest go first",
    ),
    // How long requests are kept.
    live(
        "request_days",
        &["CCFLARE_REQUEST_DAYS", "REQUEST_RETENTION_DAYS"],
        Kind::Number(1, 3650),
        "365",
        "days for which finished requests are kept",
    ),
    live(
        "request_max_bytes",
        &["CCFLARE_REQUEST_MAX_BYTES"],
        Kind::Size,
        "8GiB",
        "bytes that all finished requests may have; the oldest go first",
    ),
    // Agents.
    live(
        "agent_dirs",
        &["CCFLARE_AGENT_DIRS"],
        Kind::List,
        "~/.claude/agents, ~/.config/ccflare/agents",
        "directories with agents' definitions for everybody",
    ),
    live(
        "workspace_roots",
        &["CCFLARE_WORKSPACE_ROOTS"],
        Kind::List,
        "the user's home",
        "below these, directories that clients work in become workspaces, whose agents are known",
    ),
    live(
        "default_agent_model",
        &["CCFLARE_DEFAULT_AGENT_MODEL", "DEFAULT_AGENT_MODEL"],
        Kind::Text,
        "",
        "the model preferred for agents that nothing else is preferred for, until an operator sets one",
    ),
    live(
        "compatible_models",
        &["CCFLARE_COMPATIBLE_MODELS"],
        Kind::List,
        "claude-opus-5-5* claude-sonnet-5-5* claude-haiku-5-5*",
        "groups of models that take each other's requests, so that one may be preferred to another; the names of a group are separated by spaces, and may end in *",
    ),
    // What it says.
    setting(
        "metrics_token",
        &["CCFLARE_METRICS_TOKEN"],
        Kind::Secret,
        "",
        "a token that opens /metrics and nothing else; the admin token opens it, too",
    ),
    setting(
        "otlp_endpoint",
        &["CCFLARE_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"],
        Kind::Url,
        "",
        "an OpenTelemetry collector that takes OTLP over HTTP, such as http://127.0.0.1:4318; needs a ccflare that is built with the feature otlp",
    ),
    setting(
        "otlp_headers",
        &["CCFLARE_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS"],
        Kind::Secret,
        "",
        "headers for the collector: name=value, with commas between them",
    ),
    setting(
        "otlp_headers_file",
        &["CCFLARE_OTLP_HEADERS_FILE"],
        Kind::Path,
        "",
        "a file with such headers instead, one a line",
    ),
    live(
        "log_level",
        &["CCFLARE_LOG_LEVEL", "LOG_LEVEL", "ccflare_DEBUG"],
        Kind::Text,
        "info",
        "error, warn, info, debug, trace, or a filter such as ccflare_core=debug,info",
    ),
    setting(
        "log_format",
        &["CCFLARE_LOG_FORMAT", "LOG_FORMAT"],
        Kind::Choice(&["pretty", "json"]),
        "pretty",
        "how log lines look",
    ),
    setting("log_dir", &["CCFLARE_LOG_DIR"], Kind::Path, "", "where log files are kept; logs in data_dir if not given"),
    setting(
        "log_file_size",
        &["CCFLARE_LOG_FILE_SIZE"],
        Kind::Size,
        "16MiB",
        "the size at which a new log file is begun",
    ),
    setting("log_total_size", &["CCFLARE_LOG_TOTAL_SIZE"], Kind::Size, "128MiB", "bytes of all log files together"),
    setting("log_days", &["CCFLARE_LOG_DAYS"], Kind::Number(1, 3650), "14", "days for which log files are kept"),
];

const fn setting(
    key: &'static str,
    env: &'static [&'static str],
    kind: Kind,
    default: &'static str,
    about: &'static str,
) -> Setting {
    Setting { key, env, kind, default, about, live: false }
}

const fn live(
    key: &'static str,
    env: &'static [&'static str],
    kind: Kind,
    default: &'static str,
    about: &'static str,
) -> Setting {
    Setting { live: true, ..setting(key, env, kind, default, about) }
}

impl Setting {
    /// The setting of this name.
    #[must_use]
    pub fn of(key: &str) -> Option<&'static Self> {
        SETTINGS.iter().find(|setting| setting.key == key)
    }

    /// Whether its value is never shown.
    #[must_use]
    pub fn is_secret(&self) -> bool {
        self.kind == Kind::Secret
    }

    /// What counts if nobody says anything.
    #[must_use]
    pub fn default(&self) -> Option<&'static str> {
        Some(self.default).filter(|default| !default.is_empty())
    }
}

/// Variables of the original that change nothing here, each with the reason.
pub const WITHOUT_EFFECT: &[(&str, &str)] = &[
    ("CLIENT_ID", "no client id is built in: an authorization server is described by [oauth.NAME] in the file"),
    ("RETRY_ATTEMPTS", "the original read it and never used it; what is tried again, and when, is in the README"),
    ("RETRY_DELAY_MS", "the original read it and never used it"),
    ("RETRY_BACKOFF", "the original read it and never used it"),
    ("CF_PRICING_REFRESH_HOURS", "prices come with the program; none are fetched"),
    ("CF_PRICING_OFFLINE", "prices come with the program; none are fetched"),
    ("CF_STREAM_USAGE_BUFFER_KB", "usage is read as the stream passes; nothing is buffered for it"),
    ("ccflare_DB_PATH", "the database is another kind of file: set data_dir (CCFLARE_DATA_DIR) to move it"),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_name_is_given_twice() {
        let (mut keys, mut variables) = (BTreeSet::new(), BTreeSet::new());
        for setting in SETTINGS {
            assert!(keys.insert(setting.key), "{}", setting.key);
            for variable in setting.env {
                assert!(variables.insert(*variable), "{variable}");
                assert!(WITHOUT_EFFECT.iter().all(|(without, _)| without != variable), "{variable}");
            }
        }
    }
}
