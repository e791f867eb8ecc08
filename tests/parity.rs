//! All that an operator can do is the same from within the process and from afar: every method is asked both ways, or
//! done one way and seen the other, and none can be forgotten.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Debug,
    fs,
    mem::discriminant,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use ccflare_core::{
    control::{
        Control, ControlError, EventStream, Logs,
        views::{
            AccountEdit, AgentEdit, AnalyticsQuery, AuditQuery, EventDetail, EventQuery, ExplainRequest, LogQuery,
            MaintenanceTask, NewAccount, NewClientKey, NewLogin, RequestFilter, RequestPageQuery, SessionPageQuery,
            SettingsEdit, ToolMode,
        },
    },
    domain::{Secret, Tier},
    logs::{LogFolder, LogSwitch},
    oauth::{AuthorizationServer, AuthorizationServers},
    store::{RedbStore, SealKey},
};
use ccflare_mock::{MockConfig, MockOAuth, Reply, Step, ToolUse};
use ccflare_server::{
    ServeOptions,
    config::{Flags, LiveConfig, Places, Sources},
};
use futures_util::StreamExt;

use crate::{
    control::remote,
    harness::{SOON, Stage, http_client, message},
};

/// The subjects, as they are written.
const SUBJECTS: [&str; 12] = [
    include_str!("../ccflare-core/src/control/accounts.rs"),
    include_str!("../ccflare-core/src/control/agents.rs"),
    include_str!("../ccflare-core/src/control/analytics.rs"),
    include_str!("../ccflare-core/src/control/audit.rs"),
    include_str!("../ccflare-core/src/control/gateway.rs"),
    include_str!("../ccflare-core/src/control/keys.rs"),
    include_str!("../ccflare-core/src/control/live.rs"),
    include_str!("../ccflare-core/src/control/logins.rs"),
    include_str!("../ccflare-core/src/control/maintenance.rs"),
    include_str!("../ccflare-core/src/control/placement.rs"),
    include_str!("../ccflare-core/src/control/requests.rs"),
    include_str!("../ccflare-core/src/control/settings.rs"),
];
const CONTROL: &str = include_str!("../ccflare-core/src/control/mod.rs");

/// Every method of `Control`.
fn methods() -> BTreeSet<&'static str> {
    let (_, bounds) = CONTROL.split_once("pub trait Control:").expect("the list of subjects");
    let bounds: BTreeSet<_> = bounds.split('{').next().unwrap_or_default().split('+').map(str::trim).collect();
    let lines = || SUBJECTS.iter().flat_map(|subject| subject.lines()).map(str::trim_start);
    let name = |line: &'static str| line.split(|c: char| !c.is_alphanumeric() && c != '_').next();
    let traits: BTreeSet<_> = lines().filter_map(|line| name(line.strip_prefix("pub trait ")?)).collect();
    assert_eq!(traits, bounds, "each subject's file has to be read here");
    let method = |line: &'static str| name(line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ")?);
    lines().filter_map(method).collect()
}

/// From where something is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Side {
    Within,
    Afar,
}

/// Both ways to one gateway, and what was done on them.
struct Doors {
    within: Arc<dyn Control>,
    afar: Arc<dyn Control>,
    asked: BTreeSet<&'static str>,
    done: BTreeMap<&'static str, BTreeSet<Side>>,
}

/// Asks both doors, which have to answer the same, be it no; this is the answer.
macro_rules! both {
    ($doors:ident.$method:ident($($argument:expr),*)) => {{
        let ask = async |control: &dyn Control| control.$method($($argument),*).await;
        $doors.ask(stringify!($method), ask).await
    }};
}

/// Does something through one door.
macro_rules! through {
    ($doors:ident, $side:expr, $method:ident($($argument:expr),*)) => {{
        $doors.done.entry(stringify!($method)).or_default().insert($side);
        $doors.on($side).$method($($argument),*).await
    }};
}

impl Doors {
    fn on(&self, side: Side) -> &dyn Control {
        match side {
            Side::Within => &*self.within,
            Side::Afar => &*self.afar,
        }
    }

