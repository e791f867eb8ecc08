//! The same numbers wherever one looks: in the API, on the pages, on the command line, on the terminal face.

use std::sync::Arc;

use ccflare_core::{
    clock::SystemClock,
    control::{Control, Remote},
    domain::Secret,
};
use ccflare_mock::Step;
use ccflare_tui::{Colours, Connected, Face, puppet::Puppet};
use serde_json::{Value, json};

use crate::{both_ways::client, site::Site};

/// A request, and what its answer says that it used: model, fresh input, output, read from the cache. The last one
/// streams. By the prices of the day: $1.41, $0.40, $0.50, nothing, $2.06.
const ASKED: [(&str, u64, u64, u64); 5] = [
    ("claude-opus-5-5", 100_000, 50_000, 50_000),
    ("claude-opus-5-5", 50_000, 10_000, 0),
    ("claude-sonnet-5-5", 100_000, 30_000, 0),
    ("claude-haiku-5-5", 0, 0, 0),
    ("claude-opus-5-5", 10_000, 101_000, 0),
];

/// The second one moves to another account, the fourth fails.
async fn traffic(site: &Site) {
    for (number, (model, input, output, cache_read)) in ASKED.into_iter().enumerate() {
        match number {
            1 => site.mock.script("work", [Step::billing()]),
            3 => site.mock.script("home", [Step::bad_request()]),
            _ => {}
        }
        let body = json!({
            "model": model, "max_tokens": 64, "stream": number == 4,
            "messages": [{ "role": "user", "content": "Hello" }],
        });
        let usage = json!({ "input": input, "output": output, "cache_read": cache_read });
        let request = client().post(site.url("/v1/messages")).header("content-type", "application/json");
        let answer = request.header("x-mock", usage.to_string()).body(body.to_string()).send().await;
        answer.expect("an answer").bytes().await.expect("a whole body");
    }
}

/// A page without its markup: what stands between tags, with one space between. Numbers hold on to their units there.
fn text(page: &str) -> String {
    let mut text = String::new();
    for piece in page.split('<') {
        let said = piece.split_once('>').map_or(piece, |(_, said)| said).trim();
        if !said.is_empty() {
            text = text + said + " ";
        }
    }
    text.replace('\u{a0}', " ")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_face_shows_the_same_numbers() {
    let mut site = Site::new().await;
    for name in ["work", "home"] {
        assert_eq!(site.run(&["account", "add", name], name).code, Some(0));
    }
    site.serve();
    traffic(&site).await;
    let token = std::fs::read_to_string(site.folder.join("data/admin-token")).expect("a token");
    let get = async |path: &str| {
        let answer = client().get(site.url(path)).bearer_auth(token.trim()).send().await.expect("an answer");
        assert_eq!(answer.status(), 200, "{path}");
        answer.text().await.expect("text")
    };
    let api = async |path: &str| serde_json::from_str::<Value>(&get(path).await).expect("JSON");

    // The API.
    let requests = api("/api/requests").await;
    let costs: Vec<_> = requests.as_array().expect("a list").iter().map(|it| it["costNanoUsd"].as_u64()).collect();
    let dollars = |cents: u64| Some(cents * 10_000_000);
    assert_eq!(costs, [dollars(206), None, dollars(50), dollars(40), dollars(141)]);
    let totals = &api("/api/analytics?range=1h").await["totals"];
    assert_eq!(
        (&totals["requests"], &totals["successRate"], &totals["failovers"]),
        (&5.into(), &80.0.into(), &1.into())
    );
    assert_eq!((&totals["totalTokens"], &totals["costNanoUsd"]), (&501_000.into(), &4_370_000_000_u64.into()));
    let stats = api("/api/stats").await;
    assert_eq!(
        (&stats["totalRequests"], &stats["successRate"], &stats["totalTokens"]),
        (&5.into(), &80.into(), &501_000.into())
    );
    assert_eq!(stats["totalCostUsd"], 4.37);

    // The pages.
    for (path, shown) in [
        ("/", &["Requests 5", "80 %", "501k", "$4.37"][..]),
        ("/analytics?range=1h", &["Requests 5", "80 %", "501k", "$4.37"][..]),
        ("/stats", &["Requests 5", "Successful 80 %", "Tokens 501k", "Cost $4.37"][..]),
        ("/requests", &["$1.41", "$0.40", "$0.50", "$2.06", "moved 1×", "150k", "101k"][..]),
    ] {
        let page = text(&get(path).await);
        shown.iter().for_each(|number| assert!(page.contains(number), "{path} lacks {number:?}: {page}"));
    }

    // The command line.
    for (line, shown) in [
        ("stats", &["requests   5\n", "succeeded  80 %\n", "tokens     501k", "cost       $4.37"][..]),
        ("analytics --range 1h", &["5 requests, 80 % succeeded, moved 1×", "501k tokens for $4.37"][..]),
        ("request list", &["1.41", "0.4", "0.5", "2.06", "150000", "101000"][..]),
        ("status", &["accounts      1 of 2 can serve"][..]),
    ] {
        let ran = site.run(&line.split(' ').collect::<Vec<_>>(), "");
        shown.iter().for_each(|number| assert!(ran.out.contains(number), "{line} lacks {number:?}: {}", ran.out));
    }

    // The terminal face.
    let remote: Arc<dyn Control> =
        Arc::new(Remote::new(site.url("/").parse().expect("a URL"), Secret::new(token.trim())).expect("an address"));
    let face = Face {
        colours: Colours::None,
        place: "server".to_owned(),
        connect: Box::pin(async move { Ok(Connected { control: remote, place: "server".to_owned(), note: None }) }),
        browse: None,
        clock: Arc::new(SystemClock::new()),
    };
    tokio::task::block_in_place(|| {
        let mut screen = Puppet::open(face, (120, 40), &tokio::runtime::Handle::current());
        screen.sees(&["REQUESTS", "80 %", "$4.37", "501k tokens", "1 moved", "1 of 2 accounts can serve"]);
        screen.type_in("5");
        screen.sees(&["requests        5", "success         80 %", "tokens          501,000", "cost            $4.37"]);
        screen.type_in("3");
        screen.sees(&["$1.41", "$0.40", "$0.50", "$2.06", "150k", "101k"]);
    });
    site.stop();
}
