//! A future that goes on at once when it has woken itself.
//!
//! hyper's connection hands a request's body to whoever reads it in the same task, and is told by a wake-up that more is
//! wanted. The runtime would put such a task at the end of its queue and wake another thread to take it: a system call,
//! and a request that changes threads with nothing of it in the new one's cache.

use std::{future::poll_fn, pin::Pin};

use ccflare_core::bell::Bell;

/// See [the module](self).
pub(crate) fn repolled<F: Future + Unpin>(mut future: F) -> impl Future<Output = F::Output> + Unpin {
    let bell = Bell::default();
    poll_fn(move |cx| bell.poll(cx, |cx| Pin::new(&mut future).poll(cx)))
}
