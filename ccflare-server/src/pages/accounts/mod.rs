//! Accounts: all of them, one of them, new ones.

pub(super) mod add;
pub(super) mod list;
pub(super) mod login;
pub(super) mod one;
pub(super) mod parts;
