//! Settings: flags go before the environment, that before the file, that before the defaults. Each value remembers where
//! it came from, so that an error can say which one is wrong.
//!
//! Nothing here reads the machine: a binary hands in its flags, its environment and the file's text.

use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use ccflare_core::{
    control::valid_base_url,
    domain::Secret,
    gateway::GatewayOptions,
    logs::LogBounds,
    oauth::AuthorizationServers,
    store::{MasterKey, SealKey},
};
use url::Url;

use crate::{logging, otlp::OtlpOptions, webhooks::Webhook};

mod agents;
mod capture;
mod edit;
mod expand;
mod file;
mod flags;
mod given;
mod live;
mod oauth;
mod otlp;
mod places;
mod retention;
mod schema;
mod sources;
mod table;
mod values;
mod watch;
mod webhooks;

use expand::{Surroundings, Variables};
pub use flags::{Flags, help};
pub use given::{Given, Origin};
pub use live::LiveConfig;
pub use places::Places;
pub use schema::{markdown, schema};
pub use sources::Sources;
pub use table::{Kind, SETTINGS, Setting, WITHOUT_EFFECT};
use values::Value;
pub use watch::Watch;

/// Everything that can be set.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen. 127.0.0.1:8080.
    pub listen: SocketAddr,
    /// Where database and admin token are kept.
    pub data_dir: PathBuf,
    /// The key that secrets are sealed with, or what makes it of a passphrase; outside the database.
    pub key_file: PathBuf,
    /// The key itself, if it is not to be kept in a file.
    pub master_key: Option<Secret>,
    /// The file of a passphrase that makes the key.
    pub passphrase_file: Option<PathBuf>,
    /// The admin token, if it is not to be kept in a file.
    pub admin_token: Option<Secret>,
    /// A token that opens `/metrics` and nothing else.
    pub metrics_token: Option<Secret>,
    /// The collector that traces and metrics go to.
    pub otlp: Option<OtlpOptions>,
    /// A listener of its own for the operator's routes; then they answer nowhere else.
    pub admin_listen: Option<SocketAddr>,
    /// Certificate and key for TLS, PEM files.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// Further hosts that the server answers for.
    pub allowed_hosts: Vec<String>,
    /// How long open requests may go on at the end. 30 s.
    pub drain_timeout: Duration,
    /// Which log lines: a level, or a filter such as `ccflare_core=debug,info`.
    pub log_level: String,
    /// How log lines look.
    pub log_format: LogFormat,
    /// Where log files are kept.
    pub log_dir: PathBuf,
    /// How much of the log is kept.
    pub log_bounds: LogBounds,
    /// What the line can be set to.
    pub gateway: GatewayOptions,
    /// Where accounts can log in: `[oauth.NAME]` in the file.
    pub servers: AuthorizationServers,
    /// Who is told what happens: `[[webhooks]]` in the file.
    pub webhooks: Vec<Webhook>,
    /// What somebody has given, before anything was made of it.
    pub given: Given,
    /// Where it can be read anew; nothing, if it was put together by hand.
    pub sources: Option<Arc<Sources>>,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Pretty,
    /// One JSON object a line.
    Json,
}

/// What is wrong with the settings; says where and what would be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(String);

