//! What can be asked, one entry an operation, in the order of the table of routes.

use ccflare_core::control::views::{
    AccountView, AgentEdit, AgentView, AnalyticsView, AuditView, ClientKeyView, ExplainRequest, ExplainView,
    LogLevelView, LogLineView, MaintenanceView, NewAccount, NewClientKey, NewLogin, PayloadView, PreferenceView,
    ReloadView, RequestDetail, RequestView, SessionDetail, SessionPage, SettingView, SizesView, StatsView, StatusView,
    StrategyView,
};

use crate::{
    metrics::{OPEN_METRICS, PROMETHEUS},
    probes::Verbose,
};

use super::{
    super::{
        accounts, agents, analytics, config, live, logs, maintenance, oauth, placement,
        query::{Page, Requests},
    },
    operation::{Operation, of},
    shapes::{
        AccountChanged, AgentChanged, AgentPreferred, Agents, DefaultModel, Done, Health, LoginBegun, LoginLink,
        MaintenanceDone, NewKey, PreferenceCleared, PreferredForAll, Settings, StatsReset, StrategyChosen,
        WorkspaceChanged, Workspaces,
    },
};

pub(super) fn operations() -> Vec<Operation> {
    let groups = [probes(), gateway(), accounts(), requests(), live(), sums(), store(), settings(), agents(), doors()];
    groups.into_iter().flatten().collect()
}

fn probes() -> Vec<Operation> {
    vec![
        of("GET", "/health", "A summary, in the original's shape").gives::<Health>().open(),
        of("GET", "/livez", "Whether the process works at all").gives_other("text/plain; charset=utf-8").open(),
        of(
            "GET",
            "/readyz",
            "Whether new requests should come here; 503 while starting, draining, or without its store",
        )
        .asks::<Verbose>()
        .gives_other("text/plain; charset=utf-8")
        .answers(503, "text/plain; charset=utf-8", None)
        .open(),
        of("GET", "/metrics", "What has happened and how things stand; the metrics token opens it, too")
            .gives_other(PROMETHEUS)
            .answers(200, OPEN_METRICS, None),
        of("GET", "/api/hello", "A quick answer for clients that knock first").gives_nothing().open(),
    ]
}

fn gateway() -> Vec<Operation> {
    vec![
        of("GET", "/api/status", "How the gateway stands").gives::<StatusView>(),
        of("GET", "/api/strategies", "The names of the strategies there are").gives::<Vec<String>>(),
        of("GET", "/api/config/strategy", "The strategy that chooses accounts").gives::<StrategyView>(),
        of("POST", "/api/config/strategy", "Lets another strategy choose accounts, at once")
            .takes::<placement::Chosen>()
            .gives::<StrategyChosen>(),
        of("POST", "/api/explain", "Which account a request would go to, and why")
            .takes::<ExplainRequest>()
            .gives::<ExplainView>(),
    ]
}

fn accounts() -> Vec<Operation> {
    vec![
        of("GET", "/api/accounts", "All accounts, in the order in which they are tried").gives::<Vec<AccountView>>(),
        of("POST", "/api/accounts", "Adds an account by its API key").takes::<NewAccount>().gives::<AccountChanged>(),
        of("DELETE", "/api/accounts/{account}", "Removes an account; its records stay")
            .takes::<accounts::Removal>()
            .gives::<Done>(),
        of("POST", "/api/accounts/{account}/pause", "Takes an account out until it is resumed")
            .gives::<AccountChanged>(),
        of("POST", "/api/accounts/{account}/resume", "Puts an account back, and forgets why it was closed")
            .gives::<AccountChanged>(),
        of("POST", "/api/accounts/{account}/rename", "Calls an account otherwise")
            .takes::<accounts::Name>()
            .gives::<AccountChanged>(),
        of("POST", "/api/accounts/{account}/priority", "Moves an account in the order: lower numbers go first")
            .takes::<accounts::Priority>()
            .gives::<AccountChanged>(),
        of("POST", "/api/accounts/{account}/tier", "States an account's size")
            .takes::<accounts::Size>()
            .gives::<AccountChanged>(),
        of("POST", "/api/oauth/init", "Begins a login, of a new account or of one that is there")
            .takes::<NewLogin>()
            .gives::<LoginBegun>(),
        of("POST", "/api/oauth/callback", "Ends a login with the code that the browser showed")
            .takes::<oauth::Callback>()
            .gives::<AccountChanged>(),
    ]
}

fn requests() -> Vec<Operation> {
    vec![
        of("GET", "/api/requests", "Finished requests, newest first; the next page is in the `Link` header")
            .asks::<Requests>()
            .gives::<Vec<RequestView>>(),
        of("GET", "/api/requests/detail", "The same with what they carried, in the original's shape")
            .asks::<Requests>()
            .gives::<Vec<RequestDetail>>(),
        of("GET", "/api/requests/export", "All requests that are wanted, as a file: CSV or JSON Lines")
            .asks::<Requests>()
            .gives_other("text/csv; charset=utf-8"),
        of("GET", "/api/requests/{request}", "One request, with every attempt").gives::<RequestView>(),
        of("GET", "/api/requests/{request}/payload", "What a request carried, if that was kept").gives::<PayloadView>(),
        of("GET", "/api/requests/payload/{request}", "The same").gives::<PayloadView>(),
    ]
}

