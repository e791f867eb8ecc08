//! A future that goes on at once when it has woken itself.
//!
//! hyper's connection hands a request's body to whoever reads it in the same task, and is told by a wake-up that more is
//! wanted. The runtime would put such a task at the end of its queue and wake another thread to take it: a system call,
//! and a request that changes threads with nothing of it in the new one's cache.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use ccflare_core::bell::Bell;

/// See [the module](self).
pub(crate) struct Repolled<F> {
    future: F,
    bell: Bell,
}

impl<F> Repolled<F> {
    pub(crate) fn new(future: F) -> Self {
        Self { future, bell: Bell::default() }
    }
}

impl<F: Future + Unpin> Future for Repolled<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let Self { future, bell } = &mut *self;
        for _ in 0..Bell::PATIENCE {
            bell.attend(cx.waker());
            let polled = Pin::new(&mut *future).poll(&mut bell.context());
            if polled.is_ready() || bell.leave() {
                return polled;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::poll_fn,
        sync::{
            Arc,
            atomic::{AtomicU32, Ordering},
        },
        task::{Wake, Waker},
    };

    use super::*;

    #[derive(Default)]
    struct Woken(AtomicU32);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Wakes itself so often while it is polled.
    fn restless(mut times: u32) -> impl Future<Output = ()> + Unpin {
        poll_fn(move |cx| {
            if times > 0 {
                times -= 1;
                cx.waker().wake_by_ref();
            }
            Poll::Pending
        })
    }

    /// How often the task is woken by a poll.
    fn woken_by(future: &mut (impl Future<Output = ()> + Unpin)) -> u32 {
        let woken = Arc::<Woken>::default();
        assert!(Pin::new(future).poll(&mut Context::from_waker(&Waker::from(Arc::clone(&woken)))).is_pending());
        woken.0.load(Ordering::Relaxed)
    }

    #[test]
    fn what_wakes_itself_goes_on_without_its_task_being_woken() {
        assert_eq!(woken_by(&mut Repolled::new(restless(2))), 0);
    }

    #[test]
    fn what_never_rests_lets_others_have_their_turn() {
        let mut future = Repolled::new(restless(u32::MAX));
        assert_eq!([woken_by(&mut future), woken_by(&mut future)], [1, 1]);
    }

    #[test]
    fn what_is_ready_is_ready() {
        let mut future = Repolled::new(std::future::ready(7));
        assert_eq!(Pin::new(&mut future).poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(7));
    }
}
