//! Names of the semantic conventions, all in one place: those for generative AI are still under development.
//!
//! After `open-telemetry/semantic-conventions-genai`, status Development.

use ccflare_core::domain::Exchange;

pub(super) const OPERATION: &str = "gen_ai.operation.name";
pub(super) const PROVIDER: &str = "gen_ai.provider.name";
pub(super) const REQUEST_MODEL: &str = "gen_ai.request.model";
pub(super) const RESPONSE_MODEL: &str = "gen_ai.response.model";
pub(super) const FIRST_CHUNK: &str = "gen_ai.response.time_to_first_chunk";
pub(super) const CONVERSATION: &str = "gen_ai.conversation.id";
pub(super) const AGENT_ID: &str = "gen_ai.agent.id";
pub(super) const AGENT_NAME: &str = "gen_ai.agent.name";
pub(super) const INPUT_TOKENS: &str = "gen_ai.usage.input_tokens";
pub(super) const OUTPUT_TOKENS: &str = "gen_ai.usage.output_tokens";
pub(super) const CACHE_READ_TOKENS: &str = "gen_ai.usage.cache_read.input_tokens";
pub(super) const CACHE_CREATION_TOKENS: &str = "gen_ai.usage.cache_creation.input_tokens";
pub(super) const TOKEN_TYPE: &str = "gen_ai.token.type";
pub(super) const ERROR_TYPE: &str = "error.type";
pub(super) const METHOD: &str = "http.request.method";
pub(super) const STATUS: &str = "http.response.status_code";
pub(super) const PATH: &str = "url.path";

pub(super) const TOKEN_USAGE: &str = "gen_ai.client.token.usage";
pub(super) const DURATION: &str = "gen_ai.client.operation.duration";
pub(super) const TIME_TO_FIRST_CHUNK: &str = "gen_ai.client.operation.time_to_first_chunk";
pub(super) const SERVER_DURATION: &str = "http.server.request.duration";

/// The operation that asks a model to go on with a conversation.
pub(super) const CHAT: &str = "chat";

/// The one provider there is.
pub(super) const ANTHROPIC: &str = "anthropic";

/// What kind of operation a request is, if the conventions know it.
pub(super) fn operation(exchange: &Exchange) -> Option<&'static str> {
    (&*exchange.intent.path == "/v1/messages").then_some(CHAT)
}

/// What went wrong, in a word: the status, or how it ended.
pub(super) fn error(exchange: &Exchange) -> Option<String> {
    match exchange.status {
        _ if exchange.is_success() => None,
        Some(status) if status >= 400 => Some(status.to_string()),
        _ => Some(exchange.outcome.as_str().to_owned()),
    }
}
