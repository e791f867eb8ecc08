//! The requests, newest first, and older ones as far as somebody has looked.

use ccflare_core::control::views::{RequestPage, RequestPageQuery, RequestView};

use super::{Effect, Item, Model, Session, Shelf, Wish, scrolled, shelf::any_says};
use crate::keys::Command;

/// More are not kept.
const MOST: usize = 2000;

/// The list, and one of it opened.
#[derive(Clone, Debug, Default)]
pub(crate) struct Requests {
    pub(crate) shelf: Shelf<RequestView>,
    /// Whether the chosen one is shown whole.
    pub(crate) open: bool,
    /// How far that is scrolled.
    pub(crate) scroll: usize,
    /// The session that was gone to from one of them.
    pub(crate) session: Option<Session>,
    /// Whether there are older ones.
    has_more: bool,
    is_asking_for_more: bool,
}

impl Item for RequestView {
    fn id(&self) -> &str {
        &self.id
    }

    fn says(&self, needle: &str) -> bool {
        let status = self.status_code.map(|status| status.to_string());
        let moved = (self.failover_attempts > 0).then_some("moved");
        any_says(
            needle,
            &[
                Some(&self.outcome),
                status.as_deref(),
                self.account_used.as_deref(),
                self.model.as_deref(),
                Some(&self.path),
                self.client_key.as_deref(),
                self.agent_used.as_deref(),
                self.error_message.as_deref(),
                moved,
                Some(&self.id),
            ],
        )
    }
}

impl Requests {
    /// Takes a page in: the newest, or the one before those that are there.
    pub(crate) fn learn(&mut self, before: Option<&str>, page: RequestPage) {
        let known = self.shelf.all();
        let mut all = Vec::new();
        if before.is_some() {
            self.is_asking_for_more = false;
            self.has_more = page.next.is_some();
            all.extend_from_slice(known);
            all.extend(page.requests);
        } else {
            // Ids follow time. What is older than this page stays, if the page reaches down to it.
            let oldest = page.requests.last().map(|request| request.id.clone()).unwrap_or_default();
            let touches = known.first().is_some_and(|newest| newest.id >= oldest);
            let older = known.iter().filter(|request| touches && request.id < oldest).cloned();
            let older: Vec<_> = older.collect();
            if older.is_empty() {
                self.has_more = page.next.is_some();
            }
            all = page.requests;
            all.extend(older);
        }
        self.replace(all);
    }

    /// Others instead, as many of them as are kept.
    pub(super) fn replace(&mut self, mut all: Vec<RequestView>) {
        if all.len() > MOST {
            all.truncate(MOST);
            self.has_more = false;
        }
        self.shelf.put(all);
    }

    /// The question for older ones, once, when the end is in sight.
    fn more(&mut self) -> Option<RequestPageQuery> {
        let near_the_end = self.shelf.position() + 20 >= self.shelf.shown().len();
        let oldest = self.shelf.all().last()?.id.clone();
        if !near_the_end || !self.has_more || self.is_asking_for_more {
            return None;
        }
        self.is_asking_for_more = true;
        Some(RequestPageQuery { before: Some(oldest), ..RequestPageQuery::newest(100) })
    }

    /// An older page did not come.
    pub(crate) fn missed(&mut self) {
        self.is_asking_for_more = false;
    }
}

impl Model {
    pub(crate) fn obey_in_requests(&mut self, command: Command) -> Vec<Effect> {
        if self.requests.session.is_some() {
            return self.obey_in_session(command);
        }
        if command == Command::Session {
            return self.open_session();
        }
        let requests = &mut self.requests;
        match command {
            Command::Open if requests.shelf.chosen().is_some() => {
                (requests.open, requests.scroll) = (!requests.open, 0);
                requests.shelf.hold();
            }
            Command::Newer | Command::Older if requests.open => {
                requests.shelf.step(if command == Command::Older { 1 } else { -1 });
                requests.shelf.hold();
                requests.scroll = 0;
            }
            command if requests.open => requests.scroll = scrolled(requests.scroll, command, self.size.1),
            command => {
                requests.shelf.obey(command, self.size.1.saturating_sub(5));
            }
        }
        requests.more().map(|query| Effect::Wish(Wish::Requests(query))).into_iter().collect()
    }
}
