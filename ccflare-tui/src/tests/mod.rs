//! The face as a person has it: keys go in, what stands on the screen is read. Behind it are a gateway and an upstream.

mod accounts;
mod agents;
mod client_keys;
mod frame;
mod live;
mod requests;
mod sessions;
mod settings;
mod stage;
mod sums;

pub(crate) use stage::{SIZES, Stage};
