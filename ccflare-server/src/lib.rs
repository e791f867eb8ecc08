//! The server: ccflare-core's line behind a listener, and the operator's JSON API beside it.
//!
//! [`run`] is the whole program. [`App`] is what answers requests, [`serve`] the accept loop; embedders and tests put
//! them together themselves.

mod api;
mod app;
mod assets;
mod components;
pub mod config;
mod doors;
mod doorstep;
mod edge;
mod idempotency;
pub mod logging;
pub mod metrics;
pub mod otlp;
mod pages;
mod patience;
mod probes;
mod readers;
mod repolled;
mod run;
mod serve;
mod tickets;
pub mod tls;
mod token;
pub mod webhooks;
mod workers;

pub use app::{App, AppBody, Surface};
pub use config::Config;
pub use edge::Edge;
pub use metrics::Metrics;
pub use probes::Readiness;
pub use run::{Running, run, start};
pub use serve::{ServeOptions, serve};
pub use token::AdminToken;
pub use workers::Workers;
