//! A future that goes on at once when it has woken itself.
//!
//! hyper's connection hands a request's body to whoever reads it in the same task, and is told by a wake-up that more is
//! wanted. The runtime would put such a task at the end of its queue and wake another thread to take it: a system call,
//! and a request that changes threads with nothing of it in the new one's cache.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use futures_util::task::AtomicWaker;

/// So often it is polled in a row. Then it takes its turn behind others, as every task has to.
const AT_ONCE: u32 = 4;

/// See [the module](self).
pub(crate) struct Repolled<F> {
    future: F,
    bell: Arc<Bell>,
    waker: Waker,
}

impl<F> Repolled<F> {
    pub(crate) fn new(future: F) -> Self {
        let bell = Arc::new(Bell::default());
        let waker = Waker::from(Arc::clone(&bell));
        Self { future, bell, waker }
    }
}

impl<F: Future + Unpin> Future for Repolled<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let Self { future, bell, waker } = &mut *self;
        bell.task.register(cx.waker());
        for _ in 0..AT_ONCE {
            // Whatever rang until here is seen to now.
            bell.state.store(POLLED, Ordering::Release);
            if let Poll::Ready(output) = Pin::new(&mut *future).poll(&mut Context::from_waker(waker)) {
                return Poll::Ready(output);
            }
            if bell.state.compare_exchange(POLLED, WAITING, Ordering::AcqRel, Ordering::Acquire).is_ok() {
                return Poll::Pending;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

/// Nobody looks: whoever rings wakes the task.
const WAITING: u8 = 0;
/// The future is polled at this moment; who polls it looks at the bell afterwards.
const POLLED: u8 = 1;
/// It has been rung, and the task knows or will find out.
const RUNG: u8 = 2;

#[derive(Default)]
struct Bell {
    state: AtomicU8,
    task: AtomicWaker,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.state.swap(RUNG, Ordering::AcqRel) == WAITING {
            self.task.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, sync::atomic::AtomicU32};

    use futures_util::task::noop_waker;

    use super::*;

    #[derive(Default)]
    struct Woken(AtomicU32);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Wakes itself so often while it is polled, and gives away its waker.
    fn restless(mut times: u32, given: Arc<parking_lot::Mutex<Option<Waker>>>) -> impl Future<Output = ()> + Unpin {
        poll_fn(move |cx| {
            *given.lock() = Some(cx.waker().clone());
            if times == 0 {
                return Poll::Pending;
            }
            times -= 1;
            cx.waker().wake_by_ref();
            Poll::Pending
        })
    }

    fn poll(future: &mut (impl Future<Output = ()> + Unpin), woken: &Arc<Woken>) -> u32 {
        let before = woken.0.load(Ordering::Relaxed);
        let waker = Waker::from(Arc::clone(woken));
        assert!(Pin::new(future).poll(&mut Context::from_waker(&waker)).is_pending());
        woken.0.load(Ordering::Relaxed) - before
    }

    #[test]
    fn what_wakes_itself_goes_on_without_its_task_being_woken() {
        let (woken, given) = (Arc::default(), Arc::default());
        let mut future = Repolled::new(restless(2, Arc::clone(&given)));
        assert_eq!(poll(&mut future, &woken), 0);
        let waker = given.lock().take().expect("it was polled");
        waker.wake_by_ref();
        waker.wake_by_ref();
        assert_eq!(woken.0.load(Ordering::Relaxed), 1, "woken once, from outside");
        assert_eq!(poll(&mut future, &woken), 0);
        waker.wake();
        assert_eq!(woken.0.load(Ordering::Relaxed), 2, "and again after it was polled");
    }

    #[test]
    fn what_never_rests_lets_others_have_their_turn() {
        let (woken, given) = (Arc::default(), Arc::default());
        let mut future = Repolled::new(restless(u32::MAX, given));
        for _ in 0..3 {
            assert_eq!(poll(&mut future, &woken), 1);
        }
    }

    #[test]
    fn what_is_ready_is_ready() {
        let mut future = Repolled::new(std::future::ready(7));
        assert_eq!(Pin::new(&mut future).poll(&mut Context::from_waker(&noop_waker())), Poll::Ready(7));
    }
}
