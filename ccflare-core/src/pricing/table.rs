//! The table and the sum.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock},
};

use serde::Deserialize;

use crate::domain::{NanoUsd, Tokens, Usage};

/// Made by `convert.py` beside it.
const BUNDLED: &str = include_str!("prices.json");

/// A web search that the server ran: $10 per thousand.
const WEB_SEARCH: u128 = 10_000_000;

/// Prices of models.
#[derive(Debug, Deserialize)]
#[serde(from = "Listed")]
pub struct PriceTable {
    date: Arc<str>,
    /// By each name a model has.
    models: HashMap<Box<str>, Arc<Model>>,
}

/// The table as it is written.
#[derive(Deserialize)]
struct Listed {
    date: Arc<str>,
    models: Vec<Model>,
}

impl From<Listed> for PriceTable {
    fn from(Listed { date, models }: Listed) -> Self {
        let models = models.into_iter().map(Arc::new);
        let named = |model: Arc<Model>| {
            let names = model.names.clone();
            names.into_iter().map(move |name| (name, Arc::clone(&model)))
        };
        Self { date, models: models.flat_map(named).collect() }
    }
}

/// Why a table can't be used.
#[derive(Debug, thiserror::Error)]
#[error("the price table is not what it should be: {0}")]
pub struct PricingError(#[from] serde_json::Error);

#[derive(Debug, Deserialize)]
struct Model {
    names: Vec<Box<str>>,
    prices: Prices,
    above: Option<Above>,
    #[serde(default)]
    fast: bool,
    #[serde(default)]
    us: bool,
}

/// Other prices for the whole request if its prompt is longer than this.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Above {
    prompt_tokens: u64,
    prices: Prices,
}

/// Nano-dollars per million tokens.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Prices {
    input: u64,
    output: u64,
    cache_read: Option<u64>,
    cache_write_5m: Option<u64>,
    cache_write_1h: Option<u64>,
}

impl PriceTable {
    /// The table that comes along.
    #[must_use]
    pub fn bundled() -> &'static Self {
        static TABLE: LazyLock<PriceTable> =
            LazyLock::new(|| PriceTable::parse(BUNDLED).expect("a test reads the bundled table"));
        &TABLE
    }

    /// Reads a table of the bundled one's shape.
    ///
    /// # Errors
    /// If it is no JSON of that shape; says where.
    pub fn parse(json: &str) -> Result<Self, PricingError> {
        Ok(serde_json::from_str(json)?)
    }

    /// The day on which the prices were looked up, `YYYY-MM-DD`.
    #[must_use]
    pub fn date(&self) -> Arc<str> {
        Arc::clone(&self.date)
    }

    /// The names of all models, in no order.
    pub fn models(&self) -> impl Iterator<Item = &str> {
        self.models.keys().map(|name| &**name)
    }

    /// Whether the model is in the table, by this name or as a version of it.
    #[must_use]
    pub fn knows(&self, model: &str) -> bool {
        self.model(model).is_some()
    }

    /// What `usage` of `model` costs; `None` if the model, its input or its output is unknown.
    #[must_use]
    pub fn price(&self, model: &str, usage: &Usage) -> Option<NanoUsd> {
        let millionths = if usage.iterations.is_empty() {
            self.pass(model, &usage.tokens, usage)?
        } else {
            let pass = |pass: &crate::domain::ModelUsage| {
                self.pass(pass.model.as_deref().unwrap_or(model), &pass.tokens, usage)
            };
            usage.iterations.iter().map(pass).sum::<Option<u128>>()?
        };
        let searches = u128::from(usage.web_searches) * WEB_SEARCH;
        // Rounded once, half up, when everything is summed.
        let nanos = (millionths + 500_000) / 1_000_000 + searches;
        u64::try_from(nanos).ok().map(NanoUsd)
    }

    /// What of `paid` was for each class: input, output, read from the cache, written for five minutes, written for an
    /// hour. Parted as the list prices of requests with prompts of `prompt` tokens are; `None` if there are none, or
    /// nothing that has a price.
    #[must_use]
    pub fn split(&self, model: &str, tokens: &Tokens, prompt: u64, paid: NanoUsd) -> Option<[NanoUsd; 5]> {
        let prices = self.model(model)?.prices_for(prompt);
        let weight = |(count, price): (Option<u64>, Option<u64>)| {
            u128::from(count.unwrap_or(0)) * u128::from(price.unwrap_or(0))
        };
        let weights = classes(tokens, prices).map(weight);
        let whole: u128 = weights.iter().sum();
        // Each boundary is rounded down, so that the parts are the whole.
        let upto = |sum: u128| u64::try_from(u128::from(paid.0) * sum / whole).unwrap_or(u64::MAX);
        let mut before = 0;
        (whole > 0).then(|| {
            weights.map(|weight| {
                before += weight;
                NanoUsd(upto(before) - upto(before - weight))
            })
        })
    }

    /// One pass of one model, in millionths of a nano-dollar.
    fn pass(&self, model: &str, tokens: &Tokens, usage: &Usage) -> Option<u128> {
        let model = self.model(model)?;
        if tokens.input.is_none() || tokens.output.is_none() {
            return None;
        }
        let prices = model.prices_for(tokens.prompt()?);
        let classes = classes(tokens, prices).map(|(count, price)| (count.unwrap_or(0), price));
        let mut sum = 0;
        for (count, price) in classes.into_iter().filter(|(count, _)| *count > 0) {
            sum += u128::from(count) * u128::from(price?);
        }
        let fast = if usage.fast && model.fast { 2 } else { 1 };
        let (us, of) = if usage.us_only && model.us { (11, 10) } else { (1, 1) };
        let half = if usage.batch { 2 } else { 1 };
        Some(sum * fast * us / (of * half))
    }

    fn model(&self, id: &str) -> Option<&Model> {
        self.models.get(id).or_else(|| self.models.get(undated(id)?)).map(|model| &**model)
    }
}

