//! What is known of a request before it is placed.

use std::sync::Arc;

/// Facts read from a request on its way in. Everything may be absent: a request is never refused for being odd.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestFacts {
    /// The model it asks for.
    pub model: Option<Arc<str>>,
}
