//! A command does and says the same on a running server as straight on its database.

use std::{collections::BTreeSet, fs, io::BufRead, time::Duration};

use ccflare_core::domain::Timestamp;
use ccflare_mock::Step;
use serde_json::{Value, json};

use crate::site::{Ran, Site};

/// An operator's day: what is typed, what is typed in, and how it ends. `ID` stands for the id that was shown last.
const DAY: &[(&str, &str, i32)] = &[
    ("account list", "", 0),
    ("account add work --priority 2 --tier 5", "work", 0),
    ("account add home", "home", 0),
    ("account add work", "again", 4),
    ("account add a/b", "key", 4),
    ("account add empty", "", 1),
    ("account pause work", "", 0),
    ("account pause work", "", 4),
    ("account resume ID", "", 0),
    ("account rename work office", "", 0),
    ("account priority office 1", "", 0),
    ("account tier office 20", "", 0),
    ("account list", "", 0),
    ("account remove office", "", 4),
    ("account remove office --yes", "", 0),
    ("account remove office --yes", "", 3),
    ("key create laptop --expires 90d --model claude-* --account home", "", 0),
    ("key create laptop", "", 4),
    ("key create phone --account nobody", "", 3),
    ("key list", "", 0),
    ("key rotate laptop", "", 0),
    ("key revoke laptop --yes", "", 0),
    ("key revoke laptop --yes", "", 4),
    ("key list", "", 0),
    ("agent list", "", 0),
    ("agent show reviewer", "", 0),
    ("agent show nobody", "", 3),
    ("agent prefer reviewer sonnet", "", 0),
    ("agent prefer Explore haiku", "", 0),
    ("agent prefer reviewer nonsense", "", 4),
    // It is an agent's own thread, whose prompt its file has.
    ("explain -H x-claude-code-session-id:s", ASKS_AS_REVIEWER, 0),
    ("agent prefer-all haiku", "", 0),
    ("agent clear reviewer", "", 0),
    ("agent default", "", 0),
    ("agent default haiku", "", 0),
    ("agent list", "", 0),
    ("agent default --clear", "", 0),
    ("agent edit reviewer --description Better --mode read-only --prompt-file -", "You review well.\n", 0),
    ("agent edit reviewer", "", 4),
    ("agent show reviewer", "", 0),
    ("workspace add repo", "", 0),
    ("workspace add nowhere", "", 4),
    ("workspace list", "", 0),
    ("agent list", "", 0),
    ("workspace remove repo", "", 0),
    ("workspace remove repo", "", 3),
    ("strategy", "", 0),
    ("strategy conversation", "", 0),
    ("strategy dice", "", 4),
    ("strategy", "", 0),
    ("explain", r#"{"model":"claude-opus-5-5","max_tokens":9,"messages":[{"role":"user","content":"Hello"}]}"#, 0),
    ("explain --method GET --path /v1/models -H x-claude-code-session-id:s", "", 0),
    ("explain --client-key nobody", "{}", 3),
    ("config show", "", 0),
    ("config get payload_days", "", 0),
    ("config get payload_day", "", 3),
    ("config set payload_days 10", "", 0),
    ("config set payload_days many", "", 4),
    ("config unset payload_days", "", 0),
    ("config reload", "", 0),
    ("config check", "", 0),
    ("config schema", "", 0),
    ("request list", "", 0),
    ("request show nothing", "", 3),
    ("request export --format jsonl", "", 0),
    ("request list --limit 0", "", 4),
    ("session list", "", 0),
    ("session show nobody", "", 3),
    ("stats", "", 0),
    ("stats show", "", 0),
    ("stats reset", "", 4),
    ("stats reset --yes", "", 0),
    ("analytics --range 7d --cumulative", "", 0),
    ("analytics --range 2h", "", 4),
    ("analyze", "", 0),
    ("maintenance sizes", "", 0),
    ("maintenance cleanup", "", 0),
    ("maintenance compact", "", 0),
    ("maintenance check", "", 0),
    ("maintenance backup one", "", 0),
    ("maintenance backup one", "", 4),
    ("logs --request nothing", "", 0),
    ("audit", "", 0),
    ("audit --limit 0", "", 4),
];

const ASKS_AS_REVIEWER: &str = r#"{"model":"claude-opus-5-5","max_tokens":9,"system":[{"type":"text","text":"You review."}],
    "tools":[{"name":"Bash"}],"messages":[{"role":"user","content":"Look at this"}]}"#;