impl Model {
    fn prices_for(&self, prompt: u64) -> &Prices {
        match &self.above {
            Some(above) if prompt > above.prompt_tokens => &above.prices,
            _ => &self.prices,
        }
    }
}

/// Each class with its price.
const fn classes(tokens: &Tokens, prices: &Prices) -> [(Option<u64>, Option<u64>); 5] {
    [
        (tokens.input, Some(prices.input)),
        (tokens.output, Some(prices.output)),
        (tokens.cache_read, prices.cache_read),
        (tokens.cache_write_5m, prices.cache_write_5m),
        (tokens.cache_write_1h, prices.cache_write_1h),
    ]
}

/// The name that an id with a date, or with `latest`, is a version of. A longer name is another model:
/// `claude-opus-5-5` is no `claude-opus-5`.
fn undated(id: &str) -> Option<&str> {
    // `20251101` or `2025-11-01`.
    let dated = [8, 10].into_iter().find_map(|length| {
        let (name, date) = id.split_at_checked(id.len().checked_sub(length)?)?;
        (date.bytes().filter(u8::is_ascii_digit).count() == 8).then_some(name)
    });
    id.strip_suffix("-latest").or_else(|| dated?.strip_suffix(['-', '@']))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ModelUsage;

    fn tokens(input: u64, output: u64, write_5m: u64, write_1h: u64, read: u64) -> Tokens {
        Tokens {
            input: Some(input),
            output: Some(output),
            cache_read: Some(read),
            cache_write_5m: Some(write_5m),
            cache_write_1h: Some(write_1h),
        }
    }

    fn price(model: &str, usage: &Usage) -> Option<u64> {
        PriceTable::bundled().price(model, usage).map(|cost| cost.0)
    }

    #[test]
    fn what_was_paid_is_parted_to_the_last_nano_dollar() {
        let table = PriceTable::bundled();
        let tokens = tokens(1234, 567, 89, 10, 98_765);
        let paid = table.price("claude-opus-5-5", &Usage { tokens, ..Usage::default() }).expect("a price");
        let parts = table.split("claude-opus-5-5", &tokens, 100_000, paid).expect("parts");
        assert_eq!(parts.iter().map(|part| part.0).sum::<u64>(), paid.0);
        let alone = Tokens { input: Some(0), cache_read: None, cache_write_5m: None, cache_write_1h: None, ..tokens };
        let output = table.price("claude-opus-5-5", &Usage { tokens: alone, ..Usage::default() }).expect("a price");
        assert!(parts[1].0.abs_diff(output.0) <= 1, "{parts:?} {output:?}");
        assert_eq!(table.split("claude-opus-5-5", &Tokens::default(), 0, paid), None, "nothing was counted");
        assert_eq!(table.split("nobody-knows", &tokens, 0, paid), None);
    }

    /// The price of a million tokens of one class, in dollars, asked thousand by thousand so that no tier is passed.
    fn per_million(model: &str, class: usize) -> f64 {
        let mut counts = [0; 5];
        counts[class] = 1000;
        let [input, output, write_5m, write_1h, read] = counts;
        let usage = Usage { tokens: tokens(input, output, write_5m, write_1h, read), ..Usage::default() };
        price(model, &usage).expect("a price") as f64 / 1e6
    }

    #[test]
    fn the_bundled_table_has_the_prices_that_the_provider_states() {
        // Input, output, write 5 m, write 1 h, read: dollars per million (anthropic-wire §9).
        for (models, expected) in [
            ("claude-fable-5-2 claude-mythos-5-2", [8.0, 40.0, 10.0, 16.0, 0.20]),
            ("claude-fable-5-1 claude-mythos-5-1", [10.0, 50.0, 12.5, 20.0, 0.25]),
            ("claude-fable-5 claude-mythos-5 claude-mythos-preview", [10.0, 50.0, 12.5, 20.0, 1.00]),
            ("claude-opus-5-5", [4.0, 20.0, 5.0, 8.0, 0.20]),
            ("claude-opus-5 claude-opus-4-8 claude-opus-4-7 claude-opus-4-6", [5.0, 25.0, 6.25, 10.0, 0.50]),
            ("claude-opus-4-5 claude-opus-4-5-20251101", [5.0, 25.0, 6.25, 10.0, 0.50]),
            ("claude-sonnet-5-5", [2.0, 10.0, 2.5, 4.0, 0.10]),
            ("claude-sonnet-5", [2.0, 10.0, 2.5, 4.0, 0.20]),
            ("claude-sonnet-4-6 claude-sonnet-4-5 claude-sonnet-4-5-20250929", [3.0, 15.0, 3.75, 6.0, 0.30]),
            ("claude-haiku-5-5", [0.10, 0.50, 0.125, 0.20, 0.01]),
            ("claude-haiku-4-5 claude-haiku-4-5-20251001", [1.0, 5.0, 1.25, 2.0, 0.10]),
        ] {
            for model in models.split(' ') {
                let found: Vec<_> = (0..5).map(|class| per_million(model, class)).collect();
                assert_eq!(found, expected, "{model}");
            }
        }
    }

    #[test]
    fn a_long_prompt_raises_the_price_of_the_whole_request() {
        let usage = |read| Usage { tokens: tokens(10, 1000, 0, 0, read), ..Usage::default() };
        assert_eq!(price("claude-haiku-5-5", &usage(99_990)), Some(1_000 + 500_000 + 999_900));
        assert_eq!(price("claude-haiku-5-5", &usage(99_991)), Some(5_000 + 2_500_000 + 4_999_550));
    }

    #[test]
    fn what_is_unknown_has_no_price() {
        let known = Usage { tokens: tokens(1, 1, 0, 0, 0), ..Usage::default() };
        for model in ["claude-opus-5-7", "claude-opus-5-5-next", "gpt-9", ""] {
            assert_eq!(price(model, &known), None, "{model}");
        }
        let no_output = Usage { tokens: Tokens { output: None, ..known.tokens }, ..Usage::default() };
        assert_eq!(price("claude-opus-5-5", &no_output), None);
    }

    #[test]
    fn passes_are_priced_by_the_model_that_ran_each() {
        let pass = |model: Option<&str>| ModelUsage { model: model.map(Into::into), tokens: tokens(1000, 0, 0, 0, 0) };
        let usage = |iterations| Usage { iterations, tokens: tokens(9, 9, 9, 9, 9), ..Usage::default() };
        let both = usage(vec![pass(None), pass(Some("claude-opus-5-5"))]);
        assert_eq!(price("claude-fable-5-2", &both), Some(8_000_000 + 4_000_000));
        assert_eq!(price("claude-fable-5-2", &usage(vec![pass(None), pass(Some("unknown"))])), None);
    }

    #[test]
    fn modifiers_multiply_and_searches_add() {
        let base = Usage { tokens: tokens(1000, 0, 0, 0, 0), ..Usage::default() };
        for (usage, expected) in [
            (Usage { fast: true, ..base.clone() }, 8_000_000),
            (Usage { us_only: true, ..base.clone() }, 4_400_000),
            (Usage { batch: true, ..base.clone() }, 2_000_000),
            (Usage { web_searches: 2, ..base.clone() }, 4_000_000 + 20_000_000),
        ] {
            assert_eq!(price("claude-opus-5-5", &usage), Some(expected), "{usage:?}");
        }
        assert_eq!(price("claude-sonnet-5-5", &Usage { fast: true, ..base }), Some(2_000_000), "not offered there");
    }

    #[test]
    fn a_part_of_a_nano_dollar_is_rounded_half_up_once() {
        let odd = Usage { tokens: tokens(1, 0, 1, 0, 0), batch: true, ..Usage::default() };
        // Half of 100 + 125.
        assert_eq!(price("claude-haiku-5-5", &odd), Some(113));
    }
}
