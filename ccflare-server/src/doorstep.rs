//! What happens to a connection before its first request.

use std::{io, time::Duration};

use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, server::TlsStream};

/// How every client begins that speaks HTTP/2 with prior knowledge (RFC 9113, section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Soon enough for a preface that comes in pieces. Each time it is waited for twice as long: who sends a piece and no more is
/// not looked at for ever.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// A connection that no runtime watches yet: the one it is served on will.
pub(crate) struct Accepted(pub(crate) std::net::TcpStream);

/// Where connections are greeted.
pub(crate) struct Doorstep {
    /// Speaks TLS with clients.
    pub(crate) tls: Option<TlsAcceptor>,
    /// For the handshake, or for the bytes that tell the protocol.
    pub(crate) patience: Duration,
}

/// A connection that requests can be read from.
pub(crate) enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// What a client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Http1,
    Http2,
}

impl Doorstep {
    /// Nothing, if the connection is gone, its handshake fails, or what it speaks is not clear in time.
    pub(crate) async fn greet(&self, accepted: Accepted) -> Option<(Stream, Protocol)> {
        match tokio::time::timeout(self.patience, self.meet(accepted)).await {
            Ok(Ok(met)) => Some(met),
            Ok(Err(error)) => {
                tracing::debug!(%error, "a connection ended before it began");
                None
            }
            Err(_) => None,
        }
    }

    async fn meet(&self, Accepted(stream): Accepted) -> io::Result<(Stream, Protocol)> {
        // Deltas are small and must not wait for each other.
        stream.set_nodelay(true)?;
        let stream = TcpStream::from_std(stream)?;
        let Some(tls) = &self.tls else {
            let protocol = spoken(&stream).await?;
            return Ok((Stream::Plain(stream), protocol));
        };
        let stream = tls.accept(stream).await?;
        let agreed = stream.get_ref().1.alpn_protocol();
        let protocol = if agreed == Some(b"h2") { Protocol::Http2 } else { Protocol::Http1 };
        Ok((Stream::Tls(Box::new(stream)), protocol))
    }
}

/// Looks at a connection's first bytes and leaves them where they are.
async fn spoken(stream: &TcpStream) -> io::Result<Protocol> {
    let mut first = [0; PREFACE.len()];
    let mut pause = LOOK_AGAIN;
    loop {
        let length = stream.peek(&mut first).await?;
        if length == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if !PREFACE.starts_with(&first[..length]) {
            return Ok(Protocol::Http1);
        }
        if length == PREFACE.len() {
            return Ok(Protocol::Http2);
        }
        // What is there can be read already, so nobody tells when there is more.
        tokio::time::sleep(pause).await;
        pause *= 2;
    }
}
