//! The threads that connections are served on.
//!
//! Each has a runtime of its own, and a connection is one thread's business, with the upstream connections that it uses. In a
//! runtime of several threads one of them looks for what has come, and the others take tasks over from it: a wake-up each
//! time, a cache in which nothing of the request is, memory that one thread takes and another gives back. Together that is
//! about a tenth of what a request costs under load.
//!
//! A thread that is kept busy keeps all of its connections waiting. So what the operator asks for, which may take long, is
//! answered elsewhere, on the runtime that the server was started on.

use std::{io, num::NonZeroUsize, sync::Arc, thread, time::Duration};

use tokio::runtime::{Builder, Handle};
use tokio_util::sync::CancellationToken;

/// Shorter than requests wait for anything, and seldom enough to cost nothing.
const BEAT: Duration = Duration::from_secs(1);

/// Threads that connections are served on, each with a runtime of its own; a connection keeps its thread. Cheap to clone; with
/// the last clone the threads end, and whatever still runs on them.
#[derive(Clone, Debug)]
pub struct Workers(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    workers: Vec<Worker>,
    stop: CancellationToken,
}

#[derive(Debug)]
struct Worker {
    runtime: Handle,
    /// Each of its connections has one.
    seat: Seat,
}

/// A connection's seat at a worker, for as long as it has one.
type Seat = Arc<()>;

impl Workers {
    /// So many threads.
    ///
    /// # Errors
    /// If the system gives none.
    pub fn start(count: NonZeroUsize) -> io::Result<Self> {
        let stop = CancellationToken::new();
        // Ends those that were started, if one can't be.
        let mut shared = Shared { workers: Vec::new(), stop: stop.clone() };
        for _ in 0..count.get() {
            let runtime = Builder::new_current_thread().enable_all().build()?;
            shared.workers.push(Worker { runtime: runtime.handle().clone(), seat: Seat::default() });
            let stop = stop.clone();
            let work = async move || stop.run_until_cancelled(beat()).await;
            thread::Builder::new().name("connections".to_owned()).spawn(move || runtime.block_on(work()))?;
        }
        Ok(Self(Arc::new(shared)))
    }

    /// No threads: connections are served on the current runtime.
    ///
    /// # Panics
    /// Outside of a runtime.
    #[must_use]
    pub fn here() -> Self {
        let here = Worker { runtime: Handle::current(), seat: Seat::default() };
        Self(Arc::new(Shared { workers: vec![here], stop: CancellationToken::new() }))
    }

    /// Where the fewest connections are, and a seat there.
    pub(crate) fn idlest(&self) -> (&Handle, Seat) {
        let idlest = self.0.workers.iter().min_by_key(|worker| Arc::strong_count(&worker.seat));
        let Worker { runtime, seat } = idlest.expect("there is at least one");
        (runtime, Arc::clone(seat))
    }

    /// Their runtimes.
    pub(crate) fn runtimes(&self) -> impl Iterator<Item = &Handle> {
        self.0.workers.iter().map(|worker| &worker.runtime)
    }
}

/// Keeps a timer that comes before those of requests. With a timer that comes before all others tokio interrupts the thread
/// that waits for them, by a system call, though it may be that very thread which sets it; requests would do so one by one.
async fn beat() {
    loop {
        tokio::time::sleep(BEAT).await;
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    const TWO: NonZeroUsize = NonZeroUsize::new(2).expect("two is not zero");

    #[test]
    fn connections_go_where_the_fewest_are() {
        let workers = Workers::start(TWO).expect("threads");
        let (first, seat) = workers.idlest();
        let (second, _other) = workers.idlest();
        assert_ne!(first.id(), second.id());
        drop(seat);
        assert_eq!(workers.idlest().0.id(), first.id());
    }

    #[tokio::test]
    async fn each_is_one_thread_and_ends_with_what_runs_on_it() {
        let workers = Workers::start(TWO).expect("threads");
        let runtimes: Vec<_> = workers.runtimes().cloned().collect();
        let mut threads = HashSet::from([thread::current().id()]);
        for runtime in &runtimes {
            threads.insert(runtime.spawn(async { thread::current().id() }).await.expect("it runs"));
        }
        assert_eq!(threads.len(), 3);
        let endless = runtimes[0].spawn(std::future::pending::<()>());
        drop(workers);
        assert!(endless.await.expect_err("it ends").is_cancelled());
    }

    #[tokio::test]
    async fn without_threads_it_is_the_current_runtime() {
        assert_eq!(Workers::here().idlest().0.id(), Handle::current().id());
    }
}
