//! Which account answers, and what happens when it does not.
//!
//! [`Balance`] turns a request into one [`Attempt`] for each candidate until an answer is fit for the client. Three pure
//! parts decide: a [`Strategy`] orders the accounts, a [`Provider`](crate::provider::Provider) judges each answer, and a
//! `Course` says what that judgement means for the next step. The service around them only acts.
//!
//! It needs nothing else of the crate's line: put it over any service that takes attempts.
//!
//! ```
//! use std::sync::Arc;
//! use bytes::Bytes;
//! use ccflare_core::balance::{Attempt, BalanceLayer, Session, Target};
//! use ccflare_core::{clock::SystemClock, pool::AccountPool, provider::Providers};
//! use ccflare_core::domain::{Account, Credential, Secret, Timestamp};
//! use ccflare_core::error::AttemptError;
//! use http::{Request, Response};
//! use http_body_util::Full;
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let key = Credential::ApiKey(Secret::new("sk-ant-api03-example"));
//! let accounts = vec![Account::new("work", "anthropic", key, Timestamp::from_seconds(1_800_000_000))];
//! let balance = BalanceLayer::new(
//!     Arc::new(AccountPool::new(accounts)),
//!     Arc::new(Session::default()),
//!     Providers::default(),
//!     Arc::new(SystemClock::new()),
//! );
//!
//! let upstream = service_fn(|attempt: Attempt| async move {
//!     let Target::Account(account) = &attempt.target else { unreachable!("there is an account") };
//!     Ok::<_, AttemptError>(Response::new(Full::new(Bytes::from(account.name.to_string()))))
//! });
//!
//! let request = Request::post("/v1/messages").body(Bytes::from_static(b"{}")).unwrap();
//! let answer = balance.layer(upstream).oneshot(request).await.unwrap();
//! assert_eq!(answer.status(), 200);
//! # });
//! ```

mod allowance;
mod attempt;
mod body;
pub mod conversation;
mod course;
mod layer;
mod mark;
mod ownership;
mod place;
mod service;
mod session;
mod strategy;
mod switch;

pub use attempt::{Attempt, SentWith, Target};
pub use body::ServedBody;
pub use conversation::{Conversation, ConversationOptions};
pub use layer::{BalanceLayer, BalanceOptions};
pub use ownership::ACCOUNT;
pub use place::decision;
pub use service::Balance;
pub use session::Session;
pub use strategy::{Candidate, Plan, Stake, Strategy, Turn};
pub use switch::{StrategyName, Switch, UnknownStrategy};

pub use crate::pool::Standing;
