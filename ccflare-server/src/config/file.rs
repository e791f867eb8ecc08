//! The configuration file: TOML, one level.

use super::{ConfigError, Given, Origin, SETTINGS};

/// Reads the file's text.
pub(super) fn read(text: &str) -> Result<Given, ConfigError> {
    let table = toml::de::DeTable::parse(text).map_err(|error| {
        let line = error.span().map_or(1, |span| line_of(text, span.start));
        ConfigError::new(format!("line {line} of the configuration file: {}", error.message()))
    })?;
    let mut given = Given::new();
    for (key, value) in table.into_inner() {
        let line = line_of(text, key.span().start);
        let name = key.into_inner();
        let Some(setting) = SETTINGS.iter().find(|setting| setting.key == name) else {
            return Err(unknown(&name, line));
        };
        let Some(value) = plain(value.get_ref()) else {
            let message = format!("line {line} of the configuration file: {name} takes one value, or a list of texts");
            return Err(ConfigError::new(message));
        };
        given.insert(setting.key, (value, Origin::File(line)));
    }
    Ok(given)
}

fn plain(value: &toml::de::DeValue<'_>) -> Option<String> {
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

fn unknown(name: &str, line: usize) -> ConfigError {
    let nearest = SETTINGS.iter().map(|setting| (strsim::jaro_winkler(name, setting.key), setting.key));
    let nearest = nearest.max_by(|(a, _), (b, _)| a.total_cmp(b)).filter(|(likeness, _)| *likeness > 0.8);
    let hint = match nearest {
        Some((_, key)) => format!("did you mean {key}?"),
        None => {
            let keys: Vec<_> = SETTINGS.iter().map(|setting| setting.key).collect();
            format!("there are {}", keys.join(", "))
        }
    };
    ConfigError::new(format!("line {line} of the configuration file: there is no setting {name}; {hint}"))
}

fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}
