//! What it costs to leave a cache behind.

use crate::{
    domain::{NanoUsd, Tokens, Usage},
    pricing::PriceTable,
};

/// What `cached` tokens of `model` cost more when they are written anew than when they are read; `None` if the model or
/// one of the prices is unknown.
#[must_use]
pub fn price_of_moving(prices: &PriceTable, model: &str, cached: u64, hour: bool) -> Option<NanoUsd> {
    let none = Tokens { input: Some(0), output: Some(0), ..Tokens::default() };
    let price = |tokens| prices.price(model, &Usage { tokens, ..Usage::default() });
    let write = if hour {
        price(Tokens { cache_write_1h: Some(cached), ..none })?
    } else {
        price(Tokens { cache_write_5m: Some(cached), ..none })?
    };
    let read = price(Tokens { cache_read: Some(cached), ..none })?;
    Some(NanoUsd(write.0.saturating_sub(read.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// anthropic-wire §7: a 150k-token prefix on Opus 5.5 is $0.03 as a read, $0.75 and $1.20 as writes.
    #[test]
    fn a_long_prefix_costs_dollars_to_move() {
        let price = |model, hour| price_of_moving(PriceTable::bundled(), model, 150_000, hour);
        assert_eq!(price("claude-opus-5-5", false), Some(NanoUsd(720_000_000)));
        assert_eq!(price("claude-opus-5-5", true), Some(NanoUsd(1_170_000_000)));
        assert_eq!(price("a-model-that-nobody-knows", false), None);
        assert_eq!(price_of_moving(PriceTable::bundled(), "claude-opus-5-5", 0, false), Some(NanoUsd(0)));
    }
}
