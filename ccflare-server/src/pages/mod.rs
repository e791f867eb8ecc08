//! Pages for people: drawn here, working without script.

pub(crate) mod login;
