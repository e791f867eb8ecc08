//! The YAML between two lines of dashes that a markdown file may begin with.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, SeqAccess, Visitor},
};

/// A file taken apart. Put together in this order, the parts are the file again, byte for byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Parts<'a> {
    /// A byte order mark, if there is one, and the first line of dashes with its end.
    pub(super) opening: &'a str,
    /// What stands between the lines.
    pub(super) yaml: &'a str,
    /// The second line of dashes with its end.
    pub(super) closing: &'a str,
    /// Everything behind it.
    pub(super) body: &'a str,
}

/// Takes a file apart; `None` if it does not begin with frontmatter that ends.
pub(super) fn split(text: &str) -> Option<Parts<'_>> {
    let unmarked = text.strip_prefix('\u{feff}').unwrap_or(text);
    let first = unmarked.split_inclusive('\n').next().filter(|line| is_rule(line) && line.ends_with('\n'))?;
    let (opening, rest) = text.split_at(text.len() - unmarked.len() + first.len());
    let mut end = 0;
    for line in rest.split_inclusive('\n') {
        if is_rule(line) {
            let (yaml, behind) = rest.split_at(end);
            let (closing, body) = behind.split_at(line.len());
            return Some(Parts { opening, yaml, closing, body });
        }
        end += line.len();
    }
    None
}

fn is_rule(line: &str) -> bool {
    line.trim_end() == "---"
}

/// What a definition says of an agent. Other keys are nobody's business here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Fields {
    pub(super) name: Option<String>,
    pub(super) description: Option<String>,
    pub(super) color: Option<String>,
    pub(super) model: Option<String>,
    pub(super) tools: Option<Tools>,
}

/// Names of tools, as a list or separated by commas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tools {
    pub(super) names: Vec<String>,
    /// Whether they are written as a list.
    pub(super) is_list: bool,
}

impl<'de> Deserialize<'de> for Tools {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = Tools;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("tools, separated by commas or as a list")
            }

            fn visit_str<E>(self, text: &str) -> Result<Tools, E> {
                Ok(Tools { names: tools_in(text), is_list: false })
            }

            fn visit_unit<E>(self) -> Result<Tools, E> {
                Ok(Tools { names: Vec::new(), is_list: false })
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Tools, A::Error> {
                let mut names = Vec::new();
                while let Some(name) = list.next_element()? {
                    names.push(name);
                }
                Ok(Tools { names, is_list: true })
            }
        }

        deserializer.deserialize_any(Either)
    }
}

/// The tools that a line names, commas between. A comma in brackets belongs to the tool:
/// `Bash(git add:*, git commit:*), Read` are two.
#[must_use]
pub fn tools_in(text: &str) -> Vec<String> {
    let mut depth = 0_u32;
    let separates = |c: char| {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    };
    text.split(separates).map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// Frontmatter that was understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Understood<T> {
    pub(super) fields: T,
    /// What had to be overlooked for it, in words for whoever wrote it.
    pub(super) overlooked: Option<String>,
}

/// Reads frontmatter. What is no YAML only because a text has `: ` or ` #` in it, as clients themselves write them, is
/// read as if that text stood in quotes.
///
/// # Errors
/// What is wrong with it, and where.
pub(super) fn read<T: DeserializeOwned>(yaml: &str) -> Result<Understood<T>, String> {
    let error = match serde_saphyr::from_str(yaml) {
        Ok(fields) => return Ok(Understood { fields, overlooked: None }),
        Err(error) => first_line(&error.to_string()),
    };
    let quoted: Vec<_> = yaml.split_inclusive('\n').map(quote).collect();
    match serde_saphyr::from_str(&quoted.concat()) {
        Ok(fields) => Ok(Understood { fields, overlooked: Some(error) }),
        Err(_) => Err(error),
    }
}

/// The message without the drawing of the place.
fn first_line(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    line.strip_prefix("error: ").unwrap_or(line).chars().take(300).collect()
}

/// The line with its text in quotes, if it is a key and a text without any.
fn quote(line: &str) -> Cow<'_, str> {
    let quoted = || {
        let end = line.trim_end().len();
        let (key, text) = line[..end].split_once(':').filter(|(key, _)| is_key(key))?;
        let text = text.strip_prefix([' ', '\t'])?.trim();
        let is_plain = !text.is_empty() && !text.starts_with(['"', '\'', '[', '{', '|', '>', '&', '*', '!', '#']);
        is_plain.then(|| format!("{key}: {}{}", in_quotes(text), &line[end..]))
    };
    quoted().map_or(Cow::Borrowed(line), Cow::Owned)
}

