//! Where things lie on this machine if nobody says otherwise.

use std::path::PathBuf;

/// The folders of one user, after the XDG rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// Configuration and key.
    pub config_dir: PathBuf,
    /// Database and admin token.
    pub data_dir: PathBuf,
    /// The user's home: agents are defined and work there. Without one, nowhere by themselves.
    pub home: Option<PathBuf>,
}

impl Places {
    /// This user's. Reads the environment: for binaries.
    ///
    /// # Errors
    /// If the user has no home.
    pub fn of_user() -> Result<Self, String> {
        use etcetera::BaseStrategy;
        let base = etcetera::choose_base_strategy().map_err(|error| format!("this user has no home: {error}"))?;
        Ok(Self {
            config_dir: base.config_dir().join("ccflare"),
            data_dir: base.data_dir().join("ccflare"),
            home: Some(base.home_dir().to_owned()),
        })
    }

    /// The configuration file that is read if no other is named.
    #[must_use]
    pub fn config_file(&self) -> PathBuf {
        self.config_dir.join("ccflare.toml")
    }
}
