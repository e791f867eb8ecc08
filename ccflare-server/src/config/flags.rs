//! The command line's part, the same for `ccflare-server` and `ccflare serve`.

use std::path::PathBuf;

use super::{Config, ConfigError, Places, SETTINGS, Sources};

/// Flags that set what is set most often; everything else has a variable and a line in the file.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Flags {
    /// Address and port to listen on [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS:PORT", global = true)]
    pub listen: Option<String>,
    /// The port alone; the address stays
    #[arg(long, value_name = "PORT", global = true, conflicts_with = "listen")]
    pub port: Option<u16>,
    /// Where database and admin token are kept [default: ~/.local/share/ccflare]
    #[arg(long, value_name = "DIR", global = true)]
    pub data_dir: Option<PathBuf>,
    /// The configuration file [default: ~/.config/ccflare/ccflare.toml]
    #[arg(long, value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
}

impl Flags {
    /// What they set.
    pub(super) fn pairs(&self) -> Vec<(&'static str, String)> {
        let data_dir = self.data_dir.as_ref().map(|path| path.display().to_string());
        let given =
            [("listen", self.listen.clone()), ("port", self.port.map(|port| port.to_string())), ("data_dir", data_dir)];
        given.into_iter().filter_map(|(key, value)| Some((key, value?))).collect()
    }
}

impl Config {
    /// The settings of this process: its flags, its environment, its file. Reads the machine, so it is for binaries.
    ///
    /// # Errors
    /// As [`Config::resolve`]; and if a file that is named can't be read.
    pub fn of_process(flags: &Flags, places: &Places) -> Result<Self, ConfigError> {
        Sources::of_process(flags, places).read()
    }
}

/// The table of settings, for `--help`.
#[must_use]
pub fn help() -> String {
    let line = |setting: &super::Setting| {
        let default = setting.default().map_or_else(String::new, |default| format!("; {default}"));
        format!("  {:<22} {:<30} {}{default}", setting.key, setting.env[0], setting.about)
    };
    let lines: Vec<_> = SETTINGS.iter().map(line).collect();
    format!("Settings (in the configuration file, by variable; flags go first):\n{}", lines.join("\n"))
}
