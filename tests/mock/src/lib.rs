//! A scripted upstream that speaks the Messages API and tells exactly what it received.
//!
//! [`MockUpstream`] is a real HTTP server (HTTP/1.1, and HTTP/2 with prior knowledge) on a port of its own. The key
//! a request carries, `x-api-key` or a bearer token, is its identity: scripts, limits and sums go by it.
//!
//! ```
//! use ccflare_mock::{MockConfig, MockUpstream, Reply, Step, Usage};
//! use tokio::io::{AsyncReadExt, AsyncWriteExt};
//!
//! # async fn post(mock: &MockUpstream, key: &str) -> std::io::Result<String> {
//! #     let body = r#"{"model":"claude-opus-5-5","max_tokens":9,"messages":[]}"#;
//! #     let mut socket = tokio::net::TcpStream::connect(mock.addr()).await?;
//! #     let head = "POST /v1/messages HTTP/1.1\r\nhost: mock\r\nconnection: close\r\n";
//! #     let rest = format!("x-api-key: {key}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
//! #     socket.write_all(format!("{head}{rest}").as_bytes()).await?;
//! #     let mut answer = String::new();
//! #     socket.read_to_string(&mut answer).await?;
//! #     Ok(answer)
//! # }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! let reply = Reply::with_usage(Usage::new(100, 7));
//! let mock = MockUpstream::start(MockConfig::with_reply(reply)).await;
//! mock.script("key-a", [Step::overloaded()]);
//!
//! // `post` sends a message by whatever client; a proxy would stand between.
//! assert!(post(&mock, "key-a").await?.starts_with("HTTP/1.1 529"));
//! assert!(post(&mock, "key-a").await?.starts_with("HTTP/1.1 200"));
//!
//! let requests = mock.requests();
//! assert_eq!(requests[0].status(), Some(529));
//! assert_eq!(requests[1].disposition.usage(), Some(Usage::new(100, 7)));
//! assert_eq!(requests[1].json()["model"], "claude-opus-5-5");
//! assert_eq!(mock.totals().key("key-a").requests, 2);
//! mock.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! # What a request gets
//!
//! 1. 401, if [`MockConfig::keys`] is not empty and the key not among them.
//! 2. 429, if the key is over its [quota](LimitAfter).
//! 3. The fault it asks for itself, see below.
//! 4. The next [`Step`] of its key's [script](MockUpstream::script), then what is set for
//!    [always](MockUpstream::always).
//! 5. [`MockConfig::reply`].
//!
//! This goes for all of `/v1/…`: `POST /v1/messages`, `POST /v1/messages/count_tokens`, `GET /v1/models`,
//! `GET /v1/models/{id}`, what lives on an account (`/v1/files`, `/v1/messages/batches`, `/v1/skills` …: made, listed,
//! read and deleted for each key alone, anything else is a 404), and for any other path, whose good answer is `{"path":…,"method":…}`. Outside of `/v1/`
//! it is a 404. Faults within a stream concern messages only; to the other endpoints they mean nothing.
//!
//! # Steering by the request
//!
//! The header `x-mock` holds JSON, so that a test or a load generator gets what it wants through a proxy:
//!
//! | fields | effect |
//! | --- | --- |
//! | `model`, `deltas`, `delta_bytes`, `pace_ms`, `framing`, `gzip`, `stop_reason`, `delta_usage` | as in [`Reply`]; enums in snake case |
//! | `input`, `output`, `cache_read`, `cache_write_5m`, `cache_write_1h` | [`Usage`] |
//! | `usage_extra`, `message_extra` | an object whose members join the usage objects, or the message |
//! | `tool` | `{"name":…,"input":{…}}`, a tool call; `stop_reason` is then `tool_use` |
//! | `headers`, `set_cookie` | response headers |
//! | `delay_ms` | the wait before the headers, with or without a fault |
//! | `only_keys` | keys the whole header is for; a proxy sends the same header again to its next account |
//! | `fault` | a [`Step`] or one of its constructors in snake case: `overloaded`, `reset_mid_stream` …, or `status` |
//! | `after_events`, `error_type` | of a fault within a stream |
//! | `status`, `error_type`, `error_code`, `message`, `raw_body`, `retry_after` | changes to an error answer |
//! | `window`, `reset` (epoch seconds), `reset_in` (seconds), `reset_at` (RFC 3339) | of `quota_unified` and `quota_api_key` |
//!
//! An unknown field or fault is answered with 400.
//!
//! # From other languages
//!
//! Unless [`MockConfig::control`] is off, there are:
//!
//! - `POST /_mock/script` `{"key":…,"steps":[…],"always":…,"clear":true}`; steps are objects as in `x-mock`, and all
//!   but `key` may be left out,
//! - `POST /_mock/reset`: forgets scripts and requests,
//! - `GET /_mock/requests` and `GET /_mock/totals`,
//! - `GET /_mock/answered`: a line of JSON for each request that named itself by the header `x-mock-id` and was
//!   answered, be it in part, to be compared with a proxy's own books.
//!
//! The binary `ccflare-mock` serves them, too. It prints `ccflare-mock listening on http://…` first.
//!
//! # Under load
//!
//! Payloads are built once for each kind of reply. [`MockConfig::without_record`] holds nothing of a request but
//! the [`Totals`] (and a line for each `x-mock-id`), so that memory stays flat.
//!
//! # Caches, prices, limits
//!
//! With [`MockConfig::economy`] the usage of messages follows from the requests: a prompt cache for each key and model,
//! prices, windows and token buckets that can be exceeded, all of it on a [`VirtualTime`]. `POST /_mock/time`
//! `{"advance_seconds":…}` lets that time pass, and `GET /_mock/spent` tells what each key has used.
//!
//! # Tokens
//!
//! [`MockOAuth`] is an authorization server beside it, for accounts that log in.
//!
//! # What "answered" means
//!
//! [`Disposition::Answered`] says that the whole answer was handed to the connection, not that the client has read
//! it: a client that leaves within the last bytes may still count as answered.

mod answer;
mod body;
mod cache;
mod config;
mod conn;
mod control;
mod economy;
mod error_answer;
mod events;
mod gzip;
mod head;
mod ledger;
mod limits;
mod message;
mod models;
mod oauth;
mod received;
mod reply;
mod serve;
mod shared;
mod steer;
mod step;
mod things;
mod time;
mod totals;
mod upstream;
mod usage;

pub use config::{KeyConfig, LimitAfter, MockConfig};
pub use economy::{Allowance, Budget, Economy, Rates, Spent};
pub use error_answer::ErrorAnswer;
pub use ledger::Identified;
pub use limits::{ApiKeyLimits, Bucket, RateLimits, UnifiedLimits, Window};
pub use oauth::{Fault, MockOAuth, TokenRequest};
pub use received::{Disposition, Received};
pub use reply::{Framing, Reply, ToolUse};
pub use step::Step;
pub use time::VirtualTime;
pub use totals::{KeyTotals, Totals};
pub use upstream::MockUpstream;
pub use usage::{DeltaUsage, Usage};
