//! What can be asked, one entry an operation, in the order of the table of routes.

use ccflare_core::control::views::{
    AccountView, AnalyticsView, AuditView, ClientKeyView, MaintenanceView, NewAccount, NewClientKey, NewLogin,
    PayloadView, ReloadView, RequestDetail, RequestView, SessionDetail, SessionPage, SettingView, SizesView, StatsView,
    StatusView,
};

use super::{
    super::{
        accounts, analytics, config, maintenance, oauth,
        query::{Page, Requests},
    },
    operation::{Operation, of},
    shapes::{AccountChanged, Done, Health, LoginBegun, LoginLink, MaintenanceDone, NewKey, Settings, StatsReset},
};

pub(super) fn operations() -> Vec<Operation> {
    [probes(), gateway(), accounts(), requests(), sums(), store(), settings(), doors()].into_iter().flatten().collect()
}

fn probes() -> Vec<Operation> {
    vec![
        of("GET", "/health", "A summary, in the original's shape").gives::<Health>().open(),
        of("GET", "/livez", "Whether the process works at all").gives_other("text/plain; charset=utf-8").open(),
        of("GET", "/readyz", "Whether new requests should come here; 503 while starting and draining")
            .gives_other("text/plain; charset=utf-8")
            .answers(503, "text/plain; charset=utf-8", None)
            .open(),
        of("GET", "/api/hello", "A quick answer for clients that knock first").gives_nothing().open(),
    ]
}

fn gateway() -> Vec<Operation> {
    vec![
        of("GET", "/api/status", "How the gateway stands").gives::<StatusView>(),
        of("GET", "/api/strategies", "The names of the strategies there are").gives::<Vec<String>>(),
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