impl ConfigError {
    fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl Config {
    /// Puts the settings together. `flags` are pairs of key and value, `file` is the configuration file's text, which may
    /// name variables but no files: for these read from [`Sources`].
    ///
    /// # Errors
    /// For a key that does not exist (with the nearest one that does) and for a value that makes no sense.
    pub fn resolve(
        flags: impl IntoIterator<Item = (&'static str, String)>,
        env: impl Fn(&str) -> Option<String>,
        file: Option<&str>,
        places: &Places,
    ) -> Result<Self, ConfigError> {
        Self::resolve_in(flags, &Variables(env), file, places)
    }

    fn resolve_in(
        flags: impl IntoIterator<Item = (&'static str, String)>,
        around: &dyn Surroundings,
        file: Option<&str>,
        places: &Places,
    ) -> Result<Self, ConfigError> {
        let file = file.map(|text| file::read(text, around)).transpose()?.unwrap_or_default();
        let file::Read { mut given, servers, webhooks } = file;
        for setting in SETTINGS {
            let set = setting.env.iter().find_map(|name| Some((around.variable(name)?, *name)));
            if let Some((value, name)) = set {
                given.insert(setting.key, in_file_form(setting, name, value), Origin::Environment(name));
            }
        }
        for (key, value) in flags {
            given.insert(key, value, Origin::Flag);
        }
        let config = Self::from_given(&given, places)?;
        Ok(Self { servers, webhooks, given, ..config })
    }

    fn from_given(given: &Given, places: &Places) -> Result<Self, ConfigError> {
        let mut gateway = GatewayOptions::default();
        set(given, "session_duration", &mut gateway.session_duration)?;
        set(given, "throttle_wait", &mut gateway.throttle_wait)?;
        set(given, "conversation_wait", &mut gateway.conversation_wait)?;
        set(given, "body_limit", &mut gateway.body_limit)?;
        set(given, "body_budget", &mut gateway.body_budget)?;
        set(given, "max_in_flight", &mut gateway.max_in_flight)?;
        if gateway.body_limit > gateway.body_budget {
            return Err(wrong(given, "body_limit", "body_budget, which all bodies share, is less than one may have"));
        }
        timeout(given, "connect_timeout", &mut gateway.connect_timeout)?;
        timeout(given, "first_byte_timeout", &mut gateway.first_byte_timeout)?;
        timeout(given, "idle_timeout", &mut gateway.idle_timeout)?;
        set(given, "allow_link_local", &mut gateway.allow_link_local)?;
        gateway.upstream_base_url = upstream_base_url(given)?;
        capture::set(given, &mut gateway)?;
        agents::set(given, &mut gateway, places)?;
        retention::set(given, &mut gateway.retention)?;
        set(given, "strategy", &mut gateway.strategy)?;
        let data_dir: Option<PathBuf> = get(given, "data_dir")?;
        let key_file = match (get(given, "key_file")?, &data_dir) {
            (Some(file), _) => file,
            // Someone who keeps everything in one place keeps the key there too; it is still a file of its own.
            (None, Some(data_dir)) => data_dir.join("master.key"),
            (None, None) => places.config_dir.join("master.key"),
        };
        let listen = listen(given)?;
        gateway.require_client_keys = require_client_keys(given, listen)?;
        let mut config = Self {
            listen,
            admin_listen: get(given, "admin_listen")?,
            tls: tls(given)?,
            data_dir: data_dir.unwrap_or_else(|| places.data_dir.clone()),
            key_file,
            master_key: master_key(given)?,
            passphrase_file: get(given, "passphrase_file")?,
            admin_token: get(given, "admin_token")?,
            metrics_token: get(given, "metrics_token")?,
            otlp: otlp::read(given)?,
            allowed_hosts: allowed_hosts(given)?,
            drain_timeout: Duration::from_secs(30),
            log_level: log_level(given)?,
            log_format: get(given, "log_format")?.unwrap_or_default(),
            log_dir: PathBuf::new(),
            log_bounds: log_bounds(given)?,
            gateway,
            servers: AuthorizationServers::default(),
            webhooks: Vec::new(),
            given: Given::default(),
            sources: None,
        };
        set(given, "drain_timeout", &mut config.drain_timeout)?;
        config.log_dir = get(given, "log_dir")?.unwrap_or_else(|| config.data_dir.join("logs"));
        if config.master_key.is_some() && config.passphrase_file.is_some() {
            return Err(wrong(given, "passphrase_file", "there is a master_key as well; take one of them away"));
        }
        Ok(config)
    }

    /// What is in effect for a setting, as it would be written; nothing, if it is not set.
    #[must_use]
    pub fn effective(&self, key: &str) -> Option<String> {
        match key {
            "listen" => Some(self.listen.to_string()),
            "port" => Some(self.listen.port().to_string()),
            "data_dir" => Some(self.data_dir.display().to_string()),
            "key_file" => Some(self.key_file.display().to_string()),
            "require_client_keys" => Some(self.gateway.require_client_keys.to_string()),
            _ => self.given.text(Setting::of(key)?).map(str::to_owned),
        }
    }

    /// The database's file.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.data_dir.join("ccflare.redb")
    }

    /// Where the key comes from that secrets are sealed with. Reads the passphrase, if there is one.
    ///
    /// # Errors
    /// If the passphrase can't be read.
    pub fn master(&self) -> Result<MasterKey, ConfigError> {
        if let Some(key) = &self.master_key {
            return Ok(MasterKey::Given(key.clone()));
        }
        let Some(file) = &self.passphrase_file else { return Ok(MasterKey::File(self.key_file.clone())) };
        let passphrase = std::fs::read_to_string(file)
            .map_err(|error| ConfigError::new(format!("can't read the passphrase in {}: {error}", file.display())))?;
        Ok(MasterKey::Passphrase { passphrase: Secret::new(&passphrase), salt: self.key_file.clone() })
    }

    /// The admin token's file.
    #[must_use]
    pub fn token_file(&self) -> PathBuf {
        self.data_dir.join("admin-token")
    }
}

fn listen(given: &Given) -> Result<SocketAddr, ConfigError> {
    let mut listen = get(given, "listen")?.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8080)));
    if let Some(port) = get::<u16>(given, "port")?
        && given.rank("port") > given.rank("listen")
    {
        listen.set_port(port);
    }
    Ok(listen)
}

