//! How long an answer asks to wait.

use std::time::Duration;

use http::{HeaderMap, header};

use crate::domain::Timestamp;

/// The wait that `retry-after-ms` (milliseconds) or else `retry-after` (seconds, whole or not, or an HTTP date) asks
/// for, as the SDKs read them (anthropic-wire §5). A wait that is not positive asks for nothing.
pub(super) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    text("retry-after-ms")
        .and_then(|text| seconds(text, 1e-3))
        .or_else(|| text(header::RETRY_AFTER.as_str()).and_then(|text| seconds(text, 1.0).or_else(|| until(text, now))))
        .filter(|wait| !wait.is_zero())
}

fn seconds(text: &str, unit: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(text.parse::<f64>().ok()? * unit).ok()
}

fn until(date: &str, now: Timestamp) -> Option<Duration> {
    let date = httpdate::parse_http_date(date).ok()?;
    Some(Timestamp::from(date).since(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-24T08:00:00Z.
    const NOW: Timestamp = Timestamp::from_seconds(1_795_507_200);

    #[test]
    fn the_wait_is_read_in_every_form_that_is_in_use() {
        for (header, value, millis) in [
            ("retry-after", "30", Some(30_000)),
            ("retry-after", "0.5", Some(500)),
            ("retry-after", " 13262 ", Some(13_262_000)),
            ("retry-after", "Tue, 24 Nov 2026 08:01:00 GMT", Some(60_000)),
            ("retry-after", "Tue, 24 Nov 2026 07:59:00 GMT", None),
            ("retry-after", "0", None),
            ("retry-after", "-1", None),
            ("retry-after", "NaN", None),
            ("retry-after", "inf", None),
            ("retry-after", "1e300", None),
            ("retry-after", "soon", None),
            ("retry-after", "", None),
            ("retry-after-ms", "250", Some(250)),
            ("retry-after-ms", "Tue, 24 Nov 2026 08:01:00 GMT", None),
        ] {
            let headers = HeaderMap::from_iter([(header.parse().expect("a name"), value.parse().expect("a value"))]);
            assert_eq!(retry_after(&headers, NOW), millis.map(Duration::from_millis), "{header}: {value}");
        }
    }

    #[test]
    fn milliseconds_go_before_seconds_if_they_can_be_read() {
        for (millis, expected) in [("1500", 1500), ("odd", 2000)] {
            let mut headers = HeaderMap::new();
            headers.insert("retry-after", "2".parse().expect("a value"));
            headers.insert("retry-after-ms", millis.parse().expect("a value"));
            assert_eq!(retry_after(&headers, NOW), Some(Duration::from_millis(expected)));
        }
    }
}
