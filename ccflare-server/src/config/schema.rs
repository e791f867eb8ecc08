//! The JSON schema of the configuration file, for editors; and its table in the documentation. Both follow from the one
//! table of settings.

use serde_json::{Map, Value, json};

use super::{Kind, SETTINGS, Setting, oauth};

/// A JSON Schema (2020-12) of `ccflare.toml`.
#[must_use]
pub fn schema() -> Value {
    let mut properties: Map<String, Value> =
        SETTINGS.iter().map(|setting| (setting.key.to_owned(), property(setting))).collect();
    properties.insert("oauth".to_owned(), servers());
    properties.insert("webhooks".to_owned(), receivers());
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "ccflare.toml",
        "description": "The configuration file of ccflare. Flags and environment variables go before it.",
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
    })
}

fn property(setting: &Setting) -> Value {
    let mut property = shape(setting.kind);
    property["description"] = setting.about.into();
    if let Some(default) = setting.default() {
        let stated = !default.contains(' ');
        property[if stated { "default" } else { "$comment" }] = default.into();
    }
    property
}

fn shape(kind: Kind) -> Value {
    match kind {
        Kind::Text | Kind::Path => json!({ "type": "string" }),
        Kind::Secret => json!({ "type": "string", "writeOnly": true }),
        Kind::Address => json!({ "type": "string", "pattern": "^.+:[0-9]+$" }),
        Kind::Url => json!({ "type": "string", "format": "uri" }),
        Kind::Flag => json!({ "type": ["boolean", "string"] }),
        Kind::Number(from, to) => json!({ "type": ["integer", "string"], "minimum": from, "maximum": to }),
        Kind::Size => {
            json!({ "type": ["integer", "string"], "minimum": 1, "pattern": "^[0-9]+ *(B|K|KiB|M|MiB|G|GiB)?$" })
        }
        Kind::Duration => json!({ "type": "string", "pattern": "^[0-9]+ *(ms|s|m|min|h|d)$" }),
        Kind::List => json!({ "type": ["array", "string"], "items": { "type": "string" } }),
        Kind::Choice(choices) => json!({ "enum": choices }),
    }
}

fn receivers() -> Value {
    json!({
        "description": "who is told what happens, by signed requests: [[webhooks]]",
        "type": "array",
        "items": {
            "type": "object",
            "additionalProperties": false,
            "required": ["url", "secret"],
            "properties": {
                "url": { "type": "string", "format": "uri" },
                "secret": { "type": "string", "minLength": 16, "writeOnly": true },
                "events": { "type": ["array", "string"], "items": { "type": "string" } },
            },
        },
    })
}

fn servers() -> Value {
    let text = json!({ "type": "string" });
    let mut fields: Map<String, Value> = oauth::KEYS.iter().map(|key| ((*key).to_owned(), text.clone())).collect();
    fields.insert("scopes".to_owned(), json!({ "type": ["array", "string"], "items": { "type": "string" } }));
    fields.insert("extra_params".to_owned(), json!({ "type": "object" }));
    fields.insert("token_format".to_owned(), json!({ "enum": ["form", "json"] }));
    json!({
        "description": "authorization servers at which accounts can log in: [oauth.NAME]",
        "type": "object",
        "additionalProperties": {
            "type": "object",
            "additionalProperties": false,
            "required": ["authorize_url", "token_url", "client_id"],
            "properties": fields,
        },
    })
}

/// The table of settings for docs/configuration.md.
#[must_use]
pub fn markdown() -> String {
    let row = |setting: &Setting| {
        let variables = setting.env.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" ");
        let default = setting.default().map_or_else(|| "–".to_owned(), |default| format!("`{default}`"));
        let when = if setting.live { "at once" } else { "restart" };
        format!("| `{}` | {} | {default} | {when} | {variables} |\n", setting.key, setting.about.replace('|', "\\|"))
    };
    let rows: String = SETTINGS.iter().map(row).collect();
    format!(
        "| setting | what it is | default | a change takes effect | variables |\n| --- | --- | --- | --- | --- |\n{rows}"
    )
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;
    use crate::config::WITHOUT_EFFECT;

    fn docs(name: &str) -> (std::path::PathBuf, String) {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name);
        let text = fs::read_to_string(&file).unwrap_or_default();
        (file, text)
    }

    /// `CCFLARE_WRITE_DOCS=1` writes them anew.
    fn agree(file: &Path, is: &str, should: &str) {
        if std::env::var_os("CCFLARE_WRITE_DOCS").is_some() {
            fs::write(file, should).expect("written");
        } else {
            assert!(
                is == should,
                "{} is behind the table of settings: run this test with CCFLARE_WRITE_DOCS=1",
                file.display()
            );
        }
    }

    #[test]
    fn the_published_schema_is_that_of_the_settings() {
        let (file, text) = docs("config.schema.json");
        let should = format!("{}\n", serde_json::to_string_pretty(&schema()).expect("JSON"));
        // The order of keys says nothing, and depends on what else is built along.
        let is_the_same = serde_json::from_str::<serde_json::Value>(&text).is_ok_and(|published| published == schema());
        agree(&file, if is_the_same { &should } else { &text }, &should);
    }

    #[test]
    fn the_documentation_tells_all_settings() {
        const MARKS: [&str; 2] = ["<!-- settings -->\n", "<!-- /settings -->"];
        let (file, text) = docs("configuration.md");
        let (before, rest) = text.split_once(MARKS[0]).expect("a mark before the table");
        let (_, after) = rest.split_once(MARKS[1]).expect("a mark behind the table");
        agree(&file, &text, &format!("{before}{}{}{}{after}", MARKS[0], markdown(), MARKS[1]));
        for (name, _) in WITHOUT_EFFECT {
            assert!(text.contains(&format!("`{name}`")), "{name} is not told");
        }
    }
}
