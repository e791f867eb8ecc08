//! The ledger knows who asked, and an agent's requests go to the model that is preferred for it.

use std::sync::Arc;

use bytes::Bytes;
use ccflare_core::{domain::Asker, gateway::GatewayBuilder, intercept::AgentDirectory};
use ccflare_mock::{Reply, Step, ToolUse};

use crate::harness::Stage;

const MAIN: &str = include_str!("../ccflare-core/src/intercept/shapes/2.1.330-main.json");
const SUBAGENT: &str = include_str!("../ccflare-core/src/intercept/shapes/2.1.330-subagent.json");
const SESSION: &str = "b45df50c-d2fb-48a7-9a44-2f0d4f6a9c11";

/// Prefers this model for the agent `Explore`, whom no file defines.
#[derive(Debug)]
struct Prefers(&'static str);

impl AgentDirectory for Prefers {
    fn named_by(&self, _: &str, _: Option<&str>) -> Option<Arc<str>> {
        None
    }

    fn preferred_model(&self, agent: &str, _: Option<&str>) -> Option<Arc<str>> {
        (agent == "Explore").then(|| self.0.into())
    }

    fn seen(&self, _: &Asker) {}
}

fn preferring(model: &'static str) -> impl FnOnce(GatewayBuilder) -> GatewayBuilder {
    move |builder| builder.agent_directory(Arc::new(Prefers(model)))
}

/// Sends a body as it is and reads the whole answer.
async fn send(stage: &Stage, body: &'static str) -> Bytes {
    let request = stage.client.post(stage.url("/v1/messages?beta=true"));
    let request = request.header("content-type", "application/json").header("x-claude-code-session-id", SESSION);
    let answer = request.header("accept-encoding", "gzip").body(body).send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    answer.bytes().await.expect("a whole body")
}

/// The next answer gives an order to `Explore`: the one that the sub-agent of the other body begins with.
fn order(stage: &Stage, gzip: bool) {
    let input = r#"{"description":"d","prompt":"Review src/lib.rs.\nReport \"bugs\" only.","subagent_type":"Explore"}"#;
    let tool_use = Some(ToolUse { name: "Agent".to_owned(), input: input.to_owned() });
    stage.mock.script("work", [Step::reply(Reply { tool_use, gzip, ..Reply::default() })]);
}

#[tokio::test]
async fn a_subagent_is_known_by_the_order_it_was_given_and_asks_the_model_preferred_for_it() {
    for gzip in [false, true] {
        let stage = Stage::built(&["work"], preferring("claude-sonnet-5-5")).await;
        order(&stage, gzip);
        send(&stage, MAIN).await;
        send(&stage, SUBAGENT).await;

        let arrived = stage.mock.requests();
        assert_eq!(arrived[0].body, MAIN, "nothing is preferred for the main thread");
        let expected = SUBAGENT.replace("claude-haiku-5-5", "claude-sonnet-5-5");
        assert_eq!(arrived[1].body, expected, "the model is another one, and every other byte the same");

        let ledger = stage.finish().await;
        let [main, subagent] = &*ledger else { panic!("two requests") };
        for request in [main, subagent] {
            assert_eq!(request.session.as_deref(), Some(SESSION));
            assert_eq!(request.workspace.as_deref(), Some("/w/myrepo"));
        }
        assert_eq!((main.agent_used.as_deref(), main.is_subagent), (None, false));
        assert_eq!((subagent.agent_used.as_deref(), subagent.is_subagent), (Some("Explore"), true));
        assert_eq!(subagent.model_asked.as_deref(), Some("claude-haiku-5-5"));
        assert_eq!(subagent.model_preferred.as_deref(), Some("claude-sonnet-5-5"));
        assert_eq!(subagent.model_sent.as_deref(), Some("claude-sonnet-5-5"));
        assert_eq!(subagent.preference_refused, None);
    }
}

#[tokio::test]
async fn a_preference_for_a_model_that_takes_other_requests_is_refused_and_the_record_says_why() {
    let stage = Stage::built(&["work"], preferring("claude-haiku-4-5")).await;
    order(&stage, false);
    send(&stage, MAIN).await;
    send(&stage, SUBAGENT).await;
    assert_eq!(stage.mock.requests()[1].body, SUBAGENT);
    let ledger = stage.finish().await;
    assert_eq!(ledger[1].model_sent.as_deref(), Some("claude-haiku-5-5"));
    assert!(ledger[1].preference_refused.as_deref().is_some_and(|why| why.contains("claude-haiku-4-5")));
}
