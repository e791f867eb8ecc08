//! A waker that knows whether its task is looking anyway.
//!
//! What a task is made of may wake the task it runs in: hyper's connection hands over a body in the very task that reads
//! it, and is told by a wake-up that more is wanted. A runtime puts a task that was woken while it ran at the end of its
//! queue, and wakes another thread to take it over. A [`Bell`] is given to such parts in place of the task's own waker; while
//! the task [attends](Bell::attend) to it, ringing it is only noted.
//!
//! ```
//! use std::{pin::Pin, task::{Context, Poll}};
//! use ccflare_core::bell::Bell;
//!
//! /// Polls a future again at once when it has woken itself.
//! fn poll<F: Future + Unpin>(bell: &Bell, future: &mut F, task: &mut Context<'_>) -> Poll<F::Output> {
//!     for _ in 0..Bell::PATIENCE {
//!         bell.attend(task.waker());
//!         let polled = Pin::new(&mut *future).poll(&mut bell.context());
//!         if polled.is_ready() || bell.leave() {
//!             return polled;
//!         }
//!     }
//!     task.waker().wake_by_ref();
//!     Poll::Pending
//! }
//! # let mut task = Context::from_waker(std::task::Waker::noop());
//! # assert!(poll(&Bell::default(), &mut std::future::ready(()), &mut task).is_ready());
//! ```

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Wake, Waker},
};

use futures_util::task::AtomicWaker;

/// See [the module](self).
pub struct Bell {
    rope: Arc<Rope>,
    waker: Waker,
}

impl Bell {
    /// So often it should be attended to in a row. Then the task takes its turn behind others, as every task has to.
    pub const PATIENCE: u32 = 8;

    /// `task` looks from now on, so ringing need not wake it. Whatever rang before is seen to now.
    pub fn attend(&self, task: &Waker) {
        self.rope.task.register(task);
        self.rope.state.store(ATTENDED, Ordering::Release);
    }

    /// What to poll with.
    #[must_use]
    pub fn context(&self) -> Context<'_> {
        Context::from_waker(&self.waker)
    }

    /// The task looks no longer: from now on, ringing wakes it. `false` if it has rung meanwhile, and the task has to look
    /// again.
    #[must_use]
    pub fn leave(&self) -> bool {
        self.rope.state.compare_exchange(ATTENDED, AWAY, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }
}

impl Default for Bell {
    fn default() -> Self {
        let rope = Arc::<Rope>::default();
        let waker = Waker::from(Arc::clone(&rope));
        Self { rope, waker }
    }
}

impl fmt::Debug for Bell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bell").finish_non_exhaustive()
    }
}

/// Nobody looks: whoever rings wakes the task.
const AWAY: u8 = 0;
/// The task looks at this moment, and asks afterwards.
const ATTENDED: u8 = 1;
/// It has been rung, and the task knows or will find out.
const RUNG: u8 = 2;

#[derive(Default)]
struct Rope {
    state: AtomicU8,
    task: AtomicWaker,
}

impl Wake for Rope {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.state.swap(RUNG, Ordering::AcqRel) == AWAY {
            self.task.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;

    use super::*;

    #[derive(Default)]
    struct Woken(AtomicU32);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn task() -> (Arc<Woken>, Waker) {
        let woken = Arc::<Woken>::default();
        (Arc::clone(&woken), Waker::from(woken))
    }

    #[test]
    fn ringing_wakes_nobody_who_looks_and_is_found_out_on_leaving() {
        let (bell, (woken, task)) = (Bell::default(), task());
        bell.attend(&task);
        bell.context().waker().wake_by_ref();
        assert!(!bell.leave());
        assert_eq!(woken.0.load(Ordering::Relaxed), 0);
        bell.attend(&task);
        assert!(bell.leave(), "what rang before is seen to");
    }

    #[test]
    fn ringing_wakes_who_is_away_and_once_is_enough() {
        let (bell, (woken, task)) = (Bell::default(), task());
        bell.attend(&task);
        assert!(bell.leave());
        bell.context().waker().wake_by_ref();
        bell.context().waker().wake_by_ref();
        assert_eq!(woken.0.load(Ordering::Relaxed), 1);
        bell.attend(&task);
        assert!(bell.leave());
        bell.context().waker().wake_by_ref();
        assert_eq!(woken.0.load(Ordering::Relaxed), 2, "and again once it has looked");
    }

    #[test]
    fn the_task_that_looked_last_is_the_one_to_wake() {
        let (bell, (first, former), (second, task)) = (Bell::default(), task(), task());
        bell.attend(&former);
        bell.attend(&task);
        assert!(bell.leave());
        bell.context().waker().wake_by_ref();
        assert_eq!((first.0.load(Ordering::Relaxed), second.0.load(Ordering::Relaxed)), (0, 1));
    }
}
