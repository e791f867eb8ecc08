//! `${VAR}` and `${file:/path}` in the texts of the configuration file, so that secrets can be kept elsewhere. `$$` is a
//! dollar sign; a dollar sign before anything else is one, too.

use std::{borrow::Cow, io, path::Path};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{ConfigError, file::line_of};

/// What surrounds the configuration: the variables and files that it may name.
pub(super) trait Surroundings {
    /// A variable of the environment, if it is set to something.
    fn variable(&self, name: &str) -> Option<String>;

    /// What a file holds.
    fn file(&self, path: &Path) -> io::Result<String>;
}

/// Variables alone: a file can't be read.
pub(super) struct Variables<F>(pub(super) F);

impl<F: Fn(&str) -> Option<String>> Surroundings for Variables<F> {
    fn variable(&self, name: &str) -> Option<String> {
        (self.0)(name).filter(|value| !value.is_empty())
    }

    fn file(&self, _: &Path) -> io::Result<String> {
        Err(io::Error::from(io::ErrorKind::Unsupported))
    }
}

/// Puts them into every text of the file.
///
/// # Errors
/// For a name that stands for nothing; says in which line.
pub(super) fn expand(table: &mut DeTable<'_>, text: &str, around: &dyn Surroundings) -> Result<(), ConfigError> {
    table.iter_mut().try_for_each(|(_, value)| value_of(value, text, around))
}

fn value_of(value: &mut Spanned<DeValue<'_>>, text: &str, around: &dyn Surroundings) -> Result<(), ConfigError> {
    let start = value.span().start;
    match value.get_mut() {
        DeValue::String(string) => {
            if string.contains('$') {
                let filled = fill(string, around);
                let line = || line_of(text, start);
                *string = filled
                    .map(Cow::Owned)
                    .map_err(|why| ConfigError::new(format!("line {} of the configuration file: {why}", line())))?;
            }
            Ok(())
        }
        DeValue::Array(values) => values.iter_mut().try_for_each(|value| value_of(value, text, around)),
        DeValue::Table(table) => expand(table, text, around),
        _ => Ok(()),
    }
}

fn fill(text: &str, around: &dyn Surroundings) -> Result<String, String> {
    let mut filled = String::with_capacity(text.len());
    for piece in pieces(text) {
        match piece? {
            Piece::Text(text) => filled.push_str(text),
            Piece::Variable(name) => filled.push_str(&variable(name, around)?),
            Piece::File(path) => filled.push_str(&content(path, around)?),
        }
    }
    Ok(filled)
}

fn variable(name: &str, around: &dyn Surroundings) -> Result<String, String> {
    around.variable(name).ok_or_else(|| {
        format!("the environment variable {name} is not set, or is empty (for the characters ${{ write $${{)")
    })
}

/// Files end in a line feed, secrets don't.
fn content(path: &str, around: &dyn Surroundings) -> Result<String, String> {
    if !Path::new(path).is_absolute() {
        return Err(format!("{path:?} in ${{file:…}} is no absolute path"));
    }
    let content = around.file(Path::new(path)).map_err(|error| format!("can't read {path}: {error}"))?;
    match content.trim_end_matches(['\r', '\n']) {
        "" => Err(format!("there is nothing in {path}")),
        content => Ok(content.to_owned()),
    }
}

/// What a value of the file is made from, as people are told; nothing, if it stands there itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Filling {
    /// `VAR, file /run/secrets/x`.
    pub(super) from: String,
    /// A file was read for it. What people keep in files of their own is not to be shown.
    pub(super) is_secret: bool,
}

/// What a value is made from, by the names in it.
pub(super) fn filling(value: &DeValue<'_>) -> Option<Filling> {
    let mut names = Vec::new();
    let mut is_secret = false;
    let mut look = |text: &str| {
        for piece in pieces(text).map_while(Result::ok) {
            match piece {
                Piece::Text(_) => {}
                Piece::Variable(name) => names.push(name.to_owned()),
                Piece::File(path) => {
                    is_secret = true;
                    names.push(format!("file {path}"));
                }
            }
        }
    };
    match value {
        DeValue::String(text) => look(text),
        DeValue::Array(values) => values.iter().filter_map(|value| value.get_ref().as_str()).for_each(look),
        _ => {}
    }
    (!names.is_empty()).then(|| Filling { from: names.join(", "), is_secret })
}