/// Commands that have nothing to do with a server, or are tried below: why.
const ELSEWHERE: &[(&str, &str)] = &[
    ("serve", "is the server"),
    ("status", "tells the two apart, as is tried below"),
    ("account login", "is tried below"),
    ("doctor", "tells the two apart, as is tried below"),
    ("open", "needs the server, as is tried below"),
    ("keys rotate", "wants it stopped, as is tried below"),
    ("maintenance restore", "wants it stopped, as is tried below"),
    ("completions", "is of the shell"),
    ("man", "is of paper"),
];

/// What differs between two machines on which the same was done: ids, moments, places, sizes of files.
fn plain(site: &Site, text: &str) -> String {
    let address = site.address.map_or_else(|| "127.0.0.1:0".to_owned(), |address| address.to_string());
    let mut text = text.replace(&site.folder.display().to_string(), "FOLDER").replace(&address, "ADDRESS");
    // A server that may choose its port.
    text = text.replace("127.0.0.1:0", "ADDRESS");
    for (mark, is_one) in [("ID", is_id as fn(&[u8]) -> Option<usize>), ("MOMENT", is_moment), ("URL", is_url)] {
        let mut from = 0;
        while from < text.len() {
            match is_one(&text.as_bytes()[from..]) {
                Some(length) => text.replace_range(from..from + length, mark),
                None => from += 1,
            }
        }
    }
    text
}

/// Whether a UUID begins here, and how long it is.
fn is_id(text: &[u8]) -> Option<usize> {
    let groups = [8, 13, 18, 23];
    let fits = |(at, c): (usize, &u8)| if groups.contains(&at) { *c == b'-' } else { c.is_ascii_hexdigit() };
    (text.len() >= 36 && text[..36].iter().enumerate().all(fits)).then_some(36)
}

/// The same for a moment.
fn is_moment(text: &[u8]) -> Option<usize> {
    let pattern = b"0000-00-00T00:00:00";
    let fits = |(c, like): (&u8, &u8)| if *like == b'0' { c.is_ascii_digit() } else { c == like };
    if text.len() < pattern.len() || !text.iter().zip(pattern).all(fits) {
        return None;
    }
    text.iter().position(|c| *c == b'Z').map(|end| end + 1)
}

/// The same for the address of a machine of this test.
fn is_url(text: &[u8]) -> Option<usize> {
    let rest = text.strip_prefix(b"http://127.0.0.1:")?;
    Some(text.len() - rest.len() + rest.iter().take_while(|c| c.is_ascii_digit()).count())
}

/// Takes out of an answer what depends on the machine and its clock.
fn settled(value: &mut Value) {
    /// Fields that say how long something took, or how large a file is.
    const VARYING: [&str; 12] = [
        "fileBytes",
        "requestBytes",
        "payloadBytes",
        "bytesBefore",
        "bytesAfter",
        "bytes",
        "lastCommitMs",
        "done",
        "total",
        "checkedRows",
        "version",
        "ts",
    ];
    /// What a server has seen happen to agents since it started; a command has just started.
    const SEEN: [&str; 3] = ["discovered", "updated", "removed"];
    match value {
        Value::Array(all) => all.iter_mut().for_each(settled),
        Value::Object(fields) => {
            if fields.contains_key("clientKey") && fields.contains_key("key") {
                // It is shown this once.
                fields.insert("key".to_owned(), json!("secret"));
            }
            // A server has cleaned up since it started, and says so there.
            let is_meta = fields.get("name") == Some(&json!("meta"));
            for (name, value) in fields {
                if name == "timings" || is_meta && name == "rows" {
                    *value = json!("varies");
                }
                if name == "state" && SEEN.contains(&value.as_str().unwrap_or_default()) {
                    *value = json!("there");
                }
                if VARYING.contains(&name.as_str()) && !value.is_object() && !value.is_null() {
                    *value = json!("varies");
                }
                settled(value);
            }
        }
        _ => {}
    }
}

