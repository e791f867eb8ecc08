//! What a file says of an agent.

use std::{path::Path, sync::Arc};

use super::frontmatter::{self, Fields, Understood};
use crate::domain::Timestamp;

/// The colour of an agent that has none of its own, as in the original.
const NO_COLOR: &str = "gray";

/// An agent that a file defines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentDefinition {
    /// Its id, unique among all definitions: the file's name without its ending, in a workspace with the workspace's
    /// label and a colon in front.
    pub id: Arc<str>,
    /// What the file says.
    pub written: Written,
    /// The file.
    pub file: Arc<Path>,
    /// The directory that it was found in; nothing outside of it is ever read or written.
    pub directory: Arc<Path>,
    /// The path of the workspace that it belongs to; none: it is everybody's.
    pub workspace: Option<Arc<str>>,
    /// When the file was last changed, as far as that is known.
    pub modified: Option<Timestamp>,
}

/// What a definition says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// What clients call it by.
    pub name: Arc<str>,
    /// What it is good for.
    pub description: Arc<str>,
    /// How it is shown.
    pub color: Arc<str>,
    /// The model it asks for: a name, an alias, `inherit`, or nothing.
    pub model: Option<Arc<str>>,
    /// The tools it may use; none: all.
    pub tools: Option<Vec<Arc<str>>>,
    /// Its system prompt, without white space around it.
    pub prompt: Arc<str>,
}

impl Written {
    /// Reads a file's text; also what had to be overlooked for it.
    ///
    /// # Errors
    /// Why it defines no agent, in words for whoever wrote it.
    pub fn read(text: &str) -> Result<(Self, Option<String>), String> {
        let parts = frontmatter::split(text)
            .ok_or("it does not begin with frontmatter: a line of ---, keys and values, and another line of ---")?;
        let Understood { fields, overlooked } = frontmatter::read::<Fields>(parts.yaml)?;
        let needed = |key: &str, value: Option<String>| {
            let value = value.map(|value| Arc::from(value.trim())).filter(|value: &Arc<str>| !value.is_empty());
            value.ok_or_else(|| format!("its frontmatter has no {key}"))
        };
        let optional = |value: Option<String>| {
            value.map(|value| Arc::from(value.trim())).filter(|value: &Arc<str>| !value.is_empty())
        };
        let is_color = |color: &Arc<str>| {
            color.len() <= 32 && color.chars().all(|c| c.is_ascii_alphanumeric() || "#-_".contains(c))
        };
        let names = |tools: frontmatter::Tools| tools.names.into_iter().map(Arc::from).collect::<Vec<_>>();
        let written = Self {
            name: name(needed("name", fields.name)?)?,
            description: needed("description", fields.description)?,
            color: optional(fields.color).filter(is_color).unwrap_or_else(|| NO_COLOR.into()),
            model: optional(fields.model),
            tools: fields.tools.map(names).filter(|tools| !tools.is_empty()),
            prompt: parts.body.trim().into(),
        };
        Ok((written, overlooked))
    }
}

/// People read it, and programs write it into their logs.
fn name(name: Arc<str>) -> Result<Arc<str>, String> {
    let is_name = name.chars().count() <= 200 && !name.chars().any(char::is_control);
    if is_name { Ok(name) } else { Err("its name has more than 200 characters, or control characters".to_owned()) }
}

impl AgentDefinition {
    /// The file's name without its ending.
    #[must_use]
    pub fn stem(&self) -> &str {
        self.file.file_stem().and_then(|stem| stem.to_str()).unwrap_or(&self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_originals_example_is_read() {
        let text = "---\nname: \"Agent Name\"\ndescription: \"Agent description\"\ncolor: \"blue\"\n\
                    model: \"claude-opus-4-20250514\"  # Optional\n---\n\nYour system prompt goes here...\n";
        let (written, overlooked) = Written::read(text).expect("a definition");
        assert_eq!(
            (&*written.name, &*written.description, &*written.color),
            ("Agent Name", "Agent description", "blue")
        );
        assert_eq!(written.model.as_deref(), Some("claude-opus-4-20250514"));
        assert_eq!((&*written.prompt, written.tools, overlooked), ("Your system prompt goes here...", None, None));
    }

    #[test]
    fn what_defines_no_agent_says_why() {
        for (text, why) in [
            ("just text", "does not begin with frontmatter"),
            ("---\ndescription: b\n---\nx", "no name"),
            ("---\nname: a\n---\nx", "no description"),
            ("---\nname: ' '\ndescription: b\n---\nx", "no name"),
            ("---\nname: [\n---\nx", "line "),
        ] {
            let error = Written::read(text).expect_err(text);
            assert!(error.contains(why), "{text:?}: {error}");
        }
    }
}
