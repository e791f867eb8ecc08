//! Takes in what was asked for.

use super::{Effect, Failure, Link, Model, Reply, Topic, Topics};
use crate::theme::Role;

impl Model {
    pub(crate) fn learn(&mut self, reply: Reply) -> Vec<Effect> {
        match reply {
            Reply::Status(status) => {
                if let Some(status) = self.heard(Topic::Status, status) {
                    self.status = Some(status);
                }
            }
            Reply::Accounts(accounts) => {
                if let Some(accounts) = self.heard(Topic::Accounts, accounts) {
                    self.accounts.put(accounts);
                }
            }
            Reply::Requests { before, page } => match self.heard(Topic::Requests, page) {
                Some(page) => self.requests.learn(before.as_deref(), page),
                None => self.requests.missed(),
            },
            Reply::Session(id, view) => {
                let view = self.heard(Topic::Session, view);
                let session = self.requests.session.as_mut().filter(|session| session.id == id);
                match (session, view) {
                    (Some(session), Some(view)) => session.learn(view),
                    // There is no such session any more, which has been said.
                    (Some(session), None) if session.detail.is_none() && !self.link.is_lost() => {
                        self.requests.session = None;
                    }
                    _ => {}
                }
            }
            Reply::Overview(asked, view) => {
                let view = self.heard(Topic::Overview, view).filter(|_| asked == self.overview.query());
                self.overview.view = view.or(self.overview.view.take());
            }
            Reply::Analytics(asked, view) => {
                let view = self.heard(Topic::Analytics, view).filter(|_| asked == self.analytics.query());
                self.analytics.view = view.or(self.analytics.view.take());
            }
            Reply::Stats(view) => self.stats.view = self.heard(Topic::Stats, view).or(self.stats.view.take()),
            Reply::Logs(page, level) => {
                match page {
                    // Where no log is kept nobody is lost.
                    Err(failure) if !self.link.is_lost() => {
                        self.topics.answered(Topic::Logs);
                        (self.logs.is_known, self.logs.trouble) = (true, Some(failure.says));
                    }
                    page => {
                        if let Some(page) = self.heard(Topic::Logs, page) {
                            self.logs.learn(page);
                        }
                    }
                }
                self.logs.logged = level.ok().map(|level| level.level);
            }
            Reply::Agents(view) => {
                if let Some(view) = self.heard(Topic::Agents, view) {
                    self.agents.learn(view);
                }
            }
            // Where the settings are another program's nobody is lost.
            Reply::Settings(Err(failure)) if !self.link.is_lost() => {
                self.topics.answered(Topic::Settings);
                self.settings.trouble = Some(failure.says);
            }
            Reply::Settings(view) => {
                if let Some(view) = self.heard(Topic::Settings, view) {
                    self.settings.learn(view);
                }
            }
            Reply::Strategy(view) => {
                self.settings.strategy = self.heard(Topic::Strategy, view).or(self.settings.strategy.take());
            }
            Reply::Keys(known) => {
                if let Some((keys, changes)) = self.heard(Topic::Keys, known) {
                    self.client_keys.shelf.put(keys);
                    self.client_keys.changes = changes;
                }
            }
            Reply::KeyMade(Ok(made)) => return self.key_made(&made),
            Reply::KeyMade(Err(failure)) => return self.refused(failure),
            Reply::Done(done) => return self.done(done),
            Reply::LoginBegun(Ok(login)) => return self.ask_for_code(login),
            Reply::LoginBegun(Err(failure)) => return self.refused(failure),
        }
        self.due()
    }

    /// The answer about a topic; who does not answer is lost, who answers is there again.
    fn heard<T>(&mut self, topic: Topic, answer: Result<T, Failure>) -> Option<T> {
        self.topics.answered(topic);
        match answer {
            Ok(answer) => {
                if self.link.is_lost() {
                    self.say(Role::Good, "the server answers again");
                    self.topics = Topics::default();
                }
                self.link = Link::Up;
                Some(answer)
            }
            Err(failure) if failure.is_lost => {
                self.link = self.link.lost(self.now, failure.says);
                None
            }
            Err(failure) => {
                self.say(Role::Bad, failure.says);
                None
            }
        }
    }

    /// A change was made, or was not.
    fn done(&mut self, done: Result<String, Failure>) -> Vec<Effect> {
        match done {
            Ok(says) => {
                self.say(Role::Good, says);
                self.topics = Topics::default();
                let mut effects = self.due();
                if std::mem::take(&mut self.asking) {
                    effects.push(Effect::Close);
                }
                effects
            }
            Err(failure) => self.refused(failure),
        }
    }

    /// Says why: in the form that asked, if it is still there.
    pub(crate) fn refused(&mut self, failure: Failure) -> Vec<Effect> {
        if self.asking {
            return vec![Effect::Complain(failure.says)];
        }
        self.say(Role::Bad, failure.says);
        Vec::new()
    }
}