    async fn ask<T: Debug + PartialEq>(
        &mut self,
        method: &'static str,
        ask: impl AsyncFn(&dyn Control) -> Result<T, ControlError>,
    ) -> Result<T, ControlError> {
        self.asked.insert(method);
        let (within, afar) = (ask(&*self.within).await, ask(&*self.afar).await);
        match (&within, &afar) {
            (Ok(within), Ok(afar)) => assert_eq!(within, afar, "{method}: from within, and from afar"),
            (Err(within), Err(afar)) => {
                assert_eq!(within.to_string(), afar.to_string(), "{method}: from within, and from afar");
                assert_eq!(discriminant(within), discriminant(afar), "{method}: {within:?}, {afar:?}");
            }
            _ => panic!("{method} differs: {within:?} from within, {afar:?} from afar"),
        }
        within
    }
}

/// A log level without a log.
#[derive(Debug)]
struct Level(Mutex<String>);

impl LogSwitch for Level {
    fn filter(&self) -> String {
        self.0.lock().expect("not poisoned").clone()
    }

    fn set(&self, filter: &str) -> Result<(), String> {
        if filter.contains('!') {
            return Err(format!("{filter:?} is no filter"));
        }
        *self.0.lock().expect("not poisoned") = filter.to_owned();
        Ok(())
    }
}

const LOG: &str = r#"{"ts":1800000000000,"level":"WARN","target":"t","msg":"Told","request":"r","data":{"n":1}}
{"ts":1800000001000,"level":"INFO","target":"t","msg":"Listening"}
{"ts":1800000002000,"level":"INFO","target":"t","msg":"Listening on"}
"#;
const REVIEWER: &str = "---\nname: reviewer\ndescription: Reviews\nmodel: opus\ntools: Read\n---\n\nYou review.\n";
const MAIN: &str = include_str!("../ccflare-core/src/intercept/shapes/2.1.330-main.json");
const SUBAGENT: &str = include_str!("../ccflare-core/src/intercept/shapes/2.1.330-subagent.json");
const SESSION: &str = "b45df50c-d2fb-48a7-9a44-2f0d4f6a9c11";

/// A gateway that has everything an operator can do something to: a database and settings in files, agents, a log, an
/// authorization server.
struct Site {
    folder: PathBuf,
    stage: Stage,
    _oauth: MockOAuth,
    _kept: tempfile::TempDir,
}

impl Site {
    async fn open() -> Self {
        let kept = tempfile::tempdir().expect("a folder");
        let folder = fs::canonicalize(kept.path()).expect("it is there");
        let own = |config: MockConfig, name: &str| {
            config.key(name, ccflare_mock::KeyConfig::organization(format!("organization of {name}")))
        };
        let mock = own(own(MockConfig::default(), "late"), "new");
        write(&folder, "agents/reviewer.md", REVIEWER);
        write(&folder, "agents/broken.md", "---\nname: [\n---\n");
        write(&folder, "repo/.claude/agents/tester.md", &REVIEWER.replace("reviewer", "tester"));
        write(&folder, "logs/ccflare-1800000000000000.log", LOG);
        let agents = folder.join("agents");
        let roots = folder.display();
        let settings = format!(
            "capture_payloads = true\nagent_dirs = [{agents:?}]\nworkspace_roots = [\"{roots}\"]\npayload_days = 9\n"
        );
        write(&folder, "ccflare.toml", &settings);
        let sources = Arc::new(sources(&folder));
        let config = sources.read().expect("settings that make sense");
        let settings = LiveConfig::new(config.clone(), sources);
        let oauth = MockOAuth::start(28_800).await.expect("a free port");
        let logs = Logs {
            folder: Some(LogFolder::new(folder.join("logs"))),
            switch: Some(Arc::new(Level(Mutex::new("info".to_owned())))),
        };
        let store = RedbStore::open(&folder.join("ccflare.redb"), SealKey::generate()).expect("a new database");
        let build = |builder: ccflare_core::gateway::GatewayBuilder| {
            let builder = builder.live(settings.live()).settings(Some(Arc::new(settings.clone()))).logs(logs);
            builder.authorization_servers(AuthorizationServers::new([server(&oauth)]))
        };
        let options = config.gateway.clone();
        let serve = ServeOptions::default();
        let stage = Stage::over(Arc::new(store), &["a", "b"], mock, options, build, serve).await;
        settings.tell(stage.events());
        Self { folder, stage, _oauth: oauth, _kept: kept }
    }

