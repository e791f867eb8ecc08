//! What pages are made of: functions from values to markup.
//!
//! None of them knows `Control`, a request or a clock; so each can be drawn in a test.

pub(crate) mod badge;
pub(crate) mod bar;
pub(crate) mod card;
pub(crate) mod chart;
pub(crate) mod form;
pub(crate) mod icon;
pub(crate) mod layout;
pub(crate) mod notice;
pub(crate) mod pager;
pub(crate) mod tabs;
pub(crate) mod text;
pub(crate) mod when;
