//! What the screen shows: one plain value, changed by [`Message`]s alone. Nothing here waits, asks or draws; what is to
//! be done comes back as [`Effect`]s.

use ccflare_core::{control::views::StatusView, domain::Timestamp};
use cursive::event::{Event, Key};

mod accounts;
mod agents;
mod analytics;
mod client_keys;
mod form;
mod learn;
mod link;
mod live;
mod logs;
mod message;
mod mouse;
mod requests;
mod screen;
mod session;
mod settings;
mod shelf;
mod stats;
mod topics;

pub(crate) use agents::{Agent, Agents};
pub(crate) use analytics::{Analytics, Group, Metric, RANGES};
pub(crate) use client_keys::ClientKeys;
pub(crate) use form::{Answers, Field, Form, Kind, Offer, Purpose};
pub(crate) use link::Link;
pub(crate) use live::{Feed, Flight};
pub(crate) use logs::Logs;
pub(crate) use message::{Act, Effect, Failure, Message, Reply, Wish};
pub(crate) use mouse::Click;
pub(crate) use requests::Requests;
pub(crate) use screen::Screen;
pub(crate) use session::Session;
pub(crate) use settings::{Settings, about_strategy};
pub(crate) use shelf::{Item, Shelf};
pub(crate) use stats::Stats;
pub(crate) use topics::{Topic, Topics};

use crate::{
    keys::{self, Command},
    theme::Role,
};

/// Everything that is seen.
#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) now: Timestamp,
    /// Columns and rows of the whole screen.
    pub(crate) size: (usize, usize),
    pub(crate) screen: Screen,
    /// How far the help is scrolled, if it is shown.
    pub(crate) help: Option<usize>,
    /// What the face works on: an address, or this process.
    pub(crate) place: String,
    pub(crate) link: Link,
    pub(crate) notice: Option<Notice>,
    /// Whether keys go into the filter.
    pub(crate) typing: bool,
    /// Whether a form lies over the screen.
    pub(crate) asking: bool,
    pub(crate) topics: Topics,
    pub(crate) status: Option<StatusView>,
    pub(crate) accounts: Shelf<ccflare_core::control::views::AccountView>,
    pub(crate) requests: Requests,
    /// The sums on the overview.
    pub(crate) overview: Analytics,
    pub(crate) analytics: Analytics,
    pub(crate) stats: Stats,
    pub(crate) feed: Feed,
    pub(crate) logs: Logs,
    pub(crate) agents: Agents,
    pub(crate) settings: Settings,
    pub(crate) client_keys: ClientKeys,
}

/// What the bottom line says for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Notice {
    pub(crate) role: Role,
    pub(crate) text: String,
    until: Timestamp,
}

/// As long as a person needs to read a line.
const READING: std::time::Duration = std::time::Duration::from_secs(8);

impl Model {
    /// Nothing known yet.
    pub(crate) fn new(now: Timestamp, place: String) -> Self {
        Self {
            now,
            size: (80, 24),
            screen: Screen::Overview,
            help: None,
            place,
            link: Link::Connecting,
            notice: None,
            typing: false,
            asking: false,
            topics: Topics::default(),
            status: None,
            accounts: Shelf::default(),
            requests: Requests::default(),
            overview: Analytics::default(),
            analytics: Analytics::default(),
            stats: Stats::default(),
            feed: Feed::default(),
            logs: Logs::default(),
            agents: Agents::default(),
            settings: Settings::default(),
            client_keys: ClientKeys::default(),
        }
    }

    /// Takes a message in, and says what is to be done about it.
    pub(crate) fn update(&mut self, message: Message) -> Vec<Effect> {
        match message {
            Message::Tick(now) => {
                self.now = now;
                if self.notice.as_ref().is_some_and(|notice| notice.until <= now) {
                    self.notice = None;
                }
                self.due()
            }
            Message::Connected { place, note } => {
                self.place = place;
                self.link = Link::Up;
                if let Some(note) = note {
                    self.say(Role::Accent, note);
                }
                self.due()
            }
            Message::Key(key) => self.pressed_key(&key),
            Message::Click(click) => self.clicked(click),
            Message::Reply(reply) => self.learn(*reply),
            Message::Submitted(purpose, answers) => self.submitted(purpose, answers),
            Message::Cancelled => {
                self.asking = false;
                Vec::new()
            }
            Message::Feed(is_open) => self.feed_changed(is_open),
            Message::Events(events) => self.heard_of(events),
            Message::Broke(what) => {
                self.say(Role::Bad, what);
                Vec::new()
            }
        }
    }

    /// Whoever presses a key has read what was said.
    fn pressed_key(&mut self, key: &Event) -> Vec<Effect> {
        self.notice = None;
        if self.typing {
            return self.typed(key);
        }
        keys::command(self, key).map_or_else(Vec::new, |command| self.obey(command))
    }

    /// Says something at the bottom for a while.
    pub(crate) fn say(&mut self, role: Role, text: impl Into<String>) {
        self.notice = Some(Notice { role, text: text.into(), until: self.now + READING });
    }