    fn doors(&self) -> Doors {
        let (within, afar) = (Arc::clone(&self.stage.control), remote(&self.stage));
        Doors { within, afar, asked: BTreeSet::new(), done: BTreeMap::new() }
    }

    /// Everything that a ledger can have in it: streams, a fail-over, a refusal, an order to a sub-agent.
    async fn traffic(&self) {
        let stage = &self.stage;
        stage.ask().await;
        stage.clock.advance(Duration::from_secs(2));
        stage.ask_stream().await;
        stage.mock.script("a", [Step::bad_request()]);
        assert_eq!(stage.ask().await.status, 400);
        let input =
            r#"{"description":"d","prompt":"Review src/lib.rs.\nReport \"bugs\" only.","subagent_type":"Explore"}"#;
        let tool_use = Some(ToolUse { name: "Agent".to_owned(), input: input.to_owned() });
        stage.mock.script("a", [Step::reply(Reply { tool_use, ..Reply::default() })]);
        for (body, agent) in [(MAIN, None), (SUBAGENT, Some("aab5d8c27af35d27e"))] {
            let request = stage.client.post(stage.url("/v1/messages?beta=true")).body(body);
            let request =
                request.header("content-type", "application/json").header("x-claude-code-session-id", SESSION);
            let request = agent.iter().fold(request, |request, agent| request.header("x-claude-code-agent-id", *agent));
            let answer = request.send().await.expect("an answer");
            assert_eq!(answer.status(), 200);
            answer.bytes().await.expect("a whole body");
            stage.clock.advance(Duration::from_secs(1));
        }
        stage.mock.script("a", [Step::billing()]);
        assert_eq!(stage.ask().await.status, 200, "another account serves");
    }
}

fn write(folder: &Path, file: &str, text: &str) {
    let file = folder.join(file);
    fs::create_dir_all(file.parent().expect("a folder")).expect("made");
    fs::write(file, text).expect("written");
}

fn sources(folder: &Path) -> Sources {
    let flags = Flags { listen: Some("127.0.0.1:0".into()), data_dir: Some(folder.into()), ..Flags::default() };
    Sources::new(&flags, Default::default(), &Places { config_dir: folder.into(), data_dir: folder.into(), home: None })
}

fn server(oauth: &MockOAuth) -> AuthorizationServer {
    let url = |text: &str| text.parse().expect("a URL");
    let redirect = url("https://login.example/shows-the-code");
    AuthorizationServer::new("mock", url(&oauth.authorize_url()), url(&oauth.token_url()), "our-own-client", redirect)
}

/// What a person does: opens the address, grants access, and comes back with the address it ends at.
async fn grant(address: &str) -> String {
    let client = crate::harness::http_client_builder().redirect(reqwest::redirect::Policy::none()).build();
    let answer = client.expect("a client").get(address).send().await.expect("the page");
    answer.headers()["location"].to_str().expect("an address").to_owned()
}

