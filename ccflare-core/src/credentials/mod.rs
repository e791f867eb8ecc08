//! Turns an attempt into the request that goes on the wire: address, headers, and exactly one credential.
//!
//! An account with tokens gets fresh ones before, if there is a [`Refresher`]; keys need none.
//!
//! ```
//! use std::sync::Arc;
//! use bytes::Bytes;
//! use ccflare_core::balance::{Attempt, Target};
//! use ccflare_core::credentials::AuthorizeLayer;
//! use ccflare_core::domain::{Account, Credential, Secret, Timestamp};
//! use ccflare_core::{error::AttemptError, provider::Anthropic};
//! use http::{Request, Response};
//! use http_body_util::Full;
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let wire = service_fn(|request: Request<Full<Bytes>>| async move {
//!     assert_eq!(request.uri(), "https://api.anthropic.com/v1/messages");
//!     assert_eq!(request.headers()["x-api-key"], "sk-ant-api03-example");
//!     assert!(!request.headers().contains_key("authorization"));
//!     Ok::<_, AttemptError>(Response::new(()))
//! });
//!
//! let key = Credential::ApiKey(Secret::new("sk-ant-api03-example"));
//! let account = Account::new("work", "anthropic", key, Timestamp::from_seconds(1_800_000_000));
//! let request = Request::post("/v1/messages").header("authorization", "Bearer the-client's-own");
//! AuthorizeLayer::default().layer(wire).oneshot(Attempt {
//!     target: Target::Account(Arc::new(account)),
//!     number: 1,
//!     refused: None,
//!     provider: Arc::new(Anthropic::default()),
//!     request: Arc::new(request.body(Bytes::new()).unwrap()),
//! }).await.unwrap();
//! # });
//! ```

mod layer;
mod refresher;
mod service;
mod timing;

pub use layer::AuthorizeLayer;
pub use refresher::{RefreshError, Refresher};
pub use service::Authorize;
