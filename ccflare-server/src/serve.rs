//! The accept loop: HTTP/1.1 and HTTP/2 (with prior knowledge, or as TLS agrees on) on one socket, drained before it
//! ends.

use std::{
    convert::Infallible,
    fmt, io,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use http::{Request, Response};
use hyper::{
    body::Incoming,
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    runtime::Handle,
    sync::{Notify, OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use crate::{
    App, AppBody, Workers,
    app::outcome,
    doors::Peer,
    doorstep::{Accepted, Doorstep, Protocol, Stream},
    readers::Hangup,
    repolled::repolled,
};

/// What can be set about serving.
#[derive(Clone)]
#[non_exhaustive]
pub struct ServeOptions {
    /// How long open requests may go on once the server is told to stop. 30 s.
    pub drain: Duration,
    /// How long a client may take for a request's head. 30 s.
    pub head: Duration,
    /// Open connections; more wait to be accepted. 16,384.
    pub connections: usize,
    /// Speaks TLS with clients, with this certificate and key. None.
    pub tls: Option<TlsAcceptor>,
    /// Where connections are served. None: on the runtime that [`serve`] is called on.
    pub workers: Option<Workers>,
}

impl fmt::Debug for ServeOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { drain, head, connections, tls, workers } = self;
        f.debug_struct("ServeOptions")
            .field("drain", drain)
            .field("head", head)
            .field("connections", connections)
            .field("tls", &tls.is_some())
            .field("workers", workers)
            .finish()
    }
}

impl Default for ServeOptions {
    fn default() -> Self {
        let (drain, head) = (Duration::from_secs(30), Duration::from_secs(30));
        Self { drain, head, connections: 16_384, tls: None, workers: None }
    }
}

/// Serves `app` on `listener` until `shutdown` comes true; then lets requests under way finish, up to the deadline, and
/// breaks off the rest. When it returns, no connection is left.
pub async fn serve(listener: TcpListener, app: App, options: ServeOptions, shutdown: impl Future<Output = ()>) {
    let readers = app.readers();
    let (servers, app) = (Arc::new(Servers::new(&options)), Arc::new(app));
    let doorstep = Arc::new(Doorstep { tls: options.tls.clone(), patience: options.head });
    let places = Arc::new(Semaphore::new(options.connections));
    let (home, workers) = (Handle::current(), options.workers.unwrap_or_else(Workers::here));
    let leave = CancellationToken::new();
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        // Finished ones are reaped as we go, so that the set does not grow.
        while connections.try_join_next().is_some() {}
        tokio::select! {
            () = &mut shutdown => break,
            (stream, peer, place) = accept(&listener, &places) => {
                let (servers, doorstep, leave) = (Arc::clone(&servers), Arc::clone(&doorstep), leave.child_token());
                let hangup = Hangup::default();
                let (app, home) = (Arc::clone(&app), home.clone());
                let answers = Answers { app, home, peer: Peer(peer), hangup: hangup.clone() };
                let (worker, seat) = workers.idlest();
                let connection = async move {
                    let ended = match leave.run_until_cancelled(doorstep.greet(stream)).await.flatten() {
                        Some((Stream::Plain(stream), protocol)) => converse(&servers, stream, protocol, answers, leave).await,
                        Some((Stream::Tls(stream), protocol)) => converse(&servers, stream, protocol, answers, leave).await,
                        None => Ok(()),
                    };
                    if let Err(error) = ended {
                        tracing::debug!(%error, "a connection ended early");
                    }
                    drop((place, seat));
                };
                let connection = connections.spawn_on(connection, worker);
                hangup.belongs_to(connection);
            }
        }
    }
    drop(listener);
    // They would listen for ever; requests under way may finish.
    readers.end();
    leave.cancel();
    let drained = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(options.drain, drained).await.is_err() {
        tracing::warn!(open = connections.len(), "the drain's time is over; what is still open is broken off");
    }
    connections.shutdown().await;
}

/// What speaks with clients.
struct Servers {
    http1: http1::Builder,
    http2: http2::Builder<TokioExecutor>,
    /// For a first request.
    patience: Duration,
}

impl Servers {
    fn new(options: &ServeOptions) -> Self {
        let (mut http1, mut http2) = (http1::Builder::new(), http2::Builder::new(TokioExecutor::new()));
        // Pieces are joined by copying, which is cheaper for small ones than a list of them. Not `pipeline_flush`, which
        // joins too: with it hyper takes whatever a body has, without bound, however slowly the client reads.
        http1.timer(TokioTimer::new()).header_read_timeout(options.head).writev(false);
        http2
            .timer(TokioTimer::new())
            .max_concurrent_streams(1024)
            .max_header_list_size(64 * 1024)
            .keep_alive_interval(Some(Duration::from_secs(30)))
            .keep_alive_timeout(Duration::from_secs(20));
        Self { http1, http2, patience: options.head }
    }
}

