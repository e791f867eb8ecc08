//! The terminal face: what an operator sees and does, over any [`Control`](ccflare_core::control::Control).
//!
//! [`run`] shows it until somebody leaves. State is one plain value (`model`) that messages change and pure functions
//! (`screens`) draw; `bridge` alone knows both the runtime that asks and the loop that draws, so neither waits for the
//! other.

mod app;
mod bridge;
mod keys;
mod model;
#[cfg(any(test, feature = "test-support"))]
pub mod puppet;
mod screens;
mod terminal;
#[cfg(test)]
mod tests;
mod theme;
mod widgets;

pub use app::{Connected, Face, run};
pub use theme::Colours;
