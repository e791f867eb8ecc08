//! What is remembered of sessions and the conversations in them: who asks is found out once, at the beginning.

use std::{
    collections::VecDeque,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use parking_lot::Mutex;
use quick_cache::sync::Cache;

use super::{CompatibleModels, session::Named, text};
use crate::domain::{Asker, ClientKeyId, Exchange, Fingerprint, SessionKey};

/// So many sessions are remembered; then those of least use are forgotten.
const SESSIONS: usize = 4096;

/// So many conversations, and so many orders, of one session.
const EACH: usize = 64;

/// The sessions of late. Cheap to clone.
#[derive(Clone)]
pub struct Conversations {
    sessions: Arc<Cache<SessionKey, Arc<Session>>>,
    /// Whether a model was preferred for one of them.
    any_preferred: Arc<AtomicBool>,
    /// Hands out copies: what is done to them is forgotten.
    is_blind: bool,
}

impl Default for Conversations {
    fn default() -> Self {
        Self { sessions: Arc::new(Cache::new(SESSIONS)), any_preferred: Arc::default(), is_blind: false }
    }
}

impl Conversations {
    /// The session of this key, if it is remembered.
    pub(super) fn get(&self, key: SessionKey) -> Option<Arc<Session>> {
        let session = self.sessions.get(&key);
        if self.is_blind { session.map(|session| Arc::new(session.copy())) } else { session }
    }

    /// The session of this key, remembered from now on.
    pub(super) fn open(&self, key: SessionKey) -> Arc<Session> {
        if self.is_blind {
            return self.get(key).unwrap_or_default();
        }
        let made = self.sessions.get_or_insert_with(&key, || Ok::<_, std::convert::Infallible>(Arc::default()));
        match made {
            Ok(session) => session,
        }
    }

    /// The same memory, to which nothing is added.
    pub(super) fn blind(&self) -> Self {
        Self { is_blind: true, ..self.clone() }
    }

    /// Whether nothing is remembered here.
    pub(super) const fn is_blind(&self) -> bool {
        self.is_blind
    }

    /// Whether a model was preferred for a conversation since this memory began. What is preferred for one holds for all of
    /// it, whatever is preferred later.
    pub(super) fn any_preferred(&self) -> bool {
        self.any_preferred.load(Ordering::Relaxed)
    }

    /// Remembers a conversation of a session.
    pub(super) fn remember(&self, session: &Session, known: Known) {
        if !self.is_blind && known.preferred != Preferred::Nothing {
            self.any_preferred.store(true, Ordering::Relaxed);
        }
        session.remember(known.asker.conversation, known);
    }

    /// Remembers what the ledger tells of conversations, newest first: which model each went on with, and who asked.
    pub fn recall(&self, exchanges: &[Exchange]) {
        for exchange in exchanges.iter().rev() {
            let intent = &exchange.intent;
            let Some(asker) = &intent.asker else { continue };
            let client: Option<ClientKeyId> = intent.client_key.as_ref().map(|(id, _)| *id);
            // A session without a name of its own goes by its key.
            let key = match u128::from_str_radix(&asker.session, 16) {
                Ok(key) if asker.session.len() == 32 => SessionKey(key),
                _ => Named::of(&asker.session, client).key,
            };
            let preferred = intent.preference.as_ref().filter(|preference| preference.refused.is_none());
            let session = self.open(key);
            session.workspace(|| asker.workspace.clone());
            let known = Known {
                asker: Arc::clone(asker),
                preferred: match preferred {
                    Some(preference) => Preferred::Model(Arc::clone(&preference.model), None),
                    None => Preferred::Nothing,
                },
                seen: None,
            };
            self.remember(&session, known);
        }
    }
}

impl fmt::Debug for Conversations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Conversations").field("sessions", &self.sessions.len()).finish()
    }
}

/// One session: a main thread, its sub-agents, and errands.
#[derive(Debug, Default)]
pub(super) struct Session(Mutex<State>);

#[derive(Clone, Debug, Default)]
struct State {
    workspace: Option<Arc<str>>,
    /// Asked for last last, as far as it matters.
    conversations: VecDeque<(Fingerprint, Known)>,
    /// The hash of an order's text, and the order.
    orders: VecDeque<(u128, Ordered)>,
    main: Option<MainThread>,
}

/// How a main thread begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MainThread {
    /// The hash of the system prompt.
    pub(super) system: u128,
    /// The hash of the first message.
    pub(super) opening: u128,
}