/// The next connection, once there is room for it. A machine that is short of file descriptors gets time to recover.
async fn accept(listener: &TcpListener, places: &Arc<Semaphore>) -> (Accepted, SocketAddr, OwnedSemaphorePermit) {
    loop {
        let place = Arc::clone(places).acquire_owned().await.expect("nobody closes this semaphore");
        match listener.accept().await.and_then(|(stream, peer)| Ok((Accepted(stream.into_std()?), peer))) {
            Ok((stream, peer)) => return (stream, peer, place),
            Err(error) if is_about_one_connection(&error) => {}
            Err(error) => {
                tracing::error!(%error, "can't accept connections; trying again in a second");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

fn is_about_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// What answers a connection, and who is at its other end.
struct Answers {
    app: Arc<App>,
    /// Where the operator is answered.
    home: Handle,
    peer: Peer,
    hangup: Hangup,
}

/// Whether a connection has asked for anything.
#[derive(Default)]
struct Asked {
    has: AtomicBool,
    for_the_first_time: Notify,
}

impl Asked {
    fn once(&self) {
        if !self.has.swap(true, Ordering::Relaxed) {
            self.for_the_first_time.notify_one();
        }
    }

    /// Gives a connection up on which nothing is asked in time.
    async fn within(
        &self,
        patience: Duration,
        connection: impl Future<Output = hyper::Result<()>>,
    ) -> hyper::Result<()> {
        let mut connection = pin!(connection);
        tokio::select! {
            biased;
            ended = &mut connection => ended,
            () = self.for_the_first_time.notified() => connection.await,
            () = tokio::time::sleep(patience) => Ok(()),
        }
    }
}

/// Answers what comes over a connection, until it ends or, once told to `leave`, its last answer is out.
async fn converse<S>(
    servers: &Servers,
    stream: S,
    protocol: Protocol,
    answers: Answers,
    leave: CancellationToken,
) -> hyper::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let asked = Arc::new(Asked::default());
    let has_asked = Arc::clone(&asked);
    let answers = Arc::new((answers.app.line(), answers));
    let answer = service_fn(move |mut request: Request<Incoming>| {
        has_asked.once();
        let answers = Arc::clone(&answers);
        async move {
            let (line, Answers { app, home, peer, hangup }) = &*answers;
            if request.uri().path().starts_with("/v1/") {
                return app.answer_over(line, request).await;
            }
            // The line asks for neither.
            request.extensions_mut().insert(*peer);
            request.extensions_mut().insert(hangup.clone());
            at_home(home, Arc::clone(app).answer(request)).await
        }
    });
    let stream = TokioIo::new(stream);
    match protocol {
        Protocol::Http1 => {
            let connection = servers.http1.serve_connection(stream, answer).with_upgrades();
            until_told(leave, connection, http1::UpgradeableConnection::graceful_shutdown).await
        }
        Protocol::Http2 => {
            let connection = servers.http2.serve_connection(stream, answer);
            let connection = until_told(leave, connection, http2::Connection::graceful_shutdown);
            // hyper waits for a head of HTTP/1.1 for so long by itself, and for ever for a first one of HTTP/2. In a box, because
            // connections of HTTP/1.1 would keep room for it.
            Box::pin(asked.within(servers.patience, connection)).await
        }
    }
}

/// Drives a connection, and winds it up when it is time to leave.
async fn until_told<C: Future>(leave: CancellationToken, connection: C, wind_up: fn(Pin<&mut C>)) -> C::Output {
    let mut connection = pin!(connection);
    tokio::select! {
        biased;
        ended = repolled(connection.as_mut()) => return ended,
        () = leave.cancelled() => {}
    }
    wind_up(connection.as_mut());
    repolled(connection).await
}

/// Waits for an answer that is worked out at another place; nobody works on it any more if this is dropped.
async fn at_home(
    home: &Handle,
    answer: impl Future<Output = Result<Response<AppBody>, Infallible>> + Send + 'static,
) -> Result<Response<AppBody>, Infallible> {
    outcome(AbortOnDropHandle::new(home.spawn(answer))).await
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn an_answer_is_worked_out_at_home_while_somebody_waits_for_it() {
        let elsewhere = Workers::start(NonZeroUsize::MIN).expect("a thread");
        let (home, _seat) = elsewhere.idlest();
        let (begun, begins) = oneshot::channel();
        let (working, ended) = oneshot::channel::<()>();
        let answer = async move {
            let _working = working;
            let _ = begun.send(Handle::current().id());
            std::future::pending().await
        };
        let mut waiting = Box::pin(at_home(home, answer));
        tokio::select! {
            _ = &mut waiting => panic!("it is never answered"),
            place = begins => assert_eq!(place, Ok(home.id())),
        }
        drop(waiting);
        assert!(ended.await.is_err(), "nobody works on it any more");
    }
}
