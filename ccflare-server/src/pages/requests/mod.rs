//! Requests: the latest, and each with all that is known of it.

mod conversation;
pub(super) mod decision;
pub(super) mod list;
pub(super) mod one;
pub(super) mod rows;