    pub(crate) fn obey(&mut self, command: Command) -> Vec<Effect> {
        if let Some(scroll) = self.help {
            self.help = match command {
                Command::Help | Command::Back => None,
                Command::Quit => return vec![Effect::Quit],
                Command::Go(_) | Command::Next | Command::Previous => {
                    self.help = None;
                    return self.obey(command);
                }
                _ => Some(scrolled(scroll, command, self.size.1)),
            };
            return Vec::new();
        }
        match command {
            Command::Go(screen) => self.go(screen),
            Command::Next => self.go(self.screen.neighbour(1)),
            Command::Previous => self.go(self.screen.neighbour(-1)),
            Command::Help => {
                self.help = Some(0);
                Vec::new()
            }
            Command::Quit => vec![Effect::Quit],
            Command::Back => self.back(),
            Command::Refresh => {
                self.topics = Topics::default();
                self.due()
            }
            Command::Filter => {
                self.typing = self.filter().is_some();
                Vec::new()
            }
            command => match self.screen {
                Screen::Accounts => self.obey_in_accounts(command),
                Screen::Requests => self.obey_in_requests(command),
                Screen::Overview => self.obey_in_overview(command),
                Screen::Analytics => self.obey_in_analytics(command),
                Screen::Stats => self.obey_in_stats(command),
                Screen::Logs => self.obey_in_logs(command),
                Screen::Agents => self.obey_in_agents(command),
                Screen::Settings => self.obey_in_settings(command),
                Screen::Keys => self.obey_in_keys(command),
            },
        }
    }

    fn go(&mut self, screen: Screen) -> Vec<Effect> {
        self.screen = screen;
        self.due()
    }

    /// One step back: out of the help, out of a detail, out of a filter, out of a session, to the overview, out.
    fn back(&mut self) -> Vec<Effect> {
        if self.screen == Screen::Requests && self.requests.close_detail() {
            return Vec::new();
        }
        if let Some(filter) = self.filter().filter(|filter| !filter.is_empty()) {
            filter.clear();
            return Vec::new();
        }
        if self.screen == Screen::Requests && self.requests.session.take().is_some() {
            return Vec::new();
        }
        if self.screen == Screen::Analytics && !self.analytics.filtered_by().is_empty() {
            return self.obey_in_analytics(Command::Back);
        }
        if self.screen == Screen::Overview { vec![Effect::Quit] } else { self.go(Screen::Overview) }
    }

    /// The filter of what is shown, if that can be filtered.
    pub(crate) fn filter(&mut self) -> Option<&mut String> {
        match self.screen {
            Screen::Accounts => Some(&mut self.accounts.filter),
            Screen::Requests => Some(&mut self.requests.in_sight().filter),
            Screen::Logs => Some(&mut self.logs.filter),
            Screen::Agents => Some(&mut self.agents.shelf.filter),
            Screen::Settings => Some(&mut self.settings.shelf.filter),
            Screen::Keys => Some(&mut self.client_keys.shelf.filter),
            _ => None,
        }
    }

    /// The same, to be looked at.
    pub(crate) fn filtered_by(&self) -> &str {
        match self.screen {
            Screen::Accounts => &self.accounts.filter,
            Screen::Requests => {
                let requests = &self.requests;
                requests.session.as_ref().map_or(&requests.shelf.filter, |session| &session.shelf.filter)
            }
            Screen::Logs => &self.logs.filter,
            Screen::Agents => &self.agents.shelf.filter,
            Screen::Settings => &self.settings.shelf.filter,
            Screen::Keys => &self.client_keys.shelf.filter,
            _ => "",
        }
    }

    fn typed(&mut self, key: &Event) -> Vec<Effect> {
        match (key, self.filter()) {
            (Event::Char(c), Some(filter)) if filter.len() < 200 => filter.push(*c),
            (Event::Key(Key::Backspace), Some(filter)) => drop(filter.pop()),
            (Event::CtrlChar('u'), Some(filter)) => filter.clear(),
            (Event::Key(Key::Esc), Some(filter)) => {
                filter.clear();
                self.typing = false;
            }
            (Event::Key(Key::Enter), _) | (_, None) => self.typing = false,
            (Event::CtrlChar('c'), _) => return vec![Effect::Quit],
            _ => {}
        }
        Vec::new()
    }

    /// Opens a form.
    pub(crate) fn ask(&mut self, form: Form) -> Vec<Effect> {
        self.asking = true;
        vec![Effect::Ask(form)]
    }

    /// Has something done.
    pub(crate) fn act(&self, act: Act) -> Vec<Effect> {
        vec![Effect::Wish(Wish::Act(act))]
    }
}

/// Where a text stands after a key that scrolls it.
pub(crate) fn scrolled(from: usize, command: Command, page: usize) -> usize {
    match command {
        Command::Up => from.saturating_sub(1),
        Command::Down => from + 1,
        Command::PageUp => from.saturating_sub(page / 2),
        Command::PageDown => from + page / 2,
        Command::First => 0,
        _ => from,
    }
}