/// How a command ended, what it answered, and what else it said.
type Told = (Option<i32>, Value, String);

/// All of that, comparable between machines.
fn told(site: &Site, ran: &Ran) -> Told {
    let mut answer = match &*ran.out {
        "" => Value::Null,
        out => serde_json::from_str(&plain(site, out)).unwrap_or_else(|_| json!(plain(site, out))),
    };
    settled(&mut answer);
    (ran.code, answer, plain(site, &ran.err))
}

fn text((code, answer, said): &Told) -> String {
    format!("{code:?}\n{answer:#}\n{said}")
}

/// Fails with the lines that differ.
fn same(command: &str, on_server: &str, on_database: &str) {
    let (mut one, mut other) = (on_server.lines(), on_database.lines());
    let mut differ = Vec::new();
    loop {
        match (one.next(), other.next()) {
            (None, None) => break,
            (one, other) if one == other => {}
            (one, other) => differ.push(format!("server:   {one:?}\ndatabase: {other:?}")),
        }
    }
    assert!(differ.is_empty(), "{command} differs\n{}", differ.join("\n"));
}

fn words(line: &str) -> Vec<&str> {
    line.split(' ').collect()
}

/// Does what is done in a day.
fn spend(site: &Site) -> Vec<(String, Told)> {
    let mut told_all = Vec::new();
    let mut id = String::new();
    for (line, input, code) in DAY {
        let typed = line.replace("ID", &id);
        let ran = site.run(&[&["--json"], &*words(&typed)].concat(), input);
        assert_eq!(ran.code, Some(*code), "{line}: {ran:?}");
        if let Some(shown) =
            serde_json::from_str::<Value>(&ran.out).ok().and_then(|it| it["id"].as_str().map(Into::into))
        {
            id = shown;
        }
        told_all.push(((*line).to_owned(), told(site, &ran)));
    }
    told_all
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_done_in_a_day_is_the_same_on_a_server_and_on_a_database() {
    let (mut served, alone) = (Site::new().await, Site::new().await);
    served.serve();
    for ((line, on_server), (_, on_database)) in spend(&served).into_iter().zip(spend(&alone)) {
        if line.starts_with("audit") {
            // Who did it differs: somebody with the token, or somebody with the file.
            let who = |(code, mut answer, err): (_, Value, _)| {
                answer.as_array_mut().into_iter().flatten().for_each(|entry| {
                    entry["actor"].take();
                    entry["source"].take();
                });
                (code, answer, err)
            };
            same(&line, &text(&who(on_server)), &text(&who(on_database)));
        } else {
            same(&line, &text(&on_server), &text(&on_database));
        }
    }
    served.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn status_tells_a_server_from_a_database_and_makes_none() {
    let mut site = Site::new().await;
    let ran = site.run(&["status"], "");
    assert_eq!(ran.code, Some(69), "{ran:?}");
    assert!(ran.err.contains("no server runs") && !site.folder.join("data").exists(), "{ran:?}");
    site.serve();
    assert_eq!(site.run(&["status", "--json"], "").json()["status"], "ok");
    site.stop();
    assert_eq!(site.run(&["status", "--json"], "").json()["status"], "offline");
    assert!(site.run(&["status"], "").out.contains("no server runs"));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_held_while_somebody_is_asked_for_a_key() {
    let site = Site::new().await;
    let added = site.talk(&["account", "add", "work"], |_| {
        for _ in 0..5 {
            let listed = site.run(&["account", "list"], "");
            assert_eq!(listed.code, Some(0), "{listed:?}");
        }
        "work".to_owned()
    });
    assert_eq!(added.code, Some(0), "{added:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_ours_is_found_to_be_none() {
    let site = Site::new().await;
    let mock = site.mock.url().to_string();
    let ran =
        site.command(&["--server", &mock, "account", "list"]).env("CCFLARE_ADMIN_TOKEN", "of-another-server").output();
    let ran = ran.expect("it runs");
    assert_eq!(ran.status.code(), Some(69), "{ran:?}");
    assert!(String::from_utf8_lossy(&ran.stderr).contains("not as ccflare does"), "{ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_logs_in_on_a_server_and_on_a_database() {
    let (mut served, alone) = (Site::new().await, Site::new().await);
    served.serve();
    let mut results = Vec::new();
    for site in [&served, &alone] {
        for line in ["account add me --oauth --no-browser --priority 3", "account login me --no-browser"] {
            let ran = site.talk(&[&["--json"], &*words(line)].concat(), |said| {
                let shown = said.lines().map_while(Result::ok).find(|line| line.trim().starts_with("http"));
                grant(shown.expect("an address").trim())
            });
            assert_eq!(ran.code, Some(0), "{line}: {ran:?}");
            let (code, answer, _) = told(site, &ran);
            results.push((line, code, answer));
        }
    }
    let (on_server, on_database) = results.split_at(2);
    assert_eq!(on_server, on_database);
    served.stop();
}

/// What a person does: grants access, and comes back with the address it ends at.
fn grant(address: &str) -> String {
    let granting = async {
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy();
        let client = client.tls_backend_preconfigured(tls()).build().expect("a client");
        let answer = client.get(address).send().await.expect("the page");
        answer.headers()["location"].to_str().expect("an address").to_owned() + "\n"
    };
    tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(granting))
}

/// A client for plain HTTP would otherwise look for the machine's certificates.
fn tls() -> rustls::ClientConfig {
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    tls.expect("ring speaks TLS").with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth()
}

pub(crate) fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().tls_backend_preconfigured(tls()).build().expect("a client")
}

/// What was recorded, in every way in which it can be looked at; `REQUEST` and `SESSION` stand for one of each.
const LOOKS: &[&str] = &[
    "account list",
    "request list",
    "request list --limit 2 --before REQUEST",
    "request list --account work --status error",
    "request list --model claude-haiku-5-5 --agent none --key none",
    "request list --session SESSION --status-code 200 --from 2026-01-01T00:00:00Z",
    "request show REQUEST",
    "request show REQUEST --payload",
    "requests REQUEST",
    "request export",
    "request export --format jsonl --limit 3",
    "session list --limit 1",
    "session show SESSION",
    "stats",
    "analytics --from FROM --to TO",
    "analytics --from FROM --to TO --cumulative --model-breakdown --status success",
    "agent list",
    "workspace list",
    "key list",
    "strategy",
    "config get payload_days",
    "logs --grep accounts_are_not_logged",
];

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_recorded_is_read_the_same_from_its_database() {
    let mut site = Site::new().await;
    for name in ["work", "home"] {
        assert_eq!(site.run(&["account", "add", name], name).code, Some(0));
    }
    site.serve();
    let address = site.address.expect("it serves");
    site.mock.script("work", [Step::bad_request(), Step::overloaded(), Step::overloaded(), Step::billing()]);
    let client = client();
    for (number, model) in
        ["claude-opus-5-5", "claude-opus-5-5", "claude-haiku-5-5", "claude-sonnet-5-5"].iter().enumerate()
    {
        let body = json!({ "model": model, "max_tokens": 64, "stream": number == 3, "messages": [{ "role": "user", "content": "Hello" }] });
        let request = client.post(format!("http://{address}/v1/messages")).header("content-type", "application/json");
        let request = request.header("x-claude-code-session-id", "c0ffee00-0000-4000-8000-000000000001");
        let answer = request.body(body.to_string()).send().await.expect("an answer");
        answer.bytes().await.expect("a whole body");
    }
    let all = site.run(&["--json", "request", "list"], "").json();
    assert_eq!(all.as_array().map(Vec::len), Some(4), "{all}");
    let (request, session) = (all[1]["id"].as_str().expect("an id"), all[1]["session"].as_str().expect("a session"));
    let from = all[3]["timestamp"].as_str().expect("a moment");
    let to = Timestamp::parse_rfc3339(from).expect("a moment") + Duration::from_secs(3600);
    let to = to.to_string();
    let look = |site: &Site| {
        LOOKS
            .iter()
            .flat_map(|line| {
                let typed = line.replace("REQUEST", request).replace("SESSION", session).replace("FROM", from);
                let typed = typed.replace("TO", &to);
                let json = site.run(&[&["--json"], &*words(&typed)].concat(), "");
                let text = site.run(&words(&typed), "");
                assert_eq!((json.code, text.code), (Some(0), Some(0)), "{line}: {json:?}, {text:?}");
                [(*line, json.out), (*line, text.out)]
            })
            .collect::<Vec<_>>()
    };
    let from_server = look(&site);
    site.stop();
    for ((line, served), (_, alone)) in from_server.into_iter().zip(look(&site)) {
        same(line, &served, &alone);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_needs_a_server_and_what_wants_it_stopped_says_so() {
    let mut site = Site::new().await;
    site.serve();
    let json = |site: &Site, line: &str, code: i32| {
        let ran = site.run(&[&["--json"], &*words(line)].concat(), "work");
        assert_eq!(ran.code, Some(code), "{line}: {ran:?}");
        if code == 0 { ran.json() } else { json!(ran.err) }
    };
    let about = |diagnosis: &Value, what: &str| {
        let findings = diagnosis["findings"].as_array().expect("a list").iter();
        findings.filter(|it| it["about"] == what).map(|it| it["what"].to_string()).collect::<Vec<_>>().join(" ")
    };
    json(&site, "account add work", 0);
    let diagnosis = json(&site, "doctor", 0);
    assert!(about(&diagnosis, "server").contains("it answers on"), "{diagnosis:#}");
    assert_eq!(about(&diagnosis, "accounts"), "\"1 of 1 can serve\"");
    let link = json(&site, "open --print", 0);
    let page = client().get(link["url"].as_str().expect("an address")).send().await.expect("a page");
    assert_eq!(page.status(), 200);
    json(&site, "maintenance backup one", 0);
    for line in ["keys rotate", "maintenance restore data/backups/one.redb --yes"] {
        let refused = json(&site, line, 69);
        assert!(refused.to_string().contains("in use by another process"), "{line}: {refused}");
    }
    let before = json(&site, "account list", 0);

    site.stop();
    let refused = json(&site, "open --print", 69);
    assert!(refused.to_string().contains("start one with `ccflare serve`"), "{refused}");
    let diagnosis = json(&site, "doctor", 0);
    assert!(!about(&diagnosis, "server").contains("it answers on"), "{diagnosis:#}");
    json(&site, "account pause work", 0);
    json(&site, "maintenance restore data/backups/none.redb --yes", 3);
    json(&site, "maintenance restore data/backups/one.redb --yes", 0);
    json(&site, "keys rotate", 0);
    assert_eq!(json(&site, "account list", 0), before, "as it was backed up, under another key");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_command_is_forgotten_here() {
    let site = Site::new().await;
    let pages = site.folder.join("man");
    assert_eq!(site.run(&["man", "--dir", &pages.display().to_string()], "").code, Some(0));
    let pages = fs::read_dir(&pages).expect("a folder").map(|page| page.expect("a page").file_name());
    let names = pages.map(|name| name.to_str().and_then(|name| name.strip_suffix(".1")).expect("a page").to_owned());
    let all: BTreeSet<_> = names.collect();
    let is_leaf = |name: &&String| {
        !all.iter().any(|other| {
            other.starts_with(&format!("{name}-")) && other.matches('-').count() == name.matches('-').count() + 1
        })
    };
    let typed = DAY.iter().map(|(line, ..)| *line).chain(LOOKS.iter().copied());
    let typed: Vec<_> = typed.chain(ELSEWHERE.iter().map(|(command, _)| *command)).collect();
    for name in all.iter().filter(is_leaf) {
        let command = name.strip_prefix("ccflare-").unwrap_or(name);
        let is_typed = |line: &&str| {
            let line = line.replace(' ', "-");
            line == command || line.starts_with(&format!("{command}-"))
        };
        assert!(typed.iter().any(is_typed), "{command} is tried nowhere");
    }
}
