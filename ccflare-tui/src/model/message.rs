//! What comes in and what goes out.

use std::sync::Arc;

use ccflare_core::{
    control::{
        ControlError,
        views::{
            AccountEdit, AccountView, AgentsView, AnalyticsQuery, AnalyticsView, AuditView, ClientKeyView, EventView,
            LogLevelView, LogPage, LoginView, NewAccount, NewClientKey, NewKeyView, NewLogin, RequestPage,
            RequestPageQuery, SessionDetail, SettingsEdit, SettingsView, StatsView, StatusView, StrategyView,
        },
    },
    domain::Timestamp,
};
use cursive::event::Event;

use super::{Answers, Click, Form, Purpose};

/// Something happened.
#[derive(Debug)]
pub(crate) enum Message {
    /// A second has passed.
    Tick(Timestamp),
    /// There is something to work on.
    Connected { place: String, note: Option<String> },
    /// A key was pressed.
    Key(Event),
    /// A mouse button was pressed, or its wheel turned.
    Click(Click),
    /// What was asked for has come.
    Reply(Box<Reply>),
    /// A form was filled in.
    Submitted(Purpose, Answers),
    /// A form was closed.
    Cancelled,
    /// Events are told from now on, or are not any more.
    Feed(bool),
    /// Some of them.
    Events(Vec<Arc<EventView>>),
    /// A task of ours broke.
    Broke(String),
}

/// What is to be done.
#[derive(Debug)]
pub(crate) enum Effect {
    /// Ask for this.
    Wish(Wish),
    /// Lay a form over the screen.
    Ask(Form),
    /// Take the form away.
    Close,
    /// Say in the form why it won't do.
    Complain(String),
    /// Put this on the clipboard.
    Copy(String),
    /// Open this in a browser.
    Browse(String),
    /// Leave.
    Quit,
}

/// A question to the `Control`, or something to be done by it.
#[derive(Debug)]
pub(crate) enum Wish {
    Status,
    Accounts,
    Requests(RequestPageQuery),
    /// The session of this id.
    Session(String),
    Overview(AnalyticsQuery),
    Analytics(AnalyticsQuery),
    Stats,
    /// The newest lines, and what is logged.
    Logs,
    Agents,
    Settings,
    Strategy,
    /// Client keys, and what operators changed.
    Keys,
    Act(Act),
}

/// A change.
#[derive(Debug)]
pub(crate) enum Act {
    AddAccount(NewAccount),
    /// The account by id, and what people call it.
    EditAccount {
        id: String,
        name: String,
        edit: AccountEdit,
    },
    RemoveAccount {
        id: String,
        confirm: String,
    },
    BeginLogin(NewLogin),
    ResetStats,
    LogLevel(String),
    Settings(SettingsEdit),
    Reload,
    /// Another strategy.
    Strategy(String),
    /// A model for one agent; none takes back what is preferred.
    Prefer {
        id: String,
        name: String,
        model: Option<String>,
    },
    MakeKey(NewClientKey),
    /// Another in the place of the one with this id.
    RotateKey(String),
    RevokeKey {
        id: String,
        name: String,
    },
    PreferForAll(String),
    DefaultModel(Option<String>),
    CompleteLogin {
        session: String,
        pasted: String,
    },
}

/// What came of a wish.
#[derive(Debug)]
pub(crate) enum Reply {
    Status(Result<StatusView, Failure>),
    Accounts(Result<Vec<AccountView>, Failure>),
    Requests {
        before: Option<String>,
        page: Result<RequestPage, Failure>,
    },
    /// With its id.
    Session(String, Result<SessionDetail, Failure>),
    /// With what was asked: who switches fast gets answers to what he asked before, too.
    Overview(AnalyticsQuery, Result<AnalyticsView, Failure>),
    Analytics(AnalyticsQuery, Result<AnalyticsView, Failure>),
    Stats(Result<StatsView, Failure>),
    Logs(Result<LogPage, Failure>, Result<LogLevelView, Failure>),
    Agents(Result<AgentsView, Failure>),
    Settings(Result<SettingsView, Failure>),
    Strategy(Result<StrategyView, Failure>),
    Keys(Result<(Vec<ClientKeyView>, Vec<AuditView>), Failure>),
    KeyMade(Result<NewKeyView, Failure>),
    /// A change, and what to say about it.
    Done(Result<String, Failure>),
    LoginBegun(Result<LoginView, Failure>),
}

/// Why it was not fulfilled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// Whether nobody answered.
    pub(crate) is_lost: bool,
    pub(crate) says: String,
}

impl From<ControlError> for Failure {
    fn from(error: ControlError) -> Self {
        let is_lost = matches!(error, ControlError::Unavailable(_) | ControlError::Unauthorized(_));
        Self { is_lost, says: error.to_string() }
    }
}
