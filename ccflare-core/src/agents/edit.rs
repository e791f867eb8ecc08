//! Changes a definition's text: the values wished for, and not a byte besides.
//!
//! Keys are found by their lines and replaced there, so that comments, unknown keys and their order stay. What comes
//! out is read again and compared with what was meant; a file written so oddly that this goes wrong is left alone.

use std::{fs, io::Write, ops::Range, path::Path};

use serde_json::{Map, Value};

use super::{
    AgentDefinition, AgentError, discovery,
    frontmatter::{self, Fields, Parts, Tools, in_quotes},
};

/// What is to change; what is `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DefinitionEdit {
    /// What it is good for.
    pub description: Option<String>,
    /// The model it asks for: a name, an alias, or `inherit`.
    pub model: Option<String>,
    /// How it is shown.
    pub color: Option<String>,
    /// The tools it may use; none of them: all there are.
    pub tools: Option<Vec<String>>,
    /// Its system prompt.
    pub prompt: Option<String>,
}

impl DefinitionEdit {
    fn check(&self) -> Result<(), String> {
        if *self == Self::default() {
            return Err("nothing to change was given".to_owned());
        }
        let checks = [
            (
                self.description.as_deref(),
                is_description as fn(&str) -> bool,
                "a description has 1 to 10000 characters",
            ),
            (self.model.as_deref(), is_word, "a model is a name such as claude-opus-5-5, an alias, or inherit"),
            (self.color.as_deref(), is_color, "a colour has 1 to 32 letters, digits or #-_"),
            (self.prompt.as_deref(), is_prompt, "a prompt is a text without control characters"),
        ];
        let wrong = |(text, is_right, why): &(Option<&str>, fn(&str) -> bool, _)| {
            text.is_some_and(|text| !is_right(text)).then_some(*why)
        };
        if let Some(why) = checks.iter().find_map(wrong) {
            return Err((why as &str).to_owned());
        }
        let tools = self.tools.as_deref().unwrap_or_default();
        match tools.iter().find(|tool| !is_tool(tool)) {
            _ if tools.len() > 500 => Err("there are more than 500 tools".to_owned()),
            Some(tool) => {
                Err(format!("{tool:?} is no tool: it has 1 to 200 characters on one line, and commas in brackets only"))
            }
            None => Ok(()),
        }
    }
}

fn is_description(text: &str) -> bool {
    !text.trim().is_empty() && text.chars().count() <= 10_000 && is_prompt(text)
}

fn is_prompt(text: &str) -> bool {
    !text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
}

fn is_word(text: &str) -> bool {
    (1..=200).contains(&text.len()) && text.chars().all(|c| c.is_ascii_graphic())
}

fn is_color(text: &str) -> bool {
    (1..=32).contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric() || "#-_".contains(c))
}

/// Written between commas it has to come back as one.
fn is_tool(text: &str) -> bool {
    let is_one = frontmatter::tools_in(text) == [text];
    is_one && text.len() <= 200 && !text.chars().any(char::is_control)
}

/// The text with these changes.
///
/// # Errors
/// If a value makes no sense, or the file is written too oddly to change a value in it.
pub(super) fn apply(text: &str, edit: &DefinitionEdit) -> Result<String, String> {
    edit.check()?;
    let parts = frontmatter::split(text).ok_or("it does not begin with frontmatter")?;
    let before = frontmatter::read::<Fields>(parts.yaml)?.fields;
    let line_end = if parts.opening.ends_with("\r\n") { "\r\n" } else { "\n" };
    let mut yaml = parts.yaml.to_owned();
    let keys = changes(&before, edit);
    for (key, value) in &keys {
        replace(&mut yaml, key, value.as_deref(), line_end);
    }
    let prompt = edit.prompt.as_deref().map(|prompt| prompt.replace("\r\n", "\n").replace('\n', line_end));
    let body = prompt.map_or_else(|| parts.body.to_owned(), |prompt| with_prompt(parts.body, &prompt));
    let after = [parts.opening, &yaml, parts.closing, &body].concat();
    let is_meant = frontmatter::split(&after).is_some_and(|found| {
        found.body == body
            && reads_as(&found, &expected(&before, edit))
            && others(parts.yaml, &keys) == others(found.yaml, &keys)
    });
    if is_meant {
        Ok(after)
    } else {
        Err("its frontmatter is written so that it can't be changed here; edit the file".to_owned())
    }
}

