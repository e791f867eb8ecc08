//! A session (a conversation with all its agents), reached from one of its requests.

use ccflare_core::control::views::{RequestView, SessionDetail};

use super::{Effect, Model, Requests, Shelf, Topic, scrolled};
use crate::{keys::Command, theme::Role};

/// A session, and its requests in the order of their arrival, one of which may be shown whole.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) id: String,
    /// What is known of it but for its requests; nothing until that has come.
    pub(crate) detail: Option<SessionDetail>,
    pub(crate) shelf: Shelf<RequestView>,
    /// Whether the chosen request is shown whole.
    pub(crate) open: bool,
    /// How far that is scrolled.
    pub(crate) scroll: usize,
}

impl Session {
    fn new(id: String) -> Self {
        Self { id, detail: None, shelf: Shelf::default(), open: false, scroll: 0 }
    }

    /// Takes in how it stands now.
    pub(super) fn learn(&mut self, mut detail: SessionDetail) {
        self.shelf.put(std::mem::take(&mut detail.requests));
        self.detail = Some(detail);
    }
}

impl Requests {
    /// The requests that are looked at: a session's, or all.
    pub(crate) fn in_sight(&mut self) -> &mut Shelf<RequestView> {
        self.session.as_mut().map_or(&mut self.shelf, |session| &mut session.shelf)
    }

    /// Closes the request that is shown whole; whether there was one.
    pub(super) fn close_detail(&mut self) -> bool {
        std::mem::take(self.session.as_mut().map_or(&mut self.open, |session| &mut session.open))
    }
}

impl Model {
    /// Goes from the chosen request to the session that it belongs to.
    pub(super) fn open_session(&mut self) -> Vec<Effect> {
        let Some(request) = self.requests.shelf.chosen() else { return Vec::new() };
        let Some(id) = request.session.clone() else {
            self.say(Role::Muted, "the client named no session with this request");
            return Vec::new();
        };
        self.requests.session = Some(Session::new(id));
        self.topics.forget(Topic::Session);
        self.due()
    }

    pub(super) fn obey_in_session(&mut self, command: Command) -> Vec<Effect> {
        let Some(session) = &mut self.requests.session else { return Vec::new() };
        match command {
            // That is where the request was come from.
            Command::Session => session.open = false,
            Command::Open if session.shelf.chosen().is_some() => {
                (session.open, session.scroll) = (!session.open, 0);
                session.shelf.hold();
            }
            Command::Newer | Command::Older if session.open => {
                session.shelf.step(if command == Command::Older { -1 } else { 1 });
                session.shelf.hold();
                session.scroll = 0;
            }
            command if session.open => session.scroll = scrolled(session.scroll, command, self.size.1),
            command => drop(session.shelf.obey(command, self.size.1 / 2)),
        }
        Vec::new()
    }
}
