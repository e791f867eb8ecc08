//! One client connection: what it counts, and how it ends.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::Notify;

/// Connections now and ever.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) open: AtomicU64,
    pub(crate) accepted: AtomicU64,
}

/// What the answers of a connection share with its socket.
#[derive(Debug)]
pub(crate) struct Conn {
    pub(crate) id: u64,
    flushes: AtomicU64,
    reset: AtomicBool,
}

impl Conn {
    /// How often everything written so far had gone to the kernel.
    pub(crate) fn flushes(&self) -> u64 {
        self.flushes.load(Ordering::Acquire)
    }

    /// Makes the end of the connection a reset instead of a plain close.
    pub(crate) fn reset_at_close(&self) {
        self.reset.store(true, Ordering::Release);
    }
}

/// A socket that counts and, if told to, ends in a reset.
pub(crate) struct ConnIo {
    stream: TcpStream,
    conn: Arc<Conn>,
    counters: Arc<Counters>,
    changed: Arc<Notify>,
}

impl ConnIo {
    pub(crate) fn new(stream: TcpStream, counters: Arc<Counters>, changed: Arc<Notify>) -> (Self, Arc<Conn>) {
        let id = counters.accepted.fetch_add(1, Ordering::AcqRel) + 1;
        counters.open.fetch_add(1, Ordering::AcqRel);
        changed.notify_waiters();
        let conn = Arc::new(Conn { id, flushes: AtomicU64::new(0), reset: AtomicBool::new(false) });
        (Self { stream, conn: Arc::clone(&conn), counters, changed }, conn)
    }
}

impl Drop for ConnIo {
    fn drop(&mut self) {
        if self.conn.reset.load(Ordering::Acquire) {
            // No one is left to tell if it fails; the close is then a plain one.
            let _ = self.stream.set_zero_linger();
        }
        self.counters.open.fetch_sub(1, Ordering::AcqRel);
        self.changed.notify_waiters();
    }
}

impl AsyncRead for ConnIo {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for ConnIo {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // hyper gets here only after its own buffer is empty.
        self.conn.flushes.fetch_add(1, Ordering::AcqRel);
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
