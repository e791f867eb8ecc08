//! What is asked about, and when it was asked last.

use std::{collections::BTreeMap, time::Duration};

use ccflare_core::{control::views::RequestPageQuery, domain::Timestamp};

use super::{Effect, Model, Screen, Wish};

/// Something that is asked about again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Topic {
    Status,
    Accounts,
    Requests,
    Session,
    Overview,
    Analytics,
    Stats,
    Logs,
    Agents,
    Settings,
    Strategy,
    Keys,
}

/// When each topic was asked about, and whether the answer is still on its way.
#[derive(Clone, Debug, Default)]
pub(crate) struct Topics(BTreeMap<Topic, Asked>);

#[derive(Clone, Copy, Debug)]
struct Asked {
    at: Timestamp,
    is_pending: bool,
}

/// After which an answer is not waited for any more.
const PATIENCE: Duration = Duration::from_secs(40);

impl Topics {
    /// Whether to ask now what is asked `every` so often; if so, it counts as asked.
    fn ask(&mut self, topic: Topic, every: Duration, now: Timestamp) -> bool {
        let is_due = self.0.get(&topic).is_none_or(|asked| {
            let age = now.since(asked.at);
            age >= if asked.is_pending { PATIENCE } else { every }
        });
        if is_due {
            self.0.insert(topic, Asked { at: now, is_pending: true });
        }
        is_due
    }

    /// The answer has come.
    pub(crate) fn answered(&mut self, topic: Topic) {
        if let Some(asked) = self.0.get_mut(&topic) {
            asked.is_pending = false;
        }
    }

    /// Ask again soon, but not more than once a second: much may happen in one.
    pub(crate) fn hurry(&mut self, topic: Topic, now: Timestamp) {
        if let Some(asked) = self.0.get_mut(&topic) {
            let is_long_ago = !asked.is_pending && now.since(asked.at) >= Duration::from_millis(900);
            if is_long_ago {
                self.0.remove(&topic);
            }
        }
    }

    /// Ask again at the next opportunity.
    pub(crate) fn forget(&mut self, topic: Topic) {
        self.0.remove(&topic);
    }
}

impl Model {
    /// What is to be asked now, for what is on the screen.
    pub(crate) fn due(&mut self) -> Vec<Effect> {
        if self.link == super::Link::Connecting {
            return Vec::new();
        }
        let now = self.now;
        let wanted = self.wanted();
        let due = wanted.into_iter().filter(|(topic, every)| self.topics.ask(*topic, *every, now));
        let due: Vec<_> = due.collect();
        due.into_iter().map(|(topic, _)| Effect::Wish(self.wish(topic))).collect()
    }

    /// What the screen shows, and how often it is worth asking about.
    fn wanted(&self) -> Vec<(Topic, Duration)> {
        const OFTEN: Duration = Duration::from_secs(2);
        const SOMETIMES: Duration = Duration::from_secs(5);
        const SELDOM: Duration = Duration::from_secs(10);
        if self.link.is_lost() {
            return vec![(Topic::Status, OFTEN)];
        }
        const NEVER: Duration = Duration::from_secs(365 * 24 * 60 * 60);
        // What is told need not be asked for, except to be sure.
        let requests = if self.feed.is_open { SELDOM } else { OFTEN };
        let mut wanted = vec![(Topic::Status, OFTEN)];
        match self.screen {
            Screen::Overview => {
                wanted.extend([(Topic::Accounts, OFTEN), (Topic::Requests, requests), (Topic::Overview, SOMETIMES)]);
            }
            Screen::Accounts => wanted.push((Topic::Accounts, OFTEN)),
            Screen::Requests => {
                wanted.extend([(Topic::Requests, requests), (Topic::Accounts, SELDOM)]);
                if self.requests.session.is_some() {
                    wanted.push((Topic::Session, SOMETIMES));
                }
            }
            Screen::Analytics => wanted.push((Topic::Analytics, SOMETIMES)),
            Screen::Stats => wanted.push((Topic::Stats, SOMETIMES)),
            Screen::Logs => wanted.push((Topic::Logs, if self.feed.is_open { NEVER } else { OFTEN })),
            Screen::Settings => wanted.extend([(Topic::Settings, SELDOM), (Topic::Strategy, SELDOM)]),
            Screen::Keys => wanted.push((Topic::Keys, SOMETIMES)),
            Screen::Agents => wanted.push((Topic::Agents, SOMETIMES)),
        }
        wanted
    }

    fn wish(&self, topic: Topic) -> Wish {
        match topic {
            Topic::Status => Wish::Status,
            Topic::Accounts => Wish::Accounts,
            Topic::Overview => Wish::Overview(self.overview.query()),
            Topic::Analytics => Wish::Analytics(self.analytics.query()),
            Topic::Stats => Wish::Stats,
            Topic::Logs => Wish::Logs,
            Topic::Agents => Wish::Agents,
            Topic::Settings => Wish::Settings,
            Topic::Strategy => Wish::Strategy,
            Topic::Keys => Wish::Keys,
            Topic::Session => {
                Wish::Session(self.requests.session.as_ref().map(|session| session.id.clone()).unwrap_or_default())
            }
            Topic::Requests => Wish::Requests(RequestPageQuery::newest(100)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_asked_twice_before_its_answer() {
        let (mut topics, every) = (Topics::default(), Duration::from_secs(2));
        let at = |seconds: i64| Timestamp::from_seconds(1_800_000_000 + seconds);
        assert!(topics.ask(Topic::Status, every, at(0)));
        assert!(!topics.ask(Topic::Status, every, at(5)), "its answer is on its way");
        topics.answered(Topic::Status);
        assert!(topics.ask(Topic::Status, every, at(5)));
        assert!(topics.ask(Topic::Status, every, at(60)), "the answer never came");
        topics.answered(Topic::Status);
        assert!(!topics.ask(Topic::Status, every, at(61)), "that was just now");
        topics.forget(Topic::Status);
        assert!(topics.ask(Topic::Status, every, at(61)));
    }
}
