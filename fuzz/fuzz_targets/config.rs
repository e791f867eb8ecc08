//! A configuration file is read or refused in words; nothing in it makes reading it fail otherwise.
#![no_main]

use ccflare_server::config::{Config, Places};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let places = Places { config_dir: "/config".into(), data_dir: "/data".into(), home: None };
    if let Err(error) = Config::resolve([], |_| None, Some(text), &places) {
        assert!(!error.to_string().is_empty());
    }
});