/// Whoever reaches a server spends its accounts. On loopback that is whoever works on this machine; everywhere else it
/// would be anybody, so there it can't be switched off.
fn require_client_keys(given: &Given, listen: SocketAddr) -> Result<bool, ConfigError> {
    let is_public = !listen.ip().is_loopback();
    match get::<bool>(given, "require_client_keys")? {
        Some(false) if is_public => {
            let why =
                format!("whoever reaches {listen} would spend your accounts; leave it out, or listen on 127.0.0.1");
            Err(wrong(given, "require_client_keys", &why))
        }
        asked => Ok(asked.unwrap_or(is_public)),
    }
}

/// The address is checked as an account's own is: keys are sent there.
fn upstream_base_url(given: &Given) -> Result<Option<Url>, ConfigError> {
    let Some(text) = get::<String>(given, "upstream_base_url")? else { return Ok(None) };
    valid_base_url(&text).map(Some).map_err(|error| wrong(given, "upstream_base_url", &error.to_string()))
}

fn master_key(given: &Given) -> Result<Option<Secret>, ConfigError> {
    let Some(text) = get::<String>(given, "master_key")? else { return Ok(None) };
    SealKey::from_base64(&text).map_err(|error| wrong(given, "master_key", &error.to_string()))?;
    Ok(Some(Secret::new(&text)))
}

/// They are compared with what clients say without its port.
fn allowed_hosts(given: &Given) -> Result<Vec<String>, ConfigError> {
    let hosts: Vec<String> = get(given, "allowed_hosts")?.unwrap_or_default();
    let is_host = |host: &String| {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        bare.parse::<IpAddr>().is_ok() || !host.contains(|c: char| c.is_whitespace() || ":/*@?#[]".contains(c))
    };
    match hosts.iter().find(|host| !is_host(host)) {
        Some(host) => {
            let why = format!(
                "{host:?} is not a name or an address alone: leave out scheme, port and path, and name each host"
            );
            Err(wrong(given, "allowed_hosts", &why))
        }
        None => Ok(hosts),
    }
}

/// One that is over at once would break off everything.
fn timeout(given: &Given, key: &'static str, place: &mut Duration) -> Result<(), ConfigError> {
    set(given, key, place)?;
    if place.is_zero() { Err(wrong(given, key, "it must be more than 0")) } else { Ok(()) }
}

fn log_level(given: &Given) -> Result<String, ConfigError> {
    let level = get::<String>(given, "log_level")?.unwrap_or_else(|| "info".to_owned());
    logging::check_level(&level).map_err(|why| wrong(given, "log_level", &why))?;
    Ok(level)
}

fn log_bounds(given: &Given) -> Result<LogBounds, ConfigError> {
    let mut bounds = LogBounds::default();
    let size = |key| Ok(get::<usize>(given, key)?.map(|size| size as u64));
    bounds.file = size("log_file_size")?.unwrap_or(bounds.file);
    bounds.total = size("log_total_size")?.unwrap_or(bounds.total);
    if bounds.file == 0 || bounds.total < bounds.file {
        return Err(wrong(given, "log_total_size", "it must be log_file_size at least, and that more than 0"));
    }
    if let Some(days) = get::<u16>(given, "log_days")? {
        bounds.age = Duration::from_secs(u64::from(days) * 24 * 60 * 60);
    }
    Ok(bounds)
}

