//! The parts of a load-balancing proxy for AI APIs, as composable tower layers.

pub mod clock;
pub mod domain;
pub mod provider;
pub mod store;
