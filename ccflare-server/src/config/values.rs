//! How values are written.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use ccflare_core::{balance::StrategyName, domain::Secret};
use url::Url;

use super::LogFormat;

/// Something a setting can be. What it is not is told as "is not …".
pub(super) trait Value: Sized {
    fn parse(text: &str) -> Result<Self, &'static str>;
}

impl Value for String {
    fn parse(text: &str) -> Result<Self, &'static str> {
        Ok(text.to_owned())
    }
}

impl Value for PathBuf {
    fn parse(text: &str) -> Result<Self, &'static str> {
        if text.is_empty() { Err("a path") } else { Ok(text.into()) }
    }
}

impl Value for bool {
    fn parse(text: &str) -> Result<Self, &'static str> {
        match text {
            "true" | "yes" | "1" => Ok(true),
            "false" | "no" | "0" => Ok(false),
            _ => Err("true or false"),
        }
    }
}

impl Value for u16 {
    fn parse(text: &str) -> Result<Self, &'static str> {
        text.parse().map_err(|_| "a number from 0 to 65535")
    }
}

impl Value for SocketAddr {
    fn parse(text: &str) -> Result<Self, &'static str> {
        text.parse().map_err(|_| "an address and port such as 127.0.0.1:8080")
    }
}

impl Value for Url {
    fn parse(text: &str) -> Result<Self, &'static str> {
        let url = text.parse::<Self>().ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        url.ok_or("a URL such as https://api.anthropic.com")
    }
}

impl Value for Secret {
    fn parse(text: &str) -> Result<Self, &'static str> {
        let secret = Self::new(text);
        if secret.expose().len() < 16 { Err("a token: it needs 16 characters at least") } else { Ok(secret) }
    }
}

impl Value for Vec<String> {
    fn parse(text: &str) -> Result<Self, &'static str> {
        Ok(text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect())
    }
}

impl Value for LogFormat {
    fn parse(text: &str) -> Result<Self, &'static str> {
        match text {
            "pretty" => Ok(Self::Pretty),
            "json" => Ok(Self::Json),
            _ => Err("pretty or json"),
        }
    }
}

impl Value for StrategyName {
    fn parse(text: &str) -> Result<Self, &'static str> {
        Self::ALL.into_iter().find(|name| name.as_str() == text).ok_or("session or conversation")
    }
}

/// A size in bytes, or a plain number.
impl Value for usize {
    fn parse(text: &str) -> Result<Self, &'static str> {
        const EXPECTED: &str = "a number, or a size such as 512KiB or 32MiB";
        let (number, unit) = split(text);
        let scale: Self = match unit {
            "" | "B" => 1,
            "KiB" | "K" => 1 << 10,
            "MiB" | "M" => 1 << 20,
            "GiB" | "G" => 1 << 30,
            _ => return Err(EXPECTED),
        };
        number
            .parse::<Self>()
            .ok()
            .and_then(|number| number.checked_mul(scale))
            .filter(|size| *size > 0)
            .ok_or(EXPECTED)
    }
}

impl Value for Duration {
    fn parse(text: &str) -> Result<Self, &'static str> {
        const EXPECTED: &str = "a duration such as 250ms, 90s, 10m or 5h";
        let (number, unit) = split(text);
        let millis: u64 = match unit {
            "ms" => 1,
            "s" => 1000,
            "m" | "min" => 60 * 1000,
            "h" => 60 * 60 * 1000,
            "d" => 24 * 60 * 60 * 1000,
            _ => return Err(EXPECTED),
        };
        let total = number.parse::<u64>().ok().and_then(|number| number.checked_mul(millis));
        total.map(Self::from_millis).ok_or(EXPECTED)
    }
}

fn split(text: &str) -> (&str, &str) {
    let text = text.trim();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    (&text[..digits], text[digits..].trim_start())
}
