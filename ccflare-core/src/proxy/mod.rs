//! The line from a client's request to the upstream's answer, put together in [`stack`].
//!
//! ```text
//! Respond    what fails becomes an answer in the API's own error shape
//! Admit      the allow-list of paths, and the cap on requests in flight
//! Collect    the body in one piece, within its limit and the memory budget of all bodies
//! ══════     everything below is one boxed service that can be named: `Proxy`
//! Intercept  facts: what the stages behind want to know of a request
//! Record     opens the exchange; settles it when the answer's body is over
//! Balance    one attempt for each candidate until an answer is fit for the client
//! Authorize  address, headers, exactly one credential
//! Upstream   the network
//! ```

use bytes::Bytes;
use http::{Request, Response};
use tower::util::BoxCloneSyncService;

mod admit;
mod body;
mod collect;
mod read_on;
mod respond;
pub mod stack;

pub use admit::{Admit, AdmitLayer};
pub use body::{AnswerBody, HeldBody};
pub use collect::{Collect, CollectLayer, CollectOptions};
pub use respond::{Respond, RespondLayer};

pub use crate::error::BodyError;
use crate::{balance::ServedBody, error::ProxyError, record::TeeBody, upstream::UpstreamBody};

/// The inner line, for requests whose body is in one piece.
pub type Proxy = BoxCloneSyncService<Request<Bytes>, Response<TeeBody<ServedBody<UpstreamBody>>>, ProxyError>;

/// The whole line, for requests as they come from a connection.
pub type Line = Respond<Admit<Collect<Proxy>>>;

/// The body of any answer of the [`Line`].
pub type ProxyBody = AnswerBody<HeldBody<TeeBody<ServedBody<UpstreamBody>>>>;
