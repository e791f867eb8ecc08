//! What tokens cost.

use crate::Usage;

/// Nano-dollars a token: input, output, cache read. Writes cost a quarter more than input for five minutes, and double
/// for an hour.
const PRICES: &[(&str, [u64; 3])] = &[
    ("claude-fable-5-2", [8_000, 40_000, 200]),
    ("claude-opus-5-5", [4_000, 20_000, 200]),
    ("claude-sonnet-5-5", [2_000, 10_000, 100]),
    ("claude-haiku-5-5", [100, 500, 10]),
    ("claude-haiku-4-5", [1_000, 5_000, 100]),
];

/// A prompt of this model that is longer costs five times as much.
const LONG: (&str, u64) = ("claude-haiku-5-5", 100_000);

/// The price in nano-dollars; 0 for a model without one.
pub(super) fn of(model: &str, usage: &Usage) -> u64 {
    let Some((_, [input, output, read])) = PRICES.iter().find(|(name, _)| model.starts_with(name)) else { return 0 };
    let times = if model.starts_with(LONG.0) && usage.total_input() > LONG.1 { 5 } else { 1 };
    let writes = usage.cache_write_5m * input * 5 / 4 + usage.cache_write_1h * input * 2;
    times * (usage.input * input + usage.output * output + usage.cache_read * read + writes)
}

/// The shortest prefix that is cached, in tokens.
pub(super) fn shortest_prefix(model: &str) -> u64 {
    match model {
        _ if model.contains("-5-5") || model.contains("-fable-5") || model.contains("-mythos-5") => 512,
        _ if model.contains("haiku-4-5") || model.contains("opus-4-6") || model.contains("opus-4-5") => 4096,
        _ if model.contains("opus-4-7") => 2048,
        _ => 1024,
    }
}
