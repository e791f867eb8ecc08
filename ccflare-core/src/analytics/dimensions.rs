//! By what requests are told apart when they are added up.

use std::sync::Arc;

use crate::domain::{AccountId, ClientKeyId, Exchange, Outcome};

/// Names that clients choose are cut to so many characters: what is longer was not meant as a name.
pub const LONGEST_NAME: usize = 100;

/// What requests that are counted together have in common.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Dimensions {
    /// The account that answered or was tried last; `None` if there was none, or the client used its own credentials.
    pub account: Option<AccountId>,
    /// The client key.
    pub client_key: Option<ClientKeyId>,
    /// The model that answered, else the one asked for.
    pub model: Option<Arc<str>>,
    /// The agent that asked.
    pub agent: Option<Arc<str>>,
    /// How it ended.
    pub outcome: Outcome,
    /// Whether the client got a whole answer that is not an error.
    pub success: bool,
}

impl Dimensions {
    /// Those of one request.
    #[must_use]
    pub fn of(exchange: &Exchange) -> Self {
        let account = exchange.final_attempt().and_then(|attempt| attempt.account.as_ref());
        Self {
            account: account.map(|(id, _)| *id),
            client_key: exchange.intent.client_key.as_ref().map(|(id, _)| *id),
            model: exchange.model.as_ref().or(exchange.intent.model.as_ref()).map(shortened),
            agent: exchange.intent.asker.as_ref().and_then(|asker| asker.agent.as_ref()).map(shortened),
            outcome: exchange.outcome,
            success: exchange.is_success(),
        }
    }
}

fn shortened(name: &Arc<str>) -> Arc<str> {
    match name.char_indices().nth(LONGEST_NAME) {
        None => Arc::clone(name),
        Some((end, _)) => name[..end].into(),
    }
}

/// Which requests are meant. What is `None` is not looked at; an empty list lets nothing through.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Filter {
    /// Those of one of these accounts; `None` among them stands for requests without one.
    pub accounts: Option<Vec<Option<AccountId>>>,
    /// Those with one of these client keys, or without one.
    pub client_keys: Option<Vec<Option<ClientKeyId>>>,
    /// Those of one of these models, or that name none.
    pub models: Option<Vec<Option<Arc<str>>>>,
    /// Those of one of these agents, or of none that is known.
    pub agents: Option<Vec<Option<Arc<str>>>>,
    /// Those that ended so.
    pub outcome: Option<Outcome>,
    /// Those whose client got a whole answer that is not an error, or those whose client did not.
    pub success: Option<bool>,
}

impl Filter {
    /// Whether it lets requests of these dimensions through.
    #[must_use]
    pub fn admits(&self, dimensions: &Dimensions) -> bool {
        among(self.accounts.as_ref(), &dimensions.account)
            && among(self.client_keys.as_ref(), &dimensions.client_key)
            && among(self.models.as_ref(), &dimensions.model)
            && among(self.agents.as_ref(), &dimensions.agent)
            && self.outcome.is_none_or(|outcome| outcome == dimensions.outcome)
            && self.success.is_none_or(|success| success == dimensions.success)
    }

    /// Whether it lets everything through.
    #[must_use]
    pub fn is_open(&self) -> bool {
        *self == Self::default()
    }
}

fn among<T: PartialEq>(wanted: Option<&Vec<T>>, found: &T) -> bool {
    wanted.is_none_or(|wanted| wanted.contains(found))
}
