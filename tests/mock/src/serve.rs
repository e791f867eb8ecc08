//! The listener and its connections.

use std::sync::Arc;
use std::time::Duration;

use hyper::rt::Executor;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::answer::answer;
use crate::conn::ConnIo;
use crate::shared::Shared;

/// Every task of a mock, and how they end.
#[derive(Clone)]
pub(crate) struct Tasks {
    pub(crate) tracker: TaskTracker,
    /// No new connections; the present ones end after their request.
    pub(crate) drain: CancellationToken,
    /// Everything ends now.
    pub(crate) stop: CancellationToken,
}

impl Tasks {
    pub(crate) fn new() -> Self {
        Self { tracker: TaskTracker::new(), drain: CancellationToken::new(), stop: CancellationToken::new() }
    }

    /// Runs a task until it ends or everything does.
    fn spawn<F>(&self, task: F)
    where
        F: Future + Send + 'static,
        F::Output: Send,
    {
        let stop = self.stop.clone();
        self.tracker.spawn(async move { stop.run_until_cancelled_owned(task).await.map(drop) });
    }
}

/// hyper spawns the streams of HTTP/2 itself.
impl<F> Executor<F> for Tasks
where
    F: Future + Send + 'static,
    F::Output: Send,
{
    fn execute(&self, task: F) {
        self.spawn(task);
    }
}

/// Serves until told to end.
pub(crate) fn start(listener: TcpListener, shared: Arc<Shared>, tasks: &Tasks) {
    tasks.spawn(accept(listener, shared, tasks.clone()));
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, tasks: Tasks) {
    loop {
        let accepted = tokio::select! {
            () = tasks.drain.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => tasks.spawn(connection(stream, Arc::clone(&shared), tasks.clone())),
            // For want of descriptors, mostly: let some be closed first.
            Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    }
}

async fn connection(stream: TcpStream, shared: Arc<Shared>, tasks: Tasks) {
    // Without it the client's delayed acknowledgements would hold back small events.
    let _ = stream.set_nodelay(true);
    let (io, conn) = ConnIo::new(stream, Arc::clone(&shared.counters), Arc::clone(&shared.changed));
    let service = service_fn(move |request| answer(Arc::clone(&shared), Arc::clone(&conn), request));
    let builder = auto::Builder::new(tasks.clone());
    let mut serving = std::pin::pin!(builder.serve_connection(TokioIo::new(io), service));
    tokio::select! {
        // Its errors are the scripted ones, or those of clients that left.
        _ = serving.as_mut() => return,
        () = tasks.drain.cancelled() => {}
    }
    serving.as_mut().graceful_shutdown();
    let _ = serving.await;
}
