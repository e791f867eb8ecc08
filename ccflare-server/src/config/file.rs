//! The configuration file: TOML, one level of settings, and a table for each authorization server.

use ccflare_core::oauth::AuthorizationServers;

use super::{ConfigError, Given, Origin, SETTINGS, Setting, oauth};

/// Reads the file's text.
pub(super) fn read(text: &str) -> Result<(Given, AuthorizationServers), ConfigError> {
    let table = toml::de::DeTable::parse(text).map_err(|error| {
        let line = error.span().map_or(1, |span| line_of(text, span.start));
        ConfigError::new(format!("line {line} of the configuration file: {}", error.message()))
    })?;
    let (mut given, mut servers) = (Given::default(), AuthorizationServers::default());
    for (key, value) in table.into_inner() {
        let line = line_of(text, key.span().start);
        let name = key.into_inner();
        if name == "oauth" {
            servers = oauth::read(text, &value)?;
            continue;
        }
        if name == "webhooks" {
            // Read by itself.
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
        given.insert(setting.key, value, Origin::File(line));
    }
    Ok((given, servers))
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