/// Keys with the values they are to have; a key without one goes.
fn changes(before: &Fields, edit: &DefinitionEdit) -> Vec<(&'static str, Option<String>)> {
    let quoted = |text: &String| Some(in_quotes(text));
    let is_list = before.tools.as_ref().is_some_and(|tools| tools.is_list);
    let tools = |tools: &Vec<String>| match (tools.is_empty(), is_list) {
        (true, _) => None,
        (false, true) => Some(format!("[{}]", tools.iter().map(|tool| in_quotes(tool)).collect::<Vec<_>>().join(", "))),
        (false, false) => Some(in_quotes(&tools.join(", "))),
    };
    let given = [
        ("description", edit.description.as_ref().map(quoted)),
        ("model", edit.model.as_ref().map(quoted)),
        ("color", edit.color.as_ref().map(quoted)),
        ("tools", edit.tools.as_ref().map(tools)),
    ];
    given.into_iter().filter_map(|(key, value)| Some((key, value?))).collect()
}

fn expected(before: &Fields, edit: &DefinitionEdit) -> Fields {
    let is_list = before.tools.as_ref().is_some_and(|tools| tools.is_list);
    let tools = |names: &Vec<String>| (!names.is_empty()).then(|| Tools { names: names.clone(), is_list });
    Fields {
        name: before.name.clone(),
        description: edit.description.clone().or_else(|| before.description.clone()),
        color: edit.color.clone().or_else(|| before.color.clone()),
        model: edit.model.clone().or_else(|| before.model.clone()),
        tools: edit.tools.as_ref().map_or_else(|| before.tools.clone(), tools),
    }
}

fn reads_as(parts: &Parts<'_>, expected: &Fields) -> bool {
    frontmatter::read::<Fields>(parts.yaml).is_ok_and(|read| read.fields == *expected)
}

/// All keys but these, with their values.
fn others(yaml: &str, keys: &[(&str, Option<String>)]) -> Option<Map<String, Value>> {
    let mut all = frontmatter::read::<Map<String, Value>>(yaml).ok()?.fields;
    all.retain(|key, _| keys.iter().all(|(changed, _)| changed != key));
    Some(all)
}

/// Puts a value in the place of the key's lines, or behind all others.
fn replace(yaml: &mut String, key: &str, value: Option<&str>, line_end: &str) {
    let line = value.map_or_else(String::new, |value| format!("{key}: {value}{line_end}"));
    let range = lines_of(yaml, key).unwrap_or(yaml.len()..yaml.len());
    yaml.replace_range(range, &line);
}

/// The lines of a top-level key and its value: those behind it that are indented or begin a list, without the blank
/// lines and comments at their end.
fn lines_of(yaml: &str, key: &str) -> Option<Range<usize>> {
    let mut found: Option<Range<usize>> = None;
    let mut start = 0;
    for line in yaml.split_inclusive('\n') {
        let end = start + line.len();
        let is_blank = line.trim().is_empty();
        match &mut found {
            None if line.strip_prefix(key).is_some_and(|rest| rest.starts_with(':')) => found = Some(start..end),
            None => {}
            Some(range) if line.starts_with([' ', '\t', '-']) && !is_blank => range.end = end,
            Some(_) if is_blank || line.starts_with('#') => {}
            Some(_) => break,
        }
        start = end;
    }
    found
}

/// The body with another prompt, and with the white space around it that it has.
fn with_prompt(body: &str, prompt: &str) -> String {
    let leading = &body[..body.len() - body.trim_start().len()];
    let trailing = &body[body.trim_end().len().max(leading.len())..];
    [leading, prompt.trim(), trailing].concat()
}

/// Changes a definition's file: it is written beside its place, with the same mode, and renamed, so that whoever reads it
/// finds the old text or the new one. Blocks.
///
/// # Errors
/// As [`apply`]; if the file is not in its directory any more, or can't be written.
pub(super) fn rewrite(definition: &AgentDefinition, edit: &DefinitionEdit) -> Result<(), AgentError> {
    edit.check().map_err(AgentError::Invalid)?;
    let in_file = |why: String| AgentError::File { file: definition.file.display().to_string(), why };
    let text = discovery::read(&definition.directory, &definition.file).map_err(in_file)?.text;
    let changed = apply(&text, edit).map_err(in_file)?;
    if changed.len() as u64 > discovery::LONGEST_FILE {
        let why = format!("it would be longer than {} KiB", discovery::LONGEST_FILE >> 10);
        return Err(AgentError::Invalid(why));
    }
    let file = discovery::confine(&definition.directory, &definition.file).map_err(in_file)?;
    put_in_place(&file, &changed).map_err(|error| in_file(format!("it can't be written: {error}")))
}

fn put_in_place(file: &Path, text: &str) -> std::io::Result<()> {
    let directory = file.parent().unwrap_or(Path::new("/"));
    let mut beside = tempfile::Builder::new().prefix(".ccflare-").suffix(".tmp").tempfile_in(directory)?;
    beside.write_all(text.as_bytes())?;
    beside.as_file().set_permissions(fs::metadata(file)?.permissions())?;
    beside.as_file().sync_all()?;
    beside.persist(file)?;
    Ok(())
}

#[cfg(test)]
mod tests;