enum Piece<'a> {
    Text(&'a str),
    Variable(&'a str),
    File(&'a str),
}

/// What a text is put together of. Ends with the first mistake.
fn pieces(text: &str) -> impl Iterator<Item = Result<Piece<'_>, String>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (piece, behind) = match first(rest) {
            Ok(first) => first,
            Err(why) => {
                rest = "";
                return Some(Err(why));
            }
        };
        rest = behind;
        Some(Ok(piece))
    })
}

fn first(text: &str) -> Result<(Piece<'_>, &str), String> {
    if let Some(behind) = text.strip_prefix("$$") {
        return Ok((Piece::Text("$"), behind));
    }
    let Some(name) = text.strip_prefix("${") else {
        let end = text.char_indices().skip(1).find(|(_, it)| *it == '$').map_or(text.len(), |(at, _)| at);
        return Ok((Piece::Text(&text[..end]), &text[end..]));
    };
    let (name, behind) = name.split_once('}').ok_or("there is no } behind ${ (for these characters write $${)")?;
    if let Some(path) = name.strip_prefix("file:") {
        return Ok((Piece::File(path), behind));
    }
    let is_name = !name.is_empty()
        && !name.starts_with(|it: char| it.is_ascii_digit())
        && name.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'_');
    if is_name {
        Ok((Piece::Variable(name), behind))
    } else {
        Err(format!(
            "{name:?} is no variable's name; write ${{NAME}} or ${{file:/path}}, and $${{ for these characters"
        ))
    }
}

/// The same text for the file, so that it stands for itself.
pub(super) fn literal(text: &str) -> String {
    text.replace('$', "$$")
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Stage;

    impl Surroundings for Stage {
        fn variable(&self, name: &str) -> Option<String> {
            (name == "NAME").then(|| "name".to_owned())
        }

        fn file(&self, path: &Path) -> io::Result<String> {
            match path.to_str() {
                Some("/secret") => Ok("from a $file\r\n".to_owned()),
                Some("/empty") => Ok("\n".to_owned()),
                _ => Err(io::ErrorKind::NotFound.into()),
            }
        }
    }

    #[test]
    fn names_stand_for_variables_and_files() {
        for (text, filled) in [
            ("${NAME}", "name"),
            ("a${NAME}b${NAME}", "anamebname"),
            ("${file:/secret}!", "from a $file!"),
            ("$${NAME} $$ $ $x $", "${NAME} $ $ $x $"),
            ("é$é${NAME}é", "é$énameé"),
        ] {
            assert_eq!(fill(text, &Stage).as_deref(), Ok(filled), "{text}");
            assert_eq!(fill(&literal(text), &Stage).as_deref(), Ok(text));
        }
    }

    #[test]
    fn a_name_that_stands_for_nothing_is_refused_with_what_would_be_right() {
        for (text, told) in [
            ("${OTHER}", "variable OTHER is not set"),
            ("${NAME", "there is no }"),
            ("${}", "no variable's name"),
            ("${1}", "no variable's name"),
            ("${a b}", "write ${NAME} or ${file:/path}"),
            ("${file:secret}", "no absolute path"),
            ("${file:/none}", "can't read /none"),
            ("${file:/empty}", "there is nothing in /empty"),
        ] {
            let error = fill(text, &Stage).expect_err(text);
            assert!(error.contains(told), "{error}");
        }
    }

    #[test]
    fn every_text_of_the_file_is_filled_and_nothing_else() {
        let text = "a = \"${NAME}\"\nb = [\"${NAME}\", 1]\n[c.d]\ne = { f = '${NAME}' }\n";
        let mut table = DeTable::parse(text).expect("TOML").into_inner();
        expand(&mut table, text, &Stage).expect("known names");
        let filled = format!("{table:?}");
        assert!(!filled.contains('$') && filled.matches("\"name\"").count() == 3, "{filled}");
        let text = "a = 1\n\n[c]\nb = [\n  \"x\",\n  \"${OTHER}\",\n]\n";
        let mut table = DeTable::parse(text).expect("TOML").into_inner();
        let error = expand(&mut table, text, &Stage).expect_err("unknown").to_string();
        assert!(error.starts_with("line 6 of the configuration file: the environment variable OTHER"), "{error}");
    }
}
