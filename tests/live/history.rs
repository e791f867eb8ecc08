//! The log is searched from its end, by every filter, and never read whole.

use std::{fmt::Write as _, fs};

use ccflare_core::{control::Logs, logs::LogFolder};
use serde_json::Value;

use crate::harness::{START, Stage, TOKEN};

/// Seconds after the tests' beginning as a line states them.
fn at(seconds: usize) -> usize {
    usize::try_from(START.as_millis()).expect("after 1970") + seconds * 1000
}

/// One line a second, each a kilobyte, and 70 MB of them: more than is searched for one answer.
const LINES: usize = 70_000;

fn write(folder: &std::path::Path) {
    let filler = "x".repeat(900);
    let mut text = String::new();
    for number in 0..LINES {
        let level = if number % 1000 == 0 { "WARN" } else { "INFO" };
        let (ts, request) = (at(number), number / 10);
        let _ = writeln!(
            text,
            r#"{{"ts":{ts},"level":"{level}","target":"tests","msg":"Line {number}","request":"r{request}","data":{{"filler":"{filler}"}}}}"#
        );
    }
    fs::write(folder.join("ccflare-1800000000000000.log"), text).expect("a file");
}

struct Page {
    lines: Vec<Value>,
    next: Option<String>,
}

impl Page {
    fn messages(&self) -> Vec<&str> {
        self.lines.iter().filter_map(|line| line["msg"].as_str()).collect()
    }
}

async fn history(stage: &Stage, path: &str) -> Page {
    let answer = stage.client.get(stage.url(path)).bearer_auth(TOKEN).send().await.expect("an answer");
    assert_eq!(answer.status(), 200, "{path}");
    let link = answer.headers().get("link").map(|link| link.to_str().expect("text").to_owned());
    let next = link.map(|link| link.split(['<', '>']).nth(1).expect("an address").to_owned());
    Page { lines: answer.json().await.expect("lines"), next }
}

#[tokio::test]
async fn every_filter_finds_the_newest_lines_and_a_page_leads_to_the_one_before() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path());
    let logs = Logs { folder: Some(LogFolder::new(folder.path().to_owned())), switch: None };
    let stage = Stage::built(&[], |builder| builder.logs(logs)).await;
    let get = async |query: &str| history(&stage, &format!("/api/logs/history?{query}")).await;

    let page = get("limit=2").await;
    assert_eq!(page.messages(), ["Line 69998", "Line 69999"]);
    let older = history(&stage, &page.next.expect("there is more")).await;
    assert_eq!(older.messages(), ["Line 69996", "Line 69997"]);
    assert_eq!(get("level=warn&limit=2").await.messages(), ["Line 68000", "Line 69000"]);
    assert_eq!(get("text=LINE%206999&limit=2").await.messages(), ["Line 69998", "Line 69999"]);
    assert_eq!(get("request=r6999&limit=3").await.messages(), ["Line 69997", "Line 69998", "Line 69999"]);

    // By time, in the middle and at the beginning, which the end is too far from to be read to.
    let (from, to) = (at(35_000), at(35_003));
    assert_eq!(get(&format!("from={from}&to={to}")).await.messages(), ["Line 35000", "Line 35001", "Line 35002"]);
    assert_eq!(get(&format!("to={}", at(2))).await.messages(), ["Line 0", "Line 1"]);
    let both = get(&format!("from={}&to={}&level=warn", at(3000), at(5001))).await;
    assert_eq!(both.messages(), ["Line 3000", "Line 4000", "Line 5000"]);
    let one = get(&format!("from={}&to={}&request=r123", at(1000), at(2000))).await;
    assert_eq!((one.lines.len(), one.messages()[0]), (10, "Line 1230"));
    assert!(one.next.is_none(), "there is nothing of that time any more");

    // Without one a search stops on its way, and says where to go on.
    let lost = get("text=line%2017%20&limit=5").await;
    assert!(lost.lines.is_empty());
    let rest = history(&stage, &lost.next.expect("not everything was read")).await;
    assert!(rest.lines.is_empty() && rest.next.is_none(), "no line has this text");
    let first = get("request=r0&limit=5").await;
    let first = history(&stage, &first.next.expect("not everything was read")).await;
    assert_eq!(first.messages(), ["Line 5", "Line 6", "Line 7", "Line 8", "Line 9"]);

    for wrong in ["from=yesterday", "to=", "level=loud", "limit=0", "before=nowhere", "since=1"] {
        let answer = stage.client.get(stage.url(&format!("/api/logs/history?{wrong}"))).bearer_auth(TOKEN);
        let answer = answer.send().await.expect("an answer");
        assert_eq!(answer.status(), 400, "{wrong}");
    }
    stage.finish().await;
}
