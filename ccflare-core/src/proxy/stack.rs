//! The one place where the line is put together.

use tower::{ServiceBuilder, util::BoxCloneSyncService};

use super::{AdmitLayer, CollectLayer, Line, Proxy, RespondLayer};
use crate::{
    balance::BalanceLayer,
    credentials::AuthorizeLayer,
    intercept::InterceptLayer,
    record::{Events, RecordLayer},
    upstream::Upstream,
};

/// The inner line. Each stage takes the type that the one before it makes, so a wrong order does not compile; only the
/// interceptor and the recorder take the same, and the recorder writes down what the interceptor found.
#[must_use]
pub fn proxy(
    intercept: InterceptLayer,
    record: RecordLayer,
    balance: BalanceLayer,
    authorize: AuthorizeLayer,
    upstream: Upstream,
) -> Proxy {
    ServiceBuilder::new()
        // One box, here: what is outside need not know what is inside.
        .layer_fn(BoxCloneSyncService::new)
        // First, because everybody behind asks for the facts.
        .layer(intercept)
        // Around the balancer: one exchange is one client request, however many attempts it takes.
        .layer(record)
        // Before credentials: each attempt gets those of its own account.
        .layer(balance)
        // Last: nothing behind it sees a request that is not meant for exactly one account.
        .layer(authorize)
        .service(upstream)
}

/// The whole line around it.
#[must_use]
pub fn line(events: Events, admit: AdmitLayer, collect: CollectLayer, proxy: Proxy) -> Line {
    ServiceBuilder::new()
        // Outermost: whatever fails behind it becomes an answer.
        .layer(RespondLayer::new().telling(events))
        // Before the body: what is refused takes no room, and a place in flight is held until the answer is over.
        .layer(admit)
        // Before anybody who reads the body, or may send it twice.
        .layer(collect)
        .service(proxy)
}
