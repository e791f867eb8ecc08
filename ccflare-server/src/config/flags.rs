//! The command line's part, the same for `ccflare-server` and `ccflare serve`.

use std::path::{Path, PathBuf};

use super::{Config, ConfigError, Places, SETTINGS};

/// Flags that set what is set most often; everything else has a variable and a line in the file.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Flags {
    /// Address and port to listen on [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS:PORT", global = true)]
    pub listen: Option<String>,
    /// Where database and admin token are kept [default: ~/.local/share/ccflare]
    #[arg(long, value_name = "DIR", global = true)]
    pub data_dir: Option<PathBuf>,
    /// The configuration file [default: ~/.config/ccflare/ccflare.toml]
    #[arg(long, value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
}

impl Config {
    /// The settings of this process: its flags, its environment, its file. Reads the machine, so it is for binaries.
    ///
    /// # Errors
    /// As [`Config::resolve`]; and if a file that is named can't be read.
    pub fn of_process(flags: &Flags, places: &Places) -> Result<Self, ConfigError> {
        let named = flags
            .config
            .clone()
            .or_else(|| env("CCFLARE_CONFIG").or_else(|| env("ccflare_CONFIG_PATH")).map(Into::into));
        let text = match named {
            Some(file) => Some(read(&file)?),
            None => std::fs::read_to_string(places.config_file()).ok(),
        };
        let data_dir = flags.data_dir.as_ref().map(|path| path.display().to_string());
        let given = [("listen", flags.listen.clone()), ("data_dir", data_dir)];
        let given = given.into_iter().filter_map(|(key, value)| Some((key, value?)));
        Self::resolve(given, env, text.as_deref(), places)
    }
}

fn env(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn read(file: &Path) -> Result<String, ConfigError> {
    std::fs::read_to_string(file)
        .map_err(|error| ConfigError::new(format!("can't read the configuration file {}: {error}", file.display())))
}

/// The table of settings, for `--help`.
#[must_use]
pub fn help() -> String {
    let line = |setting: &super::Setting| format!("  {:<20} {:<28} {}", setting.key, setting.env[0], setting.about);
    let lines: Vec<_> = SETTINGS.iter().map(line).collect();
    format!("Settings (in the configuration file, by variable; flags go first):\n{}", lines.join("\n"))
}