/// Asks for everything that can be asked for.
async fn look_around(doors: &mut Doors) {
    both!(doors.status()).expect("status");
    let accounts = both!(doors.accounts()).expect("accounts");
    both!(doors.strategy()).expect("the strategy");
    both!(doors.client_keys()).expect("keys");
    let entries = both!(doors.audit(AuditQuery::default())).expect("the log");
    let before = entries.last().map(|entry| entry.id.clone());
    both!(doors.audit(AuditQuery { before: before.clone(), limit: 1 })).expect("there is nothing older");
    both!(doors.audit(AuditQuery { before: None, limit: 0 })).expect_err("a page of nothing");

    let newest = both!(doors.requests(RequestPageQuery::newest(2))).expect("a page");
    let mut query = RequestPageQuery { before: newest.next, ..RequestPageQuery::newest(3) };
    while query.before.is_some() {
        query.before = both!(doors.requests(query.clone())).expect("a page").next;
    }
    let filters = [
        RequestFilter { accounts: Some("a,none".into()), ..RequestFilter::default() },
        RequestFilter { models: Some("claude-opus-5-5".into()), ..RequestFilter::default() },
        RequestFilter { agents: Some("Explore".into()), ..RequestFilter::default() },
        RequestFilter { client_keys: Some("none".into()), ..RequestFilter::default() },
        RequestFilter { status: Some("error".into()), ..RequestFilter::default() },
        RequestFilter { status: Some("perhaps".into()), ..RequestFilter::default() },
    ];
    for filter in &filters {
        let _ = both!(doors.requests(RequestPageQuery { filter: filter.clone(), ..RequestPageQuery::default() }));
        let _ = both!(doors.analytics(AnalyticsQuery { filter: filter.clone(), ..AnalyticsQuery::default() }));
    }
    for query in [
        RequestPageQuery { session: Some(SESSION.into()), ..RequestPageQuery::default() },
        RequestPageQuery { status_code: Some(400), ..RequestPageQuery::default() },
        RequestPageQuery { from: Some("1800000001000".into()), ..RequestPageQuery::default() },
        RequestPageQuery { to: Some("2027-01-15T08:00:01Z".into()), ..RequestPageQuery::default() },
        RequestPageQuery { from: Some("yesterday".into()), ..RequestPageQuery::default() },
        RequestPageQuery { before: Some("nothing".into()), ..RequestPageQuery::default() },
        RequestPageQuery::newest(0),
    ] {
        let _ = both!(doors.requests(query.clone()));
        let _ = both!(doors.request_details(query.clone()));
    }
    for request in both!(doors.requests(RequestPageQuery::default())).expect("a page").requests {
        assert_eq!(both!(doors.request(&request.id)).expect("one"), request);
        both!(doors.payload(&request.id)).expect("kept");
    }
    both!(doors.request("nothing")).expect_err("no id");
    both!(doors.payload("nothing")).expect_err("no id");

    for query in [
        AnalyticsQuery { range: Some("1h".into()), ..AnalyticsQuery::default() },
        AnalyticsQuery { mode: Some("cumulative".into()), model_breakdown: true, ..AnalyticsQuery::default() },
        AnalyticsQuery {
            from: Some("1799990000000".into()),
            to: Some("1800000002000".into()),
            ..AnalyticsQuery::default()
        },
        AnalyticsQuery { range: Some("2h".into()), ..AnalyticsQuery::default() },
    ] {
        let _ = both!(doors.analytics(query.clone()));
    }
    both!(doors.stats()).expect("statistics");
    let sessions = both!(doors.sessions(SessionPageQuery { before: None, limit: 1 })).expect("a page");
    both!(doors.sessions(SessionPageQuery { before: sessions.next.clone(), limit: 5 })).expect("a page");
    both!(doors.sessions(SessionPageQuery { before: None, limit: 0 })).expect_err("a page of nothing");
    for session in sessions.sessions {
        both!(doors.session(&session.id)).expect("one");
    }
    both!(doors.session("nobody/at all")).expect_err("no session");

    let headers = BTreeMap::from([("x-claude-code-session-id".to_owned(), SESSION.to_owned())]);
    for request in [
        ExplainRequest { body: message("claude-opus-5-5", true).to_string(), ..ExplainRequest::default() },
        ExplainRequest { headers, body: SUBAGENT.to_owned(), ..ExplainRequest::default() },
        ExplainRequest { method: "GET".into(), path: "/v1/models".into(), ..ExplainRequest::default() },
        ExplainRequest { method: "no method".into(), ..ExplainRequest::default() },
        ExplainRequest { client_key: Some("nobody".into()), ..ExplainRequest::default() },
    ] {
        let _ = both!(doors.explain(request.clone()));
    }

    let agents = both!(doors.agents()).expect("agents");
    for agent in agents.agents {
        assert_eq!(both!(doors.agent(&agent.id)).expect("one"), agent);
        both!(doors.agent_preference(&agent.id)).expect("whatever is preferred");
    }
    both!(doors.agent("no/body")).expect_err("no agent");
    both!(doors.agent_preference("Explore")).expect("whatever is preferred");
    both!(doors.agent_preference("")).expect_err("no name");
    both!(doors.default_agent_model()).expect("whatever is preferred");
    both!(doors.workspaces()).expect("workspaces");

    both!(doors.settings()).expect("settings");
    both!(doors.sizes()).expect("sizes");
    both!(doors.maintenance()).expect("whatever ran last");
    let page = both!(doors.logs(LogQuery { limit: Some(2), ..LogQuery::default() })).expect("a page");
    both!(doors.logs(LogQuery { before: page.next.clone(), ..LogQuery::default() })).expect("a page");
    for query in [
        LogQuery { level: Some("warn".into()), ..LogQuery::default() },
        LogQuery { text: Some("TOLD".into()), request: Some("r".into()), ..LogQuery::default() },
        LogQuery { from: Some("1800000001000".into()), to: Some("1800000002000".into()), ..LogQuery::default() },
        LogQuery { level: Some("loud".into()), ..LogQuery::default() },
        LogQuery { limit: Some(0), ..LogQuery::default() },
    ] {
        let _ = both!(doors.logs(query.clone()));
    }
    both!(doors.log_level()).expect("a level");
    assert!(accounts.len() >= 2);
}

