//! The admin token: who has it may do everything that an operator can do.

use std::{
    io::{self, Write},
    path::Path,
};

use ccflare_core::domain::Secret;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Knows the token without keeping it: it only compares.
#[derive(Clone)]
pub struct AdminToken {
    digest: [u8; 32],
}

impl AdminToken {
    /// The token that is this text.
    #[must_use]
    pub fn new(token: &Secret) -> Self {
        Self { digest: digest(token.expose()) }
    }

    /// The token in the file, or a new one written there (256 random bits, readable by its owner only).
    ///
    /// # Errors
    /// If the file can't be read or made.
    pub fn load_or_create(path: &Path) -> io::Result<Self> {
        match std::fs::read_to_string(path) {
            Ok(token) if token.trim().len() >= 16 => {
                refuse_shared(path)?;
                Ok(Self::new(&Secret::new(&token)))
            }
            Ok(_) => Err(io::Error::new(io::ErrorKind::InvalidData, "it has no token of 16 characters or more in it")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::create(path),
            Err(error) => Err(error),
        }
    }

    fn create(path: &Path) -> io::Result<Self> {
        let token: [u8; 32] = rand::random();
        let token: String = token.iter().map(|byte| format!("{byte:02x}")).collect();
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path)?;
        file.write_all(token.as_bytes())?;
        file.sync_all()?;
        Ok(Self::new(&Secret::new(&token)))
    }

    /// Whether this is the token; takes as long for a near miss as for a far one.
    #[must_use]
    pub fn matches(&self, candidate: &str) -> bool {
        digest(candidate).ct_eq(&self.digest).into()
    }
}

/// A token that others can read is nobody's in particular.
fn refuse_shared(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::MetadataExt::mode(&path.metadata()?) & 0o777;
        if mode & 0o077 != 0 {
            let why = format!("others can read it (its mode is {mode:04o}); run `chmod 600 {}`", path.display());
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
        }
    }
    Ok(())
}

impl std::fmt::Debug for AdminToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AdminToken")
    }
}

fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_made_once_and_only_its_owner_can_read_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("admin-token");
        let made = AdminToken::load_or_create(&path).expect("made");
        let text = std::fs::read_to_string(&path).expect("written");
        assert!(made.matches(&text) && !made.matches("") && !made.matches(&text[1..]));
        assert!(AdminToken::load_or_create(&path).expect("read").matches(&text));
        #[cfg(unix)]
        assert_eq!(std::os::unix::fs::MetadataExt::mode(&path.metadata().expect("there")) & 0o777, 0o600);
    }

    #[cfg(unix)]
    #[test]
    fn a_token_that_others_can_read_is_refused_with_the_remedy() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("admin-token");
        AdminToken::load_or_create(&path).expect("made");
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o640)).expect("changed");
        let error = AdminToken::load_or_create(&path).expect_err("shared").to_string();
        assert!(error.contains("0640") && error.contains("chmod 600"), "{error}");
    }

    #[test]
    fn an_empty_file_is_an_error_and_not_an_open_door() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("admin-token");
        std::fs::write(&path, "\n").expect("written");
        assert!(AdminToken::load_or_create(&path).is_err());
    }
}
