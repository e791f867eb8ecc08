//! What a request used, as the upstream itself counted it.

use serde::{Deserialize, Serialize};

/// The five classes of tokens that have five prices. Unknown is `None`, never 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tokens {
    /// Fresh input: neither read from nor written to the cache.
    pub input: Option<u64>,
    /// Output, thinking included.
    pub output: Option<u64>,
    /// Input read from the prompt cache.
    pub cache_read: Option<u64>,
    /// Input written to the cache for five minutes.
    pub cache_write_5m: Option<u64>,
    /// Input written to the cache for an hour.
    pub cache_write_1h: Option<u64>,
}

impl Tokens {
    /// Both cache-write classes together; `None` only if neither is known.
    #[must_use]
    pub fn cache_write(&self) -> Option<u64> {
        sum([self.cache_write_5m, self.cache_write_1h])
    }

    /// The whole prompt: fresh, read and written. `None` if nothing of it is known.
    #[must_use]
    pub fn prompt(&self) -> Option<u64> {
        sum([self.input, self.cache_read, self.cache_write_5m, self.cache_write_1h])
    }

    /// The same without a cache: all input is fresh.
    #[must_use]
    pub fn uncached(&self) -> Self {
        Self { input: self.prompt(), output: self.output, ..Self::default() }
    }

    /// Everything; `None` if nothing is known.
    #[must_use]
    pub fn total(&self) -> Option<u64> {
        sum([self.prompt(), self.output])
    }
}

fn sum<const N: usize>(parts: [Option<u64>; N]) -> Option<u64> {
    parts.into_iter().flatten().reduce(u64::saturating_add)
}

/// The usage of one answer: the top-level counts, and the iterations when several models or passes were billed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// The counts of the answer's own `usage` object.
    pub tokens: Tokens,
    /// Billed passes with the model that ran each, when the answer lists them (`usage.iterations`).
    /// When present they are priced instead of `tokens`: compaction is not in the top-level sums.
    pub iterations: Vec<ModelUsage>,
    /// `usage.speed == "fast"`: billed at the fast rate where the price table has one.
    pub fast: bool,
    /// `usage.service_tier == "batch"`: billed at half price.
    pub batch: bool,
    /// `usage.inference_geo == "us"`: billed at 1.1 times on newer models.
    pub us_only: bool,
    /// Web searches the server ran, $10 per thousand.
    pub web_searches: u64,
}

impl Usage {
    /// All that was billed. The answer's own sums leave passes out (anthropic-wire §4: those of compaction), the list does not.
    #[must_use]
    pub fn billed(&self) -> Tokens {
        let all = |read: fn(&Tokens) -> Option<u64>| {
            let passes = self.iterations.iter().filter_map(|pass| read(&pass.tokens));
            passes.reduce(u64::saturating_add).or(read(&self.tokens))
        };
        Tokens {
            input: all(|tokens| tokens.input),
            output: all(|tokens| tokens.output),
            cache_read: all(|tokens| tokens.cache_read),
            cache_write_5m: all(|tokens| tokens.cache_write_5m),
            cache_write_1h: all(|tokens| tokens.cache_write_1h),
        }
    }

    /// The same without a cache: all input is fresh.
    #[must_use]
    pub fn uncached(&self) -> Self {
        let pass = |pass: &ModelUsage| ModelUsage { model: pass.model.clone(), tokens: pass.tokens.uncached() };
        Self { tokens: self.tokens.uncached(), iterations: self.iterations.iter().map(pass).collect(), ..self.clone() }
    }
}

/// One pass of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelUsage {
    /// The model that ran it; `None` means the answer's own.
    pub model: Option<String>,
    /// What it used.
    pub tokens: Tokens,
}

/// Models that share their limits: a 429 for one family says nothing about another
/// ("all Opus share one bucket", anthropic-wire §6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ModelFamily {
    /// Opus of any version.
    Opus,
    /// Sonnet of any version.
    Sonnet,
    /// Haiku of any version.
    Haiku,
    /// Fable and Mythos.
    Fable,
    /// Anything else, and requests that name no model.
    Other,
}

impl ModelFamily {
    /// The family a model id belongs to, by the word in it.
    #[must_use]
    pub fn of(model: &str) -> Self {
        const WORDS: [(&str, ModelFamily); 5] = [
            ("opus", ModelFamily::Opus),
            ("sonnet", ModelFamily::Sonnet),
            ("haiku", ModelFamily::Haiku),
            ("fable", ModelFamily::Fable),
            ("mythos", ModelFamily::Fable),
        ];
        WORDS.iter().find(|(word, _)| model.contains(word)).map_or(Self::Other, |(_, family)| *family)
    }

    /// The family as the JSON API names it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Opus => "opus",
            Self::Sonnet => "sonnet",
            Self::Haiku => "haiku",
            Self::Fable => "fable",
            Self::Other => "other",
        }
    }
}

/// Whether a text may be a model's name. What can't be is not written down as one: records, sums and lists would have it for ever.
pub(crate) fn is_model_name(text: &str) -> bool {
    (1..=256).contains(&text.len()) && !text.contains(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_was_billed_is_what_the_passes_used_where_they_are_listed() {
        let tokens = |input, output| Tokens { input, output, ..Tokens::default() };
        let mut usage =
            Usage { tokens: Tokens { cache_read: Some(7), ..tokens(Some(5), Some(2)) }, ..Usage::default() };
        assert_eq!(usage.billed(), usage.tokens);
        let pass = |tokens| ModelUsage { model: None, tokens };
        usage.iterations = vec![pass(tokens(Some(180), Some(4))), pass(tokens(Some(5), Some(2)))];
        assert_eq!(usage.billed(), Tokens { cache_read: Some(7), ..tokens(Some(185), Some(6)) });
    }
}