/// What a conversation with tools is to its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Its main thread.
    Main,
    /// Its main thread once more, beginning in another way.
    Anew,
    /// Something beside it, with a prompt of its own: a search, a sub-agent whose order was not heard.
    Aside,
}

/// An order that was heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ordered {
    /// The agent it was given to.
    pub(super) agent: Arc<str>,
    /// The id of the sub-agent that gave it, if it was one.
    pub(super) by: Option<Arc<str>>,
}

/// What is known of a conversation.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) asker: Arc<Asker>,
    pub(super) preferred: Preferred,
    /// `None` if only the ledger has told of it: it is looked at when it asks again.
    pub(super) seen: Option<Seen>,
}

/// What is seen where the whole body is read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    pub(super) hour_cache: bool,
    /// Whether it has tools. An errand has none, and may begin as the main thread does: a title for what is asked there.
    pub(super) has_tools: bool,
    /// Whether its agent can give orders to others, so that its answers are worth listening to.
    pub(super) gives_orders: bool,
    /// What it begins with, if it is a main thread.
    pub(super) prefix: Option<Fingerprint>,
    /// Whether it is beside the session's main thread.
    pub(super) aside: bool,
}

impl Known {
    /// Whether a body with tools, or without, can be of this conversation.
    pub(super) fn may_have(&self, tools: bool) -> bool {
        self.asker.is_subagent || self.seen.is_none_or(|seen| seen.has_tools == tools)
    }
}

/// What an operator prefers for the agent of a conversation. It holds for all of it, whatever is preferred later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Preferred {
    /// Nothing.
    Nothing,
    /// This model, within what was compatible when the conversation began; `None` if that was in an earlier run.
    Model(Arc<str>, Option<CompatibleModels>),
    /// A model, but the conversation had begun with another one.
    TooLate(Arc<str>),
}

impl Session {
    fn copy(&self) -> Self {
        Self(Mutex::new(self.0.lock().clone()))
    }

    /// What is known of the conversation that begins like this and `fits`.
    pub(super) fn conversation(&self, beginning: Fingerprint, fits: impl Fn(&Known) -> bool) -> Option<Known> {
        let conversations = &mut self.0.lock().conversations;
        let at = conversations.iter().rposition(|(known, it)| *known == beginning && fits(it))?;
        let known = conversations[at].1.clone();
        // Whoever goes on asking is not forgotten for those who asked once. Near the end it may stay where it is.
        if conversations.len() - at > EACH / 2 {
            let used = conversations.remove(at);
            conversations.extend(used);
        }
        Some(known)
    }

    /// Remembers a conversation; beyond the bound the one that was not asked for longest is forgotten.
    fn remember(&self, beginning: Fingerprint, known: Known) {
        let mut state = self.0.lock();
        let is_other = |it: &Known| known.seen.is_some_and(|seen| !it.may_have(seen.has_tools));
        state.conversations.retain(|(other, it)| *other != beginning || is_other(it));
        if state.conversations.len() == EACH {
            state.conversations.pop_front();
        }
        state.conversations.push_back((beginning, known));
    }

    /// An order was given: who is asked to do it will begin with its text.
    pub(super) fn expect(&self, order: &str, agent: &str, by: Option<Arc<str>>) {
        let mut state = self.0.lock();
        if state.orders.len() == EACH {
            state.orders.pop_front();
        }
        state.orders.push_back((text::meaning(order), Ordered { agent: agent.into(), by }));
    }

    /// The order that `text` hashes to. It stays known: several may be given the same.
    pub(super) fn ordered(&self, text: impl FnOnce() -> u128) -> Option<Ordered> {
        let state = self.0.lock();
        if state.orders.is_empty() {
            return None;
        }
        let text = text();
        state.orders.iter().rev().find(|(order, _)| *order == text).map(|(_, order)| order.clone())
    }

    /// The session's workspace: the first one that was found, and from then on always that.
    pub(super) fn workspace(&self, found: impl FnOnce() -> Option<Arc<str>>) -> Option<Arc<str>> {
        let mut state = self.0.lock();
        if state.workspace.is_none() {
            state.workspace = found();
        }
        state.workspace.clone()
    }

    /// Somebody begins who has tools and was given no order. A compaction keeps the main thread's system prompt; what has
    /// another one is something else.
    pub(super) fn begins(&self, thread: MainThread) -> Role {
        let main = &mut self.0.lock().main;
        let role = match main {
            Some(known) if *known == thread => Role::Main,
            Some(known) if known.system == thread.system => Role::Anew,
            Some(_) => return Role::Aside,
            None => Role::Main,
        };
        *main = Some(thread);
        role
    }
}