fn is_key(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c))
}

/// A text as one line of YAML that no reader can take for anything but a text, however simple the reader is.
pub(super) fn in_quotes(text: &str) -> String {
    let yaml = serde_saphyr::to_string(&serde_saphyr::DoubleQuoted(text)).unwrap_or_default();
    yaml.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fields(yaml: &str) -> Fields {
        read(yaml).expect("frontmatter").fields
    }

    #[test]
    fn a_file_is_taken_apart_and_nothing_of_it_is_lost() {
        for (text, yaml, body) in [
            ("---\nname: a\n---\nbody", "name: a\n", "body"),
            ("---\n---\n", "", ""),
            ("\u{feff}---\r\nname: a\r\n---\r\n\r\nbody\r\n", "name: a\r\n", "\r\nbody\r\n"),
            ("---  \nx\n---\t\n---\nmore\n", "x\n", "---\nmore\n"),
            ("---\nx\n ---\n---", "x\n ---\n", ""),
        ] {
            let parts = split(text).expect(text);
            assert_eq!((parts.yaml, parts.body), (yaml, body), "{text:?}");
            assert_eq!([parts.opening, parts.yaml, parts.closing, parts.body].concat(), text);
        }
        for text in ["", "---", "body", "---\nname: a\n", "\n---\nname: a\n---\n", "----\nname: a\n----\n"] {
            assert_eq!(split(text), None, "{text:?}");
        }
    }

    #[test]
    fn quotes_lists_blocks_and_line_ends_are_yamls() {
        let read = fields("name: 'it''s'\r\ndescription: |\r\n  one\r\n  two\r\ncolor: \"b\\u006cue\"\r\nmodel:\r\n");
        assert_eq!(read.name.as_deref(), Some("it's"));
        assert_eq!(read.description.as_deref(), Some("one\ntwo\n"));
        assert_eq!((read.color.as_deref(), read.model.as_deref()), (Some("blue"), None));
        assert_eq!(fields("name: 12\ndescription: yes\nother: {a: [1]}\n").description.as_deref(), Some("yes"));
    }

    #[test]
    fn tools_are_a_list_either_way() {
        let tools = |yaml: &str| fields(yaml).tools.map(|tools| (tools.names.join("|"), tools.is_list));
        for (yaml, names, is_list) in [
            ("tools: Read, Grep ,\n", "Read|Grep", false),
            ("tools: [Read, 'Bash(git:*)']\n", "Read|Bash(git:*)", true),
            ("tools:\n- Read\n- y\n", "Read|y", true),
            ("tools: Bash(a, b), Read\n", "Bash(a, b)|Read", false),
            ("tools: ''\n", "", false),
        ] {
            assert_eq!(tools(yaml), Some((names.to_owned(), is_list)), "{yaml}");
        }
        assert_eq!(tools("name: a\n"), None);
        assert!(read::<Fields>("tools: {a: b}\n").is_err());
    }

    #[test]
    fn a_text_that_should_stand_in_quotes_is_read_and_told() {
        let text = "Use it when: x. <example>user: \"y\" \\n #1</example>";
        let understood = read::<Fields>(&format!("name: a\ndescription: {text}\nmodel: opus\n")).expect("read");
        assert_eq!(understood.fields.description.as_deref(), Some(text));
        assert_eq!(understood.fields.model.as_deref(), Some("opus"));
        assert!(understood.overlooked.is_some_and(|told| told.contains("line 2")), "told where");
    }

    #[test]
    fn what_cannot_be_read_says_where() {
        for yaml in ["name: [a\n", "- a\n", "name: a\nname: b\n", "name: *x\n", "name: {a: b}\n"] {
            let error = read::<Fields>(yaml).expect_err(yaml);
            assert!(error.contains("line "), "{yaml}: {error}");
        }
    }

    proptest! {
        #[test]
        fn any_text_in_quotes_is_one_line_and_comes_back(text in any::<String>()) {
            let quoted = in_quotes(&text);
            prop_assert!(quoted.starts_with('"') && quoted.ends_with('"') && !quoted.contains(['\n', '\r']));
            prop_assert_eq!(fields(&format!("name: {quoted}\n")).name, Some(text));
        }

        #[test]
        fn nothing_makes_it_panic(text in "(---\n)?[ -~\n\t:#'\"\\[\\]{}|>&*!-]{0,80}(\n---\n)?.{0,20}") {
            if let Some(parts) = split(&text) {
                let _ = read::<Fields>(parts.yaml);
            }
        }
    }
}
