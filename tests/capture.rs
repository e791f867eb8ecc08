//! What requests carry is kept only if somebody wants it, without what nobody may see, and not for ever.

use std::sync::Arc;

use ccflare_core::{
    control::{Control, ControlError, Remote, views::AuditQuery},
    domain::Secret,
    record::{CaptureOptions, Redaction},
};
use serde_json::json;

use crate::harness::{Stage, TOKEN, message};

async fn stage(paths: &'static [&'static str]) -> Stage {
    Stage::with_options(&["a"], |options| {
        let mut capture = CaptureOptions::default();
        capture.redaction = Redaction::parse(paths.iter().copied()).expect("paths");
        options.capture = Some(capture);
    })
    .await
}

#[tokio::test]
async fn nothing_is_kept_unless_it_is_wanted() {
    let stage = Stage::with(&["a"]).await;
    let answer = stage.ask().await;
    let id = answer.header("x-ccflare-request-id").expect("an id").to_owned();
    let missing = stage.control.payload(&id).await;
    assert!(matches!(&missing, Err(ControlError::NotFound(why)) if why.contains("capture_payloads")), "{missing:?}");
    let audit = stage.control.audit(AuditQuery::default()).await.expect("the audit log");
    assert!(audit.iter().all(|entry| entry.action != "request.payload"), "there was nothing to look at: {audit:?}");
    stage.finish().await;
}

#[tokio::test]
async fn both_sides_are_kept_from_within_and_from_afar() {
    let stage = stage(&[]).await;
    let remote: Arc<dyn Control> =
        Arc::new(Remote::new(stage.url("/").parse().expect("a URL"), Secret::new(TOKEN)).expect("an address"));
    for stream in [false, true] {
        let answer = stage.send(message("claude-opus-5-5", stream), &[("x-api-key", "canary-key")]).await;
        let id = answer.header("x-ccflare-request-id").expect("an id");
        let payload = stage.control.payload(id).await.expect("kept");
        assert_eq!(remote.payload(id).await.expect("kept"), payload);
        assert_eq!(payload.request.body, message("claude-opus-5-5", stream).to_string());
        assert_eq!(payload.response.body.as_bytes(), &**answer.bytes());
        assert!(!payload.response.truncated && payload.response.bytes == answer.bytes().len() as u64);
        assert!(!format!("{payload:?}").contains("canary"), "{payload:?}");
    }
    stage.finish().await;
}

#[tokio::test]
async fn named_values_are_taken_out_of_bodies_and_of_streams() {
    let stage = stage(&["/messages/*/content", "/content", "/delta/text"]).await;
    for stream in [false, true] {
        let mut body = message("claude-opus-5-5", stream);
        body["messages"][0]["content"] = json!([{ "type": "text", "text": "canary" }]);
        let answer = stage.send(body, &[]).await;
        let id = answer.header("x-ccflare-request-id").expect("an id");
        let payload = stage.control.payload(id).await.expect("kept");
        assert!(payload.request.body.contains(r#""content":"[redacted]""#), "{}", payload.request.body);
        assert!(payload.response.body.contains(r#""[redacted]""#), "{}", payload.response.body);
        assert!(!format!("{payload:?}").contains("canary"));
    }
    stage.finish().await;
}

#[tokio::test]
async fn a_failed_request_is_kept_too() {
    let stage = stage(&[]).await;
    stage.control.edit_account("a", ccflare_core::control::views::AccountEdit::Pause).await.expect("paused");
    let answer = stage.ask().await;
    let id = answer.header("x-ccflare-request-id").expect("an id").to_owned();
    let payload = stage.control.payload(&id).await.expect("kept");
    assert!(!payload.request.body.is_empty() && payload.response.body.is_empty());
    stage.finish().await;
}
