//! What happens while it happens.

use std::sync::Arc;

use ccflare_core::control::views::{EventDetail, EventView};

use super::{Effect, Model, Topic};
use crate::theme::Role;

/// More requests under way are counted, but not shown.
const MOST: usize = 500;

/// A request under way.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Flight {
    pub(crate) id: String,
    /// When it arrived.
    pub(crate) at: String,
    pub(crate) path: String,
    pub(crate) model: Option<String>,
    pub(crate) agent: Option<String>,
    /// Who answers it, once somebody does.
    pub(crate) account: Option<String>,
    pub(crate) status: Option<u16>,
    /// Whether its content is coming.
    pub(crate) is_streaming: bool,
}

/// What is heard of, as long as somebody tells.
#[derive(Clone, Debug, Default)]
pub(crate) struct Feed {
    /// Whether events are told; else everything is asked for again and again.
    pub(crate) is_open: bool,
    /// Requests under way that were seen to arrive, oldest first.
    pub(crate) flights: Vec<Flight>,
}

impl Feed {
    fn flight(&mut self, id: &str) -> Option<&mut Flight> {
        self.flights.iter_mut().find(|flight| flight.id == id)
    }
}

impl Model {
    /// Events are told from now on, or are not any more.
    pub(crate) fn feed_changed(&mut self, is_open: bool) -> Vec<Effect> {
        self.feed.is_open = is_open;
        if !is_open {
            // How they end is told nobody.
            self.feed.flights.clear();
        }
        // What happened before, or will happen unheard, has to be asked for.
        [Topic::Status, Topic::Accounts, Topic::Requests].into_iter().for_each(|topic| self.topics.forget(topic));
        self.due()
    }

    pub(crate) fn heard_of(&mut self, events: Vec<Arc<EventView>>) -> Vec<Effect> {
        let mut ended = Vec::new();
        for event in events {
            match &event.detail {
                EventDetail::Finished { summary } => {
                    self.feed.flights.retain(|flight| flight.id != summary.id);
                    ended.push((**summary).clone());
                }
                EventDetail::Log { line } => self.logs.push(line.clone()),
                detail => self.heard_one(&event.at, detail),
            }
        }
        if !ended.is_empty() {
            let shown = self.requests.session.as_ref().map(|session| session.id.as_str());
            if shown.is_some() && ended.iter().any(|request| request.session.as_deref() == shown) {
                self.topics.hurry(Topic::Session, self.now);
            }
            ended.sort_by(|a, b| b.id.cmp(&a.id));
            self.requests.heard(ended);
            let changed = [Topic::Status, Topic::Accounts, Topic::Overview, Topic::Analytics, Topic::Stats];
            changed.into_iter().for_each(|topic| self.topics.hurry(topic, self.now));
        }
        self.due()
    }

    fn heard_one(&mut self, at: &str, detail: &EventDetail) {
        match detail {
            EventDetail::Started { request, path, model, agent, .. } if self.feed.flights.len() < MOST => {
                self.topics.hurry(Topic::Status, self.now);
                self.feed.flights.push(Flight {
                    id: request.clone(),
                    at: at.to_owned(),
                    path: path.clone(),
                    model: model.clone(),
                    agent: agent.clone(),
                    account: None,
                    status: None,
                    is_streaming: false,
                });
            }
            EventDetail::Headers { request, account, status_code, .. } => {
                if let Some(flight) = self.feed.flight(request) {
                    (flight.account, flight.status) = (account.clone(), Some(*status_code));
                }
            }
            EventDetail::FirstToken { request, .. } => {
                if let Some(flight) = self.feed.flight(request) {
                    flight.is_streaming = true;
                }
            }
            EventDetail::Account { .. } | EventDetail::Renewal { .. } => self.accounts_changed(),
            EventDetail::Limit { account, reason, .. } => {
                self.accounts_changed();
                self.say(Role::Warning, format!("{account} is closed: {}", reason.replace('_', " ")));
            }
            EventDetail::LoginNeeded { account, why } => {
                self.accounts_changed();
                self.say(Role::Bad, format!("{account} needs to be logged in again: {why}"));
            }
            EventDetail::Config { error: Some(error), .. } => self.say(Role::Bad, error.clone()),
            EventDetail::Config { .. } => self.topics.forget(Topic::Settings),
            EventDetail::Missed { .. } => {
                self.feed.flights.clear();
                self.topics.forget(Topic::Requests);
                self.accounts_changed();
            }
            _ => {}
        }
    }

    fn accounts_changed(&mut self) {
        [Topic::Status, Topic::Accounts].into_iter().for_each(|topic| self.topics.forget(topic));
    }
}

impl super::Requests {
    /// Takes in some that have just ended.
    fn heard(&mut self, ended: Vec<ccflare_core::control::views::RequestView>) {
        if !self.shelf.is_known {
            return;
        }
        let known = self.shelf.all();
        let is_new = |id: &str| known.iter().all(|request| request.id != id);
        let mut all: Vec<_> = ended.into_iter().filter(|request| is_new(&request.id)).collect();
        all.extend_from_slice(known);
        // Ids follow the arrival, and who arrives first may end last.
        all.sort_by(|a, b| b.id.cmp(&a.id));
        self.replace(all);
    }
}
