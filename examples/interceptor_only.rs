//! The interceptor without the rest: a gateway of one's own learns who asks, and sends an agent's requests to the model
//! that is preferred for it.
//!
//! ```text
//! cargo run -p ccflare-examples --example interceptor_only
//! ```

#![allow(clippy::print_stdout, reason = "it is run to be read")]

use std::{convert::Infallible, sync::Arc};

use bytes::Bytes;
use ccflare_core::{
    domain::{Asker, Facts},
    intercept::{AgentDirectory, CompatibleModels, Conversations, InterceptLayer},
};
use http::Request;
use tower::{Layer, ServiceExt, service_fn};

/// Knows one agent, and what is preferred for it. `ccflare_core::agents` reads real ones from definition files.
#[derive(Debug)]
struct Reviewers;

impl AgentDirectory for Reviewers {
    fn named_by(&self, system: &str, _workspace: Option<&str>) -> Option<Arc<str>> {
        system.starts_with("You review changes.").then(|| "reviewer".into())
    }

    fn preferred_model(&self, agent: &str, _workspace: Option<&str>) -> Option<Arc<str>> {
        (agent == "reviewer").then(|| "claude-haiku-5-5".into())
    }

    fn seen(&self, asker: &Asker) {
        println!("a conversation begins: {} in {}", or_unknown(&asker.agent), or_unknown(&asker.workspace));
    }
}

const REQUEST: &str = r#"{"model":"claude-opus-5-5","max_tokens":1024,
  "metadata":{"user_id":"{\"session_id\":\"b45df50c-d2fb-48a7-9a44-2f0d4f6a9c11\"}"},
  "system":[{"type":"text","text":"You review changes."}],
  "messages":[{"role":"user","content":"Have a look."},
              {"role":"system","content":"- Primary working directory: /w/myrepo"}]}"#;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let intercept =
        InterceptLayer::new(Conversations::default(), Some(Arc::new(Reviewers)), CompatibleModels::default());
    // Whatever stands behind it finds the facts beside the request.
    let behind = service_fn(|request: Request<Bytes>| async move {
        let facts = request.extensions().get::<Facts>().cloned().unwrap_or_default();
        Ok::<_, Infallible>((facts, request.into_body()))
    });
    let request = Request::post("/v1/messages").body(Bytes::from_static(REQUEST.as_bytes()))?;
    let (facts, sent) = intercept.layer(behind).oneshot(request).await?;

    println!("session {}", facts.asker.as_ref().map_or("unknown", |asker| &*asker.session));
    println!("asked for {}, goes on to {}", or_unknown(&facts.model_asked), or_unknown(&facts.model));
    anyhow::ensure!(sent == REQUEST.replace("claude-opus-5-5", "claude-haiku-5-5"), "only the model is another one");
    Ok(())
}

fn or_unknown(text: &Option<Arc<str>>) -> &str {
    text.as_deref().unwrap_or("unknown")
}
