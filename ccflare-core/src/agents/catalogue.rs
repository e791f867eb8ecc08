//! Which models there are: what aliases stand for, and which preferences make sense.

use std::{fmt, sync::Arc};

use crate::{domain::INHERIT, pricing::PriceTable};

/// Aliases of model families, as clients write them.
const FAMILIES: [&str; 4] = ["opus", "sonnet", "haiku", "fable"];

/// The newest model of the family that this alias names.
#[must_use]
pub fn newest(alias: &str) -> Option<&'static str> {
    let family = FAMILIES.into_iter().find(|family| *family == alias)?;
    let version = |model: &'static str| {
        let numbers = model.strip_prefix("claude-")?.strip_prefix(family)?.strip_prefix('-')?;
        let numbers = numbers.split('-').map(|number| number.parse().ok());
        Some((numbers.collect::<Option<Vec<u32>>>()?, model))
    };
    PriceTable::bundled().models().filter_map(version).max().map(|(_, model)| model)
}

/// The model that is meant: an alias is the newest of its family, [`INHERIT`] and nothing are none.
#[must_use]
pub fn resolve(model: &str) -> Option<Arc<str>> {
    match model {
        "" | INHERIT => None,
        model => Some(newest(model).map_or_else(|| model.into(), Arc::from)),
    }
}

/// Says whether one model may take the place of another.
pub trait Compatibility: fmt::Debug + Send + Sync + 'static {
    /// Whether requests for `from` may be sent with `to`; what an agent asks for may be unknown until it asks. Both are
    /// models, not aliases.
    ///
    /// # Errors
    /// Why not, in words for the operator.
    fn check(&self, from: Option<&str>, to: &str) -> Result<(), String>;
}

/// Any model that there is.
#[derive(Clone, Copy, Debug, Default)]
pub struct AnyKnown;

impl Compatibility for AnyKnown {
    fn check(&self, _: Option<&str>, to: &str) -> Result<(), String> {
        if PriceTable::bundled().knows(to) {
            return Ok(());
        }
        let known = FAMILIES.into_iter().filter_map(newest).collect::<Vec<_>>().join(", ");
        Err(format!("no model {to:?} is known; the newest are {known}, or name a family: {}", FAMILIES.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alias_is_the_newest_of_its_family() {
        for (alias, model) in [
            ("opus", "claude-opus-5-5"),
            ("sonnet", "claude-sonnet-5-5"),
            ("haiku", "claude-haiku-5-5"),
            ("fable", "claude-fable-5-2"),
        ] {
            assert_eq!(resolve(alias).as_deref(), Some(model));
        }
        assert_eq!(resolve("claude-opus-4-5").as_deref(), Some("claude-opus-4-5"));
        assert_eq!((resolve("inherit"), resolve("")), (None, None));
    }

    #[test]
    fn a_model_that_nobody_knows_can_take_no_place() {
        assert_eq!(AnyKnown.check(None, "claude-haiku-4-5-20251001"), Ok(()));
        let error = AnyKnown.check(Some("claude-opus-5-5"), "gpt-9").expect_err("unknown");
        assert!(error.contains("claude-opus-5-5"), "{error}");
    }
}
