//! What ccflare promises, each promise tried through real sockets: a client, the server, and an upstream that can be
//! told to misbehave. One file for each behaviour a user would name.

mod accounting;
mod agents;
mod analytics;
mod attacks;
mod bytes;
mod canary;
mod capture;
mod config;
mod control;
mod doors;
mod failover;
mod harness;
mod keys;
mod limits;
mod live;
mod oauth;
#[cfg(feature = "otlp")]
mod otlp;
mod ownership;
mod parity;
mod placement;
mod probes;
mod protocol;
mod webhooks;
mod who_asks;
