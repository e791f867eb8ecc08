//! What a request or an answer says of things that live on one account.

use std::time::Duration;

/// The things that a request names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Named {
    /// Their ids, the most binding one first. None: the request may go to any account.
    pub ids: Vec<Box<str>>,
    /// Whether the path names them: the request is about the thing itself and asks nothing of a model.
    pub in_path: bool,
    /// Whether it asks for a list of such things, which is one account's list.
    pub lists: bool,
    /// Whether it leaves nothing in a conversation's cache: it counts tokens, say, or asks nothing of a model. Where it
    /// goes is no reason for a conversation to go there.
    pub is_aside: bool,
    /// What a good answer to it tells.
    pub tells: Tells,
}

/// What a good answer tells of things that live on its account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tells {
    /// Nothing.
    #[default]
    Nothing,
    /// A message: its container, and the files that were made in it.
    Message,
    /// The same, and the message itself can be continued.
    Thread,
    /// The thing itself, or a list of things.
    Things,
    /// That the thing is gone.
    Removal,
}

/// One thing that an answer tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told<'a> {
    /// Its id.
    pub id: &'a str,
    /// How long the upstream keeps it, if it forgets it by itself.
    pub kept_for: Option<Duration>,
}