fn tls(given: &Given) -> Result<Option<(PathBuf, PathBuf)>, ConfigError> {
    match (get(given, "tls_cert")?, get(given, "tls_key")?) {
        (Some(certificate), Some(key)) => Ok(Some((certificate, key))),
        (None, None) => Ok(None),
        (Some(_), None) => Err(wrong(given, "tls_cert", "its key is missing: set tls_key too")),
        (None, Some(_)) => Err(wrong(given, "tls_key", "its certificate is missing: set tls_cert too")),
    }
}

/// A duration as settings are written: `250ms`, `90s`, `10m`, `5h`, `7d`.
///
/// # Errors
/// What it should look like.
pub fn duration(text: &str) -> Result<Duration, &'static str> {
    Value::parse(text)
}

fn set<T: Value>(given: &Given, key: &'static str, place: &mut T) -> Result<(), ConfigError> {
    if let Some(value) = get(given, key)? {
        *place = value;
    }
    Ok(())
}

fn get<T: Value>(given: &Given, key: &'static str) -> Result<Option<T>, ConfigError> {
    let Some((text, _)) = given.get(key) else { return Ok(None) };
    if let Some(Kind::Number(least, most)) = Setting::of(key).map(|setting| setting.kind)
        && !text.parse::<u32>().is_ok_and(|number| (least..=most).contains(&number))
    {
        return Err(wrong(given, key, &format!("{text:?} is not a number from {least} to {most}")));
    }
    T::parse(text).map(Some).map_err(|expected| {
        let secret = Setting::of(key).is_some_and(|setting| given.is_secret(setting));
        let shown = if secret { "that".to_owned() } else { format!("{text:?}") };
        wrong(given, key, &format!("{shown} is not {expected}"))
    })
}

/// A variable's value as the file would have it: `SESSION_DURATION_MS` has its unit in its name, and the original writes
/// levels in capitals.
fn in_file_form(setting: &Setting, name: &str, value: String) -> String {
    if name == "ccflare_DEBUG" {
        return if value == "1" { "debug" } else { "info" }.to_owned();
    }
    if name.ends_with("_MS") {
        return format!("{value}ms");
    }
    let is_choice = matches!(setting.kind, Kind::Choice(_));
    if is_choice || name == "LOG_LEVEL" { value.to_lowercase() } else { value }
}

