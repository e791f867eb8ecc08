//! What an answer need not wait for.
//!
//! To settle an exchange takes longer than to pass its last frame on. So that frame goes out first, and the exchange is settled
//! once its thread has seen to whatever else is ready: what several answers have left is done in one go then, by a processor
//! that has it all at hand.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use parking_lot::Mutex;
use tokio::runtime::Handle;

/// Something that is left to do.
pub(crate) trait Remains: Send {
    fn settle(self: Box<Self>);
}

impl<F: FnOnce() + Send> Remains for F {
    fn settle(self: Box<Self>) {
        self();
    }
}

/// See [the module](self). Nothing is left behind: with a runtime that ends, what is left is done at once.
#[derive(Clone, Default)]
pub(crate) struct Afterwards(Arc<[Heap; HEAPS]>);

/// As many as there are threads that serve, most often.
const HEAPS: usize = 16;

/// What one thread has left, or a few of them. Each in its own lines of a cache, for each is another thread's.
#[derive(Default)]
#[repr(align(128))]
struct Heap(Mutex<Vec<Box<dyn Remains>>>);

impl Heap {
    /// Whoever waits for the lock finds it all done. What panics takes nothing else with it.
    fn settle(&self) {
        for remains in self.0.lock().drain(..) {
            if catch_unwind(AssertUnwindSafe(|| remains.settle())).is_err() {
                tracing::error!("what an answer has left could not be settled");
            }
        }
    }
}

impl Afterwards {
    /// Leaves this to be done when the current task, and others that are ready, have had their turns; at once outside of a
    /// runtime.
    pub(crate) fn leave(&self, remains: Box<dyn Remains>) {
        let heap = own_heap();
        let is_first = {
            let mut left = self.0[heap].0.lock();
            left.push(remains);
            left.len() == 1
        };
        if is_first {
            let due = Due { heaps: Arc::clone(&self.0), heap };
            if let Ok(runtime) = Handle::try_current() {
                runtime.spawn(async move { drop(due) });
            }
        }
    }

    /// Does all that has been left so far.
    pub(crate) fn settle(&self) {
        self.0.iter().for_each(Heap::settle);
    }
}

/// Settled when it is dropped, be it by the task that is to do so or by a runtime that ends before.
struct Due {
    heaps: Arc<[Heap; HEAPS]>,
    heap: usize,
}

impl Drop for Due {
    fn drop(&mut self) {
        self.heaps[self.heap].settle();
    }
}

/// Where the current thread leaves things.
fn own_heap() -> usize {
    static THREADS: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static OWN: usize = THREADS.fetch_add(1, Ordering::Relaxed) % HEAPS;
    }
    OWN.with(|own| *own)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Left {
        afterwards: Afterwards,
        settled: Arc<AtomicUsize>,
    }

    impl Left {
        fn leave(&self) {
            let settled = Arc::clone(&self.settled);
            self.afterwards.leave(Box::new(move || _ = settled.fetch_add(1, Ordering::Relaxed)));
        }

        fn settled(&self) -> usize {
            self.settled.load(Ordering::Relaxed)
        }
    }

    #[tokio::test]
    async fn what_is_left_is_settled_when_others_have_had_their_turns() {
        let left = Left::default();
        left.leave();
        left.leave();
        assert_eq!(left.settled(), 0);
        tokio::task::yield_now().await;
        assert_eq!(left.settled(), 2);
        left.leave();
        tokio::task::yield_now().await;
        assert_eq!(left.settled(), 3, "and again");
    }

    #[tokio::test]
    async fn whoever_cannot_wait_settles_it_once() {
        let left = Left::default();
        left.leave();
        left.afterwards.settle();
        assert_eq!(left.settled(), 1);
        tokio::task::yield_now().await;
        assert_eq!(left.settled(), 1);
    }

    #[tokio::test]
    async fn what_panics_takes_nothing_else_with_it() {
        let left = Left::default();
        left.afterwards.leave(Box::new(|| panic!("on purpose")));
        left.leave();
        tokio::task::yield_now().await;
        assert_eq!(left.settled(), 1);
        left.leave();
        tokio::task::yield_now().await;
        assert_eq!(left.settled(), 2, "nor what comes later");
    }

    #[test]
    fn outside_of_a_runtime_it_is_settled_at_once() {
        let left = Left::default();
        left.leave();
        assert_eq!(left.settled(), 1);
    }

    #[test]
    fn a_runtime_that_ends_leaves_nothing_behind() {
        let left = Left::default();
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async { left.leave() });
        drop(runtime);
        assert_eq!(left.settled(), 1);
        left.leave();
        assert_eq!(left.settled(), 2, "nor does the next one on this thread");
    }
}
