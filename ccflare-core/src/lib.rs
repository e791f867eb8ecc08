//! The parts of a load-balancing proxy for AI APIs, as composable tower layers.
//!
//! Several accounts stand behind one endpoint. Every request goes to the account that holds its prompt cache, moves on
//! when that account is limited or broken, and is written down with exactly what it used and cost.
//!
//! # The whole thing
//!
//! [`gateway::Gateway`] puts all parts together. Its [`line`](gateway::Gateway::line) is a `tower::Service` to mount
//! wherever requests come from: an axum router, a bare hyper server, a test.
//!
//! ```
//! use std::{sync::Arc, time::Duration};
//! use bytes::Bytes;
//! use ccflare_core::{gateway::Gateway, store::RedbStore};
//! use http::Request;
//! use http_body_util::Full;
//! use tower::ServiceExt;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let gateway = Gateway::builder(Arc::new(RedbStore::in_memory())).build().await?;
//! let request = Request::get("/v1/organizations").body(Full::new(Bytes::new())).unwrap();
//! let answer = gateway.line().oneshot(request).await.unwrap();
//! assert_eq!(answer.status(), 404, "the admin API is not forwarded");
//! gateway.shutdown(Duration::from_secs(5)).await;
//! # Ok::<_, ccflare_core::store::StoreError>(()) }).unwrap();
//! ```
//!
//! # One part alone
//!
//! Each stage is a layer that needs nothing of the others:
//!
//! | to get | take | over a service of |
//! | --- | --- | --- |
//! | fail-over between accounts | [`balance::BalanceLayer`] | [`balance::Attempt`] |
//! | usage, cost and a ledger | [`record::RecordLayer`] | `http::Request<Bytes>` |
//! | facts of a request | [`intercept::InterceptLayer`] | `http::Request<Bytes>` |
//! | credentials and clean headers | [`credentials::AuthorizeLayer`] | `http::Request<Full<Bytes>>` |
//! | errors in the API's shape | [`proxy::RespondLayer`] | anything that fails with a [`error::ProxyError`] |
//!
//! # Your own parts
//!
//! The policies are traits: [`balance::Strategy`] orders accounts, [`provider::Provider`] knows an API,
//! [`store::Store`] keeps accounts and ledger, [`clock::Clock`] tells the time, [`control::Control`] is what an operator
//! can do.
//!
//! # What holds everywhere
//!
//! Bodies pass unchanged, byte for byte. Unknown is `None`, never 0. Everything is bounded. The library reads no
//! environment, home directory or terminal.

pub mod agents;
pub mod analytics;
pub mod balance;
pub mod bell;
pub mod clock;
pub mod control;
pub mod credentials;
pub mod domain;
pub mod egress;
pub mod error;
pub mod gateway;
pub mod intercept;
mod json;
pub mod key_ring;
pub mod live;
pub mod logs;
pub mod oauth;
pub mod ownership;
pub mod pool;
pub mod pricing;
pub mod provider;
pub mod proxy;
pub mod record;
pub mod report;
pub mod retention;
pub mod sse;
pub mod store;
pub mod upstream;
pub mod vitals;
