//! Authorization servers in the configuration file: `[oauth.NAME]`.

use std::collections::BTreeMap;

use ccflare_core::oauth::{AuthorizationServer, AuthorizationServers, TokenFormat, may_carry_secrets};
use toml::{Spanned, de::DeValue};
use url::Url;

use super::{
    ConfigError,
    file::{line_of, plain, unknown},
};

pub(super) const KEYS: [&str; 9] = [
    "authorize_url",
    "token_url",
    "client_id",
    "redirect_uri",
    "scopes",
    "extra_params",
    "token_format",
    "api_key_url",
    "provider",
];

/// Where a browser ends that is to bring the code to this machine, at whatever port somebody listens on then.
const HERE: &str = "http://127.0.0.1/callback";

/// Reads the tables below `oauth`.
pub(super) fn read(text: &str, tables: &Spanned<DeValue<'_>>) -> Result<AuthorizationServers, ConfigError> {
    let wrong = |line: usize| {
        ConfigError::new(format!("line {line} of the configuration file: a server is a table, [oauth.NAME]"))
    };
    let DeValue::Table(servers) = tables.get_ref() else { return Err(wrong(line_of(text, tables.span().start))) };
    let servers = servers.iter().map(|(name, table)| {
        let line = line_of(text, name.span().start);
        let DeValue::Table(fields) = table.get_ref() else { return Err(wrong(line)) };
        let mut given = BTreeMap::new();
        for (key, value) in fields {
            let line = line_of(text, key.span().start);
            let Some(known) = KEYS.into_iter().find(|known| *known == key.get_ref()) else {
                return Err(unknown("field", key.get_ref(), line, KEYS.into_iter()));
            };
            given.insert(known, (value.get_ref(), line));
        }
        Table { name: name.get_ref(), line, given }.server()
    });
    Ok(AuthorizationServers::new(servers.collect::<Result<Vec<_>, _>>()?))
}

/// One server as it is written.
struct Table<'a, 'b> {
    name: &'a str,
    line: usize,
    given: BTreeMap<&'static str, (&'a DeValue<'b>, usize)>,
}

impl Table<'_, '_> {
    fn server(&self) -> Result<AuthorizationServer, ConfigError> {
        let redirect_uri = self.url("redirect_uri")?.or_else(|| HERE.parse().ok());
        let mut server = AuthorizationServer::new(
            self.name,
            self.needed("authorize_url", self.url("authorize_url")?)?,
            self.needed("token_url", self.url("token_url")?)?,
            &self.needed("client_id", self.text("client_id")?)?,
            self.needed("redirect_uri", redirect_uri)?,
        );
        server.api_key_url = self.url("api_key_url")?;
        server.scopes = self.text("scopes")?.unwrap_or_default().split([' ', ',']).map(str::to_owned).collect();
        server.scopes.retain(|scope| !scope.is_empty());
        server.extra_params = self.pairs("extra_params")?;
        server.token_format = match self.text("token_format")?.as_deref() {
            None | Some("form") => TokenFormat::Form,
            Some("json") => TokenFormat::Json,
            Some(other) => return Err(self.wrong("token_format", &format!("{other:?} is not form or json"))),
        };
        if let Some(provider) = self.text("provider")? {
            server.provider = provider.into();
        }
        Ok(server)
    }

    /// Text, or a list of texts joined with commas.
    fn text(&self, key: &'static str) -> Result<Option<String>, ConfigError> {
        let Some((value, _)) = self.given.get(key) else { return Ok(None) };
        plain(value).map(Some).ok_or_else(|| self.wrong(key, "takes text, or a list of texts"))
    }

    /// An address that secrets may be sent to, or come from.
    fn url(&self, key: &'static str) -> Result<Option<Url>, ConfigError> {
        let Some(text) = self.text(key)? else { return Ok(None) };
        let url = text.parse::<Url>().ok().filter(may_carry_secrets);
        let why = || self.wrong(key, &format!("{text:?} is not an https:// address (http:// only for this machine)"));
        url.map(Some).ok_or_else(why)
    }

    fn pairs(&self, key: &'static str) -> Result<Vec<(String, String)>, ConfigError> {
        let Some((value, _)) = self.given.get(key) else { return Ok(Vec::new()) };
        let why = || self.wrong(key, "takes a table of texts, such as { prompt = \"login\" }");
        let DeValue::Table(pairs) = value else { return Err(why()) };
        let pair = |(name, value): (&Spanned<_>, &Spanned<DeValue<'_>>)| {
            let name: &std::borrow::Cow<'_, str> = name.get_ref();
            Ok((name.to_string(), plain(value.get_ref()).ok_or_else(why)?))
        };
        pairs.iter().map(pair).collect()
    }

    fn needed<T>(&self, key: &str, value: Option<T>) -> Result<T, ConfigError> {
        value.ok_or_else(|| {
            let (line, name) = (self.line, self.name);
            ConfigError::new(format!("line {line} of the configuration file: [oauth.{name}] needs {key}"))
        })
    }

    fn wrong(&self, key: &str, why: &str) -> ConfigError {
        let line = self.given.get(key).map_or(self.line, |(_, line)| *line);
        ConfigError::new(format!("line {line} of the configuration file: {key} of [oauth.{}]: {why}", self.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<AuthorizationServers, String> {
        let around = crate::config::expand::Variables(|_: &str| None);
        super::super::file::read(text, &around).map(|read| read.servers).map_err(|error| error.to_string())
    }

    const EXAMPLE: &str = r#"
idle_timeout = "1s"
[oauth.example]
authorize_url = "https://login.example/authorize"
token_url = "https://login.example/token"
client_id = "mine"
scopes = ["a:b", "c"]
extra_params = { code = true }
token_format = "json"
"#;

    #[test]
    fn a_server_is_read_whole() {
        let servers = read(EXAMPLE).expect("valid");
        let server = servers.only().expect("one");
        assert_eq!((&*server.name, &*server.client_id, server.token_format), ("example", "mine", TokenFormat::Json));
        assert_eq!(server.scopes, ["a:b", "c"]);
        assert_eq!(server.extra_params, [("code".to_owned(), "true".to_owned())]);
        assert_eq!((server.redirect_uri.as_str(), server.redirects_here()), (HERE, true));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        for (from, to, told) in [
            (
                "client_id",
                "client_ids",
                "line 6 of the configuration file: there is no field client_ids; did you mean client_id?",
            ),
            ("client_id = \"mine\"\n", "", "line 3 of the configuration file: [oauth.example] needs client_id"),
            ("https://login.example/token", "http://login.example/token", "line 5"),
            ("\"json\"", "\"xml\"", "\"xml\" is not form or json"),
            ("{ code = true }", "\"code\"", "takes a table of texts"),
            ("[oauth.example]", "[oauth]", "a server is a table"),
        ] {
            let error = read(&EXAMPLE.replace(from, to)).expect_err(to);
            assert!(error.contains(told), "{error}");
        }
    }
}
