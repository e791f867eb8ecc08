//! A waker that knows whether its task is looking anyway.
//!
//! What a task is made of may wake the task it runs in: hyper's connection hands over a body in the very task that reads
//! it, and is told by a wake-up that more is wanted. A runtime puts a task that was woken while it ran at the end of its
//! queue, and wakes another thread to take it over. What is polled with a [`Bell`] in place of the task's own waker is
//! polled again at once instead.
//!
//! ```
//! use std::task::{Context, Poll};
//! use ccflare_core::bell::Bell;
//!
//! # let task = Context::from_waker(std::task::Waker::noop());
//! let (bell, mut times) = (Bell::default(), 0);
//! let polled = bell.poll(&task, |cx| {
//!     cx.waker().wake_by_ref();
//!     times += 1;
//!     if times == 3 { Poll::Ready("done") } else { Poll::Pending }
//! });
//! assert_eq!(polled, Poll::Ready("done"));
//! ```

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use futures_util::task::AtomicWaker;

/// See [the module](self).
pub struct Bell {
    rope: Arc<Rope>,
    waker: Waker,
}

impl Bell {
    /// Polls on behalf of `task`, and again at once if the bell was rung meanwhile. Whoever rings it afterwards wakes the task
    /// if it is left pending, and nobody if it is ready.
    pub fn poll<T>(&self, task: &Context<'_>, mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>) -> Poll<T> {
        for _ in 0..PATIENCE {
            self.rope.task.register(task.waker());
            // Whatever rang before is seen to now.
            self.rope.state.store(ATTENDED, Ordering::Release);
            let polled = poll(&mut Context::from_waker(&self.waker));
            if polled.is_ready() || self.leave() {
                return polled;
            }
        }
        task.waker().wake_by_ref();
        Poll::Pending
    }

    /// From now on, ringing wakes the task. `false` if it has rung meanwhile.
    fn leave(&self) -> bool {
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

/// So often it is polled in a row. Then the task takes its turn behind others, as every task has to.
const PATIENCE: u32 = 8;

/// Nobody looks: whoever rings wakes the task.
const AWAY: u8 = 0;
/// The task looks at this moment and asks afterwards, or waits for nothing.
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

    struct Task {
        woken: Arc<Woken>,
        waker: Waker,
    }

    impl Task {
        fn new() -> Self {
            let woken = Arc::<Woken>::default();
            Self { waker: Waker::from(Arc::clone(&woken)), woken }
        }

        /// How often it was woken.
        fn woken(&self) -> u32 {
            self.woken.0.load(Ordering::Relaxed)
        }

        /// Polls what wakes itself so often and is not ready then. Returns its waker.
        fn poll(&self, bell: &Bell, mut restless: u32) -> Waker {
            let mut given = None;
            let polled = bell.poll(&Context::from_waker(&self.waker), |cx| {
                given = Some(cx.waker().clone());
                if restless > 0 {
                    restless -= 1;
                    cx.waker().wake_by_ref();
                }
                Poll::<()>::Pending
            });
            assert!(polled.is_pending());
            given.expect("it was polled")
        }
    }

    #[test]
    fn what_wakes_itself_goes_on_without_its_task_being_woken() {
        let (bell, task) = (Bell::default(), Task::new());
        task.poll(&bell, 2);
        assert_eq!(task.woken(), 0);
    }

    #[test]
    fn what_never_rests_lets_others_have_their_turn() {
        let (bell, task) = (Bell::default(), Task::new());
        task.poll(&bell, u32::MAX);
        assert_eq!(task.woken(), 1);
        task.poll(&bell, u32::MAX);
        assert_eq!(task.woken(), 2);
    }

    #[test]
    fn ringing_wakes_who_is_away_and_once_is_enough() {
        let (bell, task) = (Bell::default(), Task::new());
        let waker = task.poll(&bell, 0);
        waker.wake_by_ref();
        waker.wake_by_ref();
        assert_eq!(task.woken(), 1);
        task.poll(&bell, 0).wake();
        assert_eq!(task.woken(), 2, "and again once it has looked");
    }

    #[test]
    fn what_is_ready_is_ready_and_ringing_wakes_nobody() {
        let (bell, task) = (Bell::default(), Task::new());
        let polled = bell.poll(&Context::from_waker(&task.waker), |cx| Poll::Ready(cx.waker().clone()));
        let Poll::Ready(waker) = polled else { panic!("it is ready") };
        waker.wake();
        assert_eq!(task.woken(), 0);
    }

    #[test]
    fn the_task_that_looked_last_is_the_one_to_wake() {
        let (bell, former, task) = (Bell::default(), Task::new(), Task::new());
        former.poll(&bell, 0);
        task.poll(&bell, 0).wake();
        assert_eq!((former.woken(), task.woken()), (0, 1));
    }
}
