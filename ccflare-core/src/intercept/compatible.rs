//! Which models take each other's requests.

use std::sync::Arc;

use crate::agents::Compatibility;

/// Groups of models that take the same requests. What a client sends follows the model: thinking, effort, limits and
/// betas of one are an error to another, so a preference may only choose within a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompatibleModels(Arc<[Vec<String>]>);

impl Default for CompatibleModels {
    /// The models of which it was seen that Claude Code sends them the same.
    fn default() -> Self {
        Self::new(vec![["claude-opus-5-5*", "claude-sonnet-5-5*", "claude-haiku-5-5*"].map(str::to_owned).to_vec()])
    }
}

impl CompatibleModels {
    /// These groups; each names models, or beginnings that end in `*`.
    #[must_use]
    pub fn new(groups: Vec<Vec<String>>) -> Self {
        Self(groups.into())
    }

    /// Whether `preferred` takes what was made for `asked`.
    ///
    /// # Errors
    /// Why not, for people.
    pub fn check(&self, asked: &str, preferred: &str) -> Result<(), String> {
        let together = |group: &Vec<String>| is_in(group, asked) && is_in(group, preferred);
        if undated(asked) == undated(preferred) || self.0.iter().any(together) {
            return Ok(());
        }
        Err(format!("{preferred} may not take a request made for {asked}: they are in no group of compatible models"))
    }

    /// Whether `preferred` can be preferred for an agent whose definition asks for `declared` (`None`: for any).
    ///
    /// # Errors
    /// Why not, for people.
    pub fn check_preference(&self, declared: Option<&str>, preferred: &str) -> Result<(), String> {
        if let Some(declared) = declared {
            return self.check(declared, preferred);
        }
        if self.0.iter().any(|group| is_in(group, preferred)) {
            return Ok(());
        }
        let known: Vec<_> = self.0.iter().flatten().map(String::as_str).collect();
        Err(format!(
            "{preferred} is in no group of compatible models, so it would never apply; those are {}",
            known.join(", ")
        ))
    }
}

impl Compatibility for CompatibleModels {
    fn check(&self, from: Option<&str>, to: &str) -> Result<(), String> {
        self.check_preference(from, to)
    }
}

fn is_in(group: &[String], model: &str) -> bool {
    group.iter().any(|pattern| match pattern.strip_suffix('*') {
        Some(beginning) => model.starts_with(beginning),
        None => pattern == model,
    })
}

/// A model's name without the date of its version.
fn undated(model: &str) -> &str {
    match model.rsplit_once('-') {
        Some((name, date)) if date.len() == 8 && date.bytes().all(|c| c.is_ascii_digit()) => name,
        _ => model,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_are_compatible_within_their_group_and_with_their_own_versions() {
        let models = CompatibleModels::default();
        for (asked, preferred, fits) in [
            ("claude-opus-5-5", "claude-haiku-5-5", true),
            ("claude-sonnet-5-5-20260901", "claude-opus-5-5", true),
            ("claude-haiku-4-5", "claude-haiku-4-5-20251001", true),
            ("claude-opus-5-5", "claude-haiku-4-5", false),
            ("claude-haiku-4-5", "claude-opus-5-5", false),
            ("claude-opus-4-8", "claude-opus-5-5", false),
        ] {
            assert_eq!(models.check(asked, preferred).is_ok(), fits, "{asked} -> {preferred}");
        }
    }

    #[test]
    fn a_preference_that_could_never_apply_is_refused_with_the_reason() {
        let models = CompatibleModels::default();
        assert!(models.check_preference(None, "claude-haiku-5-5").is_ok());
        let refused = models.check_preference(None, "claude-haiku-4-5").expect_err("in no group");
        assert!(refused.contains("claude-opus-5-5*"), "{refused}");
        assert!(models.check_preference(Some("claude-haiku-4-5"), "claude-haiku-5-5").is_err());
        let own = CompatibleModels::new(vec![vec!["a".to_owned(), "b*".to_owned()]]);
        assert!(own.check("a", "b-2").is_ok() && own.check("a-1", "b").is_err());
    }
}
