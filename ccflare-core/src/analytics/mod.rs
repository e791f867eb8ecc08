//! What many requests add up to: counts, tokens, money and times, by when, who, what and how it ended.
//!
//! Everything here is pure. A [`Cell`] is what some requests add up to; cells merge, so the store keeps one for each
//! minute, hour and day and each [`Dimensions`], and an answer over a month merges days, not requests. A [`Question`] says
//! what is wanted, [`Fold`] merges the cells that it concerns, and [`Answer`] is what comes out. Sums are exact, and
//! quantiles are within [`sketch::RELATIVE_ERROR`] of those of the requests themselves.
//!
//! ```
//! use ccflare_core::analytics::{Cell, Dimensions, Filter, Fold, Minute, Question};
//! # use ccflare_core::domain::{Exchange, ExchangeId, Intent, Outcome, Timestamp};
//! # let at = Timestamp::from_seconds(1_800_000_000);
//! # let exchange = Exchange::unfinished(Intent {
//! #     id: ExchangeId::new(at), at, method: http::Method::POST, path: "/v1/messages".into(), model: None,
//! #     request_bytes: 0, client_key: None, asker: None, preference: None,
//! # }, Outcome::Cancelled);
//! let minute = Minute::of(exchange.intent.at);
//! let (from, to) = (minute.floor(60), minute.floor(60) + 60);
//! let question = Question { from, to, bucket: 60, filter: Filter::default(), distributions: true };
//! let mut fold = Fold::new(&question);
//! let series = fold.series(&Dimensions::of(&exchange)).expect("nothing is filtered out");
//! fold.add(series, minute, &Cell::of(&exchange));
//! assert_eq!(fold.finish().total.counts.requests, 1);
//! ```

mod cell;
mod dimensions;
mod fold;
mod period;
mod session;
pub mod sketch;

pub use cell::{Cell, Counts, Packed, tokens_per_second};
pub use dimensions::{Dimensions, Filter, LONGEST_NAME};
pub use fold::{Answer, Apart, Bucket, Fold, Group, Margin, Series};
pub use period::{Kept, Level, Minute, Question, Stretch};
pub use session::{Participant, SessionSummary, Share, participants};
pub use sketch::{Histogram, Sketch};