fn wrong(given: &Given, key: &str, why: &str) -> ConfigError {
    match given.get(key) {
        Some((_, origin)) => ConfigError::new(format!("{key} (from {origin}): {why}")),
        None => ConfigError::new(format!("{key}: {why}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(flags: &[(&'static str, &str)], env: &[(&str, &str)], file: &str) -> Result<Config, String> {
        let flags = flags.iter().map(|(key, value)| (*key, (*value).to_owned()));
        let env = |name: &str| env.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        let places =
            Places { config_dir: "/home/me/.config/ccflare".into(), data_dir: "/home/me/data".into(), home: None };
        Config::resolve(flags, env, Some(file), &places).map_err(|error| error.to_string())
    }

    #[test]
    fn flags_go_before_the_environment_before_the_file_before_the_defaults() {
        let file = "idle_timeout = \"1s\"";
        let env = [("CCFLARE_IDLE_TIMEOUT", "2s")];
        let idle =
            |flags: &[_], env: &[_], file| resolve(flags, env, file).expect("valid").gateway.idle_timeout.as_secs();
        assert_eq!(idle(&[], &[], ""), 240);
        assert_eq!(idle(&[], &[], file), 1);
        assert_eq!(idle(&[], &env, file), 2);
        assert_eq!(idle(&[("idle_timeout", "3s")], &env, file), 3);
    }

    #[test]
    fn agents_are_where_clients_look_for_them_unless_somebody_says_otherwise() {
        let agents = |file: &str| {
            let home = Some("/home/me".into());
            let places = Places { config_dir: "/home/me/.config/ccflare".into(), data_dir: "/data".into(), home };
            Config::resolve([], |_| None, Some(file), &places).map(|config| config.gateway.agents)
        };
        let paths = |paths: &[&str]| paths.iter().map(PathBuf::from).collect::<Vec<_>>();
        let usual = agents("").expect("valid");
        assert_eq!(usual.directories, paths(&["/home/me/.claude/agents", "/home/me/.config/ccflare/agents"]));
        assert_eq!((usual.workspace_roots, usual.private), (paths(&["/home/me"]), paths(&["/home/me/.claude"])));
        let own = "agent_dirs = [\"/a\"]\nworkspace_roots = []\ndefault_agent_model = \"opus\"";
        let own = agents(own).expect("valid");
        assert_eq!((own.directories, own.workspace_roots), (paths(&["/a"]), paths(&[])));
        assert_eq!(own.default_model.as_deref(), Some("opus"));
        let models = resolve(&[], &[], "compatible_models = [\"a* b\"]").expect("valid").gateway.compatible_models;
        assert!(models.check("a-1", "b").is_ok() && models.check("b", "c").is_err());
        for wrong in ["compatible_models = [\"one\"]", "compatible_models = [\"a *\"]"] {
            assert!(resolve(&[], &[], wrong).is_err(), "{wrong}");
        }
        for wrong in ["agent_dirs = [\"~/agents\"]", "workspace_roots = [\"repo\"]", "default_agent_model = \"a b\""] {
            assert!(agents(wrong).is_err(), "{wrong}");
        }
        let nobody = resolve(&[], &[], "").expect("valid").gateway.agents;
        assert!(nobody.workspace_roots.is_empty());
    }

    #[test]
    fn the_originals_variables_are_honoured() {
        let env =
            [("PORT", "9999"), ("SESSION_DURATION_MS", "60000"), ("LB_STRATEGY", "session"), ("LOG_FORMAT", "json")];
        let config = resolve(&[], &env, "").expect("valid");
        assert_eq!(config.listen.to_string(), "127.0.0.1:9999");
        assert_eq!(config.gateway.session_duration, Duration::from_secs(60));
        assert_eq!(config.log_format, LogFormat::Json);
    }

    #[test]
    fn an_unknown_key_is_refused_with_its_line_and_the_nearest_one() {
        let error = resolve(&[], &[], "port = 1\n\nidel_timeout = \"5s\"\n").expect_err("unknown");
        assert_eq!(
            error,
            "line 3 of the configuration file: there is no setting idel_timeout; did you mean idle_timeout?"
        );
        let error = resolve(&[], &[], "qqq = 1").expect_err("unknown");
        assert!(error.contains("there is no setting qqq; there are listen, port,"), "{error}");
    }

    #[test]
    fn a_value_that_makes_no_sense_is_told_with_its_origin() {
        for (env, file, expected) in [
            (
                &[][..],
                "port = 99999",
                "port (from line 1 of the configuration file): \"99999\" is not a number from 0 to 65535",
            ),
            (
                &[("CCFLARE_IDLE_TIMEOUT", "5")],
                "",
                "idle_timeout (from the environment variable CCFLARE_IDLE_TIMEOUT): \"5\" is not a duration such as 250ms, 90s, 10m or 5h",
            ),
            (
                &[("LB_STRATEGY", "round_robin")],
                "",
                "strategy (from the environment variable LB_STRATEGY): \"round_robin\" is not session or conversation",
            ),
        ] {
            assert_eq!(resolve(&[], env, file).expect_err("no sense"), expected);
        }
        assert!(resolve(&[], &[], "port = = 1").expect_err("broken").contains("line 1"));
    }

    #[test]
    fn clients_need_keys_wherever_others_than_this_machine_can_reach_the_server() {
        let required = |listen: &str, asked: &str| {
            let file = if asked.is_empty() { String::new() } else { format!("require_client_keys = {asked}") };
            resolve(&[("listen", listen)], &[], &file).map(|config| config.gateway.require_client_keys)
        };
        for loopback in ["127.0.0.1:8080", "[::1]:0"] {
            assert_eq!(required(loopback, ""), Ok(false));
            assert_eq!(required(loopback, "true"), Ok(true));
        }
        for public in ["0.0.0.0:8080", "192.0.2.1:80", "[::]:8080"] {
            assert_eq!(required(public, ""), Ok(true));
            let error = required(public, "false").expect_err("an open door");
            assert!(error.contains("line 1 of the configuration file): whoever reaches"), "{error}");
        }
    }

    #[test]
    fn a_certificate_and_its_key_come_together() {
        let (certificate, key) = (("tls_cert", "/c.pem"), ("tls_key", "/k.pem"));
        let error = resolve(&[certificate], &[], "").expect_err("half");
        assert_eq!(error, "tls_cert (from the command line): its key is missing: set tls_key too");
        assert!(resolve(&[key], &[], "").is_err());
        assert_eq!(resolve(&[certificate, key], &[], "").expect("both").tls, Some(("/c.pem".into(), "/k.pem".into())));
    }

    #[test]
    fn the_key_lies_outside_the_data_unless_everything_is_kept_in_one_place() {
        assert_eq!(
            resolve(&[], &[], "").expect("valid").key_file,
            PathBuf::from("/home/me/.config/ccflare/master.key")
        );
        let one_place = resolve(&[("data_dir", "/srv")], &[], "").expect("valid");
        assert_eq!((one_place.key_file, one_place.data_dir), ("/srv/master.key".into(), "/srv".into()));
    }

    #[test]
    fn the_file_may_name_variables_and_says_so_in_errors() {
        let env = [("ROOM", "9"), ("WORD", "many")];
        let config = resolve(&[], &env, "payload_days = \"${ROOM}\"\n").expect("valid");
        assert_eq!(config.given.text(Setting::of("payload_days").expect("known")), Some("9"));
        let origin = config.given.get("payload_days").map(|(_, origin)| origin.to_string());
        assert_eq!(origin.as_deref(), Some("line 1 of the configuration file, made from ROOM"));
        let error = resolve(&[], &env, "\npayload_days = \"${WORD}\"").expect_err("no number");
        assert!(error.starts_with("payload_days (from line 2 of the configuration file, made from WORD): "), "{error}");
        let error = resolve(&[], &env, "\n\npayload_days = \"${NOTHING}\"").expect_err("unknown");
        assert!(error.starts_with("line 3 of the configuration file: the environment variable NOTHING"), "{error}");
        let error = resolve(&[], &[], "log_dir = \"${file:/etc/hostname}\"").expect_err("no files here");
        assert!(error.starts_with("line 1 of the configuration file: can't read /etc/hostname"), "{error}");
    }

    #[test]
    fn what_would_break_every_request_or_match_none_is_refused() {
        for (file, why) in [
            ("idle_timeout = \"0s\"", "idle_timeout (from line 1 of the configuration file): it must be more than 0"),
            ("log_days = 0", "\"0\" is not a number from 1 to 3650"),
            ("log_days = 9999", "\"9999\" is not a number from 1 to 3650"),
            ("payload_days = \"many\"", "\"many\" is not a number from 1 to 365"),
            ("body_limit = \"1GiB\"", "body_budget, which all bodies share, is less"),
            ("allowed_hosts = [\"box.example:8080\"]", "leave out scheme, port and path"),
            ("allowed_hosts = [\"a.example\", \"*.example\"]", "\"*.example\" is not a name"),
            ("upstream_base_url = \"https://u:p@h.example/\"", "neither user, password"),
            ("upstream_base_url = \"https://h.example/?a=b\"", "neither user, password"),
            ("master_key = \"abc\"", "it is not the base64 of 32 bytes"),
            ("log_level = \"wran\"", "\"wran\" is not error, warn, info, debug or trace"),
            ("log_level = \"info,loud\"", "\"loud\" is not error"),
            ("log_level = \"\"", "\"\" is not error"),
            ("log_level = \"ccflare_core=debug, info\"", "\" info\" is not error"),
        ] {
            let error = resolve(&[], &[], file).expect_err(file);
            assert!(error.contains(why), "{file}: {error}");
        }
        for file in [
            "allowed_hosts = [\"a.example\", \"::1\", \"[fd00::1]\", \"192.0.2.1\"]",
            "throttle_wait = \"0s\"",
            "body_limit = \"1GiB\"\nbody_budget = \"1GiB\"",
            "log_level = \"ccflare_core=debug,info\"",
            "log_level = \"off\"",
        ] {
            resolve(&[], &[], file).expect(file);
        }
    }

    #[test]
    fn a_secret_is_not_repeated_in_an_error() {
        let error = resolve(&[("admin_token", "short")], &[], "").expect_err("too short");
        assert!(!error.contains("short\""), "{error}");
    }
}
