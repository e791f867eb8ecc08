//! What happens to a connection before its first request.

use std::{io, time::Duration};

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, server::TlsStream};

/// How every client begins that speaks HTTP/2 with prior knowledge (RFC 9113, section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Soon enough for a preface that comes in pieces. Each time it is waited for twice as long: who sends a piece and no more is
/// not looked at for ever.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// A connection on which nothing happens is asked for so often whether its client is still there: one that lost its network
/// says nothing, and its request and a place among those in flight would be kept.
const STILL_THERE: Duration = Duration::from_secs(60);

/// So long a client may take nothing of what it is sent: an upstream's connection waits for it.
#[cfg(any(target_os = "linux", target_os = "android"))]
const TAKES_NOTHING: Duration = Duration::from_secs(300);

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
        leave_if_lost(&SockRef::from(&stream))?;
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

/// Has the system break a connection off whose client is gone or does not read.
fn leave_if_lost(socket: &SockRef<'_>) -> io::Result<()> {
    socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(STILL_THERE).with_interval(STILL_THERE / 4))?;
    // Elsewhere the system has only its own idea of how long that is.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    socket.set_tcp_user_timeout(Some(TAKES_NOTHING))?;
    Ok(())
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

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn who_is_lost_or_does_not_read_is_given_up() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let client = TcpStream::connect(listener.local_addr().expect("an address"));
        let (_client, accepted) = tokio::join!(client, listener.accept());
        let (stream, _) = accepted.expect("a connection");
        let socket = SockRef::from(&stream);
        leave_if_lost(&socket).expect("options");
        assert!(socket.keepalive().expect("an option"));
        assert_eq!(socket.tcp_keepalive_time().expect("an option"), STILL_THERE);
        #[cfg(any(target_os = "linux", target_os = "android"))]
        assert_eq!(socket.tcp_user_timeout().expect("an option"), Some(TAKES_NOTHING));
    }
}
