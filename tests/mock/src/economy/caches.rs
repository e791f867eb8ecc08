//! The prompt caches: one for each key and model, which share nothing.

use std::collections::HashMap;

use super::prompt::{Life, Prompt};
use crate::Usage;
use crate::time::micros_of;

/// So many blocks before a mark are looked at for something that was cached before.
const LOOK_BACK: usize = 20;

/// What has died is swept when so many prefixes are there.
const SWEEP: usize = 50_000;

#[derive(Default)]
pub(super) struct Caches(HashMap<(String, String), HashMap<u64, Entry>>);

struct Entry {
    life: Life,
    /// Microseconds; put off by each use.
    dies: u64,
}

impl Caches {
    /// Reads what is there, writes what is marked, and says how many tokens were which.
    pub(super) fn use_prompt(&mut self, key: &str, model: &str, prompt: &Prompt, now: u64) -> Usage {
        let entries = self.0.entry((key.to_owned(), model.to_owned())).or_default();
        if entries.len() > SWEEP {
            entries.retain(|_, entry| entry.dies > now);
        }
        let boundaries = &prompt.boundaries;
        let marked: Vec<usize> = (0..boundaries.len()).filter(|at| boundaries[*at].mark.is_some()).collect();
        let near = |at: usize| marked.iter().any(|mark| *mark >= at && mark - at <= LOOK_BACK);
        let lives = |at: &usize| entries.get(&boundaries[*at].hash).is_some_and(|entry| entry.dies > now);
        let hit = (0..boundaries.len()).rev().filter(|at| near(*at)).find(lives);
        if let Some(entry) = hit.and_then(|at| entries.get_mut(&boundaries[at].hash)) {
            entry.dies = now + micros_of(entry.life.duration());
        }
        let cache_read = hit.map_or(0, |at| boundaries[at].tokens);
        let mut usage = Usage { cache_read, ..Usage::default() };
        let mut cached = cache_read;
        for mark in marked.iter().map(|at| boundaries[*at]).filter(|mark| mark.tokens >= prompt.shortest) {
            let life = mark.mark.unwrap_or(Life::FiveMinutes);
            let entry = entries.entry(mark.hash).or_insert(Entry { life, dies: 0 });
            if entry.dies <= now || life == Life::Hour {
                entry.life = life;
            }
            entry.dies = now + micros_of(entry.life.duration());
            let written = mark.tokens.saturating_sub(cached);
            cached += written;
            match life {
                Life::FiveMinutes => usage.cache_write_5m += written,
                Life::Hour => usage.cache_write_1h += written,
            }
        }
        usage.input = boundaries.last().map_or(0, |last| last.tokens) - cached;
        usage
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const MODEL: &str = "claude-opus-5-5";
    const MINUTE: u64 = 60_000_000;

    fn text(letter: &str, tokens: usize) -> Value {
        // 25 bytes of JSON around the text.
        json!({"text": letter.repeat(tokens * 4 - 25), "type": "text"})
    }

    fn marked(mut block: Value, ttl: Option<&str>) -> Value {
        block["cache_control"] = match ttl {
            Some(ttl) => json!({"type": "ephemeral", "ttl": ttl}),
            None => json!({"type": "ephemeral"}),
        };
        block
    }

    fn body(system: Value, turns: &[Value]) -> Value {
        let message = |(at, block): (usize, &Value)| json!({"role": if at % 2 == 0 { "user" } else { "assistant" }, "content": [block]});
        json!({"system": [system], "messages": turns.iter().enumerate().map(message).collect::<Vec<_>>()})
    }

    fn turn(caches: &mut Caches, key: &str, model: &str, body: &Value, now: u64) -> [u64; 4] {
        let usage = caches.use_prompt(key, model, &Prompt::of(body, model, 4.0), now);
        [usage.input, usage.cache_read, usage.cache_write_5m, usage.cache_write_1h]
    }

    #[test]
    fn a_growing_conversation_reads_what_it_wrote_and_writes_what_is_new() {
        let mut caches = Caches::default();
        let system = marked(text("s", 1000), None);
        let first = body(system.clone(), &[marked(text("a", 500), None)]);
        let second = body(system, &[text("a", 500), text("b", 100), marked(text("c", 200), None)]);
        assert_eq!(turn(&mut caches, "k", MODEL, &first, 0), [0, 0, 1500, 0]);
        assert_eq!(turn(&mut caches, "k", MODEL, &second, MINUTE), [0, 1500, 300, 0]);
        assert_eq!(turn(&mut caches, "k", MODEL, &second, 5 * MINUTE), [0, 1800, 0, 0], "a use puts the end off");
        assert_eq!(turn(&mut caches, "k", MODEL, &second, 10 * MINUTE), [0, 0, 1800, 0], "and five minutes end it");
    }

    #[test]
    fn neither_accounts_nor_models_share_a_cache() {
        let mut caches = Caches::default();
        let body = body(marked(text("s", 1000), None), &[text("a", 100)]);
        for (key, model) in [("k", MODEL), ("other", MODEL), ("k", "claude-sonnet-5-5")] {
            assert_eq!(turn(&mut caches, key, model, &body, 0), [100, 0, 1000, 0], "{key} {model}");
        }
        assert_eq!(turn(&mut caches, "k", MODEL, &body, 0), [100, 1000, 0, 0]);
    }

    #[test]
    fn an_hour_is_an_hour_and_may_stand_before_five_minutes() {
        let mut caches = Caches::default();
        let body = body(marked(text("s", 1000), Some("1h")), &[marked(text("a", 100), None)]);
        assert_eq!(turn(&mut caches, "k", MODEL, &body, 0), [0, 0, 100, 1000]);
        assert_eq!(turn(&mut caches, "k", MODEL, &body, 59 * MINUTE), [0, 1000, 100, 0]);
    }

    #[test]
    fn what_is_short_or_unmarked_is_plain_input() {
        let mut caches = Caches::default();
        let short = body(marked(text("s", 511), None), &[]);
        let unmarked = body(text("s", 5000), &[]);
        for body in [&short, &short] {
            assert_eq!(turn(&mut caches, "k", MODEL, body, 0), [511, 0, 0, 0]);
        }
        for body in [&unmarked, &unmarked] {
            assert_eq!(turn(&mut caches, "k", MODEL, body, 0), [5000, 0, 0, 0]);
        }
    }

    #[test]
    fn another_system_prompt_is_another_prefix_but_not_another_billing_line() {
        let mut caches = Caches::default();
        let with = |billing: &str, system: &str| {
            let billing = json!({"type": "text", "text": format!("x-anthropic-billing-header: {billing};")});
            json!({"system": [billing, marked(text(system, 1000), None)], "messages": []})
        };
        assert_eq!(turn(&mut caches, "k", MODEL, &with("a", "s"), 0), [0, 0, 1000, 0]);
        assert_eq!(turn(&mut caches, "k", MODEL, &with("b", "s"), 0), [0, 1000, 0, 0]);
        assert_eq!(turn(&mut caches, "k", MODEL, &with("b", "t"), 0), [0, 0, 1000, 0]);
    }
}
