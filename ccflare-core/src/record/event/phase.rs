//! Where the time goes that ccflare takes itself.

/// A part of the line's own work on a request. What clients and upstreams take is none of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Finding out which key a request comes with, and whether it may come in.
    Auth,
    /// Reading who asks, and putting a preferred model in its place.
    Parse,
    /// Waiting for a place in the ledger's queue.
    Queue,
    /// From there to the first attempt: choosing an account.
    Route,
    /// Making a connection: name, TCP, TLS. Most requests find one that is open.
    Connect,
    /// Between attempts, waits included.
    Retry,
    /// From the last attempt's answer to the head that goes to the client.
    FirstByte,
    /// Reading along in an answer, all of its pieces together.
    Stream,
}

impl Phase {
    /// All of them, in order.
    pub const ALL: [Self; 8] =
        [Self::Auth, Self::Parse, Self::Queue, Self::Route, Self::Connect, Self::Retry, Self::FirstByte, Self::Stream];

    /// The phase in a word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Parse => "parse",
            Self::Queue => "queue",
            Self::Route => "route",
            Self::Connect => "connect",
            Self::Retry => "retry",
            Self::FirstByte => "first_byte",
            Self::Stream => "stream",
        }
    }
}
