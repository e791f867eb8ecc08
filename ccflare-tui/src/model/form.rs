//! Questions to the operator, as values.

use ccflare_core::domain::Tier;
use zeroize::Zeroizing;

use super::Effect;

/// A form. Its `Debug` shows its title alone: a key may stand in it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Form {
    pub(crate) title: String,
    /// What stands over the fields.
    pub(crate) says: String,
    pub(crate) fields: Vec<Field>,
    /// What its button says.
    pub(crate) submit: &'static str,
    /// Other buttons.
    pub(crate) offers: Vec<Offer>,
    pub(crate) purpose: Purpose,
}

/// Something to be filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) label: &'static str,
    pub(crate) kind: Kind,
}

/// How it is filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A line, with what stands in it at first.
    Text(String),
    /// A line that nobody may read.
    Secret,
    /// One of these, and which one at first.
    Choice(Vec<String>, usize),
}

/// A button that does something and leaves the form where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Offer {
    /// Put this on the clipboard.
    Copy(String),
    /// Open this in a browser.
    Browse(String),
}

impl Offer {
    pub(crate) fn label(&self) -> &'static str {
        match self {
            Self::Copy(_) => "Copy",
            Self::Browse(_) => "Open browser",
        }
    }

    pub(crate) fn effect(&self) -> Effect {
        match self.clone() {
            Self::Copy(text) => Effect::Copy(text),
            Self::Browse(address) => Effect::Browse(address),
        }
    }
}

/// What a form is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    AddByKey,
    AddByLogin,
    /// Hand in the code of this login.
    Code {
        session: String,
    },
    Rename {
        id: String,
        name: String,
    },
    Prioritize {
        id: String,
        name: String,
    },
    Resize {
        id: String,
        name: String,
    },
    Remove {
        id: String,
    },
    /// Which requests are summed up.
    Select,
    /// Log otherwise.
    LogLevel,
    /// Change this setting.
    Setting {
        key: String,
    },
    /// Choose accounts otherwise.
    Strategy,
    /// A model for this agent.
    Prefer {
        id: String,
        name: String,
    },
    /// A model for every agent.
    PreferForAll,
    /// The model of all other agents.
    DefaultModel,
    /// Make a client key.
    MakeKey,
    /// Revoke it, or exchange it for another.
    EndKey {
        id: String,
        name: String,
        renew: bool,
    },
    /// It is only read.
    Seen,
    /// Forget everything that was counted.
    Reset,
}

/// What was filled in, field by field. Wiped when it is gone; its `Debug` shows nothing.
#[derive(Default)]
pub(crate) struct Answers(pub(crate) Vec<Zeroizing<String>>);

impl Answers {
    /// The answer to the field of this number, without the white space around it.
    pub(crate) fn at(&self, number: usize) -> &str {
        self.0.get(number).map_or("", |answer| answer.trim())
    }

    /// The same where nothing filled in means nothing said.
    pub(crate) fn given(&self, number: usize) -> Option<&str> {
        Some(self.at(number)).filter(|answer| !answer.is_empty())
    }
}

impl std::fmt::Debug for Answers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Answers({})", self.0.len())
    }
}

impl std::fmt::Debug for Form {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Form({:?})", self.title)
    }
}

impl Form {
    /// A form with one field.
    pub(crate) fn of_one(title: String, label: &'static str, kind: Kind, purpose: Purpose) -> Self {
        Self {
            title,
            says: String::new(),
            fields: vec![Field { label, kind }],
            submit: "OK",
            offers: Vec::new(),
            purpose,
        }
    }
}

/// The sizes an account can have, and the one it has.
pub(crate) fn tiers(tier: Option<Tier>) -> Kind {
    let sizes = ["1", "5", "20"];
    let has = tier.map(|tier| u8::from(tier).to_string());
    let at = sizes.iter().position(|size| Some(*size) == has.as_deref()).unwrap_or(0);
    Kind::Choice(sizes.map(str::to_owned).to_vec(), at)
}

/// A size as it is chosen.
pub(crate) fn tier(answer: &str) -> Option<Tier> {
    answer.parse::<u8>().ok()?.try_into().ok()
}
