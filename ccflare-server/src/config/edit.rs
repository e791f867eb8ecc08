//! Writes settings into somebody's file, and leaves the rest of it as they wrote it.

use std::{
    fs, io,
    io::Write,
    path::{Path, PathBuf},
};

use toml_edit::{Array, DocumentMut, Item, Value};

use super::{ConfigError, Kind, Setting, expand::literal};

/// The file's text with these settings changed; `None` takes one out.
///
/// # Errors
/// If the text is no TOML.
pub(super) fn apply(text: &str, changes: &[(&'static Setting, Option<&str>)]) -> Result<String, ConfigError> {
    let mut document: DocumentMut = text.parse().map_err(|error: toml_edit::TomlError| {
        let line = error.span().map_or(1, |span| super::file::line_of(text, span.start));
        ConfigError::new(format!("line {line} of the configuration file: {}", error.message()))
    })?;
    for (setting, wanted) in changes {
        match wanted {
            None => drop(document.remove(setting.key)),
            Some(wanted) => put(&mut document, setting, wanted),
        }
    }
    Ok(document.to_string())
}

/// A comment behind the old value stays behind the new one.
fn put(document: &mut DocumentMut, setting: &Setting, wanted: &str) {
    let mut value = as_toml(setting.kind, wanted);
    match document.get_mut(setting.key) {
        Some(Item::Value(old)) => {
            *value.decor_mut() = old.decor().clone();
            *old = value;
        }
        _ => drop(document.insert(setting.key, Item::Value(value))),
    }
}

/// Numbers as numbers and flags as flags, where the text is one; what it is not is found out when it is read. A name in it
/// stands for itself: whoever may change settings may not read files by it.
fn as_toml(kind: Kind, text: &str) -> Value {
    let text = &*literal(text);
    let number = || text.parse::<i64>().ok().map(Value::from);
    match kind {
        Kind::Flag => text.parse::<bool>().ok().map_or_else(|| text.into(), Value::from),
        Kind::Number(..) | Kind::Size => number().unwrap_or_else(|| text.into()),
        Kind::List => {
            let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
            Value::Array(parts.collect::<Array>())
        }
        _ => text.into(),
    }
}

/// Replaces a file in one step, keeping who may read it. A new one is its owner's alone.
///
/// # Errors
/// If its folder can't be written.
pub(super) fn write(file: &Path, text: &str) -> io::Result<()> {
    // Behind a link it is the linked file that is replaced.
    let file = fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    let folder = file.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let new = beside(&file);
    let done = fill(&new, &file, text).and_then(|()| fs::rename(&new, &file));
    if done.is_err() {
        let _ = fs::remove_file(&new);
    }
    done?;
    #[cfg(unix)]
    fs::File::open(folder)?.sync_all()?;
    Ok(())
}

fn beside(file: &Path) -> PathBuf {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    file.with_file_name(format!(".{name}.{}.new", std::process::id()))
}

fn fill(new: &Path, old: &Path, text: &str) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut written = options.open(new)?;
    written.write_all(text.as_bytes())?;
    if let Ok(old) = fs::metadata(old) {
        written.set_permissions(old.permissions())?;
    }
    written.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(text: &str, key: &str, value: Option<&str>) -> String {
        apply(text, &[(Setting::of(key).expect("known"), value)]).expect("TOML")
    }

    #[test]
    fn a_change_leaves_everything_else_as_it_was_written() {
        let text = "# mine\nidle_timeout  = '10s'   # short\n\n[oauth.a] # theirs\nclient_id = 'x'\n";
        assert_eq!(
            change(text, "idle_timeout", Some("20s")),
            "# mine\nidle_timeout  = \"20s\"   # short\n\n[oauth.a] # theirs\nclient_id = 'x'\n"
        );
        assert_eq!(
            change(text, "payload_days", Some("3")),
            "# mine\nidle_timeout  = '10s'   # short\npayload_days = 3\n\n[oauth.a] # theirs\nclient_id = 'x'\n"
        );
        assert!(!change(text, "idle_timeout", None).contains("idle_timeout"));
    }

    #[test]
    fn each_kind_is_written_as_people_write_it() {
        for (key, value, line) in [
            ("capture_payloads", "true", "capture_payloads = true\n"),
            ("body_limit", "1024", "body_limit = 1024\n"),
            ("body_limit", "1MiB", "body_limit = \"1MiB\"\n"),
            ("allowed_hosts", "a.example, b.example", "allowed_hosts = [\"a.example\", \"b.example\"]\n"),
            ("capture_payloads", "perhaps", "capture_payloads = \"perhaps\"\n"),
            ("log_dir", "/${file:/etc/passwd}", "log_dir = \"/$${file:/etc/passwd}\"\n"),
            ("allowed_hosts", "${HOME}", "allowed_hosts = [\"$${HOME}\"]\n"),
        ] {
            assert_eq!(change("", key, Some(value)), line);
        }
    }

    #[cfg(unix)]
    #[test]
    fn the_file_keeps_its_mode_and_its_link() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let folder = tempfile::tempdir().expect("a folder");
        let (file, link) = (folder.path().join("real.toml"), folder.path().join("link.toml"));
        fs::write(&file, "").expect("a file");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).expect("a mode");
        symlink(&file, &link).expect("a link");
        write(&link, "port = 1\n").expect("written");
        assert!(fs::symlink_metadata(&link).expect("there").is_symlink());
        assert_eq!(fs::read_to_string(&file).expect("there"), "port = 1\n");
        assert_eq!(fs::metadata(&file).expect("there").permissions().mode() & 0o777, 0o640);
        let new = folder.path().join("deep/new.toml");
        write(&new, "").expect("written");
        assert_eq!(fs::metadata(&new).expect("there").permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).expect("there").count(), 3, "nothing is left behind");
    }
}
