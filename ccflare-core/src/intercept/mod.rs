//! Finds out who asks and puts it beside the request, as [`Facts`](crate::domain::Facts): the model, the
//! session and the conversation in it, the agent, its workspace. The one thing it may change is the model, where an
//! operator prefers another one for the agent; every other byte passes unchanged.
//!
//! What is known of a conversation is found out at its first request and remembered, so that a later one is read no
//! further than to its first message. A body that is no JSON, or odd, passes with the facts that it states.
//!
//! Facts are read when somebody first looks at one, and once. That is before the request goes on where its way depends on
//! them: where a model may be preferred (for whom depends on the agent), where the client key may ask for some models only,
//! where an account is closed to some models, and with the strategy `conversation`, which has to know which one it is. Else
//! the request goes out first, and is read while the upstream is at work.
//!
//! Where the facts stand, and which clients state them, is written down in `docs/agents.md`.
//!
//! ```
//! use bytes::Bytes;
//! use ccflare_core::{domain::Facts, intercept::InterceptLayer};
//! use http::Request;
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let behind = service_fn(|request: Request<Bytes>| async move {
//!     Ok::<_, std::convert::Infallible>(request.extensions().get::<Facts>().cloned())
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
mod hints;
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
