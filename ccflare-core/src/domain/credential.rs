//! What an account proves itself with.

use super::Secret;

/// One kind of credential; exactly one is sent upstream.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Credential {
    /// A long-lived key, sent the way its provider wants keys (Anthropic: `x-api-key`).
    ApiKey(Secret),
}