/// Does everything that can be done, each through this door, and looks at it through both.
async fn change_everything(site: &Site, doors: &mut Doors, side: Side) {
    let other = if side == Side::Within { Side::Afar } else { Side::Within };
    change_accounts(doors, side).await;
    change_keys(doors, side).await;
    change_agents(site, doors, side).await;
    change_settings(site, doors, side).await;

    // A login may begin at one door and end at the other.
    let name = format!("{side:?} logs in");
    let login = through!(doors, side, begin_login(NewLogin { name: name.clone(), ..NewLogin::default() }));
    let login = login.expect("a login begins");
    let pasted = grant(&login.auth_url).await;
    let account = through!(doors, other, complete_login(&login.session_id, &pasted)).expect("logged in");
    assert!(both!(doors.accounts()).expect("accounts").contains(&account));
    both!(doors.complete_login(&login.session_id, &pasted)).expect_err("a code works once");
    both!(doors.begin_login(NewLogin { name: name.clone(), ..NewLogin::default() })).expect_err("the name is taken");

    for task in
        [MaintenanceTask::Cleanup, MaintenanceTask::Compact, MaintenanceTask::Check, backup(&format!("{side:?}"))]
    {
        let begun = through!(doors, side, begin_maintenance(task.clone())).expect("nothing else runs");
        assert_eq!(begun.task, task.as_str());
        let ending = async {
            while doors.on(other).maintenance().await.expect("one ran").expect("one ran").state == "running" {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(SOON, ending).await.expect("it ends");
        let ended = both!(doors.maintenance()).expect("one ran").expect("one ran");
        assert_eq!(ended.state, "done", "{ended:?}");
    }
    let taken = both!(doors.begin_maintenance(backup(&format!("{side:?}")))).expect_err("the name is taken");
    assert!(matches!(taken, ControlError::Conflict(_)), "{taken:?}");
    let nameless = both!(doors.begin_maintenance(backup("../out"))).expect_err("that is no name");
    assert!(matches!(nameless, ControlError::Invalid(_)), "{nameless:?}");
    look_around(doors).await;
}

fn backup(name: &str) -> MaintenanceTask {
    MaintenanceTask::Backup { name: Some(name.to_owned()) }
}

async fn change_accounts(doors: &mut Doors, side: Side) {
    let name = format!("{side:?} box");
    let new = NewAccount::with_key(&name, Secret::new("late"));
    let added = through!(doors, side, add_account(NewAccount { priority: 7, ..new.clone() })).expect("added");
    assert!(both!(doors.accounts()).expect("accounts").contains(&added));
    both!(doors.add_account(new.clone())).expect_err("the name is taken");
    let renamed = format!("{side:?}@home+1");
    for edit in [
        AccountEdit::Pause,
        AccountEdit::Resume,
        AccountEdit::Tier(Tier::Five),
        AccountEdit::Priority(1),
        AccountEdit::Rename(renamed.clone()),
    ] {
        let edited = through!(doors, side, edit_account(&added.id, edit.clone())).expect("edited");
        assert!(both!(doors.accounts()).expect("accounts").contains(&edited), "{edit:?}");
    }
    both!(doors.edit_account(&name, AccountEdit::Pause)).expect_err("it is called otherwise");
    both!(doors.edit_account("b", AccountEdit::Rename("a".into()))).expect_err("the name is taken");
    both!(doors.remove_account(&renamed, "yes")).expect_err("not confirmed");
    through!(doors, side, remove_account(&renamed, &renamed)).expect("removed");
    assert!(both!(doors.accounts()).expect("accounts").iter().all(|account| account.id != added.id));
}

async fn change_keys(doors: &mut Doors, side: Side) {
    let name = format!("{side:?} laptop");
    let key = NewClientKey {
        name: name.clone(),
        expires_in_seconds: Some(3600),
        models: vec!["claude-*".into()],
        accounts: vec!["a".into()],
    };
    let made = through!(doors, side, create_client_key(key)).expect("made");
    assert!(both!(doors.client_keys()).expect("keys").contains(&made.client_key));
    let explained = ExplainRequest { client_key: Some(name.clone()), ..ExplainRequest::default() };
    both!(doors.explain(explained.clone())).expect("explained");
    let rotated = through!(doors, side, rotate_client_key(&name)).expect("exchanged");
    assert_ne!(made.key.expose(), rotated.key.expose());
    assert!(both!(doors.client_keys()).expect("keys").contains(&rotated.client_key));
    let revoked = through!(doors, side, revoke_client_key(&rotated.client_key.id)).expect("revoked");
    assert!(both!(doors.client_keys()).expect("keys").contains(&revoked));
    both!(doors.revoke_client_key(&rotated.client_key.id)).expect_err("once");
}

async fn change_agents(site: &Site, doors: &mut Doors, side: Side) {
    let repo = site.folder.join("repo").display().to_string();
    if !both!(doors.workspaces()).expect("workspaces").is_empty() {
        through!(doors, side, remove_workspace(&repo)).expect("removed");
    }
    let added = through!(doors, side, add_workspace(&repo)).expect("added");
    assert!(both!(doors.workspaces()).expect("workspaces").contains(&added));
    let set = through!(doors, side, prefer_model("repo:tester", "sonnet")).expect("set");
    assert_eq!(both!(doors.agent_preference("repo:tester")).expect("set"), set);
    through!(doors, side, prefer_model("Explore", "haiku")).expect("set");
    look_at_agents(doors).await;
    let default = through!(doors, side, set_default_agent_model(Some("haiku"))).expect("set");
    assert_eq!(both!(doors.default_agent_model()).expect("set"), default);
    assert_eq!(through!(doors, side, set_default_agent_model(None)).expect("cleared"), None);
    let all = through!(doors, side, prefer_model_for_all("haiku")).expect("set");
    assert_eq!((all.updated_count, all.refused), (2, vec![]));
    look_at_agents(doors).await;
    assert!(through!(doors, side, clear_preference("reviewer")).expect("cleared"));
    assert_eq!(both!(doors.agent_preference("reviewer")).expect("nothing").model, None);
    both!(doors.prefer_model("reviewer", "claude-haiku-4-5")).expect_err("it takes other requests");
    let mode = if side == Side::Within { ToolMode::ReadOnly } else { ToolMode::Edit };
    let edit = AgentEdit { description: Some(format!("from {side:?}")), mode: Some(mode), ..AgentEdit::default() };
    let edited = through!(doors, side, edit_agent("reviewer", edit)).expect("edited");
    assert_eq!(both!(doors.agent("reviewer")).expect("one"), edited);
    both!(doors.edit_agent("reviewer", AgentEdit::default())).expect_err("nothing to change");
    through!(doors, side, remove_workspace("repo")).expect("removed");
    look_at_agents(doors).await;
}

async fn look_at_agents(doors: &mut Doors) {
    both!(doors.agents()).expect("agents");
    both!(doors.workspaces()).expect("workspaces");
}

async fn change_settings(site: &Site, doors: &mut Doors, side: Side) {
    for strategy in ["conversation", "session"] {
        let now = through!(doors, side, set_strategy(strategy)).expect("there is one");
        assert_eq!((both!(doors.strategy()).expect("one"), now.strategy.as_str()), (now.clone(), strategy));
    }
    both!(doors.set_strategy("dice")).expect_err("there is none");
    let days = if side == Side::Within { "10" } else { "11" };
    let changed = through!(doors, side, change_settings(SettingsEdit::of("payload_days", days))).expect("changed");
    assert_eq!(both!(doors.settings()).expect("settings"), changed);
    let stale = SettingsEdit { version: Some("0123456789abcdef".into()), ..SettingsEdit::of("payload_days", "1") };
    both!(doors.change_settings(stale.clone())).expect_err("stale");
    both!(doors.change_settings(SettingsEdit::of("payload_day", "1"))).expect_err("no such setting");

    let file = site.folder.join("ccflare.toml");
    let text = fs::read_to_string(&file).expect("a file");
    fs::write(&file, text.replace(&format!("payload_days = {days}"), "payload_days = 12")).expect("written");
    let reloaded = through!(doors, side, reload_settings()).expect("read");
    assert_eq!(reloaded.changed, ["payload_days"]);
    assert_eq!(both!(doors.settings()).expect("settings").version, reloaded.version);
    fs::write(&file, "payload_days = = 1").expect("written");
    both!(doors.reload_settings()).expect_err("broken");
    fs::write(&file, text).expect("written");
    through!(doors, side, reload_settings()).expect("mended");

    let level = format!("ccflare_core={},info", if side == Side::Within { "debug" } else { "trace" });
    let set = through!(doors, side, set_log_level(&level)).expect("set");
    assert_eq!((both!(doors.log_level()).expect("set"), set.level.as_str()), (set.clone(), level.as_str()));
    both!(doors.set_log_level("!")).expect_err("no filter");
}

/// Events until an account gets this name.
async fn until_renamed(events: &mut EventStream, name: &str) -> Vec<String> {
    let mut heard = Vec::new();
    let reading = async {
        while let Some(event) = events.next().await {
            heard.push(event.json().to_owned());
            if matches!(&event.detail, EventDetail::Account { account, .. } if account == name) {
                return;
            }
        }
        panic!("they end");
    };
    tokio::time::timeout(SOON, reading).await.expect("events come");
    heard
}

#[tokio::test]
async fn whatever_an_operator_can_do_is_the_same_from_within_and_from_afar() {
    let site = Site::open().await;
    let stage = &site.stage;
    let doors = &mut site.doors();
    let mut ears = Vec::new();
    for side in [Side::Within, Side::Afar] {
        let events = through!(doors, side, events(EventQuery::default()));
        ears.push(events.expect("a running server"));
    }
    for side in [Side::Within, Side::Afar] {
        let refused = doors.on(side).events(EventQuery::of("nonsense")).await.map(drop);
        assert!(matches!(&refused, Err(ControlError::Invalid(why)) if why.contains("nonsense")), "{refused:?}");
    }

    look_around(doors).await;
    site.traffic().await;
    look_around(doors).await;
    change_everything(&site, doors, Side::Within).await;
    change_everything(&site, doors, Side::Afar).await;

    // What happened meanwhile: as it came, and for who comes late.
    stage.control.edit_account("b", AccountEdit::Rename("the last".into())).await.expect("renamed");
    let (mut near, mut far) = (Vec::new(), Vec::new());
    for (heard, events) in [&mut near, &mut far].into_iter().zip(&mut ears) {
        *heard = until_renamed(events, "the last").await;
    }
    assert_eq!(near, far);
    let first = serde_json::from_str::<serde_json::Value>(&near[0]).expect("JSON")["id"].as_u64();
    for side in [Side::Within, Side::Afar] {
        let mut late = doors.on(side).events(EventQuery { topics: None, after: first }).await.expect("subscribed");
        assert_eq!(until_renamed(&mut late, "the last").await, near[1..], "{side:?}");
    }

    // Only a server lets a browser in, so what is within points there.
    let none = through!(doors, Side::Within, browser_link());
    assert!(matches!(none, Err(ControlError::Unavailable(_))), "{none:?}");
    let link = through!(doors, Side::Afar, browser_link()).expect("a link");
    assert_eq!(http_client().get(&link.url).send().await.expect("a page").status(), 200, "{}", link.url);

    for side in [Side::Within, Side::Afar] {
        let before = both!(doors.stats()).expect("statistics").total_requests;
        let reset = through!(doors, side, reset_stats()).expect("reset");
        assert_eq!((reset.removed_requests, before > 0), (before, true));
        assert_eq!(both!(doors.stats()).expect("statistics").total_requests, 0);
        both!(doors.requests(RequestPageQuery::default())).expect("none");
        stage.ask().await;
    }
    both!(doors.audit(AuditQuery { before: None, limit: 1000 })).expect("the log");

    let sides = BTreeSet::from([Side::Within, Side::Afar]);
    let half: Vec<_> = doors.done.iter().filter(|(_, done)| **done != sides).collect();
    assert!(half.is_empty(), "done through one door only: {half:?}");
    let seen: BTreeSet<_> = doors.asked.iter().chain(doors.done.keys()).copied().collect();
    assert_eq!(seen, methods(), "what is compared, and what there is");
    drop(ears);
    site.stage.finish().await;
}
