//! Finds out who asks and puts it beside the request, as [`RequestFacts`](crate::domain::RequestFacts): the model, the
//! session and the conversation in it, the agent, its workspace. The one thing it may change is the model, where an
//! operator prefers another one for the agent; every other byte passes unchanged.
//!
//! What is known of a conversation is found out at its first request and remembered, so that a later one is read no
//! further than to its first message. A body that is no JSON, or odd, passes with the facts that it states.
//!
//! Facts are read before the request goes on, whether or not the model is replaced: that depends on the agent, which is one
//! of them; which accounts are open depends on the model, and where a conversation lives on its session; and whoever looks
//! on, or finds the request interrupted, is told who asked. A search from quote to quote costs microseconds where the answer
//! takes seconds.
//!
//! Where the facts stand, and which clients state them, is written down in `docs/agents.md`.
//!
//! ```
//! use bytes::Bytes;
//! use ccflare_core::{domain::RequestFacts, intercept::InterceptLayer};
//! use http::Request;
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let behind = service_fn(|request: Request<Bytes>| async move {
//!     Ok::<_, std::convert::Infallible>(request.extensions().get::<RequestFacts>().cloned())
//! });
//! let request = Request::post("/v1/messages").body(Bytes::from_static(br#"{"model":"claude-opus-5-5"}"#)).unwrap();
//! let facts = InterceptLayer::default().layer(behind).oneshot(request).await.unwrap().unwrap();
//! assert_eq!(facts.model.as_deref(), Some("claude-opus-5-5"));
//! # });
//! ```

mod body;
mod compatible;
mod conversations;
mod directory;
mod interceptor;
mod layer;
mod overhear;
mod rewrite;
mod session;
mod text;

pub use compatible::CompatibleModels;
pub use conversations::Conversations;
pub use directory::AgentDirectory;
pub use layer::{Intercept, InterceptLayer};

#[cfg(test)]
mod tests;
