//! Where settings are read from, so that they can be read again.

use std::{
    collections::HashMap,
    fmt, fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{Config, ConfigError, Flags, Places, expand::Surroundings};

/// How much a file may hold that a value is made from, in bytes.
const LONGEST: u64 = 64 * 1024;

/// A process's flags, its environment, and its file.
#[derive(Clone)]
pub struct Sources {
    flags: Vec<(&'static str, String)>,
    env: Arc<HashMap<String, String>>,
    file: PathBuf,
    is_named: bool,
    places: Places,
}

impl Sources {
    /// Those of this process. Reads the machine, so it is for binaries.
    #[must_use]
    pub fn of_process(flags: &Flags, places: &Places) -> Self {
        // Variables that are not text can't set anything.
        let env =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        Self::new(flags, env.collect(), places)
    }

    /// These flags and variables, on a machine with these places.
    #[must_use]
    pub fn new(flags: &Flags, env: HashMap<String, String>, places: &Places) -> Self {
        let variable = ["CCFLARE_CONFIG", "ccflare_CONFIG_PATH"].iter().find_map(|name| env.get(*name));
        let named = flags.config.clone().or_else(|| variable.map(Into::into));
        let is_named = named.is_some();
        let file = named.unwrap_or_else(|| places.config_file());
        Self { flags: flags.pairs(), env: Arc::new(env), file, is_named, places: places.clone() }
    }

    /// The configuration file, whether it is there or not.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// A variable of the environment.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.env.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The file's text; nothing, if it is not there and nobody has named it.
    ///
    /// # Errors
    /// If it can't be read.
    pub fn text(&self) -> Result<Option<String>, ConfigError> {
        match std::fs::read_to_string(&self.file) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !self.is_named => Ok(None),
            Err(error) => {
                let file = self.file.display();
                Err(ConfigError::new(format!("can't read the configuration file {file}: {error}")))
            }
        }
    }

    /// Reads everything anew.
    ///
    /// # Errors
    /// As [`Config::resolve`]; and if the file can't be read.
    pub fn read(&self) -> Result<Config, ConfigError> {
        self.with(self.text()?.as_deref())
    }

    /// The settings as they would be if the file had this text.
    ///
    /// # Errors
    /// As [`Config::resolve`].
    pub fn with(&self, text: Option<&str>) -> Result<Config, ConfigError> {
        let config = Config::resolve_in(self.flags.iter().cloned(), self, text, &self.places)?;
        Ok(Config { sources: Some(Arc::new(self.clone())), ..config })
    }
}

impl Surroundings for Sources {
    fn variable(&self, name: &str) -> Option<String> {
        self.variable(name).map(str::to_owned)
    }

    fn file(&self, path: &Path) -> io::Result<String> {
        let mut text = String::new();
        fs::File::open(path)?.take(LONGEST + 1).read_to_string(&mut text)?;
        if text.len() as u64 > LONGEST {
            return Err(io::Error::other(format!("it is longer than {LONGEST} bytes")));
        }
        Ok(text)
    }
}

impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sources").field("file", &self.file).finish_non_exhaustive()
    }
}
