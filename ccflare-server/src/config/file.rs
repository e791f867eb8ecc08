//! The configuration file: TOML, one level of settings, and a table for each authorization server.

use std::collections::HashMap;

use ccflare_core::oauth::AuthorizationServers;

use super::{
    ConfigError, Given, Origin, SETTINGS, Setting,
    expand::{self, Filling, Surroundings},
    oauth, webhooks,
};
use crate::webhooks::Webhook;

/// What stands in a file.
#[derive(Default)]
pub(super) struct Read {
    pub(super) given: Given,
    pub(super) servers: AuthorizationServers,
    pub(super) webhooks: Vec<Webhook>,
}

/// Reads the file's text; it may name variables and files around it.
pub(super) fn read(text: &str, around: &dyn Surroundings) -> Result<Read, ConfigError> {
    let table = toml::de::DeTable::parse(text).map_err(|error| {
        let line = error.span().map_or(1, |span| line_of(text, span.start));
        ConfigError::new(format!("line {line} of the configuration file: {}", error.message()))
    })?;
    let mut table = table.into_inner();
    let filling = |(key, value): (&toml::Spanned<_>, &toml::Spanned<_>)| {
        Some((key.span().start, expand::filling(value.get_ref())?))
    };
    let filled: HashMap<usize, Filling> = table.iter().filter_map(filling).collect();
    expand::expand(&mut table, text, around)?;
    let mut read = Read::default();
    for (key, value) in table {
        let start = key.span().start;
        let line = line_of(text, start);
        let name = key.into_inner();
        if name == "oauth" {
            read.servers = oauth::read(text, &value)?;
            continue;
        }
        if name == "webhooks" {
            read.webhooks = webhooks::read(text, &value)?;
            continue;
        }
        let Some(setting) = Setting::of(&name) else {
            let known = SETTINGS.iter().map(|setting| setting.key);
            return Err(unknown("setting", &name, line, known));
        };
        let Some(value) = plain(value.get_ref()) else {
            let message = format!("line {line} of the configuration file: {name} takes one value, or a list of texts");
            return Err(ConfigError::new(message));
        };
        let origin = match filled.get(&start) {
            Some(filling) => Origin::Filled { line, from: filling.from.clone(), is_secret: filling.is_secret },
            None => Origin::File(line),
        };
        read.given.insert(setting.key, value, origin);
    }
    Ok(read)
}

pub(super) fn plain(value: &toml::de::DeValue<'_>) -> Option<String> {
    use toml::de::DeValue;
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) => Some(number.as_str().to_owned()),
        DeValue::Boolean(flag) => Some(flag.to_string()),
        DeValue::Array(values) => {
            let values: Option<Vec<_>> = values.iter().map(|value| plain(value.get_ref())).collect();
            Some(values?.join(","))
        }
        _ => None,
    }
}

/// What is not known, with the nearest that is.
pub(super) fn unknown<'a>(
    what: &str,
    name: &str,
    line: usize,
    known: impl Iterator<Item = &'a str> + Clone,
) -> ConfigError {
    let hint = nearest(name, known);
    ConfigError::new(format!("line {line} of the configuration file: there is no {what} {name}; {hint}"))
}

/// What somebody may have meant.
pub(super) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    let nearest = known.clone().map(|known| (strsim::jaro_winkler(name, known), known));
    let nearest = nearest.max_by(|(a, _), (b, _)| a.total_cmp(b)).filter(|(likeness, _)| *likeness > 0.8);
    match nearest {
        Some((_, key)) => format!("did you mean {key}?"),
        None => format!("there are {}", known.collect::<Vec<_>>().join(", ")),
    }
}

pub(super) fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}
