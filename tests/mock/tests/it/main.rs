//! The mock as a client on a raw socket sees it.

#![allow(clippy::unwrap_used, reason = "a test may panic; its helpers are no #[test] functions")]

mod answers;
mod binary;
mod control;
mod economy;
mod faults;
mod framing;
mod http2;
mod raw;
mod record;
mod scripts;
mod shutdown;
mod steering;
