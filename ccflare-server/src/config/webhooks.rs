//! Receivers of events in the configuration file: `[[webhooks]]`.

use ccflare_core::{
    control::views::EventDetail, domain::Secret, egress::names_out_of_bounds, oauth::may_carry_secrets,
};
use toml::{Spanned, de::DeValue};
use url::Url;

use super::{
    ConfigError,
    file::{line_of, plain, unknown},
};
use crate::webhooks::{Webhook, signing_key};

pub(super) const KEYS: [&str; 3] = ["url", "secret", "events"];

/// What receivers are told that want no particular events.
const EVENTS: &str = "limit,loginNeeded,moved";

/// Reads the receivers, a list of tables.
pub(super) fn read(text: &str, hooks: &Spanned<DeValue<'_>>) -> Result<Vec<Webhook>, ConfigError> {
    let line = line_of(text, hooks.span().start);
    let wrong = |line: usize, why: &str| ConfigError::new(format!("line {line} of the configuration file: {why}"));
    let shape = || wrong(line, "a receiver is a table, [[webhooks]]");
    let DeValue::Array(hooks) = hooks.get_ref() else { return Err(shape()) };
    let hook = |hook: &Spanned<DeValue<'_>>| {
        let line = line_of(text, hook.span().start);
        let DeValue::Table(fields) = hook.get_ref() else { return Err(shape()) };
        if let Some(key) = fields.keys().find(|key| !KEYS.contains(&&*key.get_ref().to_string())) {
            return Err(unknown("field", key.get_ref(), line_of(text, key.span().start), KEYS.into_iter()));
        }
        let given = |key: &str| fields.get(key).and_then(|value| plain(value.get_ref()));
        let url = given("url").and_then(|url| url.parse::<Url>().ok());
        let url = url.filter(|url| may_carry_secrets(url) && !names_out_of_bounds(url));
        if url.as_ref().is_some_and(|url| !url.username().is_empty() || url.password().is_some()) {
            return Err(wrong(line, "a webhook's url has neither user nor password: none is sent"));
        }
        let url = url.ok_or_else(|| wrong(line, "a webhook needs a url: https://, or http:// for this machine"))?;
        let secret = given("secret").filter(|secret| secret.len() >= 16);
        let secret = secret.ok_or_else(|| wrong(line, "a webhook needs a secret of 16 characters at least"))?;
        let secret = Secret::new(&secret);
        if signing_key(&secret).is_none() {
            return Err(wrong(line, "a webhook's secret that begins with whsec_ goes on with base64"));
        }
        let events = given("events").unwrap_or_else(|| EVENTS.to_owned());
        if events.is_empty() {
            return Err(wrong(line, "a webhook without events is told nothing: name some, or leave events out"));
        }
        let events: Vec<String> = events.split(',').map(|name| name.trim().to_owned()).collect();
        let known = EventDetail::NAMES.into_iter().filter(|name| *name != "log");
        if let Some(name) = events.iter().find(|name| !known.clone().any(|known| known == **name)) {
            return Err(unknown("event", name, line, known));
        }
        Ok(Webhook::new(url, secret, events))
    };
    hooks.iter().map(hook).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{expand::Variables, file};

    fn read(text: &str) -> Result<Vec<Webhook>, ConfigError> {
        file::read(text, &Variables(|_: &str| None)).map(|read| read.webhooks)
    }

    #[test]
    fn receivers_are_read_and_what_is_wrong_is_told_with_its_line() {
        let good =
            "[[webhooks]]\nurl = \"https://a.example/in\"\nsecret = \"0123456789abcdef\"\nevents = [\"limit\"]\n";
        let hooks = read(good).expect("valid");
        assert_eq!((hooks.len(), &*hooks[0].events), (1, &["limit".to_owned()][..]));
        for (from, to, told) in [
            ("https://a.example", "http://a.example", "needs a url"),
            ("https://a.example/in", "https://169.254.169.254/", "needs a url"),
            ("0123456789abcdef", "short", "needs a secret"),
            ("[\"limit\"]", "[\"limits\"]", "did you mean limit?"),
            ("[\"limit\"]", "[\"log\"]", "there is no event log"),
            ("a.example", "me:pass@a.example", "neither user nor password"),
            ("0123456789abcdef", "whsec_0123456789*", "goes on with base64"),
            ("[\"limit\"]", "[]", "is told nothing"),
            ("secret", "secrets", "did you mean secret?"),
        ] {
            let error = read(&good.replace(from, to)).expect_err(to).to_string();
            assert!(error.contains(told) && error.contains("line "), "{error}");
            assert!(!error.contains("0123456789"), "{error}");
        }
    }
}