fn live() -> Vec<Operation> {
    const EVENTS: &str = "text/event-stream";
    vec![
        of("GET", "/api/events", "What happens, while it happens; goes on behind `Last-Event-ID` or `after`")
            .asks::<live::Paced>()
            .gives_other(EVENTS),
        of("GET", "/api/requests/stream", "Requests that begin and end, in the original's shape")
            .asks::<live::Resumed>()
            .gives_other(EVENTS),
        of("GET", "/api/logs/stream", "Log lines as they are written").asks::<logs::Filter>().gives_other(EVENTS),
        of("GET", "/api/ws", "The same events by WebSocket: subscribe by topic").asks::<live::Wanted>().upgrades(),
        of("GET", "/api/logs/history", "Log lines of late, filtered")
            .asks::<logs::Filter>()
            .gives::<Vec<LogLineView>>(),
        of("GET", "/api/logs/level", "Which log lines are written").gives::<LogLevelView>(),
        of("POST", "/api/logs/level", "Changes which log lines are written, until the next start")
            .takes::<LogLevelView>()
            .gives::<LogLevelView>(),
    ]
}

fn agents() -> Vec<Operation> {
    vec![
        of("GET", "/api/agents", "All agents, and the workspaces they were found in").gives::<Agents>(),
        of("POST", "/api/agents/bulk-preference", "Prefers one model for all agents")
            .takes::<agents::Model>()
            .gives::<PreferredForAll>(),
        of("GET", "/api/agents/{agent}", "One agent").gives::<AgentView>(),
        of("PATCH", "/api/agents/{agent}", "Changes an agent's definition, in its file")
            .takes::<AgentEdit>()
            .gives::<AgentChanged>(),
        of("GET", "/api/agents/{agent}/preference", "The model that is preferred for an agent")
            .gives::<PreferenceView>(),
        of("POST", "/api/agents/{agent}/preference", "Prefers a model for an agent")
            .takes::<agents::Model>()
            .gives::<AgentPreferred>(),
        of("DELETE", "/api/agents/{agent}/preference", "Lets an agent have the model it asks for")
            .gives::<PreferenceCleared>(),
        of("GET", "/api/config/model", "The model of agents that nothing else is preferred for")
            .gives::<DefaultModel>(),
        of("POST", "/api/config/model", "Changes the model of agents that nothing else is preferred for")
            .takes::<agents::DefaultModel>()
            .gives::<DefaultModel>(),
        of("GET", "/api/workspaces", "The folders in which agents are looked for").gives::<Workspaces>(),
        of("POST", "/api/workspaces", "Looks for agents in a folder, too")
            .takes::<agents::Directory>()
            .gives::<WorkspaceChanged>(),
        of("DELETE", "/api/workspaces", "Forgets a folder").takes::<agents::Named>().gives::<WorkspaceChanged>(),
    ]
}

fn sums() -> Vec<Operation> {
    vec![
        of("GET", "/api/analytics", "What requests add up to, by time, model, account, agent and key")
            .asks::<analytics::Analytics>()
            .gives::<AnalyticsView>(),
        of("GET", "/api/stats", "What all requests add up to").gives::<StatsView>(),
        of("POST", "/api/stats/reset", "Forgets all finished requests").gives::<StatsReset>(),
        of("GET", "/api/sessions", "Conversations, newest first").asks::<Page>().gives::<SessionPage>(),
        of("GET", "/api/sessions/{session}", "One conversation, with its sub-agents and what they cost")
            .gives::<SessionDetail>(),
    ]
}

fn store() -> Vec<Operation> {
    vec![
        of("GET", "/api/storage", "How large the store is, and what takes the room").gives::<SizesView>(),
        of("GET", "/api/maintenance", "The task that runs, or ran last").gives::<Option<MaintenanceView>>(),
        of("POST", "/api/maintenance/{task}", "Begins cleanup, compact, check or backup, and waits for the end")
            .takes::<maintenance::Wish>()
            .gives::<MaintenanceDone>()
            .also::<MaintenanceView>(202),
    ]
}

fn settings() -> Vec<Operation> {
    vec![
        of("GET", "/api/config", "All settings, each with where it comes from")
            .gives::<config::Configuration>()
            .versioned(),
        of("PATCH", "/api/config", "Writes settings into the file, all of them or none")
            .takes::<Settings>()
            .gives::<config::Configuration>()
            .versioned(),
        of("POST", "/api/config/reload", "Reads the settings anew").gives::<ReloadView>(),
        of("GET", "/api/config/retention", "For how many days things are kept").gives::<config::Retention>(),
        of("POST", "/api/config/retention", "Changes for how many days things are kept")
            .takes::<config::Retention>()
            .gives_nothing()
            .versioned(),
        of("GET", "/api/config/{key}", "One setting").gives::<SettingView>(),
        of("POST", "/api/config/{key}", "Writes one setting into the file")
            .takes::<config::NewValue>()
            .gives::<SettingView>()
            .versioned(),
    ]
}

fn doors() -> Vec<Operation> {
    vec![
        of("GET", "/api/keys", "The keys that clients carry").gives::<Vec<ClientKeyView>>(),
        of("POST", "/api/keys", "Makes a key; it is shown in this answer and never again")
            .takes::<NewClientKey>()
            .gives::<NewKey>(),
        of("POST", "/api/keys/{key}/revoke", "Takes a key back, for good").gives::<ClientKeyView>(),
        of("POST", "/api/keys/{key}/rotate", "Exchanges a key for a new one of the same name and rights")
            .gives::<NewKey>(),
        of("GET", "/api/audit", "What operators changed, newest first").asks::<Page>().gives::<Vec<AuditView>>(),
        of("POST", "/api/login-links", "A link that logs a browser in, once").gives::<LoginLink>(),
    ]
}
