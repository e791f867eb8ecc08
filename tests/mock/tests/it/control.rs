//! The `/_mock/…` endpoints.

use ccflare_mock::{MockConfig, MockUpstream};
use serde_json::{Value, json};

use crate::raw::{Answer, PLAIN, Raw, ask};

pub(crate) async fn control(mock: &MockUpstream, method: &str, path: &str, body: &str) -> Answer {
    let mut raw = Raw::connect(mock.addr()).await;
    raw.send(method, path, &[], body).await;
    raw.answer().await.unwrap()
}

#[tokio::test]
async fn a_script_from_outside() {
    let mock = MockUpstream::start(MockConfig::default()).await;
    let script = r#"{"key":"k","steps":[{"fault":"quota_unified","window":"7d","reset_in":60},{"output":7}],
        "always":{"fault":"unavailable"}}"#;
    assert_eq!(control(&mock, "POST", "/_mock/script", script).await.status, 200);
    assert_eq!(ask(&mock, "k", &[("x-mock-id", "one")], PLAIN).await.unwrap().status, 429);
    assert_eq!(ask(&mock, "k", &[("x-mock-id", "two")], PLAIN).await.unwrap().json()["usage"]["output_tokens"], 7);
    assert_eq!(ask(&mock, "k", &[], PLAIN).await.unwrap().status, 503);

    let totals = control(&mock, "GET", "/_mock/totals", "").await.json();
    assert_eq!((&totals["requests"], &totals["by_status"]["503"]), (&json!(3), &json!(1)));
    let requests = control(&mock, "GET", "/_mock/requests", "").await.json();
    assert_eq!((&requests[0]["body"], &requests[1]["end"]["usage"]["output"]), (&json!(PLAIN), &json!(7)));
    let answered = control(&mock, "GET", "/_mock/answered", "").await.text();
    let lines: Vec<Value> = answered.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((lines.len(), &lines[1]["id"], &lines[1]["usage"]["output"]), (2, &json!("two"), &json!(7)));
    assert_eq!((&lines[0]["status"], &lines[0]["disposition"]), (&json!(429), &json!("answered")));

    assert_eq!(control(&mock, "POST", "/_mock/reset", "").await.status, 200);
    assert_eq!(ask(&mock, "k", &[], PLAIN).await.unwrap().status, 200);
    assert_eq!(mock.totals().requests, 1, "control requests do not count");
}

#[tokio::test]
async fn mistakes_and_absence() {
    let mock = MockUpstream::start(MockConfig::default()).await;
    let wrong = r#"{"key":"k","steps":[{"fault":"none"}]}"#;
    assert_eq!(control(&mock, "POST", "/_mock/script", wrong).await.status, 400);
    assert_eq!(control(&mock, "GET", "/_mock/none", "").await.status, 404);
    let mock = MockUpstream::start(MockConfig { control: false, ..MockConfig::default() }).await;
    assert_eq!(control(&mock, "GET", "/_mock/totals", "").await.status, 404);
    assert_eq!(mock.totals().requests, 1);
}
