//! Files: whether they are there, whose they are, and whether the key opens the database.

use std::path::Path;

use ccflare_core::store::{MasterKey, RedbStore, StoreError};
use ccflare_server::config::{Config, Sources};

use super::{Finding, Level};

pub(super) fn look(config: &Config, sources: &Sources) -> Vec<Finding> {
    let mut findings = Vec::new();
    let database = config.database();
    let folder = config.data_dir.display();
    let has_database = match database.try_exists() {
        Ok(has_database) => has_database,
        Err(error) => {
            let finding = Finding::problem("files", format!("{folder} can't be looked into: {error}"));
            return vec![finding.next("run this as the user who runs the server")];
        }
    };
    if !config.data_dir.exists() {
        findings.push(Finding::note("files", format!("{folder} is not there yet; the first start makes it")));
        return findings;
    }
    findings.extend(shared(&config.data_dir, 0o700, "others can look into the folder of the database"));
    findings.extend(shared(&database, 0o600, "others can read the database"));
    findings.extend(shared(&config.token_file(), 0o600, "others can read the admin token, and do everything with it"));
    findings.extend(shared(&config.key_file, 0o600, "others can read the key that secrets are sealed with"));
    let has_secrets = ["admin_token", "master_key"].iter().any(|key| config.given.get(key).is_some());
    if has_secrets {
        findings.extend(shared(
            sources.file(),
            0o600,
            "others can read the configuration file, and a secret stands in it",
        ));
    }
    if findings.is_empty() {
        findings.push(Finding::good("files", format!("what is in {folder} is its owner's alone")));
    }
    findings.push(if has_database {
        key(config)
    } else {
        Finding::note("store", "there is no database yet; the first start makes it")
    });
    findings
}

/// Anybody but the owner who may do anything with it.
#[cfg(unix)]
fn shared(path: &Path, mode: u32, what: &str) -> Option<Finding> {
    use std::os::unix::fs::PermissionsExt;
    let found = std::fs::metadata(path).ok()?.permissions().mode() & 0o777;
    (found & 0o077 & !mode != 0).then(|| {
        let path = path.display();
        // Names alone give little away.
        let level = if mode == 0o700 { Level::Warning } else { Level::Problem };
        Finding::new(level, "files", format!("{what}: {path} has mode {found:o}"))
            .next(format!("chmod {mode:o} '{path}'"))
    })
}

#[cfg(not(unix))]
fn shared(_: &Path, _: u32, _: &str) -> Option<Finding> {
    None
}

/// Opens the database as a server would. One that is open elsewhere has been opened with its key there.
fn key(config: &Config) -> Finding {
    let database = config.database();
    let master = match config.master() {
        Ok(master) => master,
        Err(error) => return Finding::problem("key", error.to_string()),
    };
    match RedbStore::open_with(&database, &master) {
        Ok(_) => Finding::good("store", format!("{} opens with its key", database.display())),
        Err(StoreError::Locked { .. }) => {
            Finding::good("store", format!("{} is open in another ccflare", database.display()))
        }
        // It is there, and its error says what is wrong with it.
        Err(error @ StoreError::UnusableKey { .. }) if config.key_file.exists() => {
            Finding::problem("key", error.to_string())
        }
        Err(error @ (StoreError::WrongKey { .. } | StoreError::UnusableKey { .. })) => {
            let file = match master {
                MasterKey::Given(_) => "master_key or CCFLARE_MASTER_KEY".to_owned(),
                MasterKey::File(file) | MasterKey::Passphrase { salt: file, .. } => file.display().to_string(),
            };
            let next = format!(
                "put the key back that this database was made with ({file}); without it what is sealed is lost"
            );
            Finding::problem("key", error.to_string()).next(next)
        }
        Err(error) => {
            let next = "restore a backup, or move the file away to begin anew (accounts have to be added again then)";
            Finding::problem("store", error.to_string()).next(next)
        }
    }
}

#[cfg(test)]
mod tests {
    use ccflare_server::config::{Flags, Places};

    use super::*;

    fn at(folder: &Path) -> (Config, Sources) {
        #[cfg(unix)]
        std::fs::set_permissions(folder, std::os::unix::fs::PermissionsExt::from_mode(0o700)).expect("a mode");
        let places = Places { config_dir: folder.into(), data_dir: folder.into(), home: None };
        let sources = Sources::new(&Flags::default(), Default::default(), &places);
        (sources.read().expect("valid"), sources)
    }

    #[test]
    fn a_database_without_its_key_is_a_problem_and_stays_as_it_is() {
        let folder = tempfile::tempdir().expect("a folder");
        let (config, sources) = at(folder.path());
        assert!(look(&config, &sources).iter().all(|finding| finding.level <= Level::Note));
        assert_eq!(std::fs::read_dir(folder.path()).expect("there").count(), 0, "looking makes no file");
        drop(RedbStore::open_with(&config.database(), &config.master().expect("a key")).expect("a new one"));
        assert!(look(&config, &sources).iter().all(|finding| finding.level == Level::Good));
        std::fs::remove_file(&config.key_file).expect("removed");
        let findings = look(&config, &sources);
        let problem = findings.iter().find(|finding| finding.level == Level::Problem).expect("a problem");
        assert!(problem.about == "key" && problem.next.is_some(), "{problem:?}");
        assert!(!config.key_file.exists(), "no new key hides that the old one is missing");
    }

    #[cfg(unix)]
    #[test]
    fn what_others_can_read_is_told_with_the_command_that_mends_it() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder");
        let (config, sources) = at(folder.path());
        std::fs::write(config.token_file(), "a token").expect("a file");
        std::fs::set_permissions(config.token_file(), std::fs::Permissions::from_mode(0o644)).expect("a mode");
        let findings = look(&config, &sources);
        let next = findings[0].next.clone().expect("what to do");
        assert_eq!(
            (findings[0].level, next),
            (Level::Problem, format!("chmod 600 '{}'", config.token_file().display()))
        );
    }
}
